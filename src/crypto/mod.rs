//! HMACs, plain hashes, and constant-time comparison. Independent of keys and requests.
//!
//! See [`Mac`] for an example.

pub(crate) mod algorithm;
mod digest;
mod fixed_bytes;
mod mac;

pub(crate) use algorithm::Algorithm;
pub use digest::Digest;
pub(crate) use digest::Hasher;
pub(crate) use fixed_bytes::{FixedBytes, MAX_TAG_LEN};
pub(crate) use mac::Prepared;
pub use mac::{Mac, Mismatch, Tag};
