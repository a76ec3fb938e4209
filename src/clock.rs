//! Clocks: where the current time comes from.
//!
//! See [`Clock`] for an example of your own clock, and [`ManualClock`] for one for tests.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub(crate) use std::time as platform;

// The standard library's `now` panics on this target.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub(crate) use web_time as platform;

use platform::{SystemTime, UNIX_EPOCH};

/// A source of the current time.
///
/// ```
/// use tower_hmac::clock::{Clock, SystemClock};
/// use tower_hmac::{FlaskHmac, KeyMap, VerifyLayer};
///
/// /// For a host whose clock is known to be ten seconds slow.
/// struct Corrected;
///
/// impl Clock for Corrected {
///     fn unix_now(&self) -> i64 {
///         SystemClock.unix_now() + 10
///     }
/// }
///
/// let layer = VerifyLayer::new(FlaskHmac::new(), KeyMap::single("s3cr3tk3y")?)?.with_clock(Corrected);
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a clock",
    label = "expected a `Clock`, such as `ManualClock`",
    note = "in a test, set the time with `ManualClock::new(unix_seconds)`"
)]
pub trait Clock: Send + Sync {
    /// Returns the time in Unix seconds: whole seconds since 1970-01-01T00:00:00Z, rounded down.
    fn unix_now(&self) -> i64;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn unix_now(&self) -> i64 {
        (**self).unix_now()
    }
}

/// The system's clock. The default. On `wasm32-unknown-unknown` it is JavaScript's `Date.now()`.
///
/// See [`Clock`] for an example.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn unix_now(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            Err(before) => {
                i64::try_from(before.duration().as_secs()).map_or(i64::MIN, i64::saturating_neg)
            }
        }
    }
}

/// A clock for tests that only moves when told to. Clones share their time.
///
/// ```
/// use tower_hmac::clock::{Clock, ManualClock};
///
/// let clock = ManualClock::new(1_700_000_000);
/// clock.advance(60);
/// assert_eq!(clock.unix_now(), 1_700_000_060);
/// ```
#[derive(Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// Makes a clock that shows this time, in Unix seconds.
    #[must_use]
    pub fn new(unix_seconds: i64) -> Self {
        Self(Arc::new(AtomicI64::new(unix_seconds)))
    }

    /// Sets the time, in Unix seconds.
    pub fn set(&self, unix_seconds: i64) {
        self.0.store(unix_seconds, Ordering::SeqCst);
    }

    /// Moves the time by this many seconds, backwards if negative.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn unix_now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ManualClock").field(&self.unix_now()).finish()
    }
}
