//! What a scheme says of time.

/// What a format says of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    timed: bool,
    excludes_edge: bool,
    aged_by_expiry: bool,
    tolerance: Option<Tolerance>,
    max_lifetime: Option<u64>,
}

/// How far a signed time can lie from now, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tolerance {
    pub(crate) past: u64,
    pub(crate) future: u64,
}

impl Window {
    /// The format carries no time: a signature is good for ever.
    #[must_use]
    pub const fn untimed() -> Self {
        Self {
            timed: false,
            excludes_edge: false,
            aged_by_expiry: false,
            tolerance: None,
            max_lifetime: None,
        }
    }

    /// Every claim carries a time of creation or of expiry. One without is refused.
    #[must_use]
    pub const fn timed() -> Self {
        let mut window = Self::untimed();
        window.timed = true;
        window
    }

    /// An age of just the tolerance is refused, where it is accepted otherwise.
    #[must_use]
    pub const fn excluding_edge(mut self) -> Self {
        self.excludes_edge = true;
        self
    }

    /// Sets how old a signature can be and how far ahead its clock, in seconds, where the scheme's
    /// own rules say so. [`Verifier::with_tolerance`] wins over it.
    ///
    /// [`Verifier::with_tolerance`]: crate::Verifier::with_tolerance
    #[must_use]
    pub const fn with_tolerance(mut self, past: u64, future: u64) -> Self {
        self.tolerance = Some(Tolerance { past, future });
        self
    }

    /// Bounds the age of a claim that expires by its expiry alone: `created` is only checked to lie
    /// not too far ahead. Without it, a lifetime that is longer than the tolerance never holds.
    ///
    /// Set a [longest lifetime](Self::with_max_lifetime) with it, or the signer decides how long.
    #[must_use]
    pub const fn aged_by_expiry(mut self) -> Self {
        self.aged_by_expiry = true;
        self
    }

    /// A claim that expires later than so many seconds from now is refused; with
    /// [`aged_by_expiry`](Self::aged_by_expiry), also one that expires later than that after it was
    /// created.
    #[must_use]
    pub const fn with_max_lifetime(mut self, seconds: u64) -> Self {
        self.max_lifetime = Some(seconds);
        self
    }

    /// Whether every claim carries a time.
    #[must_use]
    pub const fn is_timed(&self) -> bool {
        self.timed
    }

    pub(crate) const fn excludes_edge(&self) -> bool {
        self.excludes_edge
    }

    pub(crate) const fn is_aged_by_expiry(&self) -> bool {
        self.aged_by_expiry
    }

    pub(crate) const fn tolerance(&self) -> Option<Tolerance> {
        self.tolerance
    }

    pub(crate) const fn max_lifetime(&self) -> Option<u64> {
        self.max_lifetime
    }
}
