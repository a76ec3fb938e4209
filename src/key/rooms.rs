use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use tokio::time::{Instant, timeout};

use crate::key::{KeySet, Lookup};

/// After a failure, so long the store is not asked again where old keys can stand in.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// The longest time that is counted, 100 years. The clocks take more, but not without an end.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// What the rooms are found by: a hash, so that names of any length take the same room.
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

/// What the store has said, in one room for names with keys and one for names without.
pub(super) struct Rooms {
    known: Cache<CacheKey, Known>,
    unknown: Cache<CacheKey, Instant>,
    settings: Settings,
}

#[derive(Clone)]
struct Known {
    keys: KeySet,
    /// When the store is to be asked again.
    fresh_until: Instant,
    /// Up to when they may stand in for a store that fails.
    stale_until: Instant,
}

/// An answer that several requests wait for.
pub(super) type Found = Result<Option<KeySet>, Failure>;

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the key store did not answer in time")]
    Timeout,
    #[error("the key store failed")]
    Store(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

impl Rooms {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            known: Cache::builder()
                .max_capacity(settings.capacity)
                // What is too old is wiped, not only passed over.
                .time_to_live(settings.ttl.saturating_add(settings.stale).min(LONGEST))
                .build(),
            unknown: Cache::builder()
                .max_capacity(settings.unknown_capacity)
                .time_to_live(settings.unknown_ttl.min(LONGEST))
                .build(),
            settings,
        }
    }

    /// What is known without asking.
    pub(super) fn get(&self, key: &CacheKey) -> Option<Found> {
        let now = Instant::now();
        if let Some(known) = self.known.get(key).filter(|known| now < known.fresh_until) {
            return Some(Ok(Some(known.keys)));
        }
        self.unknown.get(key).filter(|until| now < *until).map(|_| Ok(None))
    }

    pub(super) async fn ask(&self, key: CacheKey, question: Lookup) -> Found {
        // It may have been answered since this request looked.
        if let Some(found) = self.get(&key) {
            return found;
        }
        let answer = match timeout(self.settings.timeout, question).await {
            Ok(answer) => answer.map_err(|error| Failure::Store(error.into())),
            Err(_) => Err(Failure::Timeout),
        };
        match answer {
            Ok(found) => {
                self.keep(key, found.clone());
                Ok(found)
            }
            Err(failure) => self.stand_in(key).map(Some).ok_or(failure),
        }
    }

    fn keep(&self, key: CacheKey, found: Option<KeySet>) {
        let now = Instant::now();
        if let Some(keys) = found {
            let fresh_until = after(now, self.settings.ttl);
            let stale_until = after(fresh_until, self.settings.stale);
            self.known.insert(key, Known { keys, fresh_until, stale_until });
        } else {
            // A revoked key must not stand in later.
            self.known.invalidate(&key);
            self.unknown.insert(key, after(now, self.settings.unknown_ttl));
        }
    }

    /// The old keys, for a store that fails.
    fn stand_in(&self, key: CacheKey) -> Option<KeySet> {
        let now = Instant::now();
        let known = self.known.get(&key).filter(|known| now < known.stale_until)?;
        let keys = known.keys.clone();
        let fresh_until = after(now, RETRY_AFTER).min(known.stale_until);
        self.known.insert(key, Known { fresh_until, ..known });
        Some(keys)
    }
}

fn after(start: Instant, time: Duration) -> Instant {
    start.checked_add(time.min(LONGEST)).unwrap_or(start)
}
