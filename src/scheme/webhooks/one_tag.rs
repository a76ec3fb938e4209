//! Shared by presets with one tag in one header, and no key ID.

use http::HeaderName;
use http::request::Parts;

use crate::crypto::{Algorithm, Tag};
use crate::scheme::tag_header::TagHeader;
use crate::scheme::{Claim, ClaimError, Encoding, OfferedTag, SignError, Stamp, shape, wire};

impl TagHeader {
    /// Makes it with HMAC-SHA-256 in base64. The header's name must be a lower-case constant.
    pub(super) fn base64(scheme: &'static str, header: &'static str) -> Self {
        Self {
            scheme: scheme.into(),
            names: [HeaderName::from_static(header)],
            encoding: Encoding::Base64,
            algorithm: Algorithm::Sha256,
            tolerance: None,
        }
    }

    /// Reads a tag, or returns an error with the shape of what was found.
    pub(super) fn tag(&self, text: &str) -> Result<OfferedTag, ClaimError> {
        let no_tag = || shape::no_tag(Some(self.name()), self.encoding, self.algorithm, text);
        self.decode(text).ok_or_else(no_tag)
    }

    /// Reads the header as one tag and nothing else.
    pub(super) fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        let text = wire::text(self.name(), wire::single(head, self.name())?)?;
        self.tag(text).map(Claim::signed)
    }

    /// Writes the header as one tag and nothing else.
    pub(super) fn attach(&self, head: &mut Parts, tags: &[Tag]) -> Result<(), SignError> {
        self.write(head, &self.encode(wire::only_tag(tags)?))
    }
}

/// Rejects a key ID, since the scheme does not carry one.
pub(super) fn without_key_id(stamp: &Stamp<'_>) -> Result<(), SignError> {
    match stamp.key_id() {
        Some(_) => Err(SignError::KeyId("this scheme does not carry one")),
        None => Ok(()),
    }
}
