//! Cached answers of a slow key store.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use tokio::time::Instant;

use crate::key::KeySet;

/// The time that stale keys are used before a failing store is asked again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// The longest time that is measured: 100 years. Longer times would overflow the clock.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// The hash of a cache key. Key IDs of any length take the same memory.
pub(super) type CacheKey = [u8; 32];

#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) ttl: Duration,
    pub(super) unknown_ttl: Duration,
    pub(super) stale: Duration,
    pub(super) timeout: Duration,
    pub(super) capacity: u64,
    pub(super) unknown_capacity: u64,
}

/// The answers: one cache for key IDs with keys, and one for unknown ones.
pub(super) struct Rooms {
    known: Cache<CacheKey, Known>,
    unknown: Cache<CacheKey, Instant>,
    settings: Settings,
}

#[derive(Clone)]
struct Known {
    keys: KeySet,
    /// The time until which the keys are used without asking the store again.
    fresh_until: Instant,
    /// The time until which the keys are used if the store fails.
    stale_until: Instant,
}

/// An answer shared by several requests.
pub(super) type Found = Result<Option<KeySet>, Failure>;

/// The reason why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the key store did not answer in time")]
    Timeout,
    /// Omits the panic message, which may contain anything.
    #[error("the key store panicked")]
    Panicked,
    #[error(transparent)]
    Store(Arc<dyn std::error::Error + Send + Sync>),
}

impl Rooms {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            known: Cache::builder()
                .max_capacity(settings.capacity)
                // Expired keys are wiped, not just ignored.
                .time_to_live(settings.ttl.saturating_add(settings.stale).min(LONGEST))
                .build(),
            unknown: Cache::builder()
                .max_capacity(settings.unknown_capacity)
                .time_to_live(settings.unknown_ttl.min(LONGEST))
                .build(),
            settings,
        }
    }

    /// Returns the answer if it is still fresh.
    pub(super) fn get(&self, key: &CacheKey) -> Option<Found> {
        let now = Instant::now();
        if let Some(known) = self.known.get(key).filter(|known| now < known.fresh_until) {
            return Some(Ok(Some(known.keys)));
        }
        self.unknown.get(key).filter(|until| now < *until).map(|_| Ok(None))
    }

    /// Caches an answer. Its age counts from when the store was asked, since it may miss later
    /// changes.
    pub(super) fn keep(&self, key: CacheKey, found: Option<KeySet>, asked: Instant) {
        if let Some(keys) = found {
            let fresh_until = after(asked, self.settings.ttl);
            let stale_until = after(fresh_until, self.settings.stale);
            self.known.insert(key, Known { keys, fresh_until, stale_until });
        } else {
            // A removed key must not be used again if the store fails later.
            self.known.invalidate(&key);
            self.unknown.insert(key, after(asked, self.settings.unknown_ttl));
        }
    }

    /// Returns the stale keys to use while a store fails, and whether this failure is new. The keys
    /// count as fresh until the next retry.
    pub(super) fn stand_in(&self, key: CacheKey) -> Option<(KeySet, bool)> {
        let now = Instant::now();
        let known = self.known.get(&key).filter(|known| now < known.stale_until)?;
        let keys = known.keys.clone();
        let is_first = known.fresh_until <= now;
        if is_first {
            let fresh_until = after(now, RETRY_AFTER).min(known.stale_until);
            self.known.insert(key, Known { fresh_until, ..known });
        }
        Some((keys, is_first))
    }
}

impl Failure {
    /// Warns that stale keys are used. Otherwise, nobody would notice until they expire.
    #[cfg_attr(not(feature = "tracing"), allow(clippy::unused_self))]
    pub(super) fn warn(&self) {
        #[cfg(feature = "tracing")]
        tracing::warn!(
            source = self as &dyn std::error::Error,
            "the key store failed; using stale keys"
        );
    }
}

/// Adds a time, limited to 100 years.
pub(super) fn after(start: Instant, time: Duration) -> Instant {
    start.checked_add(time.min(LONGEST)).unwrap_or(start)
}
