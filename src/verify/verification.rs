//! The verification of one request: a state machine without I/O. Its phase says what it is waiting
//! for.
//!
//! [`Verifier::verify`] drives it with a complete body, and `layer/streaming.rs` with a streaming
//! one.

use std::future::poll_fn;

use http::request::Parts;

use crate::error::BoxError;
use crate::key::{Found, KeyQuery, Lookup};
use crate::replay::{Replay, ReplayClaim};
use crate::verify::allow::{AllowFn, anyone};
use crate::verify::body::check_length;
use crate::verify::claim::Selected;
use crate::verify::compat_axum::as_received;
use crate::verify::context::VerifyContext;
use crate::verify::error::{ErrorKind, VerifyError};
use crate::verify::events::{self, Timer};
use crate::verify::keys::{CandidateKeys, MatchedKey};
use crate::verify::mac::MacCheck;
use crate::verify::step::Step;
use crate::verify::verified::Verified;
use crate::verify::verifier::Verifier;

/// A request that has passed steps 1 and 2, once [`begin`](Self::begin) has succeeded: its claim is
/// read, and its times are in the window.
#[derive(Default)]
pub(crate) struct Verification {
    pub(crate) selected: Selected,
    /// Set from [`VerifyContext::start`] on.
    pub(crate) check: Option<MacCheck>,
    pub(crate) phase: Phase,
}

/// What a request is waiting for, and the call that comes next.
#[derive(Default)]
pub(crate) enum Phase {
    /// Waits for the announced length of the body. Next: [`VerifyContext::check_length`] and
    /// [`look_up`](VerifyContext::look_up).
    #[default]
    Length,
    /// Waits for the keys. Next: [`VerifyContext::start`].
    Keys(Lookup),
    /// Waits for the body: [`MacCheck::update`] for each part of it. Next:
    /// [`VerifyContext::finish`].
    Body,
    /// Waits for the replay guard. Next: [`VerifyContext::accept`].
    Replay(ReplayClaim, MatchedKey),
}

/// The state of a request after its body is complete.
pub(crate) enum Finished {
    Accepted(Verified),
    /// The replay guard must be asked.
    Claiming(ReplayClaim, MatchedKey),
}

impl Verification {
    /// Runs steps 1 and 2. `body` is set if the claim is in the body.
    #[inline]
    pub(crate) fn begin(
        &mut self,
        verifier: &Verifier,
        head: &Parts,
        body: Option<&[u8]>,
    ) -> Result<(), VerifyError> {
        verifier.select(head, body, &mut self.selected)
    }
}

impl VerifyContext<'_> {
    /// Runs step 3. Lengths are in bytes.
    #[inline]
    pub(crate) fn check_length(self, length: usize, limit: usize) -> Result<(), VerifyError> {
        check_length(length, limit).map_err(|error| self.about(error))
    }

    /// Starts the lookup of step 4.
    #[inline]
    pub(crate) fn look_up(self) -> Lookup {
        #[cfg(feature = "sigv4")]
        if let Some(derived) = &self.entry().derived
            && let Some(found) = self.look_up_derived(derived)
        {
            return Lookup::found(found);
        }
        self.entry().keys.lookup(&KeyQuery::new(self.claim().key_id(), self.head))
    }

    /// Takes the result of step 4, and runs step 6 if the MAC does not cover the raw body. The check
    /// is made in its place, since it is slow to move.
    #[inline]
    pub(crate) fn start(
        self,
        found: Result<Found, BoxError>,
        check: &mut Option<MacCheck>,
    ) -> Result<Phase, VerifyError> {
        let found = found.map_err(|source| self.store_failed(Step::Keys, source))?;
        let keys = CandidateKeys::new(self, found);
        check.insert(MacCheck::new(self, keys)).start(self)?;
        Ok(Phase::Body)
    }

    /// Returns the check that [`start`](Self::start) has made.
    #[inline]
    pub(crate) fn started(
        self,
        check: &mut Option<MacCheck>,
    ) -> Result<&mut MacCheck, VerifyError> {
        check.as_mut().ok_or_else(|| self.error(Step::Mac, ErrorKind::Mismatch))
    }

    /// Runs steps 6 and 7, and claims the request for step 8.
    #[inline]
    pub(crate) fn finish(
        self,
        check: &mut MacCheck,
        body: &[u8],
        allows: AllowFn,
    ) -> Result<Finished, VerifyError> {
        let matched = check.finish(self, body)?;
        let now = self.check_window_again()?;
        self.allow(allows)?;
        Ok(match self.claim_once(&matched, now) {
            None => Finished::Accepted(matched.verified(self)),
            Some(claim) => Finished::Claiming(claim, matched),
        })
    }

    /// Takes the result of step 8.
    pub(crate) fn accept(
        self,
        answer: Result<Replay, BoxError>,
        matched: &MatchedKey,
    ) -> Result<Verified, VerifyError> {
        self.check_replay(answer)?;
        Ok(matched.verified(self))
    }
}

impl Verifier {
    /// Verifies a request without the layer: steps 1 to 8 of [how a request is
    /// verified](crate::verify).
    ///
    /// # Errors
    ///
    /// Returns [`VerifyError`] if the request is rejected.
    pub async fn verify(&self, head: &Parts, body: &[u8]) -> Result<Verified, VerifyError> {
        self.warn_once();
        let timer = Timer::start();
        let outcome = self.verify_silently(head, body).await;
        timer.done(outcome.as_ref(), body.len());
        outcome.inspect_err(|error| events::rejected(error, &self.warnings))
    }

    /// Verifies a request like [`verify`](Self::verify), without logs or metrics.
    pub(crate) async fn verify_silently(
        &self,
        head: &Parts,
        body: &[u8],
    ) -> Result<Verified, VerifyError> {
        if self.disarmed {
            check_length(body.len(), self.body_limit)?;
            return Ok(self.disarmed_verified());
        }
        let head = &*as_received(head);
        let is_in_body = self.reads_claim_from_body(head);
        if is_in_body {
            check_length(body.len(), self.body_limit)?;
        }
        let claim_body = is_in_body.then_some(body);
        let mut verification = Verification::default();
        verification.begin(self, head, claim_body)?;
        let Verification { selected, mut check, mut phase } = verification;
        let context = VerifyContext { verifier: self, head, selected: &selected };
        loop {
            phase = match phase {
                Phase::Length => {
                    context.check_length(body.len(), self.body_limit)?;
                    Phase::Keys(context.look_up())
                }
                Phase::Keys(mut lookup) => {
                    let found = poll_fn(|cx| lookup.poll_found(cx)).await;
                    context.start(found, &mut check)?
                }
                Phase::Body => {
                    let check = context.started(&mut check)?;
                    check.update(context, body)?;
                    match context.finish(check, body, anyone)? {
                        Finished::Accepted(verified) => return Ok(verified),
                        Finished::Claiming(claim, matched) => Phase::Replay(claim, matched),
                    }
                }
                Phase::Replay(claim, matched) => return context.accept(claim.await, &matched),
            }
        }
    }
}
