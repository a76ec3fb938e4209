use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use moka::sync::Cache;
use tokio::time::{Instant, timeout};

use crate::error::BoxError;
use crate::key::flight::Flights;
use crate::key::{KeyId, KeySet, KeyStore, Lookup};
use crate::mac::{Algorithm, Hasher};
use crate::scheme::Claim;

const DEFAULT_TTL: Duration = Duration::from_secs(60);
const DEFAULT_UNKNOWN_TTL: Duration = Duration::from_secs(10);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2);
const DEFAULT_CAPACITY: u64 = 10_000;
/// After a failure, so long the store is not asked again where old keys can stand in.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A cache before a slow [`KeyStore`], such as a database.
///
/// * **Time to live.** A key that the store no longer has is refused within the
///   [time to live](Self::with_ttl), 60 s unless it is set.
/// * **Single flight.** Any number of requests that miss at once ask the store once. A client that
///   goes away does not end the question of the others.
/// * **Unknown names** are remembered too, for [a shorter time](Self::with_unknown_ttl) and in a
///   room of their own: strangers who make up names push no known key out.
/// * **Timeout.** A store that does not answer within it is answered for with 503.
/// * **Stale keys** may stand in while the store fails, if
///   [that is allowed](Self::with_stale_if_error), and for no longer than that.
///
/// Nothing that a client sends stays in memory but a SHA-256 of it.
///
/// # What the answer may depend on
///
/// The claimed key id alone, unless [`with_cache_key`](Self::with_cache_key) says what else: a
/// store that looks at the host too would otherwise give one tenant's keys to another.
///
/// The times are counted on tokio's clock, so that tests may pause it.
///
/// ```
/// use std::time::Duration;
/// use http::request::Parts;
/// use tower_hmac::{BoxError, CachedKeys, KeyId, SecretKey, key_fn};
///
/// let database = key_fn(|id: Option<&KeyId>, _: &Parts| {
///     let id = id.cloned();
///     async move { Ok::<Option<SecretKey>, BoxError>(None) }
/// });
/// let keys = CachedKeys::new(database)
///     .with_ttl(Duration::from_secs(30))
///     .with_timeout(Duration::from_millis(500));
/// ```
pub struct CachedKeys<K> {
    store: K,
    shared: Arc<Shared>,
    key: Arc<CacheKeyFn>,
    settings: Settings,
}

type CacheKeyFn = dyn Fn(&Claim, &Parts) -> Vec<u8> + Send + Sync;

/// What the rooms are found by: a hash, so that names of any length take the same room.
pub(super) type CacheKey = [u8; 32];

#[derive(Clone, Copy, Debug)]
struct Settings {
    ttl: Duration,
    unknown_ttl: Duration,
    stale: Duration,
    timeout: Duration,
    capacity: u64,
    unknown_capacity: u64,
}

struct Shared {
    known: Cache<CacheKey, Known>,
    unknown: Cache<CacheKey, Instant>,
    flights: Flights,
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

impl<K: KeyStore> CachedKeys<K> {
    /// Puts a cache before a store.
    #[must_use]
    pub fn new(store: K) -> Self {
        let settings = Settings {
            ttl: DEFAULT_TTL,
            unknown_ttl: DEFAULT_UNKNOWN_TTL,
            stale: Duration::ZERO,
            timeout: DEFAULT_TIMEOUT,
            capacity: DEFAULT_CAPACITY,
            unknown_capacity: DEFAULT_CAPACITY,
        };
        Self { store, shared: Arc::new(Shared::new(settings)), key: Arc::new(by_id), settings }
    }

    /// Sets for how long keys are used without asking again; 60 s if it is not set. So long a key
    /// counts after it has been taken out of the store.
    #[must_use]
    pub fn with_ttl(self, ttl: Duration) -> Self {
        self.with(|settings| settings.ttl = ttl)
    }

    /// Sets for how long it is remembered that a name is unknown; 10 s if it is not set. So long a
    /// new name is refused after somebody has asked for it too early.
    #[must_use]
    pub fn with_unknown_ttl(self, ttl: Duration) -> Self {
        self.with(|settings| settings.unknown_ttl = ttl)
    }

