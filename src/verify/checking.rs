use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use http::request::Parts;
use http_body::{Body, SizeHint};

use crate::error::BoxError;
use crate::key::{KeyId, Lookup};
use crate::replay::ReplayClaim;
use crate::verify::body::Gather;
use crate::verify::candidates::Proof;
use crate::verify::check::{Case, Check, Claimed};
use crate::verify::error::VerifyError;
use crate::verify::reading::Reading;
use crate::verify::target::Routed;
use crate::verify::{Verified, Verifier, observe};

/// A list of a route's own, beside the verifier's.
pub(crate) type AllowFn = fn(Option<&KeyId>) -> bool;

/// No list.
pub(crate) fn anyone(_: Option<&KeyId>) -> bool {
    true
}

/// Steps 0 to 8. It holds neither the request nor the verifier, which those who poll it have: what
/// is large is not moved.
pub(crate) struct Checking {
    claimed: Option<Claimed>,
    step: Step,
    gather: Gather,
    reading: Reading,
    routed: Routed,
    list: AllowFn,
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
    /// The signature stands in the body, which is read first.
    Collect,
    /// The keys for a claim from the body.
    LateLookup(Lookup),
    Done,
}

impl Checking {
    pub(crate) fn new(list: AllowFn) -> Self {
        Self {
            claimed: None,
            step: Step::Done,
            gather: Gather::default(),
            reading: Reading::NotBegun,
            routed: Routed::default(),
            list,
            watch: observe::Watch::start(),
        }
    }

