//! The body of requests to the inner service.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::error::BoxError;

pin_project! {
    /// The body of requests to the inner service: the verified bytes, or, inside an optional layer,
    /// the unchanged body of an unsigned request.
    ///
    /// See the example `without_axum` for a service that takes it.
    #[project = BodyProjection]
    pub struct VerifiedBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<B> {
        Whole { bytes: Bytes },
        Untouched { #[pin] body: B },
    }
}

impl<B> VerifiedBody<B> {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self { kind: Kind::Whole { bytes } }
    }

    pub(crate) fn untouched(body: B) -> Self {
        Self { kind: Kind::Untouched { body } }
    }
}

impl<B> Body for VerifiedBody<B>
where
    B: Body<Error: Into<BoxError>>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.project().kind.project() {
            KindProjection::Whole { bytes } => Poll::Ready(if bytes.is_empty() {
                None
            } else {
                Some(Ok(Frame::data(std::mem::take(bytes))))
            }),
            KindProjection::Untouched { body } => {
                Poll::Ready(ready!(body.poll_frame(cx)).map(|frame| {
                    let frame = frame.map_err(Into::into)?;
                    Ok(frame.map_data(|mut data| data.copy_to_bytes(data.remaining())))
                }))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Whole { bytes } => bytes.is_empty(),
            Kind::Untouched { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Whole { bytes } => SizeHint::with_exact(bytes.len() as u64),
            Kind::Untouched { body } => body.size_hint(),
        }
    }
}

impl<B> fmt::Debug for VerifiedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Whole { .. } => "VerifiedBody::Whole(..)",
            Kind::Untouched { .. } => "VerifiedBody::Untouched(..)",
        })
    }
}
