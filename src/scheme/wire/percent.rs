//! Percent-encoding (RFC 3986 section 2.1) and forms.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::scheme::ClaimError;

/// Decodes percent-encoding.
///
/// The digits may be in either case, and a `+` stays a `+`. Returns `None` if an escape is
/// malformed, or if the result is not UTF-8. Lenient parsers keep or replace such escapes, so two
/// strings would share a signature.
///
/// ```
/// use tower_hmac::scheme::wire::percent_decoded;
///
/// assert_eq!(percent_decoded("a%2Fb+c").as_deref(), Some("a/b+c"));
/// assert_eq!(percent_decoded("100%"), None);
/// ```
#[must_use]
pub fn percent_decoded(text: &str) -> Option<String> {
    unescaped(text, false).map(Cow::into_owned)
}

/// Escapes all characters except the unreserved ones (RFC 3986 section 2.3), with upper-case
/// digits.
///
/// ```
/// use tower_hmac::scheme::wire::percent_encoded;
///
/// assert_eq!(percent_encoded("a/b c~"), "a%2Fb%20c~");
/// ```
#[must_use]
pub fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            // Writing to a `String` does not fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

/// Parses the names and values of a query or a body in `application/x-www-form-urlencoded`, in
/// order.
///
/// A `+` is a space. A name without `=` has an empty value. An empty string between two `&` is
/// skipped.
///
/// Returns an iterator, because a collection could take many times the length of a body such as
/// `a&a&a`.
///
/// ```
/// use tower_hmac::scheme::wire::form_pairs;
///
/// let pairs = form_pairs("a=1&b=x+y%21").collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(pairs, [("a".into(), "1".into()), ("b".into(), "x y!".into())]);
/// assert!(form_pairs("a=%zz").any(|pair| pair.is_err()));
/// # Ok::<(), tower_hmac::scheme::ClaimError>(())
/// ```
pub fn form_pairs(
    text: &str,
) -> impl Iterator<Item = Result<(Cow<'_, str>, Cow<'_, str>), ClaimError>> {
    text.split('&').filter(|piece| !piece.is_empty()).map(|piece| {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        unescaped(name, true)
            .zip(unescaped(value, true))
            .ok_or(ClaimError::malformed("a form is not percent-encoded UTF-8"))
    })
}

fn unescaped(text: &str, plus_is_space: bool) -> Option<Cow<'_, str>> {
    if !text.contains(['%', '+']) {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut decoded = [byte];
        match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                base16ct::mixed::decode(digits, &mut decoded).ok()?;
            }
            b'+' if plus_is_space => decoded = [b' '],
            _ => {}
        }
        bytes.extend(decoded);
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_escapes_are_rejected() {
        for text in ["%", "%a", "%zz", "%+1", "% 1", "%C3", "%FF", "%C3%28", "a%2"] {
            assert_eq!(percent_decoded(text), None, "{text}");
            assert!(form_pairs(text).any(|pair| pair.is_err()), "{text}");
            assert!(form_pairs(&format!("a={text}")).any(|pair| pair.is_err()), "{text}");
        }
    }

    #[test]
    fn encoded_texts_are_read_back() {
        let all: String = (0..=255).map(char::from).collect();
        let encoded = percent_encoded(&all);
        assert!(encoded.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'+'));
        assert_eq!(percent_decoded(&encoded), Some(all));
    }

    #[test]
    fn pairs_are_split_before_they_are_decoded() {
        let pairs = |text| form_pairs(text).filter_map(Result::ok).collect::<Vec<_>>();
        assert_eq!(pairs("a%26b=%3D=&&c"), [("a&b".into(), "==".into()), ("c".into(), "".into())]);
        assert_eq!(pairs("=x"), [("".into(), "x".into())]);
        assert_eq!(pairs(""), []);
    }
}
