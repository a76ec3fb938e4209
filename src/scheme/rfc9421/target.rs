use std::borrow::Cow;

use http::header::HOST;
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use http::{Method, Uri, Version};

use super::lines::Lines;
use crate::error::ConfigError;
use crate::scheme::{ClaimError, wire};

/// The URL scheme, the authority and the beginning of the path that clients see.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    scheme: &'static str,
    authority: String,
    /// The prefix that a proxy strips from each path. Does not end with `/`, and is often empty.
    prefix: String,
}

impl Origin {
    pub(super) fn parse(text: &str) -> Result<Self, ConfigError> {
        let invalid = |why: &'static str| ConfigError::invalid("public_origin", why);
        let uri: Uri = text.parse().map_err(|_| invalid("is no URI"))?;
        let scheme = match uri.scheme_str() {
            Some("http") => "http",
            Some("https") => "https",
            _ => return Err(invalid("does not begin with `http` or `https`")),
        };
        let authority = uri.authority().ok_or_else(|| invalid("has no host"))?;
        let prefix = uri.path().strip_suffix('/').unwrap_or(uri.path());
        if uri.query().is_some() || text.contains('#') {
            return Err(invalid("has more than a URL scheme, an authority and a path"));
        }
        if prefix.ends_with('/') || !prefix.is_ascii() {
            return Err(invalid("has a path that ends in several `/` or is not ASCII"));
        }
        let authority =
            normalized(authority, scheme).ok_or_else(|| invalid("has no host, or a user in it"))?;
        Ok(Self { scheme, authority, prefix: prefix.to_owned() })
    }
}

/// The target of a request as its signer saw it (RFC 9421 section 2.2).
#[derive(Clone, Copy)]
pub(super) struct Target<'h> {
    pub(super) head: &'h Parts,
    pub(super) origin: Option<&'h Origin>,
    /// Whether the request is about to be sent: its URI is absolute, but only its path goes on the
    /// wire.
    pub(super) outgoing: bool,
    /// The lines that are already found.
    pub(super) lines: Option<Lines<'h>>,
}

