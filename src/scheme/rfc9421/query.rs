use std::borrow::Cow;

use crate::scheme::ClaimError;
use crate::scheme::wire::MAX_VALUE_LEN;

/// Returns the value of the only query parameter with this name, decoded and encoded again (RFC
/// 9421 section 2.2.8).
pub(super) fn parameter(query: &str, name: &str) -> Result<String, ClaimError> {
    // Each covered parameter reads the whole query before the request is verified.
    if query.len() > MAX_VALUE_LEN {
        return Err(ClaimError::malformed("a query with a covered parameter is over 8 KiB"));
    }
    let name = decoded(name)?;
    let mut found = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (candidate, value) = pair.split_once('=').unwrap_or((pair, ""));
        if decoded(candidate)? == name && found.replace(value).is_some() {
            return Err(ClaimError::malformed("a covered query parameter occurs twice"));
        }
    }
    let value = found.ok_or(ClaimError::malformed("a covered query parameter is missing"))?;
    Ok(encoded(&decoded(value)?))
}

/// Decodes form encoding. Rejects malformed escapes and bytes that are not UTF-8: browsers replace
/// them with other characters, and two queries would share a signature.
fn decoded(text: &str) -> Result<Cow<'_, str>, ClaimError> {
    if !text.contains(['+', '%']) {
        return Ok(Cow::Borrowed(text));
    }
    let invalid = ClaimError::malformed("the query is not percent-encoded UTF-8");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => match (rest.next().and_then(hex_digit), rest.next().and_then(hex_digit)) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(invalid),
            },
            byte => byte,
        });
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| invalid)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Encodes with the escapes of form encoding, but with `%20` for a space.
fn encoded(text: &str) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or_default();
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"*-._".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    out
}
