//! Bodies that were signed in a different form than they were sent.
// The rows of a table have the same type.
#![allow(clippy::unnecessary_wraps)]

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use crate::crypto::Algorithm;
use crate::crypto::Digest;
use crate::explain::forms::Form;
use crate::explain::trial::Trial;
use crate::explain::{Cause, json};

/// Returns another form of a body, if it has one.
type Change = fn(&[u8]) -> Option<Vec<u8>>;

const CHANGES: [(Change, &str); 14] = [
    (lf_for_crlf, "LF for each CRLF of the body"),
    (crlf_for_lf, "CRLF for each LF of the body"),
    (without_mark, "the byte order mark cut off the body"),
    (with_mark, "a byte order mark before the body"),
    (trimmed, "the white space around the body cut off"),
    (cut_at_nul, "the body cut at its first NUL"),
    (mark_a_unit, "`?` for what is not ASCII in the body, two for a surrogate pair"),
    (mark_a_character, "`?` for each character of the body that is not ASCII"),
    (mark_a_byte, "`?` for each byte of the body that is not ASCII"),
    (latin1, "the body in latin-1"),
    (utf8_of_latin1, "the body read as latin-1 and written in UTF-8"),
    (base64, "the base64 of the body"),
    (unbase64, "the body decoded from base64"),
    (unzipped, "the body unzipped"),
];

/// Text that clients may sign if there is no body, or if they do not know it.
const INSTEAD: [(&[u8], &str); 4] = [
    (b"", "an empty body"),
    (b"{}", "`{}` in place of the body"),
    (b"null", "`null` in place of the body"),
    (b"undefined", "`undefined` in place of the body"),
];

/// The hashes whose output is signed in place of a body.
const HASHES: [&str; 5] = ["sha256", "sha512", "sha384", "sha1", "md5"];

/// Looks for a different body, if the signing string contains the body itself.
pub(super) fn find_signed(trial: &Trial<'_>) -> Option<Cause> {
    if trial.signs_body() { find(trial) } else { None }
}

/// Looks for a body that matches the signature.
pub(super) fn find(trial: &Trial<'_>) -> Option<Cause> {
    if !trial.is_about_body() {
        return None;
    }
    let newline = newline(trial);
    if newline.is_some() || trial.rejects_body() {
        return newline;
    }
    changed(trial).or_else(|| json::find(trial)).or_else(|| hashed(trial))
}

fn newline(trial: &Trial<'_>) -> Option<Cause> {
    let body = trial.body;
    if cut_newline(body).is_some_and(|cut| trial.holds(cut)) {
        return Some(Cause::BodyNewlineCut);
    }
    let mut added = ["\n", "\r\n"].iter().map(|end| [body, end.as_bytes()].concat());
    added.any(|body| trial.holds(&body)).then_some(Cause::BodyNewlineAdded)
}

fn changed(trial: &Trial<'_>) -> Option<Cause> {
    let body = trial.body;
    let instead = INSTEAD.iter().filter(|(other, _)| *other != body);
    let instead = instead.map(|(other, signed)| (Cow::Borrowed(*other), *signed));
    let changes = CHANGES.iter().filter_map(|(change, signed)| {
        let other = change(body).filter(|other| other != body)?;
        Some((Cow::Owned(other), *signed))
    });
    let mut all = instead.chain(changes);
    all.find_map(|(other, signed)| {
        trial.holds(&other).then(|| Cause::Body { signed: signed.into() })
    })
}

fn hashed(trial: &Trial<'_>) -> Option<Cause> {
    if !trial.signs_raw_body() {
        return None;
    }
    for name in HASHES {
        let Ok(algorithm) = name.parse::<Algorithm>() else { continue };
        if !trial.spends(trial.body.len()) {
            return None;
        }
        let digest = Digest::of(algorithm, trial.body);
        for form in [Form::Hex, Form::Base64] {
            if trial.holds(form.encode(digest.as_bytes()).as_bytes()) {
                let signed = format!("the {name} of the body in {}", form.name());
                return Some(Cause::Body { signed: signed.into() });
            }
        }
    }
    None
}