    /// Sets how many names are kept with their keys, and how many as unknown; 10,000 of each if it
    /// is not set. An unknown one takes about 200 bytes, whatever its length.
    #[must_use]
    pub fn with_capacity(self, known: u64, unknown: u64) -> Self {
        self.with(|settings| (settings.capacity, settings.unknown_capacity) = (known, unknown))
    }

    /// Sets how long a request waits for the store; 2 s if it is not set.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        self.with(|settings| settings.timeout = timeout)
    }

    /// Lets keys stand in for a store that fails, for so long after their time to live. A key that
    /// was revoked just before the failure counts so much longer; not allowed if it is not set.
    #[must_use]
    pub fn with_stale_if_error(self, stale: Duration) -> Self {
        self.with(|settings| settings.stale = stale)
    }

    /// Sets what the store's answer depends on, as bytes: two requests with equal bytes get the
    /// same keys. The key id is part of it in any case.
    #[must_use]
    pub fn with_cache_key(
        mut self,
        key: impl Fn(&Claim, &Parts) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        self.key = Arc::new(key);
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self.shared = Arc::new(Shared::new(self.settings));
        self
    }

    fn cache_key(&self, claim: &Claim, head: &Parts) -> CacheKey {
        let name = claim.key_id().map(|id| id.as_str().as_bytes());
        let mut hasher = Hasher::new(Algorithm::Sha256);
        // No name is another one than any name; names cannot be empty.
        let name = name.unwrap_or_default();
        hasher.update(&(name.len() as u64).to_be_bytes());
        hasher.update(name);
        hasher.update(&(self.key)(claim, head));
        let mut key = [0; 32];
        key.copy_from_slice(hasher.finalize().as_bytes());
        key
    }
}

/// Nothing beside the key id.
fn by_id(_: &Claim, _: &Parts) -> Vec<u8> {
    Vec::new()
}

impl<K: KeyStore> KeyStore for CachedKeys<K> {
    fn lookup(&self, claim: &Claim, head: &Parts) -> Lookup {
        let key = self.cache_key(claim, head);
        if let Some(found) = self.shared.get(&key) {
            return Lookup::ready(Ok(found));
        }
        let shared = self.shared.clone();
        let question = self.store.lookup(claim, head);
        let flight = shared.flights.join(key, {
            let shared = shared.clone();
            move || async move { shared.ask(key, question).await }
        });
        Lookup::later(async move {
            match timeout(shared.settings.timeout, flight).await {
                Ok(found) => found.map_err(Into::into),
                Err(_) => Err(BoxError::from(Failure::Timeout)),
            }
        })
    }

    fn max_keys(&self) -> usize {
        self.store.max_keys()
    }

    fn list(&self) -> Vec<(Option<KeyId>, KeySet)> {
        self.store.list()
    }
}

impl Shared {
    fn new(settings: Settings) -> Self {
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
            flights: Flights::default(),
            settings,
        }
    }

    /// What is known without asking.
    fn get(&self, key: &CacheKey) -> Option<Option<KeySet>> {
        let now = Instant::now();
        if let Some(known) = self.known.get(key).filter(|known| now < known.fresh_until) {
            return Some(Some(known.keys));
        }
        self.unknown.get(key).filter(|until| now < *until).map(|_| None)
    }

    async fn ask(&self, key: CacheKey, question: Lookup) -> Found {
        // It may have been answered since this request looked.
        if let Some(found) = self.get(&key) {
            return Ok(found);
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
        match found {
            Some(keys) => {
                let fresh_until = after(now, self.settings.ttl);
                let stale_until = after(fresh_until, self.settings.stale);
                self.known.insert(key, Known { keys, fresh_until, stale_until });
            }
            None => {
                // A revoked key must not stand in later.
                self.known.invalidate(&key);
                self.unknown.insert(key, after(now, self.settings.unknown_ttl));
            }
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

/// What moka takes as the longest time, about 1,000 years; 100 are enough.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

fn after(start: Instant, time: Duration) -> Instant {
    start.checked_add(time.min(LONGEST)).unwrap_or(start)
}

impl<K: fmt::Debug> fmt::Debug for CachedKeys<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedKeys")
            .field("store", &self.store)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
