use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use http::HeaderValue;
use http::request::Parts;

use crate::scheme::Scheme;
use crate::scheme::wire::MAX_VALUE_LEN;
use crate::verify::explain::Cause;

/// The most ways to write a signature that are tried.
const MOST_REWRITES: usize = 64;
/// The most words of a value that are looked at.
const MOST_WORDS: usize = 256;

/// How clients write bytes as text, whether a format knows it or not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Hex,
    HexUpper,
    Base64,
    Base64NoPad,
    Base64Url,
    Base64UrlNoPad,
}

impl Form {
    const ALL: [Self; 6] = [
        Self::Hex,
        Self::HexUpper,
        Self::Base64,
        Self::Base64NoPad,
        Self::Base64Url,
        Self::Base64UrlNoPad,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Hex => "hex",
            Self::HexUpper => "hex in upper case",
            Self::Base64 => "base64",
            Self::Base64NoPad => "base64 without padding",
            Self::Base64Url => "url-safe base64",
            Self::Base64UrlNoPad => "url-safe base64 without padding",
        }
    }

    fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Hex => base16ct::lower::decode_vec(text).ok(),
            Self::HexUpper => base16ct::upper::decode_vec(text).ok(),
            Self::Base64 => STANDARD.decode(text).ok(),
            Self::Base64NoPad => STANDARD_NO_PAD.decode(text).ok(),
            Self::Base64Url => URL_SAFE.decode(text).ok(),
            Self::Base64UrlNoPad => URL_SAFE_NO_PAD.decode(text).ok(),
        }
    }

    /// What a text decodes to; where two forms agree, under the first one's name.
    fn decodings(text: &str) -> Vec<(Self, Vec<u8>)> {
        let mut decodings: Vec<(Self, Vec<u8>)> = Vec::new();
        for form in Self::ALL {
            let Some(bytes) = form.decode(text) else { continue };
            if decodings.iter().all(|(_, other)| *other != bytes) {
                decodings.push((form, bytes));
            }
        }
        decodings
    }

    fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => base16ct::lower::encode_string(bytes),
            Self::HexUpper => base16ct::upper::encode_string(bytes),
            Self::Base64 => STANDARD.encode(bytes),
            Self::Base64NoPad => STANDARD_NO_PAD.encode(bytes),
            Self::Base64Url => URL_SAFE.encode(bytes),
            Self::Base64UrlNoPad => URL_SAFE_NO_PAD.encode(bytes),
        }
    }
}

/// The head with every text in the format's headers that may be a tag in every other encoding; in
/// the query, where the format owns no header.
pub(super) fn heads(scheme: &dyn Scheme, head: &Parts) -> Vec<(Cause, Parts)> {
    let tag_len = scheme.algorithm().tag_len();
    let mut heads = Vec::new();
    for name in scheme.headers() {
        let value = head.headers.get(name).filter(|value| value.len() <= MAX_VALUE_LEN);
        let value = value.and_then(|value| value.to_str().ok());
        for (cause, value) in rewrites(value.unwrap_or_default(), tag_len, 1) {
            let Ok(value) = HeaderValue::try_from(value) else { continue };
            let mut head = head.clone();
            head.headers.insert(name, value);
            heads.push((cause, head));
        }
    }
    if scheme.headers().is_empty() {
        let query = head.uri.query().filter(|query| query.len() <= MAX_VALUE_LEN);
        for (cause, query) in query_rewrites(query.unwrap_or_default(), tag_len) {
            heads.extend(with_query(head, Some(&query)).map(|head| (cause, head)));
        }
    }
    heads.truncate(MOST_REWRITES);
    heads
}

/// The head with another query, or none.
pub(super) fn with_query(head: &Parts, query: Option<&str>) -> Option<Parts> {
    let path = head.uri.path();
    let target = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let mut uri = head.uri.clone().into_parts();
    uri.path_and_query = Some(target.parse().ok()?);
    let mut head = head.clone();
    head.uri = uri.try_into().ok()?;
    Some(head)
}

/// The characters of base64 that are escaped in a query.
const ESCAPES: [(&str, &str); 3] = [("+", "%2B"), ("/", "%2F"), ("=", "%3D")];

