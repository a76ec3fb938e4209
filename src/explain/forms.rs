//! Text encodings that clients use, and the places in a value that contain encoded bytes.

use std::ops::Range;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

/// The maximum number of words of a value that are examined.
const MOST_WORDS: usize = 256;
/// The maximum number of places in a value that are tried.
const MOST_SLOTS: usize = 32;

/// A text encoding of bytes, whether a scheme uses it or not.
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
    pub(super) const ALL: [Self; 6] = [
        Self::Hex,
        Self::HexUpper,
        Self::Base64,
        Self::Base64NoPad,
        Self::Base64Url,
        Self::Base64UrlNoPad,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hex => "hex",
            Self::HexUpper => "hex in upper case",
            Self::Base64 => "base64",
            Self::Base64NoPad => "base64 without padding",
            Self::Base64Url => "url-safe base64",
            Self::Base64UrlNoPad => "url-safe base64 without padding",
        }
    }

    pub(super) fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Hex => base16ct::lower::decode_vec(text).ok(),
            Self::HexUpper => base16ct::upper::decode_vec(text).ok(),
            Self::Base64 => STANDARD.decode(text).ok(),
            Self::Base64NoPad => STANDARD_NO_PAD.decode(text).ok(),
            Self::Base64Url => URL_SAFE.decode(text).ok(),
            Self::Base64UrlNoPad => URL_SAFE_NO_PAD.decode(text).ok(),
        }
    }

    /// Decodes a string in every form. If two forms agree, only the first is returned.
    pub(super) fn decodings(text: &str) -> Vec<(Self, Vec<u8>)> {
        let mut decodings: Vec<(Self, Vec<u8>)> = Vec::new();
        for form in Self::ALL {
            let Some(bytes) = form.decode(text) else { continue };
            if decodings.iter().all(|(_, other)| *other != bytes) {
                decodings.push((form, bytes));
            }
        }
        decodings
    }

    pub(super) fn encode(self, bytes: &[u8]) -> String {
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

/// Bytes encoded in a value, directly or within one more encoding.
pub(super) struct Slot {
    pub(super) form: Form,
    pub(super) bytes: Vec<u8>,
    pub(super) place: Range<usize>,
    /// The text that contains the slot, its encoding, and its position in the value.
    pub(super) outer: Option<(Arc<str>, Form, Range<usize>)>,
}

impl Slot {
    /// Returns the value with another string in this slot.
    pub(super) fn replaced(&self, value: &str, text: &str) -> String {
        match &self.outer {
            None => spliced(value, &self.place, text),
            Some((inner, form, place)) => {
                let inner = spliced(inner, &self.place, text);
                spliced(value, place, &form.encode(inner.as_bytes()))
            }
        }
    }

    /// Returns the value with another string in this slot, and the text around the slot decoded.
    pub(super) fn unwrapped(&self, value: &str, text: &str) -> Option<String> {
        let (inner, _, place) = self.outer.as_ref()?;
        Some(spliced(value, place, &spliced(inner, &self.place, text)))
    }
}

fn spliced(value: &str, place: &Range<usize>, text: &str) -> String {
    let before = value.get(..place.start).unwrap_or_default();
    let after = value.get(place.end..).unwrap_or_default();
    [before, text, after].concat()
}

/// Returns the slots of a value whose decoded length `is_len` accepts.
pub(super) fn slots(value: &str, is_len: &dyn Fn(usize) -> bool) -> Vec<Slot> {
    let mut slots = Vec::new();
    for (place, form, bytes) in decoded_words(value) {
        if let Ok(inner) = std::str::from_utf8(&bytes) {
            let inner: Arc<str> = inner.into();
            for (within, found, bytes) in decoded_words(&inner) {
                if is_len(bytes.len()) {
                    let outer = Some((inner.clone(), form, place.clone()));
                    slots.push(Slot { form: found, bytes, place: within, outer });
                }
            }
        }
        if is_len(bytes.len()) {
            slots.push(Slot { form, bytes, place, outer: None });
        }
        if slots.len() >= MOST_SLOTS {
            break;
        }
    }
    slots.truncate(MOST_SLOTS);
    slots
}

fn decoded_words(value: &str) -> impl Iterator<Item = (Range<usize>, Form, Vec<u8>)> {
    words(value).take(MOST_WORDS).flat_map(|place| {
        let decodings = Form::decodings(value.get(place.clone()).unwrap_or_default()).into_iter();
        decodings.map(move |(form, bytes)| (place.clone(), form, bytes))
    })
}

/// The length of the shortest encoded tag, in bytes: MD5 in base64 without padding.
const SHORTEST_TEXT: usize = 22;

/// Finds text that may be encoded bytes: letters, digits, other characters of the alphabets, and
/// padding at the end.
fn words(value: &str) -> impl Iterator<Item = Range<usize>> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_');
    let mut from = 0_usize;
    let words = std::iter::from_fn(move || {
        let start = from.saturating_add(value.get(from..)?.find(is_word)?);
        let word = value.get(start..)?;
        let len = word.find(|c| !is_word(c)).unwrap_or(word.len());
        let padding = word.get(len..)?.bytes().take(2).take_while(|byte| *byte == b'=').count();
        from = start.saturating_add(len).saturating_add(padding);
        Some(start..from)
    });
    words.filter(|word| word.len() >= SHORTEST_TEXT)
}
