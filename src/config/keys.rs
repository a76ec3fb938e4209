use std::fmt;

use serde::de::{Deserialize, Deserializer};

use crate::config::setting::{KeyText, MembersVisitor, Setting};
use crate::error::ConfigError;
use crate::key::map::KeyMap;

/// A map from key IDs to keys, read from a file of keys. The key ID `""` is the anonymous key.
///
/// A key is a string (its UTF-8 bytes), `{"hex": text}`, `{"base64": text}`, or a list of those
/// with the newest first.
///
/// ```
/// use tower_hmac::config::KeysConfig;
///
/// let config: KeysConfig = serde_json::from_str(r#"{"aservice": ["new", {"hex": "6f6c64"}]}"#)?;
/// let keys = config.key_map()?;
/// assert!(!keys.is_empty());
/// # Ok::<(), tower_hmac::BoxError>(())
/// ```
#[derive(Clone)]
pub struct KeysConfig(Vec<(String, Setting)>);

impl KeysConfig {
    /// Checks the keys and makes a store of them.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if there is no key, a key is empty or malformed, or a key ID occurs
    /// twice.
    pub fn key_map(&self) -> Result<KeyMap, ConfigError> {
        let map = key_map(&self.0, "keys", KeyText::Utf8, true)?;
        if map.is_empty() { Err(ConfigError::NoKeys("keys".into())) } else { Ok(map) }
    }
}

/// Makes a store of named keys. A key with an empty key ID becomes the anonymous key.
pub(super) fn key_map(
    members: &[(String, Setting)],
    setting: &'static str,
    text: KeyText,
    anonymous: bool,
) -> Result<KeyMap, ConfigError> {
    let mut map = KeyMap::default();
    for (name, key) in members {
        if name.is_empty() && !anonymous {
            return Err(ConfigError::EmptyName(setting.into()));
        }
        let keys = key.keys(format!("{setting}[{name:?}]"), text)?;
        if !name.is_empty() {
            map = map.with_key(name.as_str(), keys)?;
        } else if map.get(None).is_none() {
            map = map.with_single(keys)?;
        } else {
            return Err(ConfigError::invalid(setting, "the anonymous key occurs twice"));
        }
    }
    map.warn_of_shared_keys();
    Ok(map)
}

impl<'de> Deserialize<'de> for KeysConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visitor = MembersVisitor { what: "a map from key IDs to keys", known: &[] };
        deserializer.deserialize_any(visitor).map(Self)
    }
}

impl fmt::Debug for KeysConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|(name, _)| name).collect();
        f.debug_struct("KeysConfig").field("key_ids", &names).finish_non_exhaustive()
    }
}
