//! Percent-encoding (RFC 3986 section 2.1).

/// Undoes the escapes, in either case; a `+` is a `+`. `None` where an escape is none, and where
/// the outcome is not UTF-8.
pub(crate) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut escaped = [0];
        base16ct::mixed::decode([rest.next()?, rest.next()?], &mut escaped).ok()?;
        bytes.extend(escaped);
    }
    String::from_utf8(bytes).ok()
}

/// Escapes all but the unreserved characters (RFC 3986 section 2.3).
pub(crate) fn encoded(text: &str) -> String {
    use std::fmt::Write as _;

    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            // Writing into a `String` does not fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}
