use http::request::Parts;

use crate::scheme::{ClaimError, percent};

/// The percent-decoded path, as Flask and Django hand it over.
///
/// An escaped `/` or `%` would let two paths share one text, and is refused; so are escapes that
/// are none, or whose bytes are not UTF-8.
pub(crate) fn decoded(head: &Parts) -> Result<String, ClaimError> {
    let path = head.uri.path();
    if ["%2F", "%2f", "%25"].iter().any(|escape| path.contains(escape)) {
        return Err(ClaimError::malformed("the path has an escaped `/` or `%`"));
    }
    percent::decoded(path)
        .ok_or(ClaimError::malformed("the path has an escape that is none, or is not UTF-8"))
}
