use crate::scheme::{ClaimError, wire};

/// Returns the percent-decoded path, as Flask and Django pass it on.
///
/// Rejects an escaped `/` or `%`, which would give two paths the same text. Also rejects escapes
/// that are malformed or not UTF-8.
pub(crate) fn decoded(path: &str) -> Result<String, ClaimError> {
    if ["%2F", "%2f", "%25"].iter().any(|escape| path.contains(escape)) {
        return Err(ClaimError::malformed("the path contains an escaped `/` or `%`"));
    }
    wire::percent_decoded(path)
        .ok_or(ClaimError::malformed("the path contains a malformed escape, or is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_decoded_as_flask_does() {
        for (path, expected) in [
            ("/", "/"),
            ("/caf%C3%A9", "/café"),
            ("/a%20b+c", "/a b+c"),
            ("/%3Fx%0a", "/?x\n"),
            ("/a%7eb", "/a~b"),
        ] {
            assert_eq!(decoded(path).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn ambiguous_escapes_are_rejected() {
        for path in
            ["/a%2Fb", "/a%2fb", "/a%25b", "/%", "/%a", "/%zz", "/%+1", "/%C3", "/%FF", "/%C3%28"]
        {
            assert!(decoded(path).is_err(), "{path}");
        }
    }
}
