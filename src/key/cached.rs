//! A cache in front of a slow key store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::crypto::Algorithm;
use crate::crypto::Hasher;
use crate::key::flight::{Flights, Joined};
use crate::key::rooms::{CacheKey, Settings};
use crate::key::{KeyId, KeyQuery, KeySet, KeyStore, Lookup};

const DEFAULT_TTL: Duration = Duration::from_secs(60);
const DEFAULT_UNKNOWN_TTL: Duration = Duration::from_secs(10);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2);
const DEFAULT_CAPACITY: u64 = 10_000;

/// Caches the answers of a slow [`KeyStore`], such as a database.
///
/// * **Time to live.** A key removed from the store is rejected within the [time to
///   live](Self::with_ttl), 60 s by default. The time starts when the store is asked, not when it
///   answers.
/// * **Single flight.** Concurrent requests for the same keys call [`lookup`](KeyStore::lookup)
///   once. The lookup continues if the first client disconnects, and is dropped when the last one
///   does.
/// * **Unknown key IDs** are cached separately and for [a shorter time](Self::with_unknown_ttl).
///   Made-up key IDs cannot evict known keys.
/// * **Timeout.** If the store does not answer [in time](Self::with_timeout), requests are answered
///   with 503.
/// * **Stale keys.** If [allowed](Self::with_stale_if_error), expired keys are used while the store
///   fails, hangs or panics. Stale keys are used instead of answering with 503 on a timeout.
/// * **Panics.** If the store panics, every request waiting for its answer gets 503, and the next
///   request asks again.
///
/// The cache keeps only a SHA-256 hash of the data that a client sends.
///
/// # What the answer may depend on
///
/// The answer may depend only on the claimed key ID, unless
/// [`with_cache_key`](Self::with_cache_key) adds to it. Otherwise, a store that also looks at the
/// host would return one tenant's keys to another.
///
/// # What timing reveals
///
/// A cached key ID is answered sooner than one that needs a lookup, and known key IDs stay in the
/// cache longer. An attacker who measures this can learn which key IDs exist. `SharedKeys`
/// (feature `reload`) and `PolledKeys` (with feature `tokio`) take the same time for every key ID.
///
/// # Time
///
/// Times are measured on tokio's clock, which tests can pause. A lookup that has to wait needs a
/// tokio runtime with its timers enabled.
///
/// ```
/// use std::time::Duration;
/// use http::request::Parts;
/// use tower_hmac::{BoxError, KeyId, SecretKey};
/// use tower_hmac::key::{CachedKeys, key_fn};
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
    flights: Arc<Flights>,
    key: Arc<CacheKeyFn>,
    settings: Settings,
}

type CacheKeyFn = dyn Fn(&KeyQuery<'_>) -> Vec<u8> + Send + Sync;

impl<K: KeyStore> CachedKeys<K> {
    /// Puts a cache in front of a store.
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
        Self { store, flights: Arc::new(Flights::new(settings)), key: Arc::new(by_id), settings }
    }

    /// Sets how long keys are used before the store is asked again. The time starts when the store
    /// is asked. 60 s by default. A key stays valid for this long after it was removed from the
    /// store.
    ///
    /// A request never joins a lookup older than this. If the store takes longer to answer, it is
    /// asked again before its answer arrives.
    #[must_use]
    pub fn with_ttl(self, ttl: Duration) -> Self {
        self.with(|settings| settings.ttl = ttl)
    }

    /// Sets how long a key ID is remembered as unknown. The time starts when the store is asked. 10
    /// s by default. If a new key ID is used before it is added, it is rejected for this long.
    #[must_use]
    pub fn with_unknown_ttl(self, ttl: Duration) -> Self {
        self.with(|settings| settings.unknown_ttl = ttl)
    }

    /// Sets how many known key IDs are cached with their keys, and how many unknown ones. 10,000 of
    /// each by default. An unknown key ID takes a few hundred bytes, whatever its length.
    #[must_use]
    pub fn with_capacity(self, known: u64, unknown: u64) -> Self {
        self.with(|settings| (settings.capacity, settings.unknown_capacity) = (known, unknown))
    }

    /// Sets how long the store may take to answer. 2 s by default. A request that joins a lookup in
    /// progress waits only for the remaining time of that lookup.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        self.with(|settings| settings.timeout = timeout)
    }

    /// Uses expired keys for this long after their time to live, while the store fails. Off by
    /// default. A key removed just before the failure stays valid for the sum of both times.
    ///
    /// The store is asked again after a second. Each failure is logged as a warning (feature
    /// `tracing`).
    #[must_use]
    pub fn with_stale_if_error(self, stale: Duration) -> Self {
        self.with(|settings| settings.stale = stale)
    }

    /// Sets what the store's answer depends on in addition to the key ID. Requests for which `key`
    /// returns equal bytes get the same keys.
    ///
    /// ```
    /// use tower_hmac::KeyMap;
    /// use tower_hmac::key::CachedKeys;
    ///
    /// # let store = KeyMap::single("a key")?;
    /// // The store has other keys for each host.
    /// let keys = CachedKeys::new(store).with_cache_key(|query| {
    ///     query.head().headers.get("host").map_or_else(Vec::new, |host| host.as_bytes().to_vec())
    /// });
    /// # Ok::<(), tower_hmac::ConfigError>(())
    /// ```
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
        self.flights = Arc::new(Flights::new(self.settings));
        self
    }

    fn cache_key(&self, query: &KeyQuery<'_>) -> CacheKey {
        let name = query.key_id().map(|id| id.as_str().as_bytes());
        let mut hasher = Hasher::new(Algorithm::Sha256);
        // The anonymous caller differs from every key ID, since no key ID is empty.
        let name = name.unwrap_or_default();
        hasher.update(&(name.len() as u64).to_be_bytes());
        hasher.update(name);
        hasher.update(&(self.key)(query));
        let mut key = [0; 32];
        key.copy_from_slice(hasher.finalize().as_bytes());
        key
    }
}

/// The default cache key, which adds nothing to the key ID.
fn by_id(_: &KeyQuery<'_>) -> Vec<u8> {
    Vec::new()
}

impl<K: KeyStore> KeyStore for CachedKeys<K> {
    fn lookup(&self, query: &KeyQuery<'_>) -> Lookup {
        let key = self.cache_key(query);
        match self.flights.join(key, || self.store.lookup(query)) {
            Joined::Known(found) => Lookup::ready(found.map_err(Into::into)),
            Joined::Waiting(waiting) => {
                Lookup::later(async move { waiting.wait().await.map_err(Into::into) })
            }
        }
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
