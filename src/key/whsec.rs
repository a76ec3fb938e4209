//! Secrets of Standard Webhooks: `whsec_` followed by base64.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::error::ConfigError;
use crate::key::{KeySet, SecretKey, text};

/// A lenient decoder: secrets are copied from web pages, so padding is optional and unused bits may
/// be set.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);
/// The minimum length of a secret, in bytes (Standard Webhooks asks for 24 to 64). A shorter one
/// logs a warning.
#[cfg(feature = "tracing")]
const SHORTEST: usize = 24;

impl SecretKey {
    /// Decodes a webhook secret: `whsec_` and base64, padded or not, as in [Standard Webhooks] and
    /// Svix. The prefix `v1,whsec_` is accepted, too.
    ///
    /// A secret under 24 bytes is accepted, but logs a warning (feature `tracing`).
    ///
    /// ```
    /// use tower_hmac::SecretKey;
    ///
    /// let key = SecretKey::from_whsec("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
    /// assert_eq!(key.expose_secret().len(), 24);
    ///
    /// // An asymmetric key is rejected.
    /// assert!(SecretKey::from_whsec("whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_err());
    /// # Ok::<(), tower_hmac::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if the prefix is missing, if it belongs to an asymmetric key
    /// (`whpk_`, `whsk_`), or if the rest is empty or not base64. The error never repeats the text.
    ///
    /// [Standard Webhooks]: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    pub fn from_whsec(text: &str) -> Result<Self, ConfigError> {
        if text.is_empty() {
            return Err(ConfigError::EmptyKey("webhook secret".into()));
        }
        let Some(encoded) = text.strip_prefix("v1,").unwrap_or(text).strip_prefix("whsec_") else {
            return Err(text::not_whsec(text));
        };
        let mut bytes = Zeroizing::new(Vec::new());
        if LENIENT.decode_vec(encoded, &mut bytes).is_err() {
            return Err(text::not_base64(encoded).named("webhook secret"));
        }
        #[cfg(feature = "tracing")]
        if (1..SHORTEST).contains(&bytes.len()) {
            tracing::warn!(bytes = bytes.len(), "a webhook secret is shorter than 24 bytes");
        }
        Self::new(std::mem::take(&mut *bytes)).map_err(|error| error.named("webhook secret"))
    }
}

impl KeySet {
    /// Reads several webhook secrets, newest first, separated by `|` or a space. Each is decoded
    /// like [`SecretKey::from_whsec`] does. During a rotation, one environment variable can hold
    /// them all.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if one of them is not a valid secret, if there is none, or if there
    /// are more than [`MAX_KEYS`](crate::key::MAX_KEYS).
    pub fn from_whsec_list(text: &str) -> Result<Self, ConfigError> {
        let secrets = text.split(['|', ' ']).filter(|secret| !secret.is_empty());
        let keys = secrets.map(SecretKey::from_whsec).collect::<Result<Vec<_>, _>>()?;
        Self::new(keys)
    }
}
