//! The way of a request, step by step. [`Verifier::verify`] reads as it does; `Checking` is the same
//! over a body that streams.

use std::future::poll_fn;

use http::request::Parts;

use crate::key::{KeyQuery, Lookup};
use crate::replay::ReplayClaim;
use crate::scheme::{Claim, ClaimError, Coverage, Tolerance, Window};
use crate::verify::body_limit::check_length;
use crate::verify::candidates::Proof;
use crate::verify::check::{Case, Check, Claimed};
use crate::verify::checking::{AllowFn, anyone};
use crate::verify::error::{ErrorKind, VerifyError};
use crate::verify::format::Format;
use crate::verify::observe::{self, Watch};
use crate::verify::step::Step;
use crate::verify::target::as_received;
use crate::verify::verifier::DEFAULT_TOLERANCE;
use crate::verify::{Verified, Verifier, own_claims};

impl Verifier {
    /// Verifies a request by hand, outside the layer: steps 1 to 8 of
    /// [the way of a request](crate::verify).
    ///
    /// # Errors
    ///
    /// [`VerifyError`] if it is refused.
    pub async fn verify(&self, head: &Parts, body: &[u8]) -> Result<Verified, VerifyError> {
        self.warn_once();
        let watch = Watch::start();
        let outcome = self.verify_unwatched(head, body).await;
        watch.done(outcome.as_ref(), body.len());
        outcome.inspect_err(observe::refused)
    }

    /// The same without a word to those who watch the service.
    pub(crate) async fn verify_unwatched(
        &self,
        head: &Parts,
        body: &[u8],
    ) -> Result<Verified, VerifyError> {
        if self.disarmed {
            check_length(body.len(), self.body_limit)?;
            return Ok(self.disarmed_verified());
        }
        let head = &*as_received(head);
        let mut claimed = None;
        let from_body = self.reads_claim_from_body(head);
        if from_body {
            check_length(body.len(), self.body_limit)?;
        }
        let claimed = self.claim_into(&mut claimed, head, from_body.then_some(body))?;
        check_length(body.len(), self.body_limit)?;
        let case = Case { verifier: self, head, claimed };
        let mut lookup = self.lookup(claimed, head);
        let found = poll_fn(|cx| lookup.poll_found(cx)).await;
        let found = found.map_err(|source| case.store_failed(source))?;
        let mut check = Check::start(case, found);
        check.begin(case)?;
        check.update(case, body)?;
        let proof = check.finish(case, body)?;
        let now = self.check_window_again(case)?;
        self.allow(case, anyone)?;
        if let Some(claim) = self.claim_once(case, &proof, now) {
            case.replied(claim.await)?;
        }
        Ok(proof.verified(case))
    }

