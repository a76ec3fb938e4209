//! Reads a body frame by frame, and keeps track of its progress.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf as _;
use http_body::Body;

use crate::error::BoxError;
use crate::verify::{BodyBuffer, VerifyError};

/// The number of bytes that may be read without a pause before other tasks get their turn.
const BYTES_A_POLL: usize = 256 * 1024;
/// The minimum number of bytes that a frame counts for: frames without data are work, too.
pub(crate) const BYTES_A_FRAME: usize = 256;

/// The reading progress of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BodyProgress {
    /// The first byte of the body has not been requested yet.
    #[default]
    NotBegun,
    Begun,
    Ended,
    /// The body failed, and must not be polled again.
    Broken,
}

impl BodyProgress {
    /// Buffers the rest of a body, up to its limit, and passes each part of it to `see`.
    pub(super) fn poll_into<B>(
        &mut self,
        cx: &mut Context<'_>,
        body: Pin<&mut B>,
        buffer: &mut BodyBuffer,
        mut see: impl FnMut(&[u8]) -> Result<(), VerifyError>,
    ) -> Poll<Result<(), VerifyError>>
    where
        B: Body<Error: Into<BoxError>>,
    {
        ready!(self.poll_frames(cx, body, |mut data| {
            let len = data.remaining();
            buffer.check_more(len)?;
            let data = data.copy_to_bytes(len);
            see(&data)?;
            buffer.push(data);
            Ok(())
        }))?;
        Poll::Ready(buffer.finish())
    }

    /// Passes the data of each frame to `take` until the body ends or `take` fails.
    pub(crate) fn poll_frames<B>(
        &mut self,
        cx: &mut Context<'_>,
        mut body: Pin<&mut B>,
        mut take: impl FnMut(B::Data) -> Result<(), VerifyError>,
    ) -> Poll<Result<(), VerifyError>>
    where
        B: Body<Error: Into<BoxError>>,
    {
        let mut budget = BYTES_A_POLL;
        while matches!(self, Self::NotBegun | Self::Begun) {
            if body.is_end_stream() {
                *self = Self::Ended;
                break;
            }
            // The first poll makes a server send `100 Continue`.
            *self = Self::Begun;
            let frame = match ready!(body.as_mut().poll_frame(cx)) {
                None => {
                    *self = Self::Ended;
                    break;
                }
                Some(Err(error)) => {
                    *self = Self::Broken;
                    return Poll::Ready(Err(BodyBuffer::broken(error.into())));
                }
                Some(Ok(frame)) => frame,
            };
            // Frames without data are trailers, which no scheme covers.
            let mut len = 0;
            if let Ok(data) = frame.into_data() {
                len = data.remaining();
                take(data)?;
            }
            budget = budget.saturating_sub(len.max(BYTES_A_FRAME));
            if budget == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        Poll::Ready(Ok(()))
    }
}
