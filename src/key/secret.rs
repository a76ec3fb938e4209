use std::fmt;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::crypto::{Algorithm, Mac, Prepared};
use crate::error::ConfigError;
use crate::key::text;

/// Secret bytes with their prepared HMAC state. Never empty, wiped on drop, opaque in [`Debug`].
///
/// Text becomes its UTF-8 bytes. In a Flask configuration, a key that is not ASCII is latin-1;
/// `FlaskConfig` (feature `serde`) reads it that way.
///
/// ```
/// use tower_hmac::{Algorithm, SecretKey};
///
/// let generated = SecretKey::generate(Algorithm::Sha256);
/// assert_eq!(generated.expose_secret().len(), 32);
///
/// // Keys are never printed.
/// assert!(!format!("{:?}", SecretKey::from_hex("5e4d3c2b1a09")?).contains("5e4d"));
/// assert!(SecretKey::new("").is_err());
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
pub struct SecretKey {
    bytes: Zeroizing<Box<[u8]>>,
    prepared: Slot,
}

/// The prepared states of one key. A linked list, since almost every key is used with a single
/// algorithm. The first state is stored in the key itself, which the lookup has just loaded.
#[derive(Default)]
struct Slot {
    prepared: OnceLock<Prepared>,
    next: OnceLock<Box<Slot>>,
}

impl SecretKey {
    /// Makes a key from bytes, or from the UTF-8 bytes of a string.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError::EmptyKey`] if there are no bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, ConfigError> {
        let bytes = Zeroizing::new(bytes.into());
        if bytes.is_empty() {
            return Err(ConfigError::EmptyKey("key".into()));
        }
        // An exact-size copy: shrinking in place could leave the old bytes behind.
        Ok(Self { bytes: Zeroizing::new(Box::from(bytes.as_slice())), prepared: Slot::default() })
    }

    /// Decodes a key from standard base64 with padding (RFC 4648 section 4).
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if the text is not base64, or is empty. The error describes the
    /// mistake, such as a trailing newline or url-safe letters. It never repeats the text.
    pub fn from_base64(text: &str) -> Result<Self, ConfigError> {
        // Also wipes the bytes decoded before an error.
        let mut bytes = Zeroizing::new(Vec::new());
        match STANDARD.decode_vec(text, &mut bytes) {
            Ok(()) => Self::new(std::mem::take(&mut *bytes)),
            Err(_) => Err(text::not_base64(text)),
        }
    }

    /// Decodes a key from hex, in either case (RFC 4648 section 8).
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if the text is not hex, or is empty. The error describes the
    /// mistake, such as a trailing newline or an odd number of digits. It never repeats the text.
    pub fn from_hex(text: &str) -> Result<Self, ConfigError> {
        let mut bytes = Zeroizing::new(vec![0; text.len() / 2]);
        match base16ct::mixed::decode(text, &mut bytes).map(|_| ()) {
            Ok(()) => Self::new(std::mem::take(&mut *bytes)),
            Err(_) => Err(text::not_hex(text)),
        }
    }

    /// Generates a key with the system's random source, as long as the tags of the algorithm. This
    /// is the minimum length that RFC 2104 section 3 recommends.
    ///
    /// # Panics
    ///
    /// Panics if the system has no random source.
    #[must_use]
    pub fn generate(algorithm: Algorithm) -> Self {
        let mut bytes = Zeroizing::new(vec![0; algorithm.tag_len()]);
        crate::random::fill(&mut bytes);
        Self { bytes: Zeroizing::new(Box::from(bytes.as_slice())), prepared: Slot::default() }
    }

    /// Returns the secret itself, to store it or pass it on. The method's name makes every use easy
    /// to find.
    #[must_use]
    pub fn expose_secret(&self) -> &[u8] {
        &self.bytes
    }

    /// Starts an HMAC from the state prepared for this algorithm, preparing it on first use.
    #[inline]
    pub(crate) fn start(&self, algorithm: Algorithm) -> Mac {
        let mut slot = &self.prepared;
        loop {
            let prepared = slot.prepared.get_or_init(|| Prepared::new(algorithm, &self.bytes));
            if prepared.algorithm() == algorithm {
                return prepared.start();
            }
            slot = slot.next.get_or_init(Box::default);
        }
    }
}

impl Mac {
    /// Starts an HMAC under this key. The key keeps the prepared state for later use.
    #[must_use]
    pub fn new(algorithm: Algorithm, key: &SecretKey) -> Self {
        key.start(algorithm)
    }

    /// Finishes the MAC and turns its tag into a key, for schemes that derive keys
    /// ([`Scheme::key_mac`](crate::Scheme::key_mac)).
    ///
    /// ```
    /// use tower_hmac::{Algorithm, SecretKey};
    /// use tower_hmac::crypto::Mac;
    ///
    /// let mut mac = Mac::new(Algorithm::Sha256, &SecretKey::new("a secret")?);
    /// mac.update(b"20261128");
    /// let of_the_day = mac.into_key();
    /// let mac = Mac::new(Algorithm::Sha256, &of_the_day);
    /// # Ok::<(), tower_hmac::ConfigError>(())
    /// ```
    #[must_use]
    pub fn into_key(self) -> SecretKey {
        let tag = self.finalize();
        SecretKey { bytes: Zeroizing::new(Box::from(tag.as_bytes())), prepared: Slot::default() }
    }
}

impl Clone for SecretKey {
    fn clone(&self) -> Self {
        Self { bytes: self.bytes.clone(), prepared: Slot::default() }
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

impl TryFrom<&str> for SecretKey {
    type Error = ConfigError;

    fn try_from(text: &str) -> Result<Self, ConfigError> {
        Self::new(text)
    }
}

impl TryFrom<String> for SecretKey {
    type Error = ConfigError;

    fn try_from(text: String) -> Result<Self, ConfigError> {
        Self::new(text)
    }
}

impl TryFrom<&[u8]> for SecretKey {
    type Error = ConfigError;

    fn try_from(bytes: &[u8]) -> Result<Self, ConfigError> {
        Self::new(bytes)
    }
}

impl TryFrom<Vec<u8>> for SecretKey {
    type Error = ConfigError;

    fn try_from(bytes: Vec<u8>) -> Result<Self, ConfigError> {
        Self::new(bytes)
    }
}
