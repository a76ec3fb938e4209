use http::HeaderName;

use crate::scheme::ClaimError;

/// Why a request could not be signed. The request is left as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The request is signed already. `Signer::replace_signature` removes the old signature first.
    #[error("the request is signed already")]
    AlreadySigned,
    /// A header that the scheme reads or writes cannot be signed.
    #[error("header `{header}`: {why}")]
    Header {
        /// The header.
        header: HeaderName,
        /// What is wrong with it, without its value: that it is missing, occurs twice, is not
        /// ASCII, or holds the delimiter beside it in the signed text.
        why: &'static str,
    },
    /// The scheme has no place for this key ID, or needs one and none is set.
    #[error("key ID: {0}")]
    KeyId(&'static str),
    /// The scheme cannot sign this request.
    #[error("{0}")]
    Request(&'static str),
    /// The body is over the limit, in bytes.
    #[error("the body is over the limit of {0} bytes")]
    BodyTooLarge(usize),
    /// The body streams, and a signature needs all of it first.
    #[error("the body streams and cannot be signed")]
    Streaming,
}

impl SignError {
    /// Something that is wrong with a header.
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
                Self::Header { header, why: "is not what the scheme writes there" }
            }
            ClaimError::Unexpected { header: None, .. } => {
                Self::Request("a part of the request is not what the scheme writes there")
            }
            ClaimError::Missing => Self::Request("a part that the scheme covers is missing"),
        }
    }
}