    /// Steps 0 to 3, and the first half of step 4.
    ///
    /// It is not generic over the body, so that it is compiled once, with all that it calls.
    ///
    /// # Errors
    ///
    /// [`VerifyError`] of the claim. The head is as it came, but for step 0.
    pub(crate) fn begin(
        &mut self,
        verifier: &Verifier,
        head: &mut Parts,
        body: &SizeHint,
    ) -> Result<(), VerifyError> {
        head.extensions.remove::<Verified>();
        self.routed.swap(head);
        self.step = Step::Done;
        if verifier.is_disarmed() {
            self.gather = Gather::new(head, body, verifier.body_limit());
            let checked = self.gather.check_announced();
            self.step = checked.map_or_else(Step::Refused, |()| Step::Disarmed);
            return Ok(());
        }
        if verifier.reads_claim_from_body(head) {
            self.gather = Gather::new(head, body, verifier.body_limit());
            let checked = self.gather.check_announced();
            self.step = checked.map_or_else(Step::Refused, |()| Step::Collect);
            return Ok(());
        }
        let claimed = match verifier.claim_into(&mut self.claimed, head, None) {
            Ok(claimed) => claimed,
            Err(error) => {
                self.routed.restore(head);
                return Err(error);
            }
        };
        self.gather = Gather::new(head, body, verifier.body_limit());
        self.step = match self.gather.check_announced() {
            Err(error) => Step::Refused(Case { verifier, head, claimed }.error(error)),
            Ok(()) => Step::Lookup(verifier.lookup(claimed, head)),
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
        let read = ready!(self.poll_body(cx, verifier, head, body));
        self.poll_outcome(cx, verifier, head, read)
    }

    /// The body, as far as it was read.
    pub(crate) fn take_body(&mut self) -> Bytes {
        self.gather.take()
    }

    /// How far the body was read, and how many bytes that was.
    pub(crate) fn reading(&self) -> (Reading, usize) {
        (self.reading, self.gather.len())
    }

    /// Step 4, its second half, and step 5: hashes and gathers frames as they come.
    fn poll_body<B>(
        &mut self,
        cx: &mut Context<'_>,
        verifier: &Verifier,
        head: &Parts,
        body: Pin<&mut B>,
    ) -> Poll<Result<(), VerifyError>>
    where
        B: Body<Error: Into<BoxError>>,
    {
        ready!(self.poll_keys(cx, verifier, head))?;
        let Self { claimed, step, gather, reading, .. } = self;
        if !matches!(step, Step::Body(_) | Step::Disarmed | Step::Collect) {
            return Poll::Ready(Ok(()));
        }
        ready!(reading.poll_frames(cx, body, |mut data| {
            let len = data.remaining();
            gather.check_more(len)?;
            let data = data.copy_to_bytes(len);
            if let (Step::Body(check), Some(claimed)) = (&mut *step, &*claimed) {
                check.update(Case { verifier, head, claimed }, &data)?;
            }
            gather.push(data);
            Ok(())
        }))?;
        Poll::Ready(gather.finish())
    }

    /// Step 4, its second half.
    fn poll_keys(
        &mut self,
        cx: &mut Context<'_>,
        verifier: &Verifier,
        head: &Parts,
    ) -> Poll<Result<(), VerifyError>> {
        match (&mut self.step, &self.claimed) {
            (Step::Refused(error), _) => return Poll::Ready(Err(error.clone())),
            (Step::Lookup(lookup), Some(claimed)) => {
                let case = Case { verifier, head, claimed };
                let found = ready!(lookup.poll_found(cx));
                let found = found.map_err(|source| case.store_failed(source))?;
                self.step = Step::Body(Check::start(case, found));
                if let Step::Body(check) = &mut self.step {
                    check.begin(case)?;
                }
            }
            _ => {}
        }
        Poll::Ready(Ok(()))
    }

    fn poll_outcome(
        &mut self,
        cx: &mut Context<'_>,
        verifier: &Verifier,
        head: &mut Parts,
        read: Result<(), VerifyError>,
    ) -> Poll<Result<Verified, VerifyError>> {
        let outcome = match read {
            Ok(()) => ready!(self.poll_proof(cx, verifier, head)),
            Err(error) => Err(error),
        };
        self.step = Step::Done;
        // Where an optional layer lets it through, it says so itself.
        if !matches!(&outcome, Err(error) if verifier.lets_through(error)) {
            self.watch.done(outcome.as_ref(), self.gather.len());
        }
        self.routed.restore(head);
        verifier.cover_up(head);
        Poll::Ready(outcome)
    }

    /// Steps 1, 2 and 4, for a claim that the body holds.
    fn poll_claim_from_body(
        &mut self,
        cx: &mut Context<'_>,
        verifier: &Verifier,
        head: &Parts,
    ) -> Poll<Result<(), VerifyError>> {
        if let Step::Collect = self.step {
            let body = Some(self.gather.bytes());
            let claimed = verifier.claim_into(&mut self.claimed, head, body)?;
            self.step = Step::LateLookup(verifier.lookup(claimed, head));
        }
        if let (Step::LateLookup(lookup), Some(claimed)) = (&mut self.step, &self.claimed) {
            let case = Case { verifier, head, claimed };
            let found = ready!(lookup.poll_found(cx));
            let mut check = Check::start(case, found.map_err(|source| case.store_failed(source))?);
            check.begin(case)?;
            self.step = Step::Body(check);
        }
        Poll::Ready(Ok(()))
    }

    /// Steps 6 to 8.
    fn poll_proof(
        &mut self,
        cx: &mut Context<'_>,
        verifier: &Verifier,
        head: &mut Parts,
    ) -> Poll<Result<Verified, VerifyError>> {
        ready!(self.poll_claim_from_body(cx, verifier, head))?;
        let Some(claimed) = &self.claimed else {
            // The body was read up to its limit, and nothing else is checked.
            return match self.step {
                Step::Disarmed => Poll::Ready(Ok(verifier.disarmed_verified())),
                _ => Poll::Pending,
            };
        };
        let case = Case { verifier, head, claimed };
        if let Step::Body(check) = &mut self.step {
            let proof = check.finish(case, self.gather.bytes())?;
            let now = verifier.check_window_again(case)?;
            verifier.allow(case, self.list)?;
            match verifier.claim_once(case, &proof, now) {
                None => return Poll::Ready(Ok(proof.verified(case))),
                Some(claim) => self.step = Step::Replay(claim, Some(proof)),
            }
        }
        let Step::Replay(claim, proof) = &mut self.step else { return Poll::Pending };
        case.replied(ready!(Pin::new(claim).poll(cx)))?;
        let Some(proof) = proof.take() else { return Poll::Pending };
        verifier.mark_claimed(head, &proof);
        Poll::Ready(Ok(proof.verified(Case { verifier, head, claimed })))
    }
}
