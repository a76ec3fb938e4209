//! A request whose body is still arriving: being verified, or rejected and drained. The futures of
//! both the layer and the extractor use it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use http_body::{Body, SizeHint};

use crate::error::BoxError;
use crate::layer::config::LayerConfig;
use crate::layer::drain::Drain;
use crate::layer::rejection::{Answer, Rejection};
use crate::layer::streaming::Streaming;
use crate::verify::{AllowFn, Verified, VerifyError};

/// A request that is being received. `N` is the next step for an accepted request.
pub(crate) enum Receiving<N, ResBody> {
    Verifying {
        /// The state of a request that has to wait. Most requests are verified by the first poll,
        /// on the stack.
        waiting: Option<Box<Streaming>>,
        allows: AllowFn,
        /// The head and the next step, taken when the request is accepted.
        request: Option<(Parts, N)>,
    },
    Rejected(Answer<ResBody>),
}

/// The result of the verification.
pub(crate) struct Accepted {
    pub(crate) body: Bytes,
    /// `None` inside an optional layer, if a signature could have been in the body but was not.
    pub(crate) verified: Option<Verified>,
}

impl<N, ResBody> Receiving<N, ResBody> {
    pub(crate) fn new(head: Parts, allows: AllowFn, next: N) -> Self {
        Self::Verifying { waiting: None, allows, request: Some((head, next)) }
    }

    /// Verifies the head in an optional layer, before the body is polled. Returns the request if it
    /// is unsigned.
    pub(crate) fn begin<R>(
        &mut self,
        config: &LayerConfig<R>,
        body: &SizeHint,
    ) -> Option<(Parts, N)>
    where
        R: Rejection<ResBody> + ?Sized,
    {
        let Self::Verifying { waiting, allows, request } = self else { return None };
        let (head, _) = request.as_mut()?;
        let streaming = waiting.insert(Box::new(Streaming::new(*allows)));
        let error = streaming.begin(&config.verifier, head, body).err()?;
        if config.verifier.lets_through(&error) {
            return request.take();
        }
        config.verifier.cover_up(head);
        *self = Self::Rejected(reject(config, error, head, streaming, body));
        None
    }

    /// Takes the head and the next step of an accepted request. They are not part of [`Accepted`],
    /// because a head is slow to move.
    pub(crate) fn take_request(&mut self) -> Option<(Parts, N)> {
        match self {
            Self::Verifying { request, .. } => request.take(),
            Self::Rejected(_) => None,
        }
    }

    /// Drops the head and the next step of an accepted request, without moving them. Every later
    /// poll is pending.
    #[cfg(feature = "axum")]
    pub(crate) fn drop_request(&mut self) {
        if let Self::Verifying { request, .. } = self {
            *request = None;
        }
    }

    /// Resolves to the body and the caller of an accepted request, or to the response of a
    /// rejection. Take or drop the request then: the next poll would verify it again, without its
    /// body.
    pub(crate) fn poll<R, B>(
        &mut self,
        cx: &mut Context<'_>,
        config: &LayerConfig<R>,
        mut body: Pin<&mut B>,
    ) -> Poll<Result<Accepted, Response<ResBody>>>
    where
        R: Rejection<ResBody> + ?Sized,
        B: Body<Error: Into<BoxError>>,
    {
        loop {
            match self {
                Self::Verifying { waiting, allows, request } => {
                    // The state is empty if polled after completion.
                    let Some((head, _)) = request else { return Poll::Pending };
                    let verifier = &config.verifier;
                    let mut first;
                    let (outcome, streaming) = if let Some(waiting) = waiting {
                        (waiting.poll(cx, verifier, head, body.as_mut()), &mut **waiting)
                    } else {
                        first = Streaming::new(*allows);
                        let outcome = first.poll(cx, verifier, head, body.as_mut());
                        if outcome.is_pending() {
                            *waiting = Some(Box::new(first));
                            return Poll::Pending;
                        }
                        (outcome, &mut first)
                    };
                    let error = match ready!(outcome) {
                        Err(error) if !verifier.lets_through(&error) => error,
                        outcome => {
                            let (body, verified) = (streaming.take_body(), outcome.ok());
                            return Poll::Ready(Ok(Accepted { body, verified }));
                        }
                    };
                    // Release the buffered part of the body before reading the rest.
                    *self =
                        Self::Rejected(reject(config, error, head, streaming, &body.size_hint()));
                }
                Self::Rejected(answer) => return answer.poll(cx, body).map(Err),
            }
        }
    }
}

fn reject<R, B>(
    config: &LayerConfig<R>,
    error: VerifyError,
    head: &Parts,
    streaming: &Streaming,
    rest: &SizeHint,
) -> Answer<B>
where
    R: Rejection<B> + ?Sized,
{
    let drain = Drain::new(config.drain_limit, head, rest, streaming.progress(), &error);
    config.answer(error, head, drain)
}
