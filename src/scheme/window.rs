//! The time rules of a scheme.

/// The time rules of a scheme.
///
/// ```
/// use tower_hmac::scheme::Window;
///
/// let window = Window::timed().with_max_lifetime(3600);
/// assert!(window.is_timed());
/// assert!(!Window::untimed().is_timed());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    timed: bool,
    excludes_edge: bool,
    aged_by_expiry: bool,
    tolerance: Option<Tolerance>,
    max_lifetime: Option<u64>,
}

/// The maximum difference between a signed time and now, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tolerance {
    pub(crate) past: u64,
    pub(crate) future: u64,
}

impl Window {
    /// Makes rules for a scheme that carries no time: a signature is valid forever.
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

    /// Makes rules for a scheme whose claims all carry a time of creation or expiry. A claim
    /// without either is rejected.
    #[must_use]
    pub const fn timed() -> Self {
        let mut window = Self::untimed();
        window.timed = true;
        window
    }

    /// Rejects an age equal to the tolerance, which is accepted otherwise.
    #[must_use]
    pub const fn excluding_edge(mut self) -> Self {
        self.excludes_edge = true;
        self
    }

    /// Sets how old a signature may be and how far in the future its time may be, in seconds, if
    /// the scheme itself defines these limits. [`Verifier::with_tolerance`] overrides it.
    ///
    /// [`Verifier::with_tolerance`]: crate::Verifier::with_tolerance
    #[must_use]
    pub const fn with_tolerance(mut self, past: u64, future: u64) -> Self {
        self.tolerance = Some(Tolerance { past, future });
        self
    }

    /// Limits the age of a claim with an expiry by that expiry alone. `created` must only not be
    /// too far in the future. Otherwise, the tolerance cuts off a longer lifetime.
    ///
    /// Set a [longest lifetime](Self::with_max_lifetime) with it. Otherwise, the signer decides how
    /// long its signature is valid.
    #[must_use]
    pub const fn aged_by_expiry(mut self) -> Self {
        self.aged_by_expiry = true;
        self
    }

    /// Rejects a claim that expires more than this many seconds from now. With
    /// [`aged_by_expiry`](Self::aged_by_expiry), also rejects a claim that expires more than that
    /// after its creation.
    #[must_use]
    pub const fn with_max_lifetime(mut self, seconds: u64) -> Self {
        self.max_lifetime = Some(seconds);
        self
    }

    /// Returns whether every claim carries a time.
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
