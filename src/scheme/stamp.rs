//! What a signer writes into a request.

use std::fmt;

use crate::key::KeyId;

/// What a signer gives a format to write into a request.
#[derive(Clone, Copy)]
pub struct Stamp<'a> {
    pub(crate) body: &'a [u8],
    pub(crate) key_id: Option<&'a KeyId>,
    pub(crate) now: i64,
    pub(crate) nonce: &'a [u8],
    pub(crate) lifetime: Option<u64>,
}

impl<'a> Stamp<'a> {
    /// The body to be sent.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// The name of the key; `None` for the anonymous one.
    #[must_use]
    pub fn key_id(&self) -> Option<&'a KeyId> {
        self.key_id
    }

    /// The time of signing, in Unix seconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.now
    }

    /// Bytes that no other request has: 24 from the signer's source.
    #[must_use]
    pub fn nonce(&self) -> &'a [u8] {
        self.nonce
    }

    /// How long the signature is to hold, in seconds, for formats that carry an expiry.
    #[must_use]
    pub fn lifetime(&self) -> Option<u64> {
        self.lifetime
    }

    /// The time of expiry, in Unix seconds, if there is a lifetime.
    #[must_use]
    pub fn expires(&self) -> Option<i64> {
        self.lifetime.map(|lifetime| self.now.saturating_add_unsigned(lifetime))
    }
}

impl fmt::Debug for Stamp<'_> {
    /// Without the body, which is the application's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stamp")
            .field("key_id", &self.key_id)
            .field("now", &self.now)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}
