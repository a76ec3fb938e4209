//! Keys that are reloaded at an interval, from a file, a database or a vault.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use crate::crypto::Algorithm;
use crate::error::{BoxError, ConfigError};
use crate::key::map::KeyMap;
use crate::key::{KeyId, KeyQuery, KeySet, KeyStore, Lookup, SharedKeys};
use crate::random;

/// The maximum duration of one load.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Loads all keys at the start, and reloads them at an interval. Needs features `reload` and
/// `tokio`.
///
/// Use it for keys that fit in memory: requests never wait for the source, and every key ID takes
/// the same time. For more keys, or for changes that must apply sooner, see `CachedKeys` (feature
/// `cache`).
///
/// * **A removed key** is rejected after `every` plus the time of one load.
/// * **A failed load** (an error, a panic, no answer within 30 s, or an empty map) changes nothing.
///   The old keys stay in use, and a warning is logged (feature `tracing`).
/// * **If the source stays unavailable**, removed keys stay valid. Set
///   [`with_max_age`](Self::with_max_age) to answer 503 instead, and watch the gauge
///   `tower_hmac_polled_keys_age_seconds` (feature `metrics`).
/// * **Jitter.** Each pause is shortened at random, by up to a tenth of `every`. This keeps the
///   nodes of a fleet from loading at the same moment.
///
/// Clones share their keys. Dropping the last clone stops the polling.
///
/// The messages of your errors are logged, so they must not contain a key. Parsers often quote
/// unexpected input.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use tower_hmac::key::PolledKeys;
/// use tower_hmac::{BoxError, FlaskHmac, KeyMap, VerifyLayer};
///
/// async fn load() -> Result<KeyMap, BoxError> {
///     let text = tokio::fs::read_to_string("/run/secrets/billing.key").await?;
///     Ok(KeyMap::named([("billing", text.trim_end())])?)
/// }
///
/// # async fn serve() -> Result<(), BoxError> {
/// let keys = PolledKeys::new(Duration::from_secs(30), load)
///     .await?
///     .with_max_age(Duration::from_secs(600));
/// let layer = VerifyLayer::new(FlaskHmac::new(), keys)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PolledKeys {
    keys: SharedKeys,
    age: Arc<Age>,
    max_age: Option<Duration>,
    _polling: Arc<Polling>,
}

impl PolledKeys {
    /// Loads the keys, and starts a task that reloads them. A load begins at most `every` after the
    /// previous one began, or when that one ends if it takes longer.
    ///
    /// # Errors
    ///
    /// Returns the error of the first load, which may take 30 s. Returns [`ConfigError::NoKeys`] if
    /// the map is empty, and [`ConfigError::Invalid`] if `every` is zero.
    ///
    /// # Panics
    ///
    /// Panics if called outside a tokio runtime with timers enabled.
    pub async fn new<F, Fut, E>(every: Duration, load: F) -> Result<Self, BoxError>
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<KeyMap, E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        if every.is_zero() {
            return Err(ConfigError::invalid("every", "must be longer than zero").into());
        }
        let source = Source(Arc::new(load));
        let asked = Instant::now();
        let keys = SharedKeys::new(source.load().await?)?;
        let age = Arc::new(Age::new(asked));
        let poll = poll(keys.clone(), age.clone(), source, every);
        let polling = Arc::new(Polling(tokio::spawn(poll).abort_handle()));
        Ok(Self { keys, age, max_age: None, _polling: polling })
    }

    /// Sets how old the keys may be. When they are older, requests are answered with 503 until a
    /// load succeeds. Not limited by default: keys stay valid while the source is unavailable.
    ///
    /// The age is measured from the start of the last successful load. Set it to several times
    /// `every`.
    #[must_use]
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    /// Returns the age of the keys: the time since the last successful load began.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.age.get()
    }

    /// Returns the current keys.
    #[must_use]
    pub fn current(&self) -> Arc<KeyMap> {
        self.keys.current()
    }

    fn is_too_old(&self) -> bool {
        self.max_age.is_some_and(|max_age| self.age() > max_age)
    }
}

impl KeyStore for PolledKeys {
    fn lookup(&self, query: &KeyQuery<'_>) -> Lookup {
        if self.is_too_old() {
            return Lookup::ready(Err(Failure::TooOld.into()));
        }
        self.keys.lookup(query)
    }

    fn max_keys(&self) -> usize {
        self.keys.max_keys()
    }

