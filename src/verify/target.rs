//! The target of a request as first received, where a router has cut it.

use std::borrow::Cow;

use http::request::Parts;

/// A request's target as a router has left it, while the head has it as first received.
#[derive(Default)]
pub(crate) struct Routed {
    // A box: few requests are under a router that cuts, and all carry its room.
    #[cfg(feature = "axum")]
    uri: Option<Box<http::Uri>>,
}

#[cfg_attr(not(feature = "axum"), allow(clippy::unused_self))]
impl Routed {
    pub(crate) fn swap(&mut self, head: &mut Parts) {
        #[cfg(feature = "axum")]
        if let Some(original) = original_uri(head).cloned() {
            self.uri = Some(Box::new(std::mem::replace(&mut head.uri, original)));
        }
        #[cfg(not(feature = "axum"))]
        let _ = head;
    }

    pub(crate) fn restore(&mut self, head: &mut Parts) {
        #[cfg(feature = "axum")]
        if let Some(uri) = self.uri.take() {
            head.uri = *uri;
        }
        #[cfg(not(feature = "axum"))]
        let _ = head;
    }
}

/// A head with its target as first received, for those who verify by hand under a router that
/// has cut it.
pub(crate) fn as_received(head: &Parts) -> Cow<'_, Parts> {
    #[cfg(feature = "axum")]
    if let Some(original) = original_uri(head) {
        let mut received = head.clone();
        received.uri = original.clone();
        return Cow::Owned(received);
    }
    Cow::Borrowed(head)
}

/// The target as first received, where a router has cut it.
#[cfg(feature = "axum")]
fn original_uri(head: &Parts) -> Option<&http::Uri> {
    let original = &head.extensions.get::<axum::extract::OriginalUri>()?.0;
    (!is_clone(original, &head.uri) && *original != head.uri).then_some(original)
}

/// Whether the two share the memory of their path and query, so that there is no need to read it.
#[cfg(feature = "axum")]
fn is_clone(one: &http::Uri, other: &http::Uri) -> bool {
    let in_origin_form = |uri: &http::Uri| uri.scheme().is_none() && uri.authority().is_none();
    let query = |uri: &http::Uri| uri.query().map(std::ptr::from_ref);
    in_origin_form(one)
        && in_origin_form(other)
        && std::ptr::eq(one.path(), other.path())
        && query(one) == query(other)
}
