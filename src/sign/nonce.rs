use std::fmt;
use std::sync::Arc;

use crate::random;

/// The length of a nonce, in bytes.
pub const NONCE_LEN: usize = 24;

/// Where nonces come from.
pub trait NonceSource: Send + Sync {
    /// Bytes that no other request of the key has.
    fn nonce(&self) -> [u8; NONCE_LEN];
}

impl<N: NonceSource + ?Sized> NonceSource for Arc<N> {
    fn nonce(&self) -> [u8; NONCE_LEN] {
        (**self).nonce()
    }
}

/// The system's random source, the default.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemNonce;

impl NonceSource for SystemNonce {
    fn nonce(&self) -> [u8; NONCE_LEN] {
        let mut nonce = [0; NONCE_LEN];
        random::fill(&mut nonce);
        nonce
    }
}

/// The same nonce every time, for tests.
#[derive(Clone, Copy)]
pub struct FixedNonce(pub [u8; NONCE_LEN]);

impl NonceSource for FixedNonce {
    fn nonce(&self) -> [u8; NONCE_LEN] {
        self.0
    }
}

impl fmt::Debug for FixedNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FixedNonce(..)")
    }
}
