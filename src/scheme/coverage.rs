//! The ways in which a scheme covers the body.

use crate::crypto::Algorithm;
use crate::crypto::{Digest, Hasher};

/// The ways in which a scheme covers the body.
///
/// See [`scheme`](crate::scheme#writing-your-own-scheme) for an example.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Coverage {
    /// The raw body is part of the signing string, between what comes before and after it.
    Signed,
    /// The signing string covers plain digests in the head. There is at least one, and the body
    /// must match all of them. The MAC is checked before the body is read. Each digest is over the
    /// body alone, or over the body between two strings.
    Digest(Vec<BodyDigest>),
    /// The signing string is made from the whole body by [`Scheme::derive`](crate::Scheme::derive).
    /// Anybody can change the parts of the body that the signing string leaves out.
    Derived,
    /// The signing string is made from a plain hash of the whole body by
    /// [`Scheme::derive_from_hash`](crate::Scheme::derive_from_hash). The body is hashed as it
    /// arrives, so a large one does not block once it is complete.
    Hashed(Algorithm),
    /// The scheme cannot sign a body. A request with one is rejected.
    Empty,
    /// The scheme can sign a body, but this signature does not cover it. A request with a body is
    /// rejected for this reason.
    Uncovered(&'static str),
    /// The scheme signs no body, and any body reaches the handler. Anybody who sees a signed head
    /// can send any body with it.
    Unsigned,
}

impl Coverage {
    /// Returns why a body is rejected, if the request must not have one.
    pub(crate) fn rejects_body(&self) -> Option<&'static str> {
        match self {
            Self::Empty => Some("the scheme cannot sign a body, and there is one"),
            Self::Uncovered(why) => Some(why),
            Self::Signed | Self::Digest(_) | Self::Derived | Self::Hashed(_) | Self::Unsigned => {
                None
            }
        }
    }
}

/// A digest that the body must match, alone or between two strings.
///
/// See [`scheme`](crate::scheme#writing-your-own-scheme) for an example.
#[derive(Clone, Debug)]
pub struct BodyDigest {
    digest: Digest,
    before: Box<[u8]>,
    after: Box<[u8]>,
}

impl BodyDigest {
    /// Expects this digest of `before`, the body and `after`, concatenated, as in Hawk's payload
    /// hash.
    #[must_use]
    pub fn framed(digest: Digest, before: &[u8], after: &[u8]) -> Self {
        Self { digest, before: before.into(), after: after.into() }
    }

    /// Starts hashing a body.
    pub(crate) fn hasher(&self) -> Hasher {
        let mut hasher = Hasher::new(self.digest.algorithm());
        hasher.update(&self.before);
        hasher
    }

    /// Returns whether the hashed body is the signed one.
    pub(crate) fn matches(&self, mut hasher: Hasher) -> bool {
        hasher.update(&self.after);
        hasher.finalize().matches(&self.digest)
    }
}

impl From<Digest> for BodyDigest {
    /// Expects this digest of the body alone.
    fn from(digest: Digest) -> Self {
        Self { digest, before: Box::default(), after: Box::default() }
    }
}
