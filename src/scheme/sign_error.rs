use http::HeaderName;

use crate::scheme::ClaimError;

/// The reason why a request could not be signed. The request is unchanged.
///
/// See [`scheme`](crate::scheme#writing-your-own-scheme) for an example.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The request is already signed. `Signer::replace_signature` replaces the old signature.
    #[error("the request is already signed")]
    AlreadySigned,
    /// A header that the scheme reads or writes cannot be signed.
    #[error("header `{header}`: {why}")]
    Header {
        /// The header.
        header: HeaderName,
        /// The mistake in the header, without its value: it is missing, occurs twice, is not ASCII,
        /// or contains the delimiter that follows it in the signing string.
        why: &'static str,
    },
    /// The scheme cannot carry this key ID, or needs one and none is set.
    #[error("key ID: {0}")]
    KeyId(&'static str),
    /// The scheme cannot sign this request.
    #[error("{0}")]
    Request(&'static str),
    /// The body is over the limit, in bytes.
    #[error("the body is over the limit of {0} bytes")]
    BodyTooLarge(usize),
    /// The body is a stream, but it must be complete before it can be signed.
    #[error("the body streams and cannot be signed")]
    Streaming,
}

impl SignError {
    /// Makes an error about a header.
    #[must_use]
    pub fn in_header(name: &HeaderName, why: &'static str) -> Self {
        Self::Header { header: name.clone(), why }
    }
}

impl From<ClaimError> for SignError {
    /// A server would reject this request, so it is not signed.
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Malformed { header: Some(header), why } => Self::Header { header, why },
            ClaimError::Malformed { header: None, why } => Self::Request(why),
            ClaimError::Unexpected { header: Some(header), .. } => {
                Self::Header { header, why: "is not what the scheme writes" }
            }
            ClaimError::Unexpected { header: None, .. } => {
                Self::Request("a part of the request is not what the scheme writes")
            }
            ClaimError::Missing => Self::Request("a part that the scheme covers is missing"),
        }
    }
}