    /// Steps 1 and 2, into the place of their outcome: a claim is large, and each move of it costs.
    #[inline]
    pub(crate) fn claim_into<'c>(
        &self,
        claimed: &'c mut Option<Claimed>,
        head: &Parts,
        body: Option<&[u8]>,
    ) -> Result<&'c Claimed, VerifyError> {
        let (place, claim) = self.read(head, body)?;
        let format = self.format(place);
        if claim.tags().nth(format.max_tags).is_some() {
            let error = VerifyError::from(ClaimError::malformed("more tags than the format has"));
            return Err(error.in_scheme(&format.name, Some(&claim)));
        }
        let Format { name, scheme, .. } = format;
        let refused = |error: VerifyError| error.in_scheme(name, Some(&claim));
        self.check_window(scheme.window(), &claim).map_err(refused)?;
        let coverage = scheme.coverage(head, &claim).map_err(|error| match error {
            // It is signed: an optional layer must not let it through as if it were not.
            ClaimError::Missing => refused(ClaimError::malformed("covers no body").into()),
            error => refused(error.into()),
        })?;
        // A format that lists no digest would let every body pass.
        if matches!(&coverage, Coverage::Digest(digests) if digests.is_empty()) {
            return Err(refused(ClaimError::malformed("no digest of the body is covered").into()));
        }
        if body.is_some() && scheme.is_in_body() && !matches!(coverage, Coverage::Derived) {
            return Err(refused(
                ClaimError::malformed("the text is not derived from the body").into(),
            ));
        }
        Ok(claimed.insert(Claimed { place, claim, coverage }))
    }

    /// Step 1: the format that the head is in, and what it says.
    ///
    /// The body is given where [`reads_claim_from_body`](Self::reads_claim_from_body) says so.
    #[inline]
    pub(crate) fn read(
        &self,
        head: &Parts,
        body: Option<&[u8]>,
    ) -> Result<(usize, Claim), VerifyError> {
        if !self.more.is_empty() {
            return self.decide(head, body);
        }
        match self.first.claim(head, body) {
            Ok(claim) => Ok((0, claim)),
            Err(error) => Err(self.first_error(error)),
        }
    }

    /// Whether the claim can only be read once the body is there: the head has none, and a
    /// signature of some format stands in the body.
    #[inline]
    pub(crate) fn reads_claim_from_body(&self, head: &Parts) -> bool {
        self.formats().any(|format| format.scheme.is_in_body())
            && matches!(self.read(head, None), Err(error) if error.kind() == ErrorKind::Missing)
    }

    fn first_error(&self, error: ClaimError) -> VerifyError {
        VerifyError::from(error).in_scheme(&self.first.name, None)
    }

    /// Which of several formats a request is in: the first that is not missing, and the others
    /// must be missing. Formats that share a header may call each other's signatures malformed,
    /// but not where there is a header that only the one with the malformed signature reads.
    fn decide(&self, head: &Parts, body: Option<&[u8]>) -> Result<(usize, Claim), VerifyError> {
        let mut decided: Option<(usize, Result<Claim, ClaimError>)> = None;
        for (place, format) in self.formats().enumerate() {
            let claim = match format.claim(head, body) {
                Err(ClaimError::Missing) => continue,
                claim => claim,
            };
            decided = Some(match decided.take() {
                None => (place, claim),
                Some((other, offered)) => {
                    let before = self.format(other);
                    match (&offered, &claim) {
                        (Err(_), _) if before.is_within(format, head) => (place, claim),
                        (_, Err(_)) if format.is_within(before, head) => (other, offered),
                        (Err(_), _) if before.is_selected_apart_from(format) => (place, claim),
                        (_, Err(_)) if before.is_selected_apart_from(format) => (other, offered),
                        _ => {
                            let twice =
                                ClaimError::malformed("the request is signed in two formats");
                            return Err(
                                VerifyError::from(twice).in_scheme(&self.format(other).name, None)
                            );
                        }
                    }
                }
            });
        }
        match decided {
            None => Err(self.first_error(ClaimError::Missing)),
            Some((place, Ok(claim))) => Ok((place, claim)),
            Some((place, Err(error))) => {
                Err(VerifyError::from(error).in_scheme(&self.format(place).name, None))
            }
        }
    }

    #[inline]
    fn check_window(&self, window: Window, claim: &Claim) -> Result<(), VerifyError> {
        if claim.created().is_none() && claim.expires().is_none() {
            // The format promised a time; one of its claims without would be good for ever.
            if window.is_timed() {
                let error = ClaimError::malformed("the signature carries no time");
                return Err(VerifyError::from(error).at(Step::Window));
            }
            if claim.not_before().is_none() {
                return Ok(());
            }
        }
        self.check_times(window, claim, self.clock.unix_now()).map_err(VerifyError::new)
    }

    /// Whether the times of a claim are too far from now.
    pub(crate) fn is_outside_of_window(&self, window: Window, claim: &Claim) -> bool {
        self.check_times(window, claim, self.clock.unix_now()).is_err()
    }

    /// The claim's times once more, when the body is there and it took long. Gives the time, in
    /// Unix seconds, of which a guard is told: it forgets what is over, so that nothing may be.
    #[inline]
    pub(crate) fn check_window_again(&self, case: Case<'_>) -> Result<i64, VerifyError> {
        let now = self.clock.unix_now();
        let window = case.format().scheme.window();
        self.check_times(window, case.claim(), now).map_err(|kind| case.error(kind))?;
        Ok(now)
    }

    /// How far a time may lie from now: what this verifier was told, or the format's own.
    fn tolerance(&self, window: Window) -> Tolerance {
        self.tolerance.or(window.tolerance()).unwrap_or(DEFAULT_TOLERANCE)
    }

    fn check_times(&self, window: Window, claim: &Claim, now: i64) -> Result<(), ErrorKind> {
        let Tolerance { past, future } = self.tolerance(window);
        if let Some(created) = claim.created() {
            let by_expiry = window.is_aged_by_expiry() && claim.expires().is_some();
            let past = if by_expiry { u64::MAX } else { past };
            let tolerance = if created <= now { past } else { future };
            let distance = now.abs_diff(created);
            if distance > tolerance || (distance == tolerance && window.excludes_edge()) {
                return Err(ErrorKind::Stale);
            }
        }
        if claim.not_before().is_some_and(|start| start > now.saturating_add_unsigned(future)) {
            return Err(ErrorKind::Stale);
        }
        if let Some(expires) = claim.expires() {
            // A long lifetime must not pass as a short one shortly before it ends.
            let born = claim.created().filter(|_| window.is_aged_by_expiry()).unwrap_or(now);
            let life = now.abs_diff(expires).max(born.abs_diff(expires));
            let too_far = window.max_lifetime().is_some_and(|most| life > most);
            if expires < now || too_far {
                return Err(ErrorKind::Expired);
            }
        }
        Ok(())
    }

    /// Step 4.
    #[inline]
    pub(crate) fn lookup(&self, claimed: &Claimed, head: &Parts) -> Lookup {
        self.format(claimed.place).keys.lookup(&KeyQuery::new(claimed.claim.key_id(), head))
    }

    /// Step 7, for a claim that is proven: the verifier's list, and the route's own.
    #[inline]
    pub(crate) fn allow(&self, case: Case<'_>, list: AllowFn) -> Result<(), VerifyError> {
        let key_id = case.claim().key_id();
        let is_listed = match (&self.only, key_id) {
            (None, _) => true,
            (Some(only), Some(key_id)) => only.contains(key_id),
            (Some(_), None) => false,
        };
        if is_listed && list(key_id) { Ok(()) } else { Err(case.error(ErrorKind::NotAllowed)) }
    }

    /// Step 8. The request is remembered for as long as it could be accepted again.
    #[inline]
    pub(crate) fn claim_once(
        &self,
        case: Case<'_>,
        proof: &Proof,
        now: i64,
    ) -> Option<ReplayClaim> {
        let guard = self.replay.as_ref()?;
        // A layer outside has claimed it, with the same guard.
        if own_claims::contains(&case.head.extensions, guard.id(), proof.replay_keys()) {
            return None;
        }
        let claim = case.claim();
        let window = case.format().scheme.window();
        let past = self.tolerance(window).past;
        let by_age = claim.created().map(|created| created.saturating_add_unsigned(past));
        let keep_until = claim
            .expires()
            .filter(|_| window.is_aged_by_expiry() || by_age.is_none())
            .or(by_age)
            .unwrap_or_else(|| now.saturating_add_unsigned(self.tag_retention.unwrap_or(u64::MAX)));
        Some(proof.claim_once(guard, case, keep_until, now))
    }

    /// Marks a request that was claimed, for a layer inside with the same guard.
    pub(crate) fn mark_claimed(&self, head: &mut Parts, proof: &Proof) {
        if let Some(guard) = &self.replay {
            own_claims::add(&mut head.extensions, guard.id(), proof.replay_keys());
        }
    }

    pub(crate) fn has_replay_guard(&self) -> bool {
        self.replay.is_some()
    }

    pub(crate) fn formats(&self) -> impl Iterator<Item = &Format> {
        std::iter::once(&self.first).chain(&self.more)
    }

    #[inline]
    pub(crate) fn format(&self, place: usize) -> &Format {
        place.checked_sub(1).and_then(|place| self.more.get(place)).unwrap_or(&self.first)
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.unix_now()
    }

    pub(crate) fn body_limit(&self) -> usize {
        self.body_limit
    }

    pub(crate) fn is_disarmed(&self) -> bool {
        self.disarmed
    }

    /// Undoes `optional`.
    #[cfg(feature = "axum")]
    pub(crate) fn required(mut self) -> Self {
        self.optional = false;
        self
    }

    /// Whether a request is let through unsigned.
    pub(crate) fn lets_through(&self, error: &VerifyError) -> bool {
        self.optional && error.kind() == ErrorKind::Missing
    }

    pub(crate) fn disarmed_verified(&self) -> Verified {
        Verified::disarmed(self.first.name.clone())
    }

    /// What a handler may see of the signature: nothing, or nothing that logs print.
    #[inline]
    pub(crate) fn cover_up(&self, head: &mut Parts) {
        for format in self.formats() {
            if self.strips {
                format.scheme.strip(head);
            }
            // Another party's signature can be left in the same headers.
            let names = format.scheme.headers();
            if head.headers.len() == head.headers.keys_len() {
                for name in names {
                    if let Some(value) = head.headers.get_mut(name) {
                        value.set_sensitive(true);
                    }
                }
                continue;
            }
            // Some header has two values. All are marked: a rejection may print the head.
            for (_, value) in head.headers.iter_mut().filter(|(name, _)| names.contains(name)) {
                value.set_sensitive(true);
            }
        }
    }
}
