//! Drains a rejected request's body, so that an HTTP/1.x connection can carry the response and the
//! next request.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf as _;
use http::header::{CONNECTION, EXPECT};
use http::request::Parts;
use http::{HeaderValue, Response, Version};
use http_body::{Body, SizeHint};

use crate::error::BoxError;
use crate::layer::body_progress::{BYTES_A_FRAME, BodyProgress};
use crate::verify::{ErrorKind, Step, VerifyError, content_length};

/// The default drain limit, in bytes.
pub(super) const DEFAULT_DRAIN_LIMIT: usize = 16 * 1024 * 1024;

/// The treatment of the rest of a body before its request is answered.
///
/// A client that is still sending does not see a response if the server closes the connection with
/// unread bytes, because the system then resets it. RFC 9112 section 9.6 has the details.
#[derive(Debug)]
pub(crate) enum Drain {
    /// The body is complete, or the connection does not depend on the rest.
    Done,
    /// Reads up to `left` more bytes.
    Read { progress: BodyProgress, left: usize },
    /// The rest stays unread. The server closes the connection, and the response says so.
    Close,
}

impl Drain {
    /// Decides what to do with the rest of a body after `error`, given the reading progress.
    pub(super) fn new(
        limit: usize,
        head: &Parts,
        rest: &SizeHint,
        (progress, read): (BodyProgress, usize),
        error: &VerifyError,
    ) -> Self {
        let is_over = match progress {
            BodyProgress::Ended => true,
            // An outer limit stops the body. Any other error ends the connection itself.
            BodyProgress::Broken => error.kind() != ErrorKind::BodyTooLarge,
            BodyProgress::NotBegun | BodyProgress::Begun => rest.exact() == Some(0),
        };
        if is_over || head.version > Version::HTTP_11 {
            return Self::Done;
        }
        let announced = content_length(head).unwrap_or_default().saturating_sub(read);
        let left = announced.max(usize::try_from(rest.lower()).unwrap_or(usize::MAX));
        let waits = progress == BodyProgress::NotBegun && expects_continue(head);
        if progress == BodyProgress::Broken || waits || limit == 0 || left > limit {
            return Self::Close;
        }
        Self::Read { progress, left: limit }
    }

    /// Handles a body that is out of reach: closes the connection unless the head shows that there
    /// is no body.
    #[cfg(feature = "axum")]
    pub(crate) fn unreachable(head: &Parts) -> Self {
        let has_body = content_length(head).is_some_and(|length| length > 0)
            || head.headers.contains_key(http::header::TRANSFER_ENCODING);
        if has_body && head.version <= Version::HTTP_11 { Self::Close } else { Self::Done }
    }

    /// Reads the rest, up to the limit. A frame counts for at least 256 bytes, so that a body in
    /// frames of one byte is not cheaper to send than to read.
    pub(super) fn poll<B>(&mut self, cx: &mut Context<'_>, body: Pin<&mut B>) -> Poll<()>
    where
        B: Body<Error: Into<BoxError>>,
    {
        if let Self::Read { progress, left } = self {
            let drained = ready!(progress.poll_frames(cx, body, |data| {
                let rest = left.checked_sub(data.remaining().max(BYTES_A_FRAME));
                *left = rest.ok_or(VerifyError::new(Step::Length, ErrorKind::BodyTooLarge))?;
                Ok(())
            }));
            *self = match drained {
                Err(error) if error.kind() == ErrorKind::BodyTooLarge => Self::Close,
                // A disconnected client gets no response anyway.
                Ok(()) | Err(_) => Self::Done,
            };
        }
        Poll::Ready(())
    }

    /// Marks the response if it is the last one on the connection.
    pub(super) fn mark<B>(&self, response: &mut Response<B>) {
        if matches!(self, Self::Close) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// Returns whether the client waits for `100 Continue` before it sends the body (RFC 9110 section
/// 10.1.1).
fn expects_continue(head: &Parts) -> bool {
    let mut values = head.headers.get_all(EXPECT).iter();
    values.any(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}
