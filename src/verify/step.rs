//! The steps of the contract, by name.

/// A step of [how a request is verified](crate::verify), returned by
/// [`VerifyError::step`](crate::VerifyError::step).
///
/// ```
/// use tower_hmac::ErrorKind;
/// use tower_hmac::VerifyError;
/// use tower_hmac::verify::Step;
///
/// let error = VerifyError::from(ErrorKind::NotAllowed);
/// assert_eq!(error.step(), Step::AllowList);
/// assert_eq!(error.step().as_str(), "allow-list");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// The scheme reads the claim from the head.
    Claim,
    /// The times of the claim are compared with the clock.
    Window,
    /// The length of the body is compared with the limit.
    Length,
    /// The key store is asked for the keys of the claimed key ID.
    Keys,
    /// The body is read. It must be empty unless the signature covers it.
    Body,
    /// The body is compared with the digest that the signature covers. The MAC has matched.
    Digest,
    /// The signing string is written, and its MACs are compared with the tags of the request.
    Mac,
    /// The proven key ID is looked up in the allow-list.
    AllowList,
    /// The replay guard is asked to claim the request.
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
}