impl<'h> Target<'h> {
    /// Returns the URL scheme (section 2.2.4), or `http` for a target without one. A request from a
    /// proxy that ends TLS does not reveal it, and anybody can send forwarded headers.
    pub(super) fn scheme(self) -> Cow<'h, str> {
        match (self.origin, self.head.uri.scheme_str()) {
            (Some(origin), _) => Cow::Borrowed(origin.scheme),
            (None, Some(scheme)) => Cow::Owned(scheme.to_ascii_lowercase()),
            (None, None) => Cow::Borrowed("http"),
        }
    }

    /// Returns the authority (section 2.2.3) of the target, or of the only `Host`. If both are
    /// present, they must be equal.
    pub(super) fn authority(self) -> Result<Cow<'h, str>, ClaimError> {
        if let Some(origin) = self.origin {
            return Ok(Cow::Borrowed(&origin.authority));
        }
        let scheme = self.scheme();
        let invalid = || ClaimError::in_header(&HOST, "is not a host with an optional port");
        let host = match self.lines {
            Some(lines) => lines.host.ok_or(ClaimError::Missing),
            None => wire::single(self.head, &HOST),
        };
        let named = match host {
            Ok(host) => Some(named_host(host.as_bytes(), &scheme).ok_or_else(invalid)?),
            Err(ClaimError::Missing) => None,
            Err(error) => return Err(error),
        };
        let targeted = match self.head.uri.authority() {
            Some(authority) => {
                let host = normal(authority.as_str().as_bytes()).map(Cow::Borrowed);
                let host = host.or_else(|| normalized(authority, &scheme).map(Cow::Owned));
                Some(host.ok_or_else(invalid)?)
            }
            None => None,
        };
        match (targeted, named) {
            (Some(targeted), Some(named)) if targeted != named => {
                Err(ClaimError::in_header(&HOST, "differs from the target's"))
            }
            (Some(authority), _) | (None, Some(authority)) => Ok(authority),
            (None, None) if self.outgoing => {
                let why = "the request names no host: give an absolute URI or a `Host` header";
                Err(ClaimError::in_header(&HOST, why))
            }
            (None, None) => {
                Err(ClaimError::in_header(&HOST, "is missing, and the target names no host"))
            }
        }
    }

    /// Returns the authority in its original spelling, for section 2.2.2.
    fn spelled_authority(self) -> Result<Cow<'h, str>, ClaimError> {
        let normalized = self.authority()?;
        if self.origin.is_some() {
            return Ok(normalized);
        }
        let targeted = self.head.uri.authority().map(Authority::as_str);
        let named = self.head.headers.get(HOST).and_then(|host| host.to_str().ok());
        let spelled = if self.outgoing && self.head.version <= Version::HTTP_11 {
            // Clients omit the default port in `Host`.
            named.or(targeted.map(|targeted| without_port(targeted, &self.scheme())))
        } else {
            targeted.or(named)
        };
        Ok(spelled.map_or(normalized, Cow::Borrowed))
    }

    /// Returns the prefix of the path that a proxy strips. A request that is about to be sent to
    /// the public origin already has it in its path.
    pub(super) fn prefix(self) -> &'h str {
        let Some(origin) = self.origin.filter(|_| !self.is_of_the_server()) else { return "" };
        let is_public = self.outgoing && {
            let own = Target { origin: None, ..self };
            own.authority().is_ok_and(|own| own == origin.authority)
        };
        if is_public { "" } else { &origin.prefix }
    }

    /// Returns whether the request has no path: `OPTIONS *` and `CONNECT`.
    fn is_of_the_server(self) -> bool {
        let method = &self.head.method;
        *method == Method::CONNECT || (*method == Method::OPTIONS && self.head.uri.path() == "*")
    }

    /// Returns the path without the prefix (section 2.2.6). An empty path is `/`.
    pub(super) fn path(self) -> &'h str {
        match self.head.uri.path() {
            "" => "/",
            _ if self.is_of_the_server() => "/",
            path => path,
        }
    }

    /// Returns the query without the leading `?` of the component (section 2.2.7).
    pub(super) fn query(self) -> &'h str {
        self.head.uri.query().unwrap_or_default()
    }

    /// Writes the target URI (section 2.2.2). `OPTIONS *` is for the whole server, whose URI has no
    /// path (RFC 9110 section 7.1).
    pub(super) fn uri(self) -> Result<String, ClaimError> {
        let (scheme, authority) = (self.scheme(), self.spelled_authority()?);
        if self.head.method == Method::OPTIONS && self.is_of_the_server() {
            return Ok(format!("{scheme}://{authority}"));
        }
        let mut uri = format!("{scheme}://{authority}{}{}", self.prefix(), self.path());
        if let Some(query) = self.head.uri.query() {
            uri.push('?');
            uri.push_str(query);
        }
        Ok(uri)
    }

    /// Writes the target as it is in the request line (section 2.2.5). This is always a path in
    /// HTTP/2 and later, and in requests that we send to a server other than a proxy.
    pub(super) fn request_target(self) -> Result<Cow<'h, str>, ClaimError> {
        let uri = &self.head.uri;
        let is_absolute = !self.outgoing && self.head.version <= Version::HTTP_11;
        // An empty path before a query stays empty here.
        let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
        match uri.authority() {
            Some(authority) if self.head.method == Method::CONNECT => {
                Ok(Cow::Borrowed(authority.as_str()))
            }
            Some(_) if is_absolute && !self.prefix().is_empty() => {
                Err(ClaimError::malformed("the target that the proxy received is not known"))
            }
            Some(authority) if is_absolute => {
                let scheme = uri.scheme_str().unwrap_or_default();
                Ok(Cow::Owned(format!("{scheme}://{authority}{path}")))
            }
            _ if self.prefix().is_empty() => Ok(Cow::Borrowed(path)),
            _ => Ok(Cow::Owned([self.prefix(), path].concat())),
        }
    }
}

/// Parses the authority in a `Host`.
fn named_host<'h>(host: &'h [u8], scheme: &str) -> Option<Cow<'h, str>> {
    normal(host).map(Cow::Borrowed).or_else(|| {
        let authority = Authority::try_from(host).ok()?;
        normalized(&authority, scheme).map(Cow::Owned)
    })
}

/// Returns an authority that is already in normal form, as most are: a name in lower case without a
/// port.
fn normal(authority: &[u8]) -> Option<&str> {
    let is_plain = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-');
    let is_normal = !authority.is_empty() && authority.iter().all(is_plain);
    std::str::from_utf8(authority).ok().filter(|_| is_normal)
}

/// Returns an authority in lower case, without the default port (RFC 9110 section 4.2.3). Returns
/// `None` if there is no host, or if there is user information, which no request may carry (section
/// 4.2.4).
fn normalized(authority: &Authority, scheme: &str) -> Option<String> {
    let text = authority.as_str();
    if text.contains('@') || authority.host().is_empty() {
        return None;
    }
    let text = without_port(text, scheme);
    Some(text.strip_suffix(':').unwrap_or(text).to_ascii_lowercase())
}

/// Removes the default port of the URL scheme.
fn without_port<'t>(authority: &'t str, scheme: &str) -> &'t str {
    match scheme {
        "http" => authority.strip_suffix(":80").unwrap_or(authority),
        "https" => authority.strip_suffix(":443").unwrap_or(authority),
        _ => authority,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::{Authority, normal, normalized};

    proptest! {
        #[test]
        fn normalized_authority_is_unchanged(text in "[ -~]{0,12}|[a-z0-9.-]{0,40}") {
            if let Some(normal) = normal(text.as_bytes()) {
                let authority = Authority::try_from(normal).unwrap();
                prop_assert_eq!(normalized(&authority, "http").unwrap(), normal);
            }
        }
    }
}
