//! Plain hashes of bodies. Not secret.

use std::borrow::BorrowMut;
use std::fmt;

use hmac::digest::Digest as _;

use crate::crypto::algorithm::{Algorithm, Boxed, Inline, for_each_algorithm};
use crate::crypto::fixed_bytes::FixedBytes;

/// The plain hash of a body, as in a `Content-Digest` field (RFC 9530). Not a secret.
///
/// ```
/// use tower_hmac::Algorithm;
/// use tower_hmac::crypto::Digest;
///
/// let digest = Digest::of(Algorithm::Sha256, b"a body");
/// assert_eq!(digest.as_bytes().len(), 32);
/// // This digest is too short for SHA-256.
/// assert!(Digest::received(Algorithm::Sha256, b"a body").is_none());
/// ```
#[derive(Clone)]
pub struct Digest {
    pub(crate) algorithm: Algorithm,
    pub(crate) bytes: FixedBytes,
}

impl Digest {
    /// Hashes a body.
    #[must_use]
    pub fn of(algorithm: Algorithm, body: &[u8]) -> Self {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(body);
        hasher.finalize()
    }

    /// Makes a digest from received bytes. Returns `None` if the length is wrong for the algorithm.
    #[must_use]
    pub fn received(algorithm: Algorithm, bytes: &[u8]) -> Option<Self> {
        let bytes = FixedBytes::try_of(bytes)?;
        (bytes.as_bytes().len() == algorithm.tag_len()).then_some(Self { algorithm, bytes })
    }

    /// Returns the hash algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the bytes of the digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.as_bytes()
    }

    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm && self.bytes.constant_time_eq(&other.bytes).into()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digest").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

macro_rules! own {
    (Inline, $value:expr) => {
        $value
    };
    (Boxed, $value:expr) => {
        *$value
    };
}

macro_rules! define_hashes {
    ($( $(#[$meta:meta])* $name:ident $(if $feature:literal)? = $text:literal, $tag:literal, $block:literal, $hash:ty, $slot:ident; )+) => {
        /// A running plain hash.
        #[derive(Clone)]
        enum PlainHash { $( $(#[cfg(feature = $feature)])? $name($slot<$hash>), )+ }

        impl PlainHash {
            fn new(algorithm: Algorithm) -> Self {
                match algorithm { $( $(#[cfg(feature = $feature)])? Algorithm::$name => {
                    #[allow(clippy::useless_conversion)]
                    Self::$name(<$hash>::new().into())
                } )+ }
            }

            fn update(&mut self, bytes: &[u8]) {
                match self { $( $(#[cfg(feature = $feature)])? Self::$name(hash) => {
                    let hash: &mut $hash = hash.borrow_mut();
                    hmac::digest::Update::update(hash, bytes);
                } )+ }
            }

            fn finalize(self) -> Digest {
                match self { $( $(#[cfg(feature = $feature)])? Self::$name(hash) => {
                    let hash: $hash = own!($slot, hash);
                    Digest { algorithm: Algorithm::$name, bytes: FixedBytes::of(&hash.finalize()) }
                } )+ }
            }
        }
    };
}

for_each_algorithm!(define_hashes);

/// A running plain hash.
#[derive(Clone)]
pub(crate) struct Hasher(PlainHash);

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        Self(PlainHash::new(algorithm))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finalize(self) -> Digest {
        self.0.finalize()
    }
}