/// Returns the bytes before the newline at the end, if there is one.
pub(super) fn cut_newline(bytes: &[u8]) -> Option<&[u8]> {
    bytes.strip_suffix(b"\r\n").or_else(|| bytes.strip_suffix(b"\n"))
}

fn lf_for_crlf(body: &[u8]) -> Option<Vec<u8>> {
    let next = body.iter().skip(1).map(Some).chain([None]);
    let pairs = body.iter().zip(next);
    Some(pairs.filter(|pair| *pair != (&b'\r', Some(&b'\n'))).map(|(byte, _)| *byte).collect())
}

fn crlf_for_lf(body: &[u8]) -> Option<Vec<u8>> {
    let mut crlf = Vec::with_capacity(body.len());
    let mut last = 0;
    for byte in body {
        if *byte == b'\n' && last != b'\r' {
            crlf.push(b'\r');
        }
        crlf.push(*byte);
        last = *byte;
    }
    Some(crlf)
}

const MARK: &[u8] = "\u{feff}".as_bytes();

fn without_mark(body: &[u8]) -> Option<Vec<u8>> {
    body.strip_prefix(MARK).map(<[u8]>::to_vec)
}

fn with_mark(body: &[u8]) -> Option<Vec<u8>> {
    Some([MARK, body].concat())
}

fn trimmed(body: &[u8]) -> Option<Vec<u8>> {
    Some(body.trim_ascii().to_vec())
}

fn cut_at_nul(body: &[u8]) -> Option<Vec<u8>> {
    let end = body.iter().position(|byte| *byte == 0)?;
    body.get(..end).map(<[u8]>::to_vec)
}

fn mark_a_unit(body: &[u8]) -> Option<Vec<u8>> {
    marked(body, char::len_utf16)
}

fn mark_a_character(body: &[u8]) -> Option<Vec<u8>> {
    marked(body, |_| 1)
}

fn mark_a_byte(body: &[u8]) -> Option<Vec<u8>> {
    marked(body, char::len_utf8)
}

fn marked(body: &[u8], count: fn(char) -> usize) -> Option<Vec<u8>> {
    let mut marked = Vec::with_capacity(body.len());
    for c in std::str::from_utf8(body).ok()?.chars() {
        match u8::try_from(c) {
            Ok(byte) if byte.is_ascii() => marked.push(byte),
            _ => marked.extend(std::iter::repeat_n(b'?', count(c))),
        }
    }
    Some(marked)
}

/// Encodes a string as latin-1, with `?` for characters that latin-1 lacks.
pub(super) fn latin1(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    Some(text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect())
}

pub(super) fn utf8_of_latin1(text: &[u8]) -> Option<Vec<u8>> {
    if text.is_ascii() {
        return None;
    }
    Some(text.iter().copied().map(char::from).collect::<String>().into_bytes())
}

fn base64(body: &[u8]) -> Option<Vec<u8>> {
    Some(STANDARD.encode(body).into_bytes())
}

fn unbase64(body: &[u8]) -> Option<Vec<u8>> {
    STANDARD.decode(body).or_else(|_| URL_SAFE.decode(body)).ok()
}

#[cfg(feature = "gzip")]
fn unzipped(body: &[u8]) -> Option<Vec<u8>> {
    use std::io::Read as _;

    /// The longest decompressed body, in bytes.
    const MOST: u64 = 4 * 1024 * 1024;

    let mut plain = Vec::new();
    let read = match body {
        [0x1f, 0x8b, ..] => {
            flate2::read::MultiGzDecoder::new(body).take(MOST).read_to_end(&mut plain)
        }
        [0x78, ..] => flate2::read::ZlibDecoder::new(body).take(MOST).read_to_end(&mut plain),
        _ => return None,
    };
    read.ok().map(|_| plain)
}

#[cfg(not(feature = "gzip"))]
fn unzipped(_: &[u8]) -> Option<Vec<u8>> {
    None
}
