//! `Content-Digest` (RFC 9530).

use http::request::Parts;
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use super::CONTENT_DIGEST;
use crate::error::ConfigError;
use crate::mac::{Algorithm, Digest};
use crate::scheme::{ClaimError, Encoding, header};
use crate::sign::SignError;

/// The registered names of the hashes that are safe against whoever makes the body.
const KNOWN: [(&str, Algorithm); 2] =
    [("sha-256", Algorithm::Sha256), ("sha-512", Algorithm::Sha512)];

/// The digests that the head carries: every known one must be well-formed, and unknown ones count
/// for nothing.
pub(super) fn read(head: &Parts) -> Result<Vec<Digest>, ClaimError> {
    let malformed = |why| ClaimError::in_header(&CONTENT_DIGEST, why);
    let value = header::single(head, &CONTENT_DIGEST).map_err(|error| match error {
        ClaimError::Missing => malformed("is covered and missing"),
        other => other,
    })?;
    let fields: Dictionary = Parser::new(value.as_bytes())
        .parse()
        .map_err(|_| malformed("is no structured dictionary"))?;
    let mut digests = Vec::with_capacity(KNOWN.len());
    for (name, algorithm) in KNOWN {
        let Some(entry) = fields.get(name) else { continue };
        let ListEntry::Item(item) = entry else { return Err(malformed("holds no bytes")) };
        let BareItem::ByteSequence(bytes) = &item.bare_item else {
            return Err(malformed("holds no bytes"));
        };
        let digest = Digest::received(algorithm, bytes);
        digests.push(digest.ok_or_else(|| malformed("holds a digest of a wrong length"))?);
    }
    if digests.is_empty() { Err(malformed("holds no known digest")) } else { Ok(digests) }
}

/// Writes the digest of a body that is about to be sent, in the place of one that is there.
pub(super) fn write(head: &mut Parts, algorithm: Algorithm, body: &[u8]) -> Result<(), SignError> {
    let name = KNOWN.iter().find(|(_, known)| *known == algorithm).map(|(name, _)| *name);
    let name = name.ok_or(SignError::Header(CONTENT_DIGEST))?;
    let digest = Encoding::Base64.encode(Digest::of(algorithm, body).as_bytes());
    let value = format!("{name}=:{digest}:").try_into();
    let value = value.map_err(|_| SignError::Header(CONTENT_DIGEST))?;
    head.headers.insert(CONTENT_DIGEST, value);
    Ok(())
}

/// Refuses a hash that no peer would know.
pub(super) fn known(algorithm: Algorithm) -> Result<Algorithm, ConfigError> {
    if KNOWN.iter().any(|(_, known)| *known == algorithm) {
        Ok(algorithm)
    } else {
        Err(ConfigError::invalid("digest", "is neither sha256 nor sha512"))
    }
}
