//! What axum stores in a request's extensions.

use http::Uri;
use http::request::Parts;

/// Changes the target. If a router has cut it, also changes the target as first received.
pub(super) fn change_target(head: &mut Parts, change: impl Fn(&mut Uri)) {
    change(&mut head.uri);
    #[cfg(feature = "axum")]
    if let Some(original) = head.extensions.get_mut::<axum::extract::OriginalUri>() {
        change(&mut original.0);
    }
}
