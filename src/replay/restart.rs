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
    /// `begun`. Requests signed in that very second are let through, so that a service that has
    /// just started answers its first callers.
    pub(super) fn may_have_forgotten(self, created: Option<i64>, begun: i64) -> bool {
        let first = begun.saturating_add_unsigned(self.margin);
        !self.accepts_unknown && created.is_some_and(|created| created < first)
    }
}
