//! The rules that both schemes of FOST share.

use http::request::Parts;

use crate::crypto::{Algorithm, Tag};
use crate::error::ConfigError;
use crate::key::KeyId;
use crate::scheme::{
    Claim, ClaimError, Encoding, OfferedTag, PublicOrigin, SentHead, SignError, path, shape, wire,
};

/// The hash, and the address under which clients reach the service.
#[derive(Clone, Debug)]
pub(super) struct FostRules {
    pub(super) algorithm: Algorithm,
    origin: Option<PublicOrigin>,
}

impl FostRules {
    /// Makes rules with HMAC-SHA-1 and the address in each request.
    pub(super) fn new() -> Self {
        Self { algorithm: Algorithm::Sha1, origin: None }
    }

    pub(super) fn set_public_origin(&mut self, origin: &str) -> Result<(), ConfigError> {
        self.origin = Some(PublicOrigin::parse(origin)?);
        Ok(())
    }

    pub(super) fn sent<'h>(&'h self, head: &'h Parts, claim: &Claim) -> SentHead<'h> {
        SentHead::new(head, self.origin.as_ref(), claim)
    }

    /// Returns the shape of a tag, for errors.
    pub(super) fn expected_tag(&self) -> String {
        shape::of_tags(Encoding::Base64, self.algorithm)
    }

    pub(super) fn decode_tag(&self, text: &str) -> Option<OfferedTag> {
        Encoding::Base64.decode_tag(text, self.algorithm)
    }
}

pub(super) fn encoded_tag(tags: &[Tag]) -> Result<String, SignError> {
    Ok(Encoding::Base64.encode(wire::only_tag(tags)?.as_bytes()))
}

pub(super) fn encoded_key_id(claim: &Claim) -> String {
    wire::percent_encoded(claim.key_id().map_or("", KeyId::as_str))
}

/// Returns the path as it is signed. A newline in it could pass for the end of its line.
pub(super) fn decoded_path(sent: SentHead<'_>) -> Result<String, ClaimError> {
    let path = path::decoded(&sent.path())?;
    if path.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(ClaimError::malformed("the path contains an escaped control character"));
    }
    Ok(path)
}
