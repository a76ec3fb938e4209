//! What axum keeps of a request in its extensions.

use http::Uri;
use http::request::Parts;

/// Changes the target, and the target as first received, where a router has cut it.
pub(super) fn change_target(head: &mut Parts, change: impl Fn(&mut Uri)) {
    change(&mut head.uri);
    #[cfg(feature = "axum")]
    if let Some(original) = head.extensions.get_mut::<axum::extract::OriginalUri>() {
        change(&mut original.0);
    }
}
