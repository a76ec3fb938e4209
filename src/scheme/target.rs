//! The target of a request, for schemes that write into its query.

use http::Uri;

/// Returns the target with another query, and without a `?` if the query is empty.
pub(crate) fn with_query(uri: &Uri, query: &str) -> Option<Uri> {
    let mark = if query.is_empty() { "" } else { "?" };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("{}{mark}{query}", uri.path()).parse().ok()?);
    Uri::from_parts(parts).ok()
}
