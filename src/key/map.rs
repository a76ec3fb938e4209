use std::fmt;
use std::sync::Arc;

use crate::crypto::Algorithm;
use crate::error::ConfigError;
#[cfg(feature = "sigv4")]
use crate::key::SecretKey;
use crate::key::names::Names;
use crate::key::{Found, KeyId, KeyQuery, KeySet, KeyStore, Lookup};

/// The keys of a server in memory: one anonymous key, named keys, or both.
///
/// A request without a key ID is verified only with the anonymous key. A request with a key ID is
/// verified only with the keys of that ID. There is no fallback from one to the other.
///
/// ```
/// use tower_hmac::{Algorithm, KeyMap, SecretKey};
///
/// let one = KeyMap::single("s3cr3tk3y")?;
/// let many = KeyMap::named([("aservice", "akey"), ("bservice", "bkey")])?;
/// let both = many.with_single(SecretKey::generate(Algorithm::Sha256))?;
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
#[derive(Clone, Default)]
pub struct KeyMap {
    single: Option<KeySet>,
    named: Names,
    max_keys: usize,
    /// Shared only by clones, whose keys are the same.
    #[cfg_attr(not(feature = "sigv4"), allow(dead_code))]
    version: Arc<()>,
}

impl KeyMap {
    /// Makes a map with one anonymous key or a set of them: text, a
    /// [`SecretKey`](crate::SecretKey), or a [`KeySet`].
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError::EmptyKey`] if the key is empty.
    pub fn single<K>(keys: K) -> Result<Self, ConfigError>
    where
        K: TryInto<KeySet, Error: Into<ConfigError>>,
    {
        Self::default().with_single(keys)
    }

    /// Makes a map of named keys. The key IDs are text or a [`KeyId`], the keys are text, a
    /// [`SecretKey`](crate::SecretKey) or a [`KeySet`].
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if there is no key, a key ID or key is empty, or a key ID occurs
    /// twice.
    pub fn named<I, K>(keys: impl IntoIterator<Item = (I, K)>) -> Result<Self, ConfigError>
    where
        I: TryInto<KeyId, Error: Into<ConfigError>>,
        K: TryInto<KeySet, Error: Into<ConfigError>>,
    {
        let map =
            keys.into_iter().try_fold(Self::default(), |map, (id, keys)| map.with_key(id, keys))?;
        if map.named.is_empty() {
            return Err(ConfigError::NoKeys("named".into()));
        }
        map.warn_of_shared_keys();
        Ok(map)
    }

    /// Adds a named key.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if the key ID or the key is empty, or the key ID is already in the
    /// map.
    pub fn with_key<I, K>(mut self, id: I, keys: K) -> Result<Self, ConfigError>
    where
        I: TryInto<KeyId, Error: Into<ConfigError>>,
        K: TryInto<KeySet, Error: Into<ConfigError>>,
    {
        let id = id.try_into().map_err(|error| error.into().named("key ID"))?;
        let keys = keys.try_into().map_err(|error| error.into().named(format!("key ID {id:?}")))?;
        let max_keys = self.max_keys.max(keys.len());
        if !self.named.insert(id.clone(), keys) {
            return Err(ConfigError::invalid(format!("key ID {id:?}"), "occurs twice"));
        }
        self.max_keys = max_keys;
        self.version = Arc::default();
        Ok(self)
    }

    /// Sets the anonymous key, or a set of them.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError::EmptyKey`] if the key is empty.
    pub fn with_single<K>(mut self, keys: K) -> Result<Self, ConfigError>
    where
        K: TryInto<KeySet, Error: Into<ConfigError>>,
    {
        let keys = keys.try_into().map_err(|error| error.into().named("anonymous key"))?;
        self.max_keys = self.max_keys.max(keys.len());
        self.single = Some(keys);
        self.version = Arc::default();
        Ok(self)
    }

    /// Returns the keys of this key ID, or the anonymous keys for `None`.
    #[must_use]
    pub fn get(&self, id: Option<&KeyId>) -> Option<&KeySet> {
        match id {
            Some(id) => self.named.get(id),
            None => self.single.as_ref(),
        }
    }

    /// Looks up a key ID. An unknown one has dummies.
    pub(crate) fn find(&self, id: Option<&KeyId>) -> Found {
        Found::of(self.get(id), self.max_keys)
    }

    /// Returns whether the map has no keys at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.single.is_none() && self.named.is_empty()
    }

    /// Warns about key IDs that share a key. If a scheme's MAC does not cover the key ID, the
    /// verifier cannot distinguish them.
    #[cfg(feature = "tracing")]
    pub(crate) fn warn_of_shared_keys(&self) {
        let mut owners = std::collections::HashMap::new();
        for (id, keys) in self.named.iter() {
            for entry in keys.iter() {
                let owner = owners.entry(entry.key().expose_secret()).or_insert(id);
                if *owner != id {
                    tracing::warn!(
                        one = %owner,
                        other = %id,
                        "two key IDs share a key: each can impersonate the other"
                    );
                }
            }
        }
    }

    #[cfg(not(feature = "tracing"))]
    #[allow(clippy::unused_self)]
    pub(crate) fn warn_of_shared_keys(&self) {}
}

/// For schemes that derive keys from these.
#[cfg(feature = "sigv4")]
impl KeyMap {
    /// Returns a mark that only maps with the same keys share.
    pub(crate) fn version(&self) -> &Arc<()> {
        &self.version
    }

    /// Returns an upper bound on the number of keys in the map.
    pub(crate) fn most_keys(&self) -> usize {
        let sets = self.named.len().saturating_add(self.single.iter().len());
        sets.saturating_mul(self.max_keys)
    }

    /// Makes a map with other keys under the same key IDs, prepared for an algorithm.
    pub(crate) fn map_keys(
        &self,
        algorithm: Algorithm,
        derive: impl Fn(&SecretKey) -> SecretKey,
    ) -> Self {
        let mut map = Self { version: Arc::default(), ..self.clone() };
        let named = map.named.iter_mut().map(|(_, keys)| keys);
        map.single.iter_mut().chain(named).for_each(|keys| *keys = keys.map_keys(&derive));
        map.prepare(algorithm);
        map
    }
}

impl KeyStore for KeyMap {
    fn lookup(&self, query: &KeyQuery<'_>) -> Lookup {
        Lookup::found(self.find(query.key_id()))
    }

    fn with_map(&self, read: &mut dyn FnMut(&KeyMap)) {
        read(self);
    }

    fn max_keys(&self) -> usize {
        self.max_keys
    }

    fn prepare(&self, algorithm: Algorithm) {
        let named = self.named.iter().map(|(_, keys)| keys);
        self.single.iter().chain(named).for_each(|keys| keys.prepare(algorithm));
    }

    fn knows(&self, key_id: Option<&KeyId>) -> Option<bool> {
        Some(self.get(key_id).is_some())
    }

    fn has_named_keys(&self) -> Option<bool> {
        Some(!self.named.is_empty())
    }

    fn visit_keys(&self, visit: &mut dyn FnMut(Option<&KeyId>, &KeySet)) {
        self.single.iter().for_each(|keys| visit(None, keys));
        self.named.iter().for_each(|(id, keys)| visit(Some(id), keys));
    }
}

impl fmt::Debug for KeyMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyMap")
            .field("single", &self.single.is_some())
            .field("named", &self.named.len())
            .finish_non_exhaustive()
    }
}
