use std::borrow::Cow;

use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;
use http::{Method, Uri, Version};

use crate::error::ConfigError;
use crate::scheme::{ClaimError, wire};

/// Scheme and authority as clients see them.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    scheme: &'static str,
    authority: String,
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
        if uri.path() != "/" || uri.query().is_some() || text.contains('#') {
            return Err(invalid("has more than a scheme and an authority"));
        }
        let authority =
            normalized(authority, scheme).ok_or_else(|| invalid("has no host, or a user in it"))?;
        Ok(Self { scheme, authority })
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
        let invalid = || ClaimError::in_header(&HOST, "names no host");
        let named = match wire::single(self.head, &HOST) {
            Ok(host) => {
                let host = Authority::try_from(host.as_bytes()).map_err(|_| invalid())?;
                Some(normalized(&host, &scheme).ok_or_else(invalid)?)
            }
            Err(ClaimError::Missing) => None,
            Err(error) => return Err(error),
        };
        let targeted = match self.head.uri.authority() {
            Some(authority) => Some(normalized(authority, &scheme).ok_or_else(invalid)?),
            None => None,
        };
        match (targeted, named) {
            (Some(targeted), Some(named)) if targeted != named => {
                Err(ClaimError::in_header(&HOST, "is another one than the target's"))
            }
            (Some(authority), _) | (None, Some(authority)) => Ok(Cow::Owned(authority)),
            (None, None) => Err(invalid()),
        }
    }

    /// Section 2.2.6. An empty path is `/`.
    pub(super) fn path(self) -> &'h str {
        match self.head.uri.path() {
            "" => "/",
            path => path,
        }
    }

    /// Section 2.2.7, without the `?` that the component begins with.
    pub(super) fn query(self) -> &'h str {
        self.head.uri.query().unwrap_or_default()
    }

    /// Section 2.2.2.
    pub(super) fn uri(self) -> Result<String, ClaimError> {
        let mut uri = format!("{}://{}{}", self.scheme(), self.authority()?, self.path());
        if let Some(query) = self.head.uri.query() {
            uri.push('?');
            uri.push_str(query);
        }
        Ok(uri)
    }

    /// Section 2.2.5: the target as it stands in the request line. HTTP/2 and later have a path
    /// there whatever else came with it, and so has what we send to a server that is no proxy.
    pub(super) fn request_target(self) -> Cow<'h, str> {
        let uri = &self.head.uri;
        let whole = !self.outgoing && self.head.version <= Version::HTTP_11;
        match (uri.authority(), uri.path_and_query()) {
            (Some(authority), _) if self.head.method == Method::CONNECT => {
                Cow::Borrowed(authority.as_str())
            }
            (Some(_), Some(_)) if whole => Cow::Owned(uri.to_string()),
            (_, Some(path)) => Cow::Borrowed(path.as_str()),
            (_, None) => Cow::Borrowed("/"),
        }
    }
}

/// In lower case, without the scheme's own port (RFC 9110 section 4.2.3). `None` without a host,
/// or with user information, which no request may carry (section 4.2.4).
fn normalized(authority: &Authority, scheme: &str) -> Option<String> {
    let text = authority.as_str();
    if text.contains('@') || authority.host().is_empty() {
        return None;
    }
    let text = match scheme {
        "http" => text.strip_suffix(":80").unwrap_or(text),
        "https" => text.strip_suffix(":443").unwrap_or(text),
        _ => text,
    };
    Some(text.strip_suffix(':').unwrap_or(text).to_ascii_lowercase())
}
