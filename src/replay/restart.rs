//! Requests signed before a guard's memory began.

use std::time::Duration;

/// How a guard treats a request that it may have forgotten.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RestartPolicy {
    margin: u64,
    accepts_unknown: bool,
}

impl RestartPolicy {
    /// A fraction of a second is rounded up: times of signing are whole seconds.
    pub(super) fn with_margin(mut self, margin: Duration) -> Self {
        let part = u64::from(margin.subsec_nanos() > 0);
        self.margin = margin.as_secs().saturating_add(part);
        self
    }

    pub(super) fn accepting_unknown(mut self) -> Self {
        self.accepts_unknown = true;
        self
    }

    /// Returns whether a request may have been accepted before the memory began, in the second
    /// `begun`. Requests signed in that same second are let through, so that a service that has
    /// just started answers its first callers.
    pub(super) fn may_have_forgotten(self, created: Option<i64>, begun: i64) -> bool {
        let first = begun.saturating_add_unsigned(self.margin);
        !self.accepts_unknown && created.is_some_and(|created| created < first)
    }
}

/// The settings of a [`RestartPolicy`] in the field `restart`, with the link to what a restart does.
macro_rules! restart_settings {
    ($link:literal) => {
        #[doc = concat!(
            "Rejects requests for this much longer [after a restart](", $link, "). Off by default."
        )]
        ///
        /// One second closes the gap of whole seconds. A margin of `d` closes that of clients whose
        /// clocks are ahead by up to `d`. In return, a legitimate client gets 503 for that long
        /// after each restart, plus the time by which its clock is behind.
        #[must_use]
        pub fn with_restart_margin(mut self, margin: std::time::Duration) -> Self {
            self.restart = self.restart.with_margin(margin);
            self
        }

        /// Accepts requests that were signed before the guard's memory began, as if they were new.
        ///
        /// Each time the memory is lost, earlier requests can be replayed once, for as long as the
        /// tolerance. Use this for senders that repeat a request and never sign it again.
        #[must_use]
        pub fn with_unknown_accepted(mut self) -> Self {
            self.restart = self.restart.accepting_unknown();
            self
        }
    };
}
pub(super) use restart_settings;
