//! The address under which clients reach a service, if a proxy changes it.

use std::borrow::Cow;

use http::Uri;
use http::request::Parts;
use http::uri::Authority;

use crate::error::ConfigError;
use crate::scheme::{Claim, ClaimError, wire};

/// The address under which clients reach a service, such as `https://api.example.com/v2`.
///
/// A scheme that covers the host or the path needs it behind a proxy that rewrites `Host` or strips
/// a prefix of the path.
///
/// ```
/// use http::Request;
/// use tower_hmac::scheme::PublicOrigin;
///
/// let origin = PublicOrigin::parse("https://API.example.com:443/v2/")?;
/// assert_eq!(origin.authority(), "api.example.com");
///
/// let (head, ()) = Request::get("/orders?page=2").body(())?.into_parts();
/// assert_eq!(origin.path(&head), "/v2/orders");
/// # Ok::<(), tower_hmac::BoxError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicOrigin {
    scheme: &'static str,
    authority: String,
    prefix: String,
}

impl PublicOrigin {
    /// Parses an address: `http` or `https`, a host with an optional port, and the path prefix that
    /// a proxy strips, if any. A trailing `/` makes no difference.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] for the setting `public_origin` if `text` has any other form.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let mut origin = Self::parse_with_port(text)?;
        let port = if origin.scheme == "http" { ":80" } else { ":443" };
        if let Some(host) = origin.authority.strip_suffix(port) {
            origin.authority.truncate(host.len());
        }
        Ok(origin)
    }

    /// Parses an address like [`parse`](Self::parse), but keeps an explicit default port: some
    /// peers sign the URL as it was configured.
    pub(crate) fn parse_with_port(text: &str) -> Result<Self, ConfigError> {
        let invalid = |why: &'static str| ConfigError::invalid("public_origin", why);
        let uri: Uri = text.parse().map_err(|_| invalid("is not a URI"))?;
        let scheme = match uri.scheme_str() {
            Some("http") => "http",
            Some("https") => "https",
            _ => return Err(invalid("does not begin with `http://` or `https://`")),
        };
        let authority = uri.authority().map(Authority::as_str).unwrap_or_default();
        let is_host = uri.host().is_some_and(|host| !host.is_empty());
        if !is_host || authority.contains('@') {
            return Err(invalid("has no host, or contains a user"));
        }
        if uri.query().is_some() || text.contains('#') {
            return Err(invalid("has a query or a fragment"));
        }
        let authority = authority.strip_suffix(':').unwrap_or(authority).to_ascii_lowercase();
        Ok(Self { scheme, authority, prefix: uri.path().trim_end_matches('/').into() })
    }

    /// Returns the scheme of the URI, `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.scheme
    }

    /// Returns the host in lower case, with its port unless it is the default port. Clients send it
    /// as `Host` or `:authority`.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns the URI of a request as its client sent it.
    #[cfg(feature = "webhooks")]
    pub(crate) fn uri(&self, head: &Parts) -> String {
        let query = head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}://{}{}{query}", self.scheme, self.authority, self.path(head))
    }

    /// Returns the path of a request as its client sent it: the stripped prefix, then the path that
    /// arrived. A client's `/v2` and `/v2/` both arrive as `/`, and both become `/v2/`.
    #[must_use]
    pub fn path<'h>(&self, head: &'h Parts) -> Cow<'h, str> {
        let path = head.uri.path();
        // The target of `OPTIONS *` is not a path.
        if self.prefix.is_empty() || !path.starts_with('/') {
            return Cow::Borrowed(path);
        }
        Cow::Owned(format!("{}{path}", self.prefix))
    }
}

/// A request's head as its client sent it.
#[derive(Clone, Copy)]
pub(crate) struct SentHead<'h> {
    pub(crate) head: &'h Parts,
    origin: Option<&'h PublicOrigin>,
}

impl<'h> SentHead<'h> {
    /// A claim without a tag belongs to a request that is about to be signed. Its head is already
    /// complete.
    pub(crate) fn new(head: &'h Parts, origin: Option<&'h PublicOrigin>, claim: &Claim) -> Self {
        Self { head, origin: origin.filter(|_| claim.tags().next().is_some()) }
    }

    pub(crate) fn path(self) -> Cow<'h, str> {
        match self.origin {
            Some(origin) => origin.path(self.head),
            None => Cow::Borrowed(self.head.uri.path()),
        }
    }

    pub(crate) fn host(self) -> Result<&'h str, ClaimError> {
        match self.origin {
            Some(origin) => Ok(origin.authority()),
            None => wire::host(self.head),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn origins_in_another_spelling_are_rejected() {
        let expected = PublicOrigin::parse("https://api.example.com").unwrap();
        for text in
            ["https://API.example.com:443", "HTTPS://api.example.com/", "https://api.example.com:"]
        {
            assert_eq!(PublicOrigin::parse(text).unwrap(), expected, "{text}");
        }
        let origin = PublicOrigin::parse("http://[::1]:8080/a//b/").unwrap();
        assert_eq!((origin.scheme(), origin.authority()), ("http", "[::1]:8080"));
        assert_eq!(origin.prefix, "/a//b");
    }

    #[test]
    fn invalid_origin_is_a_config_error() {
        for text in [
            "",
            "/",
            "api.example.com",
            "//api.example.com",
            "ftp://api.example.com",
            "https://",
            "https://:443",
            "https://user@api.example.com",
            "https://api.example.com/?",
            "https://api.example.com/a?b",
            "https://api.example.com/#a",
            "https://api.example.com/a b",
        ] {
            assert!(PublicOrigin::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn prefix_is_added_only_to_paths() {
        let origin = PublicOrigin::parse("https://api.example.com/v2").unwrap();
        let path = |target: &str| {
            let (head, ()) = http::Request::get(target).body(()).unwrap().into_parts();
            origin.path(&head).into_owned()
        };
        assert_eq!(path("/"), "/v2/");
        assert_eq!(path("/%2F?a"), "/v2/%2F");
        assert_eq!(path("*"), "*");
    }
}
