//! Drives a [`Verification`] with a streaming body.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::request::Parts;
use http_body::{Body, SizeHint};

use crate::error::BoxError;
use crate::layer::body_progress::BodyProgress;
use crate::verify::events::Timer;
use crate::verify::{
    AllowFn, BodyBuffer, Finished, OriginalTarget, Phase, Verification, Verified, Verifier,
    VerifyContext, VerifyError, check_length,
};

/// Runs steps 0 to 8. The request and the verifier are passed to `poll` instead of stored, so that
/// large values are not moved.
pub(crate) struct Streaming {
    stage: Stage,
    /// Filled in place, since it is slow to move.
    verification: Verification,
    buffer: BodyBuffer,
    progress: BodyProgress,
    original: OriginalTarget,
    allows: AllowFn,
    timer: Timer,
}

enum Stage {
    /// Nothing has been read yet.
    Head,
    /// The body is read first: it contains the claim, or the layer is disarmed.
    BodyFirst,
    /// The verification has begun.
    Steps,
}

impl Streaming {
    pub(super) fn new(allows: AllowFn) -> Self {
        Self {
            stage: Stage::Head,
            verification: Verification::default(),
            buffer: BodyBuffer::default(),
            progress: BodyProgress::NotBegun,
            original: OriginalTarget::default(),
            allows,
            timer: Timer::start(),
        }
    }

    /// Runs steps 0 to 2.
    ///
    /// Not generic over the body, so that it is compiled only once, with everything it calls.
    ///
    /// # Errors
    ///
    /// Returns the [`VerifyError`] of the claim. The head is unchanged, except for step 0.
    pub(super) fn begin(
        &mut self,
        verifier: &Verifier,
        head: &mut Parts,
        body: &SizeHint,
    ) -> Result<(), VerifyError> {
        head.extensions.remove::<Verified>();
        self.original.swap(head);
        if verifier.is_disarmed() || verifier.reads_claim_from_body(head) {
            self.buffer.announce(head, body, verifier.body_limit());
            self.stage = Stage::BodyFirst;
            return Ok(());
        }
        if let Err(error) = self.verification.begin(verifier, head, None) {
            self.original.restore(head);
            return Err(error);
        }
        self.stage = Stage::Steps;
        Ok(())
    }

    /// Resolves to the proven facts. Begins with steps 0 to 2 if [`begin`](Self::begin) was not
    /// called. Afterwards, the head is as a handler may see it.
    pub(super) fn poll<B>(
        &mut self,
        cx: &mut Context<'_>,
        verifier: &Verifier,
        head: &mut Parts,
        body: Pin<&mut B>,
    ) -> Poll<Result<Verified, VerifyError>>
    where
        B: Body<Error: Into<BoxError>>,
    {
        if matches!(self.stage, Stage::Head)
            && let Err(error) = self.begin(verifier, head, &body.size_hint())
        {
            verifier.cover_up(head);
            return Poll::Ready(Err(error));
        }
        let outcome = ready!(self.poll_steps(cx, verifier, head, body));
        // If an optional layer lets the request through, the layer records that itself.
        if !matches!(&outcome, Err(error) if verifier.lets_through(error)) {
            self.timer.done(outcome.as_ref(), self.buffer.len());
        }
        self.original.restore(head);
        verifier.cover_up(head);
        Poll::Ready(outcome)
    }

    /// Takes the part of the body that was read.
    pub(super) fn take_body(&mut self) -> Bytes {
        self.buffer.take()
    }

    /// Returns the reading progress of the body, and the number of bytes read.
    pub(super) fn progress(&self) -> (BodyProgress, usize) {
        (self.progress, self.buffer.len())
    }

    fn poll_steps<B>(
        &mut self,
        cx: &mut Context<'_>,
        verifier: &Verifier,
        head: &mut Parts,
        mut body: Pin<&mut B>,
    ) -> Poll<Result<Verified, VerifyError>>
    where
        B: Body<Error: Into<BoxError>>,
    {
        let Self { stage, verification, buffer, progress, allows, .. } = self;
        if !matches!(stage, Stage::Steps) {
            let (length, limit) = buffer.announced();
            check_length(length, limit)?;
            ready!(progress.poll_into(cx, body.as_mut(), buffer, |_| Ok(())))?;
            if verifier.is_disarmed() {
                return Poll::Ready(Ok(verifier.disarmed_verified()));
            }
            verification.begin(verifier, head, Some(buffer.bytes()))?;
            *stage = Stage::Steps;
        }
        let Verification { selected, check, phase } = verification;
        loop {
            match phase {
                Phase::Length => {
                    if *progress == BodyProgress::NotBegun {
                        buffer.announce(head, &body.size_hint(), verifier.body_limit());
                    }
                    let (length, limit) = buffer.announced();
                    let context = VerifyContext { verifier, head, selected };
                    context.check_length(length, limit)?;
                    let mut lookup = context.look_up();
                    // Most stores answer without waiting.
                    *phase = match lookup.poll_found(cx) {
                        Poll::Ready(found) => context.start(found, check)?,
                        Poll::Pending => {
                            *phase = Phase::Keys(lookup);
                            return Poll::Pending;
                        }
                    };
                }
                Phase::Keys(lookup) => {
                    let found = ready!(lookup.poll_found(cx));
                    let context = VerifyContext { verifier, head, selected };
                    *phase = context.start(found, check)?;
                }
                Phase::Body => {
                    let context = VerifyContext { verifier, head, selected };
                    let check = context.started(check)?;
                    let hash = |data: &[u8]| check.update(context, data);
                    ready!(progress.poll_into(cx, body.as_mut(), buffer, hash))?;
                    match context.finish(check, buffer.bytes(), *allows)? {
                        Finished::Accepted(verified) => return Poll::Ready(Ok(verified)),
                        Finished::Claiming(claim, matched) => {
                            *phase = Phase::Replay(claim, matched);
                        }
                    }
                }
                Phase::Replay(claim, matched) => {
                    let answer = ready!(Pin::new(claim).poll(cx));
                    let context = VerifyContext { verifier, head, selected };
                    let verified = context.accept(answer, matched)?;
                    verifier.mark_claimed(head, matched);
                    return Poll::Ready(Ok(verified));
                }
            }
        }
    }
}
