//! Another way to write a tag.

use crate::crypto::Algorithm;
use crate::explain::Cause;

/// Another way to write a value, with the hash and tag to compare if its own tag is a placeholder.
pub(super) struct Rewrite {
    pub(super) cause: Cause,
    pub(super) text: String,
    pub(super) hash: Option<(Algorithm, Vec<u8>)>,
}
