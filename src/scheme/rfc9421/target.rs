use std::borrow::Cow;

use http::header::HOST;
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use http::{Method, Uri, Version};

use crate::error::ConfigError;
use crate::scheme::{ClaimError, wire};

/// Scheme, authority and the beginning of the path as clients see them.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    scheme: &'static str,
    authority: String,
    /// What a proxy cuts off each path; without a `/` at its end, and often empty.
    prefix: String,
}

impl Origin {
    pub(super) fn parse(text: &str) -> Result<Self, ConfigError> {
        let invalid = |why: &'static str| ConfigError::invalid("public_origin", why);
        let uri: Uri = text.parse().map_err(|_| invalid("is no URI"))?;
        let scheme = match uri.scheme_str() {
            Some("http") => "http",
            Some("https") => "https",
            _ => return Err(invalid("has no scheme `http` or `https`")),
        };
        let authority = uri.authority().ok_or_else(|| invalid("has no host"))?;
        let prefix = uri.path().strip_suffix('/').unwrap_or(uri.path());
        if uri.query().is_some() || text.contains('#') {
            return Err(invalid("has more than a scheme, an authority and a path"));
        }
        if prefix.ends_with('/') || !prefix.is_ascii() {
            return Err(invalid("has a path that ends in several `/` or is not ASCII"));
        }
        let authority =
            normalized(authority, scheme).ok_or_else(|| invalid("has no host, or a user in it"))?;
        Ok(Self { scheme, authority, prefix: prefix.to_owned() })
    }
}

/// The target of a request, as its signer is to have seen it (RFC 9421 section 2.2).
#[derive(Clone, Copy)]
pub(super) struct Target<'h> {
    pub(super) head: &'h Parts,
    pub(super) origin: Option<&'h Origin>,
    /// Whether the request is about to be sent: its URI is absolute, where the wire will have the
    /// path alone.
    pub(super) outgoing: bool,
}

impl<'h> Target<'h> {
    /// Section 2.2.4. The scheme of a target without one is `http`: what reached us behind a
    /// proxy that ends TLS says nothing else, and its forwarded headers are anybody's.
    pub(super) fn scheme(self) -> Cow<'h, str> {
        match (self.origin, self.head.uri.scheme_str()) {
            (Some(origin), _) => Cow::Borrowed(origin.scheme),
            (None, Some(scheme)) => Cow::Owned(scheme.to_ascii_lowercase()),
            (None, None) => Cow::Borrowed("http"),
        }
    }

    /// Section 2.2.3: of the target, or of the only `Host`; both must say the same.
    pub(super) fn authority(self) -> Result<Cow<'h, str>, ClaimError> {
        if let Some(origin) = self.origin {
            return Ok(Cow::Borrowed(&origin.authority));
        }
        let scheme = self.scheme();
        let invalid = || ClaimError::in_header(&HOST, "is no host with an optional port");
        let named = match wire::single(self.head, &HOST) {
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
                Err(ClaimError::in_header(&HOST, "is another one than the target's"))
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

    /// The same as it is spelled, for section 2.2.2.
    fn spelled_authority(self) -> Result<Cow<'h, str>, ClaimError> {
        let normalized = self.authority()?;
        if self.origin.is_some() {
            return Ok(normalized);
        }
        let targeted = self.head.uri.authority().map(Authority::as_str);
        let named = self.head.headers.get(HOST).and_then(|host| host.to_str().ok());
        let spelled = if self.outgoing && self.head.version <= Version::HTTP_11 {
            // What a client sends in `Host`: without the scheme's own port.
            named.or(targeted.map(|targeted| without_port(targeted, &self.scheme())))
        } else {
            targeted.or(named)
        };
        Ok(spelled.map_or(normalized, Cow::Borrowed))
    }

    /// What stands before the path that we see. A request that is about to be sent to the public
    /// origin has it in its path already.
    pub(super) fn prefix(self) -> &'h str {
        let Some(origin) = self.origin.filter(|_| !self.is_of_the_server()) else { return "" };
        let is_public = self.outgoing && {
            let own = Target { origin: None, ..self };
            own.authority().is_ok_and(|own| own == origin.authority)
        };
        if is_public { "" } else { &origin.prefix }
    }

    /// Whether the request is for no path: `OPTIONS *` and `CONNECT`.
    fn is_of_the_server(self) -> bool {
        let method = &self.head.method;
        *method == Method::CONNECT || (*method == Method::OPTIONS && self.head.uri.path() == "*")
    }

    /// Section 2.2.6, without the prefix. An empty path is `/`.
    pub(super) fn path(self) -> &'h str {
        match self.head.uri.path() {
            "" => "/",
            _ if self.is_of_the_server() => "/",
            path => path,
        }
    }

    /// Section 2.2.7, without the `?` that the component begins with.
    pub(super) fn query(self) -> &'h str {
        self.head.uri.query().unwrap_or_default()
    }

    /// Section 2.2.2. `OPTIONS *` is for the server as a whole, whose URI has no path (RFC 9110
    /// section 7.1).
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

    /// Section 2.2.5: the target as it stands in the request line. HTTP/2 and later have a path
    /// there whatever else came with it, and so has what we send to a server that is no proxy.
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
                Err(ClaimError::malformed("what the proxy received as the target is not known"))
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

/// The authority that a `Host` names.
fn named_host<'h>(host: &'h [u8], scheme: &str) -> Option<Cow<'h, str>> {
    normal(host).map(Cow::Borrowed).or_else(|| {
        let authority = Authority::try_from(host).ok()?;
        normalized(&authority, scheme).map(Cow::Owned)
    })
}

/// An authority that is in normal form already, for what most are: a name in lower case, and no port.
fn normal(authority: &[u8]) -> Option<&str> {
    let is_plain =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(byte);
    let is_normal = !authority.is_empty() && authority.iter().all(is_plain);
    std::str::from_utf8(authority).ok().filter(|_| is_normal)
}

/// In lower case, without the scheme's own port (RFC 9110 section 4.2.3). `None` without a host,
/// or with user information, which no request may carry (section 4.2.4).
fn normalized(authority: &Authority, scheme: &str) -> Option<String> {
    let text = authority.as_str();
    if text.contains('@') || authority.host().is_empty() {
        return None;
    }
    let text = without_port(text, scheme);
    Some(text.strip_suffix(':').unwrap_or(text).to_ascii_lowercase())
}

/// Without the scheme's own port.
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
        fn an_authority_in_normal_form_stays_as_it_is(text in "[ -~]{0,12}|[a-z0-9.-]{0,40}") {
            if let Some(normal) = normal(text.as_bytes()) {
                let authority = Authority::try_from(normal).unwrap();
                prop_assert_eq!(normalized(&authority, "http").unwrap(), normal);
            }
        }
    }
}
