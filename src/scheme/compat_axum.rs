//! axum's data in a request's extensions.

use http::Uri;
use http::request::Parts;

/// Changes the target. If a router has shortened the target, also changes the original one.
pub(super) fn change_target(head: &mut Parts, change: impl Fn(&mut Uri)) {
    change(&mut head.uri);
    #[cfg(feature = "axum")]
    if let Some(original) = head.extensions.get_mut::<axum::extract::OriginalUri>() {
        change(&mut original.0);
    }
}
