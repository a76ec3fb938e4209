//! A request whose body is still on its way: under check, or rejected and drained. The layer's
//! future and the extractor's are both made of it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use http_body::{Body, SizeHint};

use crate::error::BoxError;
use crate::layer::drain::Drain;
use crate::layer::rejection::Answer;
use crate::layer::rejection::Rejection;
use crate::layer::verify_layer::Gate;
use crate::verify::Verified;
use crate::verify::VerifyError;
use crate::verify::{AllowFn, Checking};

/// `N` is what comes next for a request that is accepted.
// Boxing the check would cost each request an allocation.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Receiving<N, ResBody> {
    Checking { checking: Checking, head: Option<Parts>, next: Option<N> },
    Rejected(Answer<ResBody>),
}

/// What has been verified, and what comes next.
pub(crate) struct Accepted<N> {
    pub(crate) head: Parts,
    pub(crate) body: Bytes,
    /// `None` behind an optional layer, if a signature could have stood in the body and does not.
    pub(crate) verified: Option<Verified>,
    pub(crate) next: N,
}

impl<N, ResBody> Receiving<N, ResBody> {
    pub(crate) fn new(head: Parts, list: AllowFn, next: N) -> Self {
        let checking = Checking::new(list);
        Self::Checking { checking, head: Some(head), next: Some(next) }
    }

    /// Checks the head, where it stands: what is large is slow to move.
    ///
    /// # Errors
    ///
    /// [`VerifyError`] of the claim. The head is as it came, but for step 0.
    pub(crate) fn begin<R: ?Sized>(
        &mut self,
        gate: &Gate<R>,
        body: &SizeHint,
    ) -> Result<(), VerifyError> {
        match self {
            Self::Checking { checking, head: Some(head), .. } => {
                checking.begin(&gate.verifier, head, body)
            }
            _ => Ok(()),
        }
    }

    /// Rejects what [`begin`](Self::begin) has found wrong.
    pub(crate) fn reject<R>(&mut self, gate: &Gate<R>, error: VerifyError, body: &SizeHint)
    where
        R: Rejection<ResBody> + ?Sized,
    {
        if let Self::Checking { checking, head: Some(head), .. } = self {
            gate.verifier.cover_up(head);
            let drain = Drain::new(gate.drain_limit, head, body, checking.reading(), &error);
            *self = Self::Rejected(gate.answer(error, head, drain));
        }
    }

    /// Comes to what was accepted, or to the answer of a rejection.
    pub(crate) fn poll<R, B>(
        &mut self,
        cx: &mut Context<'_>,
        gate: &Gate<R>,
        mut body: Pin<&mut B>,
    ) -> Poll<Result<Accepted<N>, Response<ResBody>>>
    where
        R: Rejection<ResBody> + ?Sized,
        B: Body<Error: Into<BoxError>>,
    {
        loop {
            match self {
                Self::Checking { checking, head, next } => {
                    let Some(parts) = head.as_mut() else { return Poll::Pending };
                    let verifier = &gate.verifier;
                    let outcome = ready!(checking.poll(cx, verifier, parts, body.as_mut()));
                    let outcome = match outcome {
                        Ok(verified) => Ok(Some(verified)),
                        Err(error) if verifier.lets_through(&error) => Ok(None),
                        Err(error) => Err(error),
                    };
                    let error = match outcome {
                        Err(error) => error,
                        Ok(verified) => {
                            let (Some(head), Some(next)) = (head.take(), next.take()) else {
                                return Poll::Pending;
                            };
                            let body = checking.take_body();
                            return Poll::Ready(Ok(Accepted { head, body, verified, next }));
                        }
                    };
                    let (rest, reading) = (body.size_hint(), checking.reading());
                    let drain = Drain::new(gate.drain_limit, parts, &rest, reading, &error);
                    // What was gathered of the body goes before the rest of it is read.
                    *self = Self::Rejected(gate.answer(error, parts, drain));
                }
                Self::Rejected(answer) => return answer.poll(cx, body).map(Err),
            }
        }
    }
}
