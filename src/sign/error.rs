use http::HeaderName;

/// Why a request could not be signed. The request is left as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// There is a signature already; `replace_signature` of the signer takes it out first.
    #[error("the request is signed already")]
    AlreadySigned,
    /// The value of this header cannot be sent: too long, or not text.
    #[error("header `{0}`: its value cannot be sent")]
    Header(HeaderName),
    /// The format has no place for this key id, or asks for one and there is none.
    #[error("key id: {0}")]
    KeyId(&'static str),
    /// The format cannot sign this request.
    #[error("{0}")]
    Request(&'static str),
    /// The body is over the limit, in bytes.
    #[error("the body is over the limit of {0} bytes")]
    BodyTooLarge(usize),
    /// The body streams, and a signature needs all of it first.
    #[error("the body streams and cannot be signed")]
    Streaming,
}
