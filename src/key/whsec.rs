//! Secrets of Standard Webhooks: `whsec_` and base64.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::error::ConfigError;
use crate::key::{KeySet, SecretKey};

/// Secrets are copied out of web pages: with or without padding, and with slack bits that are set.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);
/// A shorter secret is logged, in bytes (Standard Webhooks asks for 24 to 64).
#[cfg(feature = "tracing")]
const SHORTEST: usize = 24;

impl SecretKey {
    /// Decodes the secret of a webhook: `whsec_` and base64, padded or not, as [Standard Webhooks]
    /// and Svix write it. `v1,whsec_` is the same.
    ///
    /// A secret under 24 bytes is accepted and logged (feature `tracing`).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it has no such prefix, if it is an asymmetric key (`whpk_`, `whsk_`), if
    /// what follows is not base64, or is empty. The text is not repeated.
    ///
    /// [Standard Webhooks]: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    pub fn from_whsec(text: &str) -> Result<Self, ConfigError> {
        let invalid = |why| Err(ConfigError::invalid("webhook secret", why));
        if text.is_empty() {
            return Err(ConfigError::EmptyKey("webhook secret".into()));
        }
        let Some(encoded) = text.strip_prefix("v1,").unwrap_or(text).strip_prefix("whsec_") else {
            return invalid(if text.starts_with("whpk_") || text.starts_with("whsk_") {
                "is an asymmetric key (`whpk_`, `whsk_`), which is not supported; `whsec_` is asked for"
            } else {
                "does not begin with `whsec_`; if it is base64 all the same, use `from_base64`, and \
                 if the peer takes the text itself as the key, use `new`"
            });
        };
        let mut bytes = Zeroizing::new(Vec::new());
        if LENIENT.decode_vec(encoded, &mut bytes).is_err() {
            return invalid("is not base64 (RFC 4648 section 4) after `whsec_`");
        }
        #[cfg(feature = "tracing")]
        if (1..SHORTEST).contains(&bytes.len()) {
            tracing::warn!(bytes = bytes.len(), "a webhook secret is shorter than 24 bytes");
        }
        Self::new(std::mem::take(&mut *bytes)).map_err(|error| error.named("webhook secret"))
    }
}

impl KeySet {
    /// Reads several webhook secrets, newest first, divided by `|` or a space, each as
    /// [`SecretKey::from_whsec`] takes it: one environment variable during a rotation.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if one of them is no such secret, if there is none, or if there are more
    /// than [`MAX_KEYS`](crate::MAX_KEYS).
    pub fn from_whsec_list(text: &str) -> Result<Self, ConfigError> {
        let secrets = text.split(['|', ' ']).filter(|secret| !secret.is_empty());
        let keys = secrets.map(SecretKey::from_whsec).collect::<Result<Vec<_>, _>>()?;
        Self::new(keys)
    }
}
