//! The credential: who signed, and the scope that the key is valid for.

use zeroize::Zeroizing;

use super::{TERMINATOR, date};
use crate::crypto::{Algorithm, Mac};
use crate::error::ConfigError;
use crate::key::{KeyId, SecretKey};
use crate::scheme::{SignError, Stamp};

/// The text before the secret in the first key of the derivation.
const KEY_PREFIX: &[u8] = b"AWS4";

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
        let (rest, service) = split_last(text.strip_suffix(TERMINATOR)?.strip_suffix('/')?)?;
        let (rest, region) = split_last(rest)?;
        let (key_id, day) = split_last(rest)?;
        (date::is_day(day) && is_key_id(key_id)).then_some(Self { key_id, day, region, service })
    }

    /// Returns the scope: everything except the access key ID.
    pub(super) fn scope(&self) -> String {
        [self.day, self.region, self.service, TERMINATOR].join("/")
    }
}

/// Splits at the last `/`. The parts are short, so a search byte by byte is the fastest.
fn split_last(text: &str) -> Option<(&str, &str)> {
    let (rest, last) = text.split_at_checked(text.bytes().rposition(|byte| byte == b'/')?)?;
    Some((rest, last.strip_prefix('/')?))
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
/// Returns [`SignError::KeyId`] if there is no key ID, or if it cannot be part of a credential.
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

/// Starts the HMAC under the key derived for a scope.
pub(crate) fn scoped_mac(key: &SecretKey, scope: &str) -> Mac {
    Mac::under(Algorithm::Sha256, last_mac(key, scope).finalize().as_bytes())
}

/// Derives the key for a scope.
pub(super) fn scoped_key(key: &SecretKey, scope: &str) -> SecretKey {
    last_mac(key, scope).into_key()
}

/// Returns the HMAC whose tag is the key for a scope. Each part of the scope is signed under the
/// key derived so far.
fn last_mac(key: &SecretKey, scope: &str) -> Mac {
    let mut mac = first_mac(key);
    for (place, part) in scope.split('/').enumerate() {
        if place > 0 {
            mac = Mac::under(Algorithm::Sha256, mac.finalize().as_bytes());
        }
        mac.update(part.as_bytes());
    }
    mac
}

/// Starts the HMAC under `AWS4` and the secret. HMAC pads a key with zeros to a block (RFC 2104
/// section 2), so all keys that fit into a block take the same steps here.
fn first_mac(key: &SecretKey) -> Mac {
    let secret = key.expose_secret();
    let mut block = Zeroizing::new([0; Algorithm::Sha256.block_len()]);
    let (prefix, rest) = block.split_at_mut(KEY_PREFIX.len());
    prefix.copy_from_slice(KEY_PREFIX);
    match rest.get_mut(..secret.len()) {
        Some(room) => {
            room.copy_from_slice(secret);
            Mac::under(Algorithm::Sha256, &*block)
        }
        None => Mac::under(Algorithm::Sha256, &Zeroizing::new([KEY_PREFIX, secret].concat())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_every_length_are_the_key_after_aws4() {
        for len in [1, 32, 40, 59, 60, 61, 64, 100] {
            let secret = SecretKey::new(vec![b'k'; len]).unwrap();
            let whole = SecretKey::new([KEY_PREFIX, secret.expose_secret()].concat()).unwrap();
            let mut mac = first_mac(&secret);
            mac.update(b"20150830");
            let mut expected = Mac::new(Algorithm::Sha256, &whole);
            expected.update(b"20150830");
            assert!(mac.verify(expected.finalize().as_bytes()).is_ok(), "{len}");
        }
    }
}
