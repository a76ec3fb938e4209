//! The data that a signer provides to a scheme.

use std::fmt;

use crate::key::KeyId;
use crate::scheme::SignError;

/// The data that a signer provides to a scheme: body, key ID, time, nonce and lifetime.
///
/// See [`scheme`](crate::scheme#writing-your-own-scheme) for an example.
#[derive(Clone, Copy)]
pub struct Stamp<'a> {
    pub(crate) body: &'a [u8],
    pub(crate) key_id: Option<&'a KeyId>,
    pub(crate) now: i64,
    pub(crate) nonce: &'a [u8],
    pub(crate) lifetime: Option<u64>,
}

impl<'a> Stamp<'a> {
    /// Returns the body to be sent.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// Returns the key ID, or `None` for the anonymous key.
    #[must_use]
    pub fn key_id(&self) -> Option<&'a KeyId> {
        self.key_id
    }

    /// Rejects a key ID, for a scheme that does not carry one.
    pub(crate) fn without_key_id(&self) -> Result<(), SignError> {
        match self.key_id {
            Some(_) => Err(SignError::KeyId("this scheme does not carry one")),
            None => Ok(()),
        }
    }

    /// Returns the key ID, for a scheme that always carries one.
    pub(crate) fn required_key_id(&self, why: &'static str) -> Result<&'a KeyId, SignError> {
        self.key_id.ok_or(SignError::KeyId(why))
    }

    /// Returns the time of signing, in Unix seconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.now
    }

    /// Returns 24 bytes from the signer's nonce source, which no other request has.
    #[must_use]
    pub fn nonce(&self) -> &'a [u8] {
        self.nonce
    }

    /// Returns how long the signature is valid, in seconds, for schemes that carry an expiry.
    #[must_use]
    pub fn lifetime(&self) -> Option<u64> {
        self.lifetime
    }

    /// Returns the time of expiry, in Unix seconds, if there is a lifetime.
    #[must_use]
    pub fn expires(&self) -> Option<i64> {
        self.lifetime.map(|lifetime| self.now.saturating_add_unsigned(lifetime))
    }
}

impl fmt::Debug for Stamp<'_> {
    /// Omits the body, which belongs to the application.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stamp")
            .field("key_id", &self.key_id)
            .field("now", &self.now)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}
