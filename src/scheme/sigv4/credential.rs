//! The credential: who signed, and the scope that the key is valid for.

use zeroize::Zeroizing;

use super::{TERMINATOR, date};
use crate::crypto::{Algorithm, Mac};
use crate::error::ConfigError;
use crate::key::{KeyId, SecretKey};
use crate::scheme::{SignError, Stamp};

/// An access key ID and its scope, as claimed by a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Credential<'t> {
    pub(super) key_id: &'t str,
    pub(super) day: &'t str,
    pub(super) region: &'t str,
    pub(super) service: &'t str,
}

impl<'t> Credential<'t> {
    /// Splits the text from the right, so that an access key ID may contain a `/`.
    pub(super) fn parse(text: &'t str) -> Option<Self> {
        let mut parts = text.rsplitn(5, '/');
        if parts.next() != Some(TERMINATOR) {
            return None;
        }
        let (service, region, day) = (parts.next()?, parts.next()?, parts.next()?);
        let key_id = parts.next()?;
        (date::is_day(day) && is_key_id(key_id)).then_some(Self { key_id, day, region, service })
    }

    /// Returns the scope: everything except the access key ID.
    pub(super) fn scope(&self) -> String {
        [self.day, self.region, self.service, TERMINATOR].join("/")
    }
}

/// Returns whether a key ID can be part of a credential.
pub(super) fn is_key_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
}

/// Rejects a key ID that cannot be part of a credential.
pub(super) fn check_key_id(key_id: &KeyId) -> Result<(), ConfigError> {
    if is_key_id(key_id.as_str()) {
        Ok(())
    } else {
        let why = "has a character that a credential cannot contain; use visible ASCII without `,`";
        Err(ConfigError::invalid("key ID", why))
    }
}

/// Returns the key ID that a signer writes.
///
/// # Errors
///
/// Returns [`SignError::KeyId`] if there is none, or if it cannot be part of a credential.
pub(super) fn signing_key_id<'s>(stamp: &Stamp<'s>) -> Result<&'s KeyId, SignError> {
    let key_id = stamp.key_id().ok_or(SignError::KeyId("the credential needs one"))?;
    if is_key_id(key_id.as_str()) {
        Ok(key_id)
    } else {
        Err(SignError::KeyId("expected visible ASCII without `,` in a credential"))
    }
}

/// Rejects a region or a service that cannot be part of a credential.
pub(super) fn scope_part(text: String, setting: &'static str) -> Result<String, ConfigError> {
    if text.is_empty() {
        return Err(ConfigError::EmptyName(setting.into()));
    }
    if is_key_id(&text) && !text.contains('/') {
        Ok(text)
    } else {
        let why = "contains a character that a credential cannot contain; \
                   take visible ASCII without `/` and `,`";
        Err(ConfigError::invalid(setting, why))
    }
}

/// Starts the HMAC under the key derived for a scope. Each part of the scope is signed under the
/// key derived so far.
pub(crate) fn scoped_mac(key: &SecretKey, scope: &str) -> Mac {
    let secret = Zeroizing::new([b"AWS4", key.expose_secret()].concat());
    scope.split('/').fold(Mac::under(Algorithm::Sha256, &secret), |mut mac, part| {
        mac.update(part.as_bytes());
        Mac::under(Algorithm::Sha256, mac.finalize().as_bytes())
    })
}
