//! The target of a request, for schemes that change it before they sign.

use http::Uri;
use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;

/// Returns the target with another query, and without a `?` if the query is empty.
#[cfg(any(feature = "sha1", feature = "sigv4", feature = "webhooks"))]
pub(crate) fn with_query(uri: &Uri, query: &str) -> Option<Uri> {
    let mark = if query.is_empty() { "" } else { "?" };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("{}{mark}{query}", uri.path()).parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// Removes the default port from the target of a request that is about to be sent. HTTP clients
/// omit it in `Host` (RFC 9110 section 4.2.3).
pub(crate) fn drop_usual_port(head: &mut Parts) {
    let port = match head.uri.scheme_str() {
        Some("http") => ":80",
        Some("https") => ":443",
        _ => return,
    };
    let host = head.uri.authority().and_then(|authority| authority.as_str().strip_suffix(port));
    let Some(Ok(authority)) = host.map(Authority::try_from) else { return };
    if head.headers.contains_key(HOST) {
        return;
    }
    let mut parts = head.uri.clone().into_parts();
    parts.authority = Some(authority);
    if let Ok(uri) = Uri::from_parts(parts) {
        head.uri = uri;
    }
}
