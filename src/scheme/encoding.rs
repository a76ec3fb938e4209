//! Text encodings of a tag.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

use crate::crypto::Algorithm;
use crate::crypto::Digest;
use crate::crypto::MAX_TAG_LEN;
use crate::scheme::OfferedTag;

/// The text encoding of a tag.
///
/// ```
/// use tower_hmac::Algorithm;
/// use tower_hmac::scheme::Encoding;
///
/// assert_eq!(Encoding::Hex.encode(b"\xa1\xb2"), "a1b2");
/// // 64 digits for SHA-256, in lower case only.
/// assert!(Encoding::Hex.decode_tag("a1".repeat(32), Algorithm::Sha256).is_some());
/// assert!(Encoding::Hex.decode_tag("A1".repeat(32), Algorithm::Sha256).is_none());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// Hex in lower case (RFC 4648 section 8).
    Hex,
    /// Hex in upper case (RFC 4648 section 8).
    HexUpper,
    /// Hex in either case, written in lower case (RFC 4648 section 8).
    HexAnyCase,
    /// Base64 with padding (RFC 4648 section 4).
    #[default]
    Base64,
    /// Base64url with padding (RFC 4648 section 5).
    Base64Url,
    /// Base64url without padding (RFC 4648 section 5).
    Base64UrlNoPad,
}

impl Encoding {
    /// Decodes a tag of this algorithm. Each tag has exactly one spelling, except in
    /// [`HexAnyCase`](Self::HexAnyCase). Other cases, alphabets, padding and nonzero unused bits
    /// are rejected.
    #[must_use]
    pub fn decode_tag(self, text: impl AsRef<[u8]>, algorithm: Algorithm) -> Option<OfferedTag> {
        let text = text.as_ref();
        if text.len() != self.tag_text_len(algorithm) {
            return None;
        }
        // A base64 engine needs room for whole groups of three bytes.
        let mut buffer = [0; MAX_TAG_LEN + 8];
        let bytes = match self {
            Self::Hex => base16ct::lower::decode(text, &mut buffer).ok()?,
            Self::HexUpper => base16ct::upper::decode(text, &mut buffer).ok()?,
            Self::HexAnyCase => base16ct::mixed::decode(text, &mut buffer).ok()?,
            Self::Base64 => decoded(&STANDARD, text, &mut buffer)?,
            Self::Base64Url => decoded(&URL_SAFE, text, &mut buffer)?,
            Self::Base64UrlNoPad => decoded(&URL_SAFE_NO_PAD, text, &mut buffer)?,
        };
        if bytes.len() == algorithm.tag_len() { OfferedTag::new(bytes) } else { None }
    }

    /// Decodes a digest of this algorithm from a request, as strictly as
    /// [`decode_tag`](Self::decode_tag).
    ///
    /// ```
    /// use tower_hmac::Algorithm;
    /// use tower_hmac::crypto::Digest;
    /// use tower_hmac::scheme::Encoding;
    ///
    /// let digest = Digest::of(Algorithm::Sha256, b"{}");
    /// let text = Encoding::Base64.encode(digest.as_bytes());
    /// let decoded = Encoding::Base64.decode_digest(&text, Algorithm::Sha256);
    /// assert_eq!(decoded.map(|digest| digest.as_bytes().to_vec()), Some(digest.as_bytes().to_vec()));
    /// ```
    #[must_use]
    pub fn decode_digest(self, text: impl AsRef<[u8]>, algorithm: Algorithm) -> Option<Digest> {
        let decoded = self.decode_tag(text, algorithm)?;
        Some(Digest { algorithm, bytes: decoded.into_bytes() })
    }

    /// Encodes bytes as text.
    #[must_use]
    pub fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex | Self::HexAnyCase => base16ct::lower::encode_string(bytes),
            Self::HexUpper => base16ct::upper::encode_string(bytes),
            Self::Base64 => STANDARD.encode(bytes),
            Self::Base64Url => URL_SAFE.encode(bytes),
            Self::Base64UrlNoPad => URL_SAFE_NO_PAD.encode(bytes),
        }
    }

    /// Returns the length of every encoded tag, in bytes.
    pub(crate) fn tag_text_len(self, algorithm: Algorithm) -> usize {
        let bytes = algorithm.tag_len();
        match self {
            Self::Hex | Self::HexUpper | Self::HexAnyCase => bytes.saturating_mul(2),
            Self::Base64 | Self::Base64Url => bytes.div_ceil(3).saturating_mul(4),
            Self::Base64UrlNoPad => bytes.saturating_mul(4).div_ceil(3),
        }
    }
}

fn decoded<'b>(
    engine: &impl base64::Engine,
    text: &[u8],
    buffer: &'b mut [u8],
) -> Option<&'b [u8]> {
    let len = engine.decode_slice(text, buffer).ok()?;
    buffer.get(..len)
}
