use std::borrow::{Borrow, Cow};
use std::fmt;
use std::sync::Arc;

use crate::error::ConfigError;
use crate::shown::Shown;

/// The public ID of a key: the service name in Flask-HMAC, `keyid` in RFC 9421. Never empty, compared byte
/// for byte, cheap to clone.
///
/// ```
/// use tower_hmac::KeyId;
///
/// let key_id = KeyId::new("aservice")?;
/// assert_eq!(key_id, "aservice");
/// assert_ne!(key_id, "AService");
/// assert!(KeyId::new("").is_err());
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(Arc<str>);

impl KeyId {
    /// Makes a key ID from a string, without folding case or trimming.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError::EmptyName`] if the text is empty.
    pub fn new<'a>(name: impl Into<Cow<'a, str>>) -> Result<Self, ConfigError> {
        let name = name.into();
        if name.is_empty() {
            return Err(ConfigError::EmptyName("key ID".into()));
        }
        Ok(Self(name.into()))
    }

    /// Returns the key ID unchanged. A client may have chosen it, so use [`Display`](fmt::Display)
    /// in logs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    /// Shows the key ID on one line, safe for logs. Escapes control characters and marks that
    /// change the direction of text, and truncates it after 64 characters. [`as_str`](Self::as_str)
    /// returns the whole key ID.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Shown(&self.0), f)
    }
}

impl fmt::Debug for KeyId {
    /// Quotes the output of [`Display`](fmt::Display).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Shown(&self.0), f)
    }
}

impl Borrow<str> for KeyId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for KeyId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for KeyId {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other
    }
}

impl PartialEq<&str> for KeyId {
    fn eq(&self, other: &&str) -> bool {
        *self.0 == **other
    }
}

impl PartialEq<String> for KeyId {
    fn eq(&self, other: &String) -> bool {
        *self.0 == **other
    }
}

impl PartialEq<KeyId> for str {
    fn eq(&self, other: &KeyId) -> bool {
        other == self
    }
}

impl PartialEq<KeyId> for &str {
    fn eq(&self, other: &KeyId) -> bool {
        other == self
    }
}

impl PartialEq<KeyId> for String {
    fn eq(&self, other: &KeyId) -> bool {
        other == self
    }
}

impl From<&Self> for KeyId {
    fn from(key_id: &Self) -> Self {
        key_id.clone()
    }
}

impl TryFrom<&str> for KeyId {
    type Error = ConfigError;

    fn try_from(name: &str) -> Result<Self, ConfigError> {
        Self::new(name)
    }
}

impl TryFrom<String> for KeyId {
    type Error = ConfigError;

    fn try_from(name: String) -> Result<Self, ConfigError> {
        Self::new(name)
    }
}

impl TryFrom<&&str> for KeyId {
    type Error = ConfigError;

    fn try_from(name: &&str) -> Result<Self, ConfigError> {
        Self::new(*name)
    }
}

impl TryFrom<&String> for KeyId {
    type Error = ConfigError;

    fn try_from(name: &String) -> Result<Self, ConfigError> {
        Self::new(name)
    }
}

impl TryFrom<Cow<'_, str>> for KeyId {
    type Error = ConfigError;

    fn try_from(name: Cow<'_, str>) -> Result<Self, ConfigError> {
        Self::new(name)
    }
}
