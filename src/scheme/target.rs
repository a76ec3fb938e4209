//! The target of a request, for schemes that write into its query.

use http::Uri;

/// Returns the same target with another query; without a `?` if that is empty.
pub(crate) fn with_query(uri: &Uri, query: &str) -> Option<Uri> {
    let mark = if query.is_empty() { "" } else { "?" };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("{}{mark}{query}", uri.path()).parse().ok()?);
    Uri::from_parts(parts).ok()
}
