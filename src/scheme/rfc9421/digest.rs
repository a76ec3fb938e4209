//! `Content-Digest` (RFC 9530).

use std::convert::Infallible;

use http::HeaderValue;
use http::request::Parts;
use sfv::visitor::{
    DictionaryVisitor, EntryVisitor, Ignored, InnerListVisitor, ItemVisitor, ParameterVisitor,
};
use sfv::{BareItemFromInput, KeyRef, Parser};

use super::component::Component;
use super::{CONTENT_DIGEST, DIGESTS, field};
use crate::crypto::Algorithm;
use crate::crypto::Digest;
use crate::error::ConfigError;
use crate::scheme::{BodyDigest, Claim, ClaimError, Encoding, SignError, wire};

/// Returns the digests that the body must match, if one is covered.
pub(super) fn covered(head: &Parts, claim: &Claim) -> Result<Vec<BodyDigest>, ClaimError> {
    let only_line = claim.covered().and_then(|covered| covered.only_line(&CONTENT_DIGEST));
    match only_line.and_then(only_sha256) {
        Some(digest) => Ok(vec![digest.into()]),
        None => Ok(read(head)?.into_iter().map(Into::into).collect()),
    }
}

/// Returns the digest of a field in canonical form with a single SHA-256 digest.
pub(super) fn only_sha256(line: &HeaderValue) -> Option<Digest> {
    let text = line.as_bytes().strip_prefix(b"sha-256=:")?.strip_suffix(b":")?;
    Encoding::Base64.decode_digest(text, Algorithm::Sha256)
}

/// Returns the digests in the head. Known ones must be well-formed, and unknown ones are ignored.
pub(super) fn read(head: &Parts) -> Result<Vec<Digest>, ClaimError> {
    let malformed = |why| ClaimError::in_header(&CONTENT_DIGEST, why);
    let value = field::bounded(head, &CONTENT_DIGEST).map_err(|error| match error {
        ClaimError::Missing => malformed("is covered and missing"),
        other => other,
    })?;
    let mut found = Found::default();
    Parser::new(value.as_bytes())
        .parse_dictionary_with_visitor(&mut found)
        .map_err(|_| malformed("is not a structured dictionary"))?;
    let mut digests = Vec::with_capacity(DIGESTS.len());
    for ((_, algorithm), bytes) in DIGESTS.into_iter().zip(found.0) {
        let Some(bytes) = bytes else { continue };
        let digest = Digest::received(algorithm, &bytes);
        digests.push(
            digest.ok_or_else(|| malformed("is not a byte sequence of the digest's length"))?,
        );
    }
    if digests.is_empty() { Err(malformed("has no known digest")) } else { Ok(digests) }
}

/// The members with known names: their bytes, or `None` if they are not bytes. If a name occurs
/// twice, the last one counts (RFC 9651 section 4.2.2).
#[derive(Default)]
struct Found([Option<Vec<u8>>; DIGESTS.len()]);

impl<'h> DictionaryVisitor<'h> for &mut Found {
    type Out = ();
    type Error = Infallible;

    fn entry(&mut self, name: &'h KeyRef) -> Result<impl EntryVisitor<'h>, Infallible> {
        let mut slots = DIGESTS.iter().zip(&mut self.0);
        let slot = slots.find(|((known, _), _)| *known == name.as_str()).map(|(_, slot)| slot);
        Ok(slot.map(|slot| Bytes(slot.insert(Vec::new()))))
    }

    fn finish(self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Parses byte sequences, and drops other values.
struct Bytes<'a>(&'a mut Vec<u8>);

impl<'h> EntryVisitor<'h> for Bytes<'_> {
    type Error = Infallible;

    fn item(self) -> Result<impl ItemVisitor<'h>, Infallible> {
        Ok(self)
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'h>, Infallible> {
        Ok(Ignored)
    }
}

impl<'h> ItemVisitor<'h> for Bytes<'_> {
    type Out = ();
    type Error = Infallible;

    fn bare_item(
        self,
        item: BareItemFromInput<'h>,
    ) -> Result<impl ParameterVisitor<'h, Out = ()>, Infallible> {
        if let BareItemFromInput::ByteSequence(bytes) = item {
            *self.0 = bytes;
        }
        Ok(Ignored)
    }
}

/// Writes digests of a body that is about to be sent: those that are covered as separate members,
/// or else one made with `algorithm`. Keeps existing digests if they are correct and sufficient,
/// because another signature may cover them. Otherwise, replaces them.
pub(super) fn write(
    head: &mut Parts,
    components: &[Component],
    algorithm: Algorithm,
    body: &[u8],
) -> Result<(), SignError> {
    let members = || components.iter().filter_map(Component::covered_digest);
    let enough = |found: &[Digest]| {
        found.iter().all(|digest| Digest::of(digest.algorithm(), body).matches(digest))
            && members().all(|wanted| found.iter().any(|digest| digest.algorithm() == wanted))
    };
    if read(head).is_ok_and(|found| enough(&found)) {
        return Ok(());
    }
    let mut written = Vec::new();
    for (name, known) in DIGESTS {
        let alone = members().next().is_none() && known == algorithm;
        if alone || members().any(|wanted| wanted == known) {
            let digest = Encoding::Base64.encode(Digest::of(known, body).as_bytes());
            written.push(format!("{name}=:{digest}:"));
        }
    }
    let value = wire::value(&CONTENT_DIGEST, &written.join(", "))?;
    head.headers.insert(CONTENT_DIGEST, value);
    Ok(())
}

/// Rejects a hash that no peer would support.
pub(super) fn known(algorithm: Algorithm) -> Result<Algorithm, ConfigError> {
    if DIGESTS.iter().any(|(_, known)| *known == algorithm) {
        Ok(algorithm)
    } else {
        Err(ConfigError::invalid("digest", "is neither SHA-256 nor SHA-512"))
    }
}
