use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use http::request::Parts;
use http_body::Body;

use crate::error::BoxError;
use crate::key::Lookup;
use crate::replay::ReplayClaim;
use crate::verify::body::Gather;
use crate::verify::candidates::Proof;
use crate::verify::check::{Case, Check, Claimed};
use crate::verify::error::VerifyError;
use crate::verify::handle::Unsigned;
use crate::verify::target::Routed;
use crate::verify::{Verified, Verifier, observe};

/// After so many bytes of a body that are all there, other tasks get their turn.
const BYTES_A_POLL: usize = 256 * 1024;
/// What the shortest frame counts for: frames without data are work, too.
const BYTES_A_FRAME: usize = 256;

/// Steps 0 to 8. It holds neither the request nor the verifier, which those who poll it have: what
/// is large is not moved.
pub(crate) struct Checking {
    claimed: Option<Claimed>,
    step: Step,
    gather: Gather,
    routed: Routed,
    watch: observe::Watch,
}

// Boxing the large variants would cost each request an allocation.
#[allow(clippy::large_enum_variant)]
enum Step {
    Refused(VerifyError),
    Lookup(Lookup),
    Body(Check),
    Replay(ReplayClaim, Option<Proof>),
    Disarmed,
    Done,
}

impl Checking {
    pub(crate) fn new() -> Self {
        Self {
            claimed: None,
            step: Step::Done,
            gather: Gather::default(),
            routed: Routed::default(),
            watch: observe::Watch::start(),
        }
    }

    /// Steps 0 to 3, and the first half of step 4.
    ///
    /// # Errors
    ///
    /// [`VerifyError`] of the claim. The head is as it came, but for step 0.
    pub(crate) fn begin(
        &mut self,
        verifier: &Verifier,
        head: &mut Parts,
        body: &impl Body,
    ) -> Result<(), VerifyError> {
        head.extensions.remove::<Verified>();
        head.extensions.remove::<Unsigned>();
        self.routed.swap(head);
        self.claimed = verifier.claim_if_armed(head).inspect_err(|_| self.routed.restore(head))?;
        self.gather = Gather::new(head, body);
        self.step = match (verifier.check_length(self.gather.declared()), &self.claimed) {
            (Err(error), None) => Step::Refused(error),
            (Err(error), Some(claimed)) => {
                Step::Refused(Case { verifier, head, claimed }.error(error))
            }
            (Ok(()), None) => Step::Disarmed,
            (Ok(()), Some(claimed)) => Step::Lookup(verifier.lookup(claimed, head)),
        };
        Ok(())
    }

    /// Comes to what was proven. The head is then as a handler may see it.
    pub(crate) fn poll<B>(
        &mut self,
        cx: &mut Context<'_>,
        verifier: &Verifier,
        head: &mut Parts,
        body: Pin<&mut B>,
    ) -> Poll<Result<Verified, VerifyError>>
    where
        B: Body<Error: Into<BoxError>>,
    {
        let outcome = ready!(self.poll_outcome(cx, verifier, head, body));
        self.step = Step::Done;
        self.watch.done(outcome.as_ref(), self.gather.len());
        self.routed.restore(head);
        verifier.cover_up(head);
        Poll::Ready(outcome)
    }

    /// The body, as far as it was read.
    pub(crate) fn take_body(&mut self) -> Bytes {
        self.gather.take()
    }

    fn poll_outcome<B>(
        &mut self,
        cx: &mut Context<'_>,
        verifier: &Verifier,
        head: &Parts,
        mut body: Pin<&mut B>,
    ) -> Poll<Result<Verified, VerifyError>>
    where
        B: Body<Error: Into<BoxError>>,
    {
        let case = self.claimed.as_ref().map(|claimed| Case { verifier, head, claimed });
        loop {
            match (&mut self.step, case) {
                (Step::Refused(error), _) => return Poll::Ready(Err(error.clone())),
                (Step::Lookup(lookup), Some(case)) => {
                    let found = ready!(Pin::new(lookup).poll(cx));
                    self.step = Step::Body(Check::begin(case, found)?);
                }
                (Step::Body(check), Some(case)) => {
                    let update = |data: &[u8]| check.update(case, data);
                    ready!(poll_body(body.as_mut(), cx, &mut self.gather, verifier, update))?;
                    let proof = check.finish(case, self.gather.bytes())?;
                    verifier.allow(case)?;
                    match verifier.claim_once(case, &proof)? {
                        None => return Poll::Ready(Ok(proof.verified(case))),
                        Some(claim) => self.step = Step::Replay(claim, Some(proof)),
                    }
                }
                (Step::Replay(claim, proof), Some(case)) => {
                    case.replied(ready!(Pin::new(claim).poll(cx)))?;
                    let Some(proof) = proof.take() else { return Poll::Pending };
                    return Poll::Ready(Ok(proof.verified(case)));
                }
                // The body is read up to its limit, and nothing else is checked.
                (Step::Disarmed, _) => {
                    let update = |_: &[u8]| Ok(());
                    ready!(poll_body(body.as_mut(), cx, &mut self.gather, verifier, update))?;
                    return Poll::Ready(Ok(verifier.disarmed_verified()));
                }
                (Step::Done, _) | (_, None) => return Poll::Pending,
            }
        }
    }
}

/// Step 5: hashes and gathers frames as they come.
fn poll_body<B>(
    mut body: Pin<&mut B>,
    cx: &mut Context<'_>,
    gather: &mut Gather,
    verifier: &Verifier,
    mut update: impl FnMut(&[u8]) -> Result<(), VerifyError>,
) -> Poll<Result<(), VerifyError>>
where
    B: Body<Error: Into<BoxError>>,
{
    let mut budget = BYTES_A_POLL;
    loop {
        if body.is_end_stream() {
            return Poll::Ready(gather.finish());
        }
        let frame = match ready!(body.as_mut().poll_frame(cx)) {
            None => return Poll::Ready(gather.finish()),
            Some(Err(error)) => return Poll::Ready(Err(Gather::broken(error.into()))),
            Some(Ok(frame)) => frame,
        };
        // What is no data is trailers: no format covers them.
        let mut len = 0;
        if let Ok(mut data) = frame.into_data() {
            len = data.remaining();
            verifier.check_length(gather.len().saturating_add(len))?;
            let data = data.copy_to_bytes(len);
            update(&data)?;
            gather.push(data, verifier.body_limit());
        }
        budget = budget.saturating_sub(len.max(BYTES_A_FRAME));
        if budget == 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
    }
}
