use std::fmt;
use std::sync::Arc;

use crate::random;

/// The length of a nonce, in bytes.
///
/// See [`NonceSource`] for an example.
pub const NONCE_LEN: usize = 24;

/// A source of nonces.
///
/// Implement this trait to use your own generator. Nonces must never repeat.
///
/// ```
/// use tower_hmac::sign::{NONCE_LEN, NonceSource, SystemNonce};
/// use tower_hmac::testing::FixedNonce;
///
/// assert_ne!(SystemNonce.nonce(), SystemNonce.nonce());
/// // Only for tests: the same request always gets the same signature.
/// assert_eq!(FixedNonce([7; NONCE_LEN]).nonce(), [7; NONCE_LEN]);
/// ```
pub trait NonceSource: Send + Sync {
    /// Returns bytes that are unique among all requests under the same key.
    fn nonce(&self) -> [u8; NONCE_LEN];
}

impl<N: NonceSource + ?Sized> NonceSource for Arc<N> {
    fn nonce(&self) -> [u8; NONCE_LEN] {
        (**self).nonce()
    }
}

/// The system's random source. The default.
///
/// See [`NonceSource`] for an example.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemNonce;

impl NonceSource for SystemNonce {
    fn nonce(&self) -> [u8; NONCE_LEN] {
        let mut nonce = [0; NONCE_LEN];
        random::fill(&mut nonce);
        nonce
    }
}

/// Returns the same nonce every time, for tests.
///
/// See [`NonceSource`] for an example.
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
