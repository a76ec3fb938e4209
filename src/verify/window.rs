//! Step 2: the times of a claim against the clock.

use crate::scheme::{Claim, ClaimError, Tolerance, Window};
use crate::verify::context::VerifyContext;
use crate::verify::error::{ErrorKind, VerifyError};
use crate::verify::step::Step;
use crate::verify::verifier::Verifier;

/// The tolerance if neither the verifier nor the scheme sets one.
const DEFAULT_TOLERANCE: Tolerance = Tolerance { past: 300, future: 300 };

impl VerifyContext<'_> {
    /// Compares the times again once the body is complete, since it may have taken long to arrive.
    /// Returns the time for the replay guard, in Unix seconds: any request that the guard has
    /// forgotten must have expired by then.
    ///
    /// `None` if nothing depends on the time.
    #[inline]
    pub(super) fn check_window_again(self) -> Result<Option<i64>, VerifyError> {
        let (verifier, claim) = (self.verifier, self.claim());
        if verifier.replay.is_none() && !claim.has_times() {
            return Ok(None);
        }
        let now = verifier.now();
        let window = self.entry().window;
        verifier.check_times(window, claim, now).map_err(|kind| self.about(window_error(kind)))?;
        Ok(Some(now))
    }
}

impl Verifier {
    #[inline]
    pub(super) fn check_window(&self, window: Window, claim: &Claim) -> Result<(), VerifyError> {
        if claim.created().is_none() && claim.expires().is_none() {
            // The scheme promised a time. A claim without one would be valid forever.
            if window.is_timed() {
                let error = ClaimError::malformed("the signature carries no time");
                return Err(VerifyError::unclaimed(Step::Window, error));
            }
            if claim.not_before().is_none() {
                return Ok(());
            }
        }
        self.check_times(window, claim, self.clock.unix_now()).map_err(window_error)
    }

    /// Returns whether a claim's times are too far from now.
    pub(crate) fn is_outside_of_window(&self, window: Window, claim: &Claim) -> bool {
        self.check_times(window, claim, self.clock.unix_now()).is_err()
    }

    /// Returns how far a time may differ from now: the verifier's own setting, or the scheme's.
    pub(super) fn tolerance(&self, window: Window) -> Tolerance {
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
            // A long lifetime must not pass for a short one just before it ends.
            let born = claim.created().filter(|_| window.is_aged_by_expiry()).unwrap_or(now);
            let life = now.abs_diff(expires).max(born.abs_diff(expires));
            let too_far = window.max_lifetime().is_some_and(|most| life > most);
            if expires < now || too_far {
                return Err(ErrorKind::Expired);
            }
        }
        Ok(())
    }
}

fn window_error(kind: ErrorKind) -> VerifyError {
    VerifyError::new(Step::Window, kind)
}
