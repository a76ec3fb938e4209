//! The target of a request, for formats that sign it as it was sent, or write into its query.

use http::Uri;
use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;

use crate::scheme::{ClaimError, wire};

/// Returns the authority of the target, or else the one `Host` header, with its port and in the case
/// in which it was sent.
pub(crate) fn host(head: &Parts) -> Result<&str, ClaimError> {
    let malformed = |why| Err(ClaimError::in_header(&HOST, why));
    let header = match wire::single(head, &HOST) {
        Err(ClaimError::Missing) => None,
        value => Some(wire::text(&HOST, value?)?),
    };
    let host = match (head.uri.authority().map(Authority::as_str), header) {
        (Some(target), Some(header)) if target != header => {
            return malformed("is not the target's");
        }
        (Some(host), _) | (None, Some(host)) => host,
        (None, None) => return malformed("is missing"),
    };
    // A `/` in it could pass for the beginning of the path.
    match Authority::try_from(host) {
        Ok(_) if !host.contains('@') => Ok(host),
        _ => malformed("is no host and port"),
    }
}

/// Returns the same target with another query; without a `?` if that is empty.
pub(crate) fn with_query(uri: &Uri, query: &str) -> Option<Uri> {
    let mark = if query.is_empty() { "" } else { "?" };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("{}{mark}{query}", uri.path()).parse().ok()?);
    Uri::from_parts(parts).ok()
}
