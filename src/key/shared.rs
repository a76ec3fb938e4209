//! Keys that can be replaced while requests are served.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use crate::crypto::Algorithm;
use crate::error::ConfigError;
use crate::key::map::KeyMap;
use crate::key::{KeyId, KeyQuery, KeySet, KeyStore, Lookup};

/// A [`KeyMap`] that can be replaced while requests are served. Clones share their keys.
///
/// Readers never wait. A request is verified with the keys from before a
/// [replacement](Self::replace) or from after it, never with a mixture.
///
/// ```
/// use tower_hmac::{FlaskHmac, KeyMap, VerifyLayer};
/// use tower_hmac::key::SharedKeys;
///
/// let keys = SharedKeys::new(KeyMap::named([("aservice", "the old key")])?)?;
/// let layer = VerifyLayer::new(FlaskHmac::new(), keys.clone())?;
///
/// // Later, when a file of keys has changed:
/// keys.replace(KeyMap::named([("aservice", "the new key")])?)?;
///
/// // An empty map would lock everybody out: it is rejected, and the keys stay as they are.
/// assert!(keys.replace(KeyMap::default()).is_err());
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct SharedKeys(Arc<Shared>);

struct Shared {
    keys: ArcSwap<KeyMap>,
    /// The algorithms of the schemes that use these keys. Replacements are prepared for them.
    algorithms: Mutex<Vec<Algorithm>>,
}

impl SharedKeys {
    /// Makes a store that starts with these keys.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError::NoKeys`] if the map is empty.
    pub fn new(keys: KeyMap) -> Result<Self, ConfigError> {
        let keys = ArcSwap::from_pointee(not_empty(keys)?);
        Ok(Self(Arc::new(Shared { keys, algorithms: Mutex::default() })))
    }

    /// Replaces all keys.
    ///
    /// The new keys apply to requests whose head arrives afterwards. A request whose body is still
    /// arriving is verified with the keys found for its head. So a removed key is accepted for as
    /// long as a body may take. Limit that with a deadline for the whole request: tower-http's
    /// `TimeoutLayer` outside the [`VerifyLayer`](crate::VerifyLayer), as in
    /// `examples/production.rs`. `RequestBodyTimeoutLayer` alone is not enough. It limits the pause
    /// between two pieces of a body, which a client that sends a byte now and then never exceeds.
    ///
    /// [`KeyEntry::with_not_after`](crate::key::KeyEntry::with_not_after) needs no deadline,
    /// because it is checked again once the body is complete.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError::NoKeys`] if the map is empty. The old keys stay in use.
    pub fn replace(&self, keys: KeyMap) -> Result<(), ConfigError> {
        let keys = not_empty(keys)?;
        // Hold the lock until the keys are replaced, so that no algorithm is added in between.
        let algorithms = self.algorithms();
        algorithms.iter().for_each(|algorithm| keys.prepare(*algorithm));
        self.0.keys.store(Arc::new(keys));
        Ok(())
    }

    /// Returns the current keys.
    #[must_use]
    pub fn current(&self) -> Arc<KeyMap> {
        self.0.keys.load_full()
    }

    fn algorithms(&self) -> MutexGuard<'_, Vec<Algorithm>> {
        self.0.algorithms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_empty(keys: KeyMap) -> Result<KeyMap, ConfigError> {
    if keys.is_empty() { Err(ConfigError::NoKeys("shared keys".into())) } else { Ok(keys) }
}

impl KeyStore for SharedKeys {
    fn lookup(&self, query: &KeyQuery<'_>) -> Lookup {
        self.0.keys.load().lookup(query)
    }

    fn max_keys(&self) -> usize {
        self.0.keys.load().max_keys()
    }

    fn prepare(&self, algorithm: Algorithm) {
        let mut algorithms = self.algorithms();
        if !algorithms.contains(&algorithm) {
            algorithms.push(algorithm);
            self.0.keys.load().prepare(algorithm);
        }
    }

    fn knows(&self, key_id: Option<&KeyId>) -> Option<bool> {
        self.0.keys.load().knows(key_id)
    }

    fn has_named_keys(&self) -> Option<bool> {
        self.0.keys.load().has_named_keys()
    }

    fn visit_keys(&self, visit: &mut dyn FnMut(Option<&KeyId>, &KeySet)) {
        self.0.keys.load().visit_keys(visit);
    }

    fn with_map(&self, read: &mut dyn FnMut(&KeyMap)) {
        read(&self.0.keys.load());
    }
}

impl fmt::Debug for SharedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedKeys").field(&*self.0.keys.load()).finish()
    }
}
