use base64::engine::general_purpose::STANDARD;
use base64::{DecodeSliceError, Engine as _};
use http::HeaderName;
use http::request::Parts;

use crate::crypto::{Algorithm, Tag};
use crate::error::ConfigError;
use crate::key::KeyId;
use crate::scheme::tag_header::{TagHeader, tag_scheme};
use crate::scheme::{
    Claim, ClaimError, Encoding, OfferedTag, Scheme, Selector, SignError, SignedText, Stamp, shape,
    wire,
};

/// The length of the shortest tag of any hash (MD5) in bytes, and the length of its base64.
const SHORTEST_TAG: usize = 16;
const SHORTEST_TEXT: usize = 24;

/// A key ID and a tag in base64 that need no allocation, in bytes.
const USUAL_LEN: usize = 192;

/// The scheme of [Flask-HMAC] 1.2.1: a header over the raw body.
///
/// `Signature: b64(HMAC(key, body))` for the single key, and `Signature: b64(key ID ":"
/// b64(HMAC(key, body)))` for a named key. One scheme reads both forms.
///
/// **Covered:** the body. **Not covered:** method, path, query, headers, time, and the key ID.
/// Anybody who sees a signed request can send its body to any route that accepts the key, as often
/// as they like. Two key IDs with the same key can impersonate each other.
///
/// ```
/// use tower_hmac::{FlaskHmac, SecretKey, Signer};
///
/// let signer = Signer::new(FlaskHmac::new(), SecretKey::new("s3cr3tk3y")?);
/// let signature = signer.signature(br#"{"foo": "boo"}"#);
/// assert_eq!(signature, "nm3ezDgSuwx2dN51HHuq8CK/R7G8J+tulFgYFFArj8U=");
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
///
/// [Flask-HMAC]: https://pypi.org/project/Flask-HMAC/1.2.1/
#[derive(Clone, Debug)]
pub struct FlaskHmac {
    tags: TagHeader,
}

impl FlaskHmac {
    /// Makes the scheme with the header `Signature` and HMAC-SHA-256.
    #[must_use]
    pub fn new() -> Self {
        Self { tags: TagHeader::of_constants("flask-hmac", "signature", Encoding::Base64) }
    }

    /// Sets the header's name: `HMAC(header=...)` in Flask-HMAC.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if `name` is not a valid header name.
    pub fn with_header<N: TryInto<HeaderName>>(mut self, name: N) -> Result<Self, ConfigError> {
        self.tags.rename(name)?;
        Ok(self)
    }

    /// Sets the hash: `HMAC(digestmod=...)` in Flask-HMAC.
    #[must_use]
    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.tags.algorithm = algorithm;
        self
    }

    /// Returns the value of the header for this tag.
    pub(crate) fn value(key_id: Option<&KeyId>, tag: &Tag) -> String {
        let tag = STANDARD.encode(tag.as_bytes());
        match key_id {
            None => tag,
            Some(name) => STANDARD.encode(format!("{}:{tag}", name.as_str())),
        }
    }

    fn unexpected(&self, value: &[u8]) -> ClaimError {
        let tag = self.tags.expected();
        let found = shape::of_other_than(&tag, &String::from_utf8_lossy(value));
        let expected = format!("{tag}, or base64 of a key ID, a colon and that");
        ClaimError::unexpected(self.tags.name(), expected, found)
    }

    /// Reads a string as long as a tag. It may be a key ID with a tag of another hash, and is then
    /// not a tag.
    fn single(&self, value: &[u8]) -> Option<OfferedTag> {
        let signature = self.tags.decode(value)?;
        let bytes = signature.bytes().as_bytes();
        // Rule out almost every text of another form before decoding.
        let is_base64 = |b: &u8| b.is_ascii_alphanumeric() || b"+/=".contains(b);
        let is_named = bytes.iter().rev().take(SHORTEST_TEXT).all(is_base64) && {
            let text = std::str::from_utf8(bytes).unwrap_or_default();
            let tag = text.rsplit_once(':').and_then(|(_, tag)| STANDARD.decode(tag).ok());
            tag.is_some_and(|tag| tag.len() >= SHORTEST_TAG)
        };
        (!is_named).then_some(signature)
    }

    /// Reads a longer string: a key ID and a tag. Base64 has no colon, so the last one separates
    /// them.
    fn named(&self, value: &[u8]) -> Option<(KeyId, OfferedTag)> {
        let mut buffer = [0; USUAL_LEN];
        let longer;
        let decoded = match STANDARD.decode_slice(value, &mut buffer) {
            Ok(len) => buffer.get(..len)?,
            Err(DecodeSliceError::OutputSliceTooSmall) => {
                longer = STANDARD.decode(value).ok()?;
                &longer
            }
            Err(DecodeSliceError::DecodeError(_)) => return None,
        };
        let (name, tag) = std::str::from_utf8(decoded).ok()?.rsplit_once(':')?;
        let signature = self.tags.decode(tag)?;
        Some((KeyId::new(name).ok()?, signature))
    }
}

impl Default for FlaskHmac {
    fn default() -> Self {
        Self::new()
    }
}

impl Scheme for FlaskHmac {
    tag_scheme!();

    fn selector(&self) -> Option<Selector<'_>> {
        Some(Selector::TagLen(self.tags.algorithm.tag_len()))
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        let value = wire::single(head, self.tags.name())?.as_bytes();
        if let Some(signature) = self.single(value) {
            return Ok(Claim::signed(signature));
        }
        let (key_id, signature) = self.named(value).ok_or_else(|| self.unexpected(value))?;
        Ok(Claim::signed(signature).with_key_id(key_id))
    }

    fn before_body(&self, _: &Parts, _: &Claim, _: &mut SignedText) -> Result<(), ClaimError> {
        Ok(())
    }

    fn stamp(&self, _: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        Ok(Claim::new().with_key_id(stamp.key_id().cloned()))
    }

    fn attach(&self, head: &mut Parts, claim: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        self.tags.write(head, &Self::value(claim.key_id(), wire::only_tag(tags)?))
    }
}
