//! Percent-encoding in canonical form: unreserved characters are written as they are, and all
//! others escaped with upper-case digits.

/// Returns whether a character means the same with and without an escape (RFC 3986 section 2.3).
pub(super) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Writes a string with all but the unreserved characters escaped, including `%`.
pub(super) fn push_encoded(out: &mut Vec<u8>, text: &str) {
    text.bytes().for_each(|byte| push(out, byte));
}

/// Decodes the escapes and encodes them again, so that each string has one form. `None` if an
/// escape is malformed.
pub(super) fn push_recoded(out: &mut Vec<u8>, text: &str) -> Option<()> {
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut decoded = [byte];
        if byte == b'%' {
            base16ct::mixed::decode([rest.next()?, rest.next()?], &mut decoded).ok()?;
        }
        let [byte] = decoded;
        push(out, byte);
    }
    Some(())
}

fn push(out: &mut Vec<u8>, byte: u8) {
    if is_unreserved(byte) {
        out.push(byte);
    } else {
        let mut digits = [0; 2];
        // The buffer has two digits for one byte, so this does not fail.
        let _ = base16ct::upper::encode(&[byte], &mut digits);
        out.push(b'%');
        out.extend(digits);
    }
}
