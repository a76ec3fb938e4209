//! Percent-encoding (RFC 3986 section 2.1).

/// Undoes the escapes, in either case; a `+` is a `+`. `None` where an escape is none, and where
/// the outcome is not UTF-8.
pub(crate) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = next_decoded(&mut rest)? {
        bytes.push(byte);
    }
    String::from_utf8(bytes).ok()
}

/// The next byte with its escape undone; the inner `None` at the end, the outer one where an escape
/// is none.
#[allow(clippy::option_option)] // A `Result` that says less.
fn next_decoded(rest: &mut std::str::Bytes<'_>) -> Option<Option<u8>> {
    let Some(byte) = rest.next() else { return Some(None) };
    if byte != b'%' {
        return Some(Some(byte));
    }
    let mut escaped = [0];
    base16ct::mixed::decode([rest.next()?, rest.next()?], &mut escaped).ok()?;
    Some(Some(u8::from_be_bytes(escaped)))
}

/// Escapes all but the unreserved characters (RFC 3986 section 2.3).
#[cfg(any(feature = "sha1", feature = "sigv4"))]
pub(crate) fn encoded(text: &str) -> String {
    use std::fmt::Write as _;

    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            byte if is_unreserved(byte) => out.push(char::from(byte)),
            // Writing into a `String` does not fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

/// Whether a character means the same with and without an escape (RFC 3986 section 2.3).
#[cfg(any(feature = "sha1", feature = "sigv4"))]
pub(crate) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Writes a text with all but the unreserved characters escaped, `%` among them.
#[cfg(feature = "sigv4")]
pub(crate) fn push_encoded(out: &mut Vec<u8>, text: &str) {
    text.bytes().for_each(|byte| push(out, byte));
}

/// Undoes the escapes and encodes again, so that each text has one form. `None` where an escape is
/// none.
#[cfg(feature = "sigv4")]
pub(crate) fn push_recoded(out: &mut Vec<u8>, text: &str) -> Option<()> {
    let mut rest = text.bytes();
    while let Some(byte) = next_decoded(&mut rest)? {
        push(out, byte);
    }
    Some(())
}

#[cfg(feature = "sigv4")]
fn push(out: &mut Vec<u8>, byte: u8) {
    if is_unreserved(byte) {
        out.push(byte);
    } else {
        let mut digits = [0; 2];
        // Two digits for one byte: it does not fail.
        let _ = base16ct::upper::encode(&[byte], &mut digits);
        out.push(b'%');
        out.extend(digits);
    }
}
