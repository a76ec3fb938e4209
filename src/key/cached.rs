use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::digest::Hasher;
use crate::error::BoxError;
use crate::key::flight::Flights;
use crate::key::rooms::{CacheKey, Failure, Rooms, Settings};
use crate::key::{KeyId, KeyQuery, KeySet, KeyStore, Lookup};
use crate::mac::Algorithm;

const DEFAULT_TTL: Duration = Duration::from_secs(60);
const DEFAULT_UNKNOWN_TTL: Duration = Duration::from_secs(10);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2);
const DEFAULT_CAPACITY: u64 = 10_000;

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
/// /// use tower_hmac::{BoxError, CachedKeys, KeyId, SecretKey, key_fn};
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
    rooms: Arc<Rooms>,
    flights: Flights,
    key: Arc<CacheKeyFn>,
    settings: Settings,
}

type CacheKeyFn = dyn Fn(&KeyQuery<'_>) -> Vec<u8> + Send + Sync;

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
        Self {
            store,
            rooms: Arc::new(Rooms::new(settings)),
            flights: Flights::default(),
            key: Arc::new(by_id),
            settings,
        }
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
    /// is not set. An unknown one takes some hundred bytes, whatever its length.
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
        key: impl Fn(&KeyQuery<'_>) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        self.key = Arc::new(key);
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self.rooms = Arc::new(Rooms::new(self.settings));
        self
    }

    fn cache_key(&self, query: &KeyQuery<'_>) -> CacheKey {
        let name = query.key_id().map(|id| id.as_str().as_bytes());
        let mut hasher = Hasher::new(Algorithm::Sha256);
        // No name is another one than any name; names cannot be empty.
        let name = name.unwrap_or_default();
        hasher.update(&(name.len() as u64).to_be_bytes());
        hasher.update(name);
        hasher.update(&(self.key)(query));
        let mut key = [0; 32];
        key.copy_from_slice(hasher.finalize().as_bytes());
        key
    }
}

/// Nothing beside the key id.
fn by_id(_: &KeyQuery<'_>) -> Vec<u8> {
    Vec::new()
}

impl<K: KeyStore> KeyStore for CachedKeys<K> {
    fn lookup(&self, query: &KeyQuery<'_>) -> Lookup {
        let key = self.cache_key(query);
        if let Some(found) = self.rooms.get(&key) {
            return Lookup::ready(found.map_err(Into::into));
        }
        let rooms = self.rooms.clone();
        let question = self.store.lookup(query);
        let flight = self.flights.join(key, async move { rooms.ask(key, question).await });
        let most = self.settings.timeout;
        Lookup::later(async move {
            match timeout(most, flight).await {
                Ok(found) => found.map_err(Into::into),
                Err(_) => Err(BoxError::from(Failure::Timeout)),
            }
        })
    }

    fn max_keys(&self) -> usize {
        self.store.max_keys()
    }

    fn prepare(&self, algorithm: Algorithm) {
        self.store.prepare(algorithm);
    }

    fn knows(&self, key_id: Option<&KeyId>) -> Option<bool> {
        self.store.knows(key_id)
    }

    fn has_named_keys(&self) -> Option<bool> {
        self.store.has_named_keys()
    }

    fn visit_keys(&self, visit: &mut dyn FnMut(Option<&KeyId>, &KeySet)) {
        self.store.visit_keys(visit);
    }
}

impl<K: fmt::Debug> fmt::Debug for CachedKeys<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedKeys")
            .field("store", &self.store)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