fn query_rewrites(query: &str, tag_len: usize) -> Vec<(Cause, String)> {
    let mut rewritten = Vec::new();
    let pairs: Vec<_> = query.split('&').collect();
    for (place, pair) in pairs.iter().enumerate() {
        let Some((name, value)) = pair.split_once('=') else { continue };
        let value = ESCAPES.iter().fold(value.to_owned(), |value, (plain, escaped)| {
            value.replace(escaped, plain).replace(&escaped.to_lowercase(), plain)
        });
        for (cause, value) in rewrites(&value, tag_len, 1) {
            let value =
                ESCAPES.iter().fold(value, |value, (plain, escaped)| value.replace(plain, escaped));
            let pair = format!("{name}={value}");
            let pairs = pairs.iter().enumerate();
            let pairs: Vec<_> =
                pairs.map(|(other, old)| if other == place { &*pair } else { *old }).collect();
            rewritten.push((cause, pairs.join("&")));
        }
        if rewritten.len() >= MOST_REWRITES {
            break;
        }
    }
    rewritten
}

/// A value with each word that may be a tag, or that holds one `depth` encodings further in, in
/// every other encoding.
fn rewrites(value: &str, tag_len: usize, depth: u8) -> Vec<(Cause, String)> {
    let mut rewritten: Vec<(Cause, String)> = Vec::new();
    for word in words(value).take(MOST_WORDS) {
        if rewritten.len() >= MOST_REWRITES {
            break;
        }
        let text = value.get(word.clone()).unwrap_or_default();
        // Base64 without padding is the shortest text of a tag, or of one within it.
        if text.len() < tag_len.saturating_mul(4).div_ceil(3) {
            continue;
        }
        let mut push = |cause, text: &str| {
            let mut value = value.to_owned();
            value.replace_range(word.clone(), text);
            // Where two forms write the same, the first one's name is enough.
            if rewritten.iter().all(|(_, other)| *other != value) {
                rewritten.push((cause, value));
            }
        };
        for (sent, bytes) in Form::decodings(text) {
            let inner = std::str::from_utf8(&bytes).ok().filter(|_| depth > 0);
            if inner.is_none() && bytes.len() != tag_len {
                continue;
            }
            for expected in Form::ALL.into_iter().filter(|expected| *expected != sent) {
                let cause = Cause::Encoding { sent: sent.name(), expected: expected.name() };
                push(cause, &expected.encode(&bytes));
            }
            // A name and a tag in one text, or a tag that was encoded twice.
            let Some(inner) = inner else { continue };
            push(Cause::EncodedTwice, inner);
            for (cause, inner) in rewrites(inner, tag_len, depth.saturating_sub(1)) {
                push(cause, &sent.encode(inner.as_bytes()));
                push(Cause::EncodedTwice, &inner);
            }
        }
    }
    rewritten
}

/// Where there is something that may be encoded bytes: letters, digits, what else the alphabets
/// have, and padding at the end.
fn words(value: &str) -> impl Iterator<Item = Range<usize>> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_');
    let mut from = 0_usize;
    std::iter::from_fn(move || {
        let start = from.saturating_add(value.get(from..)?.find(is_word)?);
        let word = value.get(start..)?;
        let len = word.find(|c| !is_word(c)).unwrap_or(word.len());
        let padding = word.get(len..)?.bytes().take(2).take_while(|byte| *byte == b'=').count();
        from = start.saturating_add(len).saturating_add(padding);
        Some(start..from)
    })
}

/// What the bytes of a key may have been meant as: what text they are, or are the text of.
pub(super) fn key_readings(key: &[u8]) -> Vec<(Cause, Vec<u8>)> {
    let mut readings = vec![
        (Cause::KeyAsText { encoding: "base64" }, Form::Base64.encode(key).into_bytes()),
        (Cause::KeyAsText { encoding: "hex" }, Form::Hex.encode(key).into_bytes()),
        (Cause::KeyNewlineAdded, [key, b"\n"].concat()),
    ];
    if let Some(cut) = cut_newline(key) {
        readings.push((Cause::KeyNewlineCut, cut.to_vec()));
    }
    if let Ok(text) = std::str::from_utf8(key) {
        let decoded = Form::decodings(text).into_iter();
        let decoded = decoded.map(|(form, bytes)| (Cause::KeyDecoded { from: form.name() }, bytes));
        readings.extend(decoded);
    }
    readings
}

/// The bytes before the newline at the end, if there is one.
pub(super) fn cut_newline(bytes: &[u8]) -> Option<&[u8]> {
    bytes.strip_suffix(b"\r\n").or_else(|| bytes.strip_suffix(b"\n"))
}
