//! What several formats read and write in the same way.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use http::request::Parts;
use http::{HeaderName, HeaderValue};

use crate::fixed_bytes::MAX_TAG_LEN;
use crate::mac::Algorithm;
use crate::scheme::{ClaimError, Signature};
use crate::sign::SignError;

/// The longest header value that is read, in bytes.
pub(crate) const MAX_VALUE_LEN: usize = 8 * 1024;

/// Exactly one value of a header, at most 8 KiB.
pub(crate) fn single<'h>(
    head: &'h Parts,
    name: &HeaderName,
) -> Result<&'h HeaderValue, ClaimError> {
    let value = head.headers.get(name).ok_or(ClaimError::Missing)?;
    // Nearly no request has any header twice, and to know that costs no second lookup.
    let all_single = head.headers.len() == head.headers.keys_len();
    if !all_single && head.headers.get_all(name).iter().nth(1).is_some() {
        return Err(ClaimError::in_header(name, "is there more than once"));
    }
    if value.len() > MAX_VALUE_LEN {
        return Err(ClaimError::in_header(name, "is longer than 8 KiB"));
    }
    Ok(value)
}

/// The same for a header that must be there beside the signature.
pub(crate) fn required<'h>(
    head: &'h Parts,
    name: &HeaderName,
) -> Result<&'h HeaderValue, ClaimError> {
    single(head, name).map_err(|error| match error {
        ClaimError::Missing => ClaimError::in_header(name, "is missing"),
        error => error,
    })
}

/// The text of a value: visible ASCII and spaces.
pub(crate) fn text<'h>(name: &HeaderName, value: &'h HeaderValue) -> Result<&'h str, ClaimError> {
    value.to_str().map_err(|_| ClaimError::in_header(name, "is not ASCII text"))
}

/// A value to be sent.
pub(crate) fn value(name: &HeaderName, text: &str) -> Result<HeaderValue, SignError> {
    if text.len() > MAX_VALUE_LEN {
        return Err(SignError::Header(name.clone()));
    }
    HeaderValue::from_str(text).map_err(|_| SignError::Header(name.clone()))
}

/// A value to be sent; marked, so that it stays out of logs.
pub(crate) fn sensitive(name: &HeaderName, text: &str) -> Result<HeaderValue, SignError> {
    let mut value = value(name, text)?;
    value.set_sensitive(true);
    Ok(value)
}

/// How the bytes of a tag are written as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// Hex in lower case (RFC 4648 section 8).
    Hex,
    /// Base64 with padding (RFC 4648 section 4).
    #[default]
    Base64,
    /// Base64url with padding (RFC 4648 section 5).
    Base64Url,
    /// Base64url without padding (RFC 4648 section 5).
    Base64UrlNoPad,
}

impl Encoding {
    /// Decodes a tag of this algorithm. Each tag has one text: other cases, alphabets, paddings
    /// and slack bits are refused.
    #[must_use]
    pub fn decode_tag(self, text: impl AsRef<[u8]>, algorithm: Algorithm) -> Option<Signature> {
        let text = text.as_ref();
        if text.len() != self.tag_text_len(algorithm) {
            return None;
        }
        // Base64 engines ask for room for whole groups of three.
        let mut buffer = [0; MAX_TAG_LEN + 8];
        let bytes = match self {
            Self::Hex => base16ct::lower::decode(text, &mut buffer).ok()?,
            Self::Base64 => decoded(&STANDARD, text, &mut buffer)?,
            Self::Base64Url => decoded(&URL_SAFE, text, &mut buffer)?,
            Self::Base64UrlNoPad => decoded(&URL_SAFE_NO_PAD, text, &mut buffer)?,
        };
        if bytes.len() == algorithm.tag_len() { Signature::new(bytes) } else { None }
    }

    /// Writes bytes as text.
    #[must_use]
    pub fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => base16ct::lower::encode_string(bytes),
            Self::Base64 => STANDARD.encode(bytes),
            Self::Base64Url => URL_SAFE.encode(bytes),
            Self::Base64UrlNoPad => URL_SAFE_NO_PAD.encode(bytes),
        }
    }

    /// The length of every tag's text.
    fn tag_text_len(self, algorithm: Algorithm) -> usize {
        let bytes = algorithm.tag_len();
        match self {
            Self::Hex => bytes.saturating_mul(2),
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

/// A count of Unix seconds as decimal digits: no sign, no leading zero, at most 18 digits.
pub(crate) fn unix_seconds(text: &str) -> Option<i64> {
    let canonical = text == "0" || !text.starts_with('0');
    let digits = !text.is_empty() && text.len() <= 18 && text.bytes().all(|b| b.is_ascii_digit());
    if canonical && digits { text.parse().ok() } else { None }
}
