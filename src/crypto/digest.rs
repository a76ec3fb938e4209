use std::fmt;

use crate::crypto::fixed_bytes::FixedBytes;
use crate::crypto::mac::{Algorithm, PlainHash};

/// The plain hash of a body, as a `Content-Digest` field carries it (RFC 9530). No secret.
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

    /// Takes a digest as it was received; `None` if its length is not that of the algorithm.
    #[must_use]
    pub fn received(algorithm: Algorithm, bytes: &[u8]) -> Option<Self> {
        let bytes = FixedBytes::try_of(bytes)?;
        (bytes.as_bytes().len() == algorithm.tag_len()).then_some(Self { algorithm, bytes })
    }

    /// The hash that made it.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The bytes of the digest.
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

/// A running plain hash.
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
