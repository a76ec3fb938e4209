//! The longest body that is read: the verifier's limit, or axum's where somebody has set a lower
//! one.

use http::request::Parts;
use http_body::SizeHint;

use crate::verify::error::{ErrorKind, VerifyError};

/// The limit if none is set, in bytes: 2 MiB, as axum's own.
pub(crate) const DEFAULT_BODY_LIMIT: usize = 2 * 1024 * 1024;

/// Step 3. Holds what is announced, and later what has arrived, against the limit.
#[inline]
pub(crate) fn check_length(len: usize, limit: usize) -> Result<(), VerifyError> {
    if len > limit { Err(VerifyError::new(ErrorKind::BodyTooLarge)) } else { Ok(()) }
}

/// Returns the limit for this request, in bytes. Where nobody has set one for axum, a limit over
/// its default holds for its extractors, too.
pub(crate) fn lower_of(ours: usize, head: &mut Parts, body: &SizeHint) -> usize {
    #[cfg(feature = "axum")]
    if body.exact() != Some(0) {
        return axums::set_limit(ours, head).map_or(ours, |theirs| theirs.min(ours));
    }
    let _ = (head, body);
    ours
}

#[cfg(feature = "axum")]
mod axums {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use axum::RequestExt as _;
    use axum::body::Body;
    use axum::extract::{DefaultBodyLimit, Request};
    use bytes::Bytes;
    use http::request::Parts;
    use http_body::{Body as _, Frame};

    use super::DEFAULT_BODY_LIMIT;

    /// A body that may have any length.
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

    /// Returns the `DefaultBodyLimit` that somebody has set for this route, if any. axum keeps it in
    /// the extensions under a private type, but applies it to any request.
    pub(crate) fn set_limit(ours: usize, head: &mut Parts) -> Option<usize> {
        let mut probe = Request::new(Body::new(OfAnyLength));
        std::mem::swap(probe.extensions_mut(), &mut head.extensions);
        probe = probe.with_limited_body();
        // Without an upper bound it is disabled.
        let limit = probe.body().size_hint().upper();
        let mut limit = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        if limit == Some(DEFAULT_BODY_LIMIT) && ours > DEFAULT_BODY_LIMIT {
            // Set to just that, or not at all? An extension that was there is replaced.
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
