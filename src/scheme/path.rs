//! The path as Flask and Django hand it over: percent-decoded.

use http::request::Parts;

use crate::scheme::ClaimError;

/// The percent-decoded path. Refused are escapes that are invalid or not UTF-8, and `%2F` and
/// `%25`, by which one decoded path would stand for two structures. That leaves one pair: a
/// character and its own escape (`/a` and `/%61`), which RFC 3986 section 6.2.2.2 calls the same.
pub(crate) fn decoded(head: &Parts) -> Result<String, ClaimError> {
    let mut bytes = Vec::with_capacity(head.uri.path().len());
    let mut rest = head.uri.path().as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        bytes.push(if byte == b'%' { escape(&mut rest)? } else { byte });
    }
    String::from_utf8(bytes)
        .map_err(|_| ClaimError::malformed("the path has an escape that is not UTF-8"))
}

/// The byte that the two hex digits after a `%` stand for.
fn escape(rest: &mut &[u8]) -> Result<u8, ClaimError> {
    let invalid = || ClaimError::malformed("the path has an invalid escape");
    let (digits, after) = rest.split_first_chunk::<2>().ok_or_else(invalid)?;
    *rest = after;
    let mut byte = [0];
    base16ct::mixed::decode(digits, &mut byte).map_err(|_| invalid())?;
    match byte {
        [b'/' | b'%'] => Err(ClaimError::malformed("the path has an escaped `/` or `%`")),
        [byte] => Ok(byte),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(path: &str) -> Result<String, ClaimError> {
        decoded(&http::Request::get(path).body(()).unwrap().into_parts().0)
    }

    #[test]
    fn paths_are_decoded_as_flask_does() {
        for (path, expected) in [
            ("/", "/"),
            ("/a/b?c=%2F", "/a/b"),
            ("/caf%C3%A9", "/café"),
            ("/a%20b+c", "/a b+c"),
            ("/%3Fx%0a", "/?x\n"),
            ("http://host/a%7eb", "/a~b"),
        ] {
            assert_eq!(of(path).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn ambiguous_escapes_are_refused() {
        for path in
            ["/a%2Fb", "/a%2fb", "/a%25b", "/%", "/%a", "/%zz", "/%+1", "/%C3", "/%FF", "/%C3%28"]
        {
            assert!(of(path).is_err(), "{path}");
        }
    }
}
