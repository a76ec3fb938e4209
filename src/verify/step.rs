//! The steps of the contract, by name.

use crate::verify::error::ErrorKind;

/// A step of [the way of a request](crate::verify), as
/// [`VerifyError::step`](crate::VerifyError::step) names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// The scheme reads what the head says.
    Claim,
    /// The times of the claim are compared with the clock.
    Window,
    /// The length of the body is compared with the limit.
    Length,
    /// The key store is asked.
    Keys,
    /// The body is read, and may only be there if the signature covers it.
    Body,
    /// The body is compared with the digest that the signature covers. The MAC has matched.
    Digest,
    /// The signed text is written, and its MACs are compared with the offered tags.
    Mac,
    /// The proven key ID is looked up in the allow-list.
    AllowList,
    /// The replay guard is asked.
    Replay,
}

impl Step {
    /// Returns a fixed name, such as `allow-list`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Window => "window",
            Self::Length => "length",
            Self::Keys => "keys",
            Self::Body => "body",
            Self::Digest => "digest",
            Self::Mac => "mac",
            Self::AllowList => "allow-list",
            Self::Replay => "replay",
        }
    }

    /// The step that raises this kind, unless another one says that it did.
    pub(crate) const fn usual(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Missing | ErrorKind::Malformed => Self::Claim,
            ErrorKind::Stale | ErrorKind::Expired => Self::Window,
            ErrorKind::BodyTooLarge => Self::Length,
            ErrorKind::UnknownKey | ErrorKind::StoreUnavailable => Self::Keys,
            ErrorKind::BodyRead => Self::Body,
            ErrorKind::Mismatch => Self::Mac,
            ErrorKind::NotAllowed => Self::AllowList,
            ErrorKind::Replayed | ErrorKind::ReplayFull | ErrorKind::ReplayUnknown => Self::Replay,
        }
    }
}
