//! `X-Amz-Content-Sha256`: how the body is covered.

use http::request::Parts;

use super::{UNSIGNED_PAYLOAD, X_AMZ_CONTENT_SHA256};
use crate::crypto::Algorithm;
use crate::crypto::Digest;
use crate::scheme::{ClaimError, Coverage, SignError, wire};

/// The SHA-256 of an empty body, in hex.
pub(crate) const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// How the body is covered, and the last line of the canonical request.
pub(super) struct Payload<'t> {
    pub(super) kind: PayloadKind,
    /// Empty if the line is the hash of the body, which is not known yet.
    pub(super) line: &'t str,
}

pub(super) enum PayloadKind {
    /// The line is the hash of the body, which is computed as the body arrives.
    Hashed,
    /// The line is this hash, and the body must have it.
    Stated(Digest),
    /// There must be no body.
    Empty,
    /// The body can be any.
    Unsigned,
}

impl PayloadKind {
    pub(super) fn coverage(&self) -> Coverage {
        match self {
            Self::Hashed => Coverage::Hashed(Algorithm::Sha256),
            Self::Stated(digest) => Coverage::Digest(vec![digest.clone().into()]),
            Self::Empty => Coverage::Empty,
            Self::Unsigned => Coverage::Unsigned,
        }
    }
}

impl<'h> Payload<'h> {
    /// Returns a payload whose hash is computed as the body arrives.
    pub(super) fn hashed() -> Self {
        Self { kind: PayloadKind::Hashed, line: "" }
    }

    /// Returns the payload stated by the header, or one hashed from the body if there is no such
    /// header.
    pub(super) fn read(head: &'h Parts, allows_unsigned: bool) -> Result<Self, ClaimError> {
        let malformed = |why| Err(ClaimError::in_header(&X_AMZ_CONTENT_SHA256, why));
        let line = match wire::single(head, &X_AMZ_CONTENT_SHA256) {
            Err(ClaimError::Missing) => return Ok(Self::hashed()),
            value => wire::text(&X_AMZ_CONTENT_SHA256, value?)?,
        };
        if line == UNSIGNED_PAYLOAD {
            return if allows_unsigned {
                Ok(Self { kind: PayloadKind::Unsigned, line })
            } else {
                malformed("says that the body is not signed (rule 10)")
            };
        }
        if line.starts_with("STREAMING-") {
            return malformed(
                "says that the body comes in signed chunks, which are not supported (rule 10); \
                 set AWS_REQUEST_CHECKSUM_CALCULATION=when_required for boto3 and awscli, or \
                 send the body in one piece",
            );
        }
        let mut bytes = [0; 32];
        let digest = base16ct::lower::decode(line, &mut bytes)
            .ok()
            .and_then(|bytes| Digest::received(Algorithm::Sha256, bytes));
        match digest {
            Some(digest) => Ok(Self { kind: PayloadKind::Stated(digest), line }),
            None => malformed("is not a SHA-256 in 64 lower-case hex digits (rule 10)"),
        }
    }
}

/// Writes the header of a request that is about to be sent.
pub(super) fn write(head: &mut Parts, body: &[u8]) -> Result<(), SignError> {
    let digest = Digest::of(Algorithm::Sha256, body);
    let text = base16ct::lower::encode_string(digest.as_bytes());
    let value = wire::value(&X_AMZ_CONTENT_SHA256, &text)?;
    head.headers.insert(X_AMZ_CONTENT_SHA256, value);
    Ok(())
}

/// Returns whether a request that is about to be sent states that its body is not signed.
pub(super) fn is_unsigned(head: &Parts) -> bool {
    head.headers.get(X_AMZ_CONTENT_SHA256).is_some_and(|value| value == UNSIGNED_PAYLOAD)
}
