//! axum's data in a request's extensions: the original target, if a router has shortened it, and
//! the body limit of the route. Neither exists without feature `axum`.

use std::borrow::Cow;

use http::request::Parts;
use http_body::SizeHint;

/// The target as shortened by a router, kept while the head has the original one.
#[derive(Default)]
pub(crate) struct OriginalTarget {
    // Boxed: few requests have a shortened target, and all would carry its size.
    #[cfg(feature = "axum")]
    uri: Option<Box<http::Uri>>,
}

#[cfg_attr(not(feature = "axum"), allow(clippy::unused_self))]
impl OriginalTarget {
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

/// Returns a head with its original target. Use it to verify without a layer, in a router that has
/// shortened the target.
pub(crate) fn as_received(head: &Parts) -> Cow<'_, Parts> {
    #[cfg(feature = "axum")]
    if let Some(original) = original_uri(head) {
        let mut received = head.clone();
        received.uri = original.clone();
        return Cow::Owned(received);
    }
    Cow::Borrowed(head)
}

/// Returns the original target, if a router has shortened it.
#[cfg(feature = "axum")]
fn original_uri(head: &Parts) -> Option<&http::Uri> {
    let original = &head.extensions.get::<axum::extract::OriginalUri>()?.0;
    (!is_clone(original, &head.uri) && *original != head.uri).then_some(original)
}

/// Returns whether both targets share the memory of their path and query, so that comparing the
/// bytes is unnecessary.
#[cfg(feature = "axum")]
fn is_clone(one: &http::Uri, other: &http::Uri) -> bool {
    let in_origin_form = |uri: &http::Uri| uri.scheme().is_none() && uri.authority().is_none();
    let text = |uri: &http::Uri| uri.path_and_query().map(|text| std::ptr::from_ref(text.as_str()));
    in_origin_form(one) && in_origin_form(other) && text(one) == text(other)
}

/// Returns the limit for this request, in bytes: the verifier's, or a lower one set for axum. If
/// axum has none, a limit above its default is also applied to axum's extractors.
pub(super) fn lower_limit(ours: usize, head: &mut Parts, body: &SizeHint) -> usize {
    #[cfg(feature = "axum")]
    if body.exact() != Some(0) {
        return body_limit::set_limit(ours, head).map_or(ours, |theirs| theirs.min(ours));
    }
    let _ = (head, body);
    ours
}

#[cfg(feature = "axum")]
mod body_limit {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use axum::RequestExt as _;
    use axum::body::Body;
    use axum::extract::{DefaultBodyLimit, Request};
    use bytes::Bytes;
    use http::request::Parts;
    use http_body::{Body as _, Frame};

    /// The default limit of axum's extractors, in bytes.
    const DEFAULT_BODY_LIMIT: usize = 2 * 1024 * 1024;

    /// A body of unknown length.
    struct OfAnyLength;

    impl http_body::Body for OfAnyLength {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(None)
        }
    }

    /// Returns the `DefaultBodyLimit` set for this route, if any. axum keeps it in the extensions
    /// under a private type, but applies it to any request.
    pub(crate) fn set_limit(ours: usize, head: &mut Parts) -> Option<usize> {
        let mut probe = Request::new(Body::new(OfAnyLength));
        std::mem::swap(probe.extensions_mut(), &mut head.extensions);
        let mut probe = probe.with_limited_body();
        // Without an upper bound, the limit is disabled.
        let limit = probe.body().size_hint().upper();
        let mut limit = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        if limit == Some(DEFAULT_BODY_LIMIT) && ours > DEFAULT_BODY_LIMIT {
            // The limit may be set to exactly the default, or not set. If it is set, this replaces
            // the existing extension, and the number of extensions stays the same.
            let before = probe.extensions().len();
            DefaultBodyLimit::max(ours).apply(&mut probe);
            if probe.extensions().len() == before {
                DefaultBodyLimit::max(DEFAULT_BODY_LIMIT).apply(&mut probe);
            } else {
                limit = None;
            }
        }
        std::mem::swap(probe.extensions_mut(), &mut head.extensions);
        limit
    }
}
