//! How a scheme covers the body.

use crate::crypto::Algorithm;
use crate::crypto::{Digest, Hasher};

/// How a format covers the body.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Coverage {
    /// The raw body stands in the signed text, between what comes before and after it.
    Signed,
    /// The signed text covers plain digests that the head carries; the body must match every one
    /// of them, and there is at least one. The MAC is checked before the body is read. A digest can
    /// be of the body alone, or of the body between two texts.
    Digest(Vec<BodyDigest>),
    /// The signed text is made from the whole body by [`Scheme::derive`](crate::Scheme::derive). Parts of the body that
    /// the text leaves out can be changed by anybody.
    Derived,
    /// The signed text is made from a plain hash of the whole body by
    /// [`Scheme::derive_from_hash`](crate::Scheme::derive_from_hash). The body is hashed as it
    /// arrives, so that a large one does not block when all of it is there.
    Hashed(Algorithm),
    /// The format signs no body: a request that has one is refused.
    Empty,
    /// The format can sign a body, and this signature does not: a request that has one is refused
    /// for this reason.
    Uncovered(&'static str),
    /// The format signs no body, and whatever comes is let through to the handler. Whoever sees
    /// one signed head can send any body with it.
    Unsigned,
}

impl Coverage {
    /// Why a body is refused, if none may be there.
    pub(crate) fn refuses_body(&self) -> Option<&'static str> {
        match self {
            Self::Empty => Some("the format signs no body, and there is one"),
            Self::Uncovered(why) => Some(why),
            Self::Signed | Self::Digest(_) | Self::Derived | Self::Hashed(_) | Self::Unsigned => {
                None
            }
        }
    }
}

/// A digest that the body must match, or the body between two texts.
#[derive(Clone, Debug)]
pub struct BodyDigest {
    digest: Digest,
    before: Box<[u8]>,
    after: Box<[u8]>,
}

impl BodyDigest {
    /// Expects this digest of `before`, the body and `after` in a row, as Hawk's payload hash has
    /// it.
    #[must_use]
    pub fn framed(digest: Digest, before: &[u8], after: &[u8]) -> Self {
        Self { digest, before: before.into(), after: after.into() }
    }

    /// Starts to hash a body.
    pub(crate) fn hasher(&self) -> Hasher {
        let mut hasher = Hasher::new(self.digest.algorithm());
        hasher.update(&self.before);
        hasher
    }

    /// Whether the body that was hashed is the one that was signed.
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