    fn prepare(&self, algorithm: Algorithm) {
        self.keys.prepare(algorithm);
    }

    fn knows(&self, key_id: Option<&KeyId>) -> Option<bool> {
        self.keys.knows(key_id)
    }

    fn has_named_keys(&self) -> Option<bool> {
        self.keys.has_named_keys()
    }

    fn visit_keys(&self, visit: &mut dyn FnMut(Option<&KeyId>, &KeySet)) {
        self.keys.visit_keys(visit);
    }

    fn with_map(&self, read: &mut dyn FnMut(&KeyMap)) {
        if !self.is_too_old() {
            self.keys.with_map(read);
        }
    }
}

impl fmt::Debug for PolledKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolledKeys")
            .field("keys", &self.keys)
            .field("age", &self.age())
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

/// Stops the task when the last clone is dropped.
struct Polling(AbortHandle);

impl Drop for Polling {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Reloads the keys until the task is aborted.
async fn poll<F, Fut, E>(keys: SharedKeys, age: Arc<Age>, source: Source<F>, every: Duration)
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<KeyMap, E>> + Send + 'static,
    E: Into<BoxError> + 'static,
{
    let mut asked = age.start;
    loop {
        // A time that the clock cannot represent means never.
        let Some(next) = asked.checked_add(shortened(every)) else { return };
        sleep_until(next).await;
        asked = Instant::now();
        let loaded = source.load().await.and_then(|map| Ok(keys.replace(map)?));
        match loaded {
            Ok(()) => age.set(asked),
            Err(error) => warn(&error, age.get()),
        }
        record(age.get());
    }
}

/// A function that loads keys.
struct Source<F>(Arc<F>);

impl<F, Fut, E> Source<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<KeyMap, E>> + Send + 'static,
    E: Into<BoxError> + 'static,
{
    /// Loads in a separate task, so that a panic ends only that task. Dropping the set aborts it.
    async fn load(&self) -> Result<KeyMap, BoxError> {
        let load = self.0.clone();
        let mut task = JoinSet::new();
        task.spawn(async move { load().await.map_err(Into::into) });
        let map = match timeout(TIMEOUT, task.join_next()).await {
            Ok(Some(Ok(loaded))) => loaded?,
            Ok(_) => return Err(Failure::Panicked.into()),
            Err(_) => return Err(Failure::Timeout.into()),
        };
        if map.is_empty() { Err(ConfigError::NoKeys("polled keys".into()).into()) } else { Ok(map) }
    }
}

/// The reason why there are no keys.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the source of the keys did not answer within 30 s")]
    Timeout,
    /// Omits the panic message, which may contain anything.
    #[error("the source of the keys panicked")]
    Panicked,
    #[error("the keys are older than the maximum age")]
    TooOld,
}

/// The time at which the load of the current keys began.
struct Age {
    start: Instant,
    /// The time, in milliseconds since the start.
    asked: AtomicU64,
}

impl Age {
    fn new(start: Instant) -> Self {
        Self { start, asked: AtomicU64::new(0) }
    }

    fn set(&self, asked: Instant) {
        let since = asked.saturating_duration_since(self.start).as_millis();
        // Write the time after the keys, so that old keys never look newer than they are.
        self.asked.store(u64::try_from(since).unwrap_or(u64::MAX), Ordering::Release);
    }

    fn get(&self) -> Duration {
        let asked = Duration::from_millis(self.asked.load(Ordering::Acquire));
        self.start.elapsed().saturating_sub(asked)
    }
}

/// Shortens the interval at random, by up to a tenth.
fn shortened(every: Duration) -> Duration {
    let mut byte = [0];
    random::fill(&mut byte);
    let [share] = byte;
    every.saturating_sub(every.mul_f64(0.1 * f64::from(share) / f64::from(u8::MAX)))
}

fn warn(error: &BoxError, age: Duration) {
    #[cfg(feature = "tracing")]
    {
        let source: &(dyn std::error::Error + 'static) = &**error;
        let age_seconds = age.as_secs();
        tracing::warn!(source, age_seconds, "the keys could not be loaded; using the old ones");
    }
    let _ = (error, age);
}

fn record(age: Duration) {
    #[cfg(feature = "metrics")]
    metrics::gauge!("tower_hmac_polled_keys_age_seconds").set(age.as_secs_f64());
    let _ = age;
}
