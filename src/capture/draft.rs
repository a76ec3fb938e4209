//! A request under construction, shared by all forms of a capture.

use std::borrow::Cow;

use http::header::{CONTENT_LENGTH, HOST};
use http::request::Parts;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};

use crate::capture::CaptureNote;

/// A byte order mark.
pub(super) const MARK: &[u8] = "\u{feff}".as_bytes();

/// A request that is still being parsed.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) head: Parts,
    pub(super) body: Vec<u8>,
    pub(super) notes: Vec<CaptureNote>,
}

/// The offset in bytes at which a string could not be read, and what was expected there.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) expected: Cow<'static, str>,
}

impl Fault {
    pub(super) fn new(at: usize, expected: impl Into<Cow<'static, str>>) -> Self {
        Self { at, expected: expected.into() }
    }
}

impl Draft {
    pub(super) fn new(method: Method, uri: Uri, headers: HeaderMap) -> Self {
        let (mut head, ()) = Request::new(()).into_parts();
        head.method = method;
        head.uri = uri;
        head.headers = headers;
        Self { head, body: Vec::new(), notes: Vec::new() }
    }

    /// Adds the headers that a client sends for a URL: `Host` and a length.
    pub(super) fn sent(mut self) -> Self {
        let headers = &mut self.head.headers;
        if let Some(authority) = self.head.uri.authority() {
            // The host may be set independently of the URL; use the host that is sent.
            let given = headers.get(HOST).and_then(|host| host.to_str().ok()?.parse().ok());
            let sent: Authority =
                given.unwrap_or_else(|| without_default_port(&self.head.uri, authority));
            if let Ok(value) = HeaderValue::from_str(sent.as_str()) {
                let _ = headers.try_insert(HOST, value);
            }
            let mut parts = self.head.uri.clone().into_parts();
            parts.authority = Some(sent);
            if let Ok(uri) = Uri::from_parts(parts) {
                self.head.uri = uri;
            }
        }
        let is_framed = headers.contains_key(CONTENT_LENGTH)
            || headers.contains_key(http::header::TRANSFER_ENCODING);
        if !self.body.is_empty() && !is_framed {
            let _ = headers.try_insert(CONTENT_LENGTH, self.body.len().into());
        }
        self
    }
}

/// Adds a header. A map has room for at most 32,768.
pub(super) fn append(
    headers: &mut HeaderMap,
    name: HeaderName,
    value: HeaderValue,
) -> Result<(), &'static str> {
    headers.try_append(name, value).map(|_| ()).map_err(|_| "fewer headers")
}

/// Parses the target of a request line, or a URL.
pub(super) fn target(text: &str) -> Result<Uri, &'static str> {
    if !(text.starts_with('/') || text == "*" || text.contains("://")) {
        return Err("a target that begins with `/`, or a URL");
    }
    url(text)
}

/// Parses a URL as clients do: without the fragment, and `http` by default.
pub(super) fn url(text: &str) -> Result<Uri, &'static str> {
    let text = text.split('#').next().unwrap_or_default();
    let uri = match text {
        _ if text.starts_with('/') || text == "*" => text.parse::<Uri>(),
        _ if text.contains("://") => text.parse::<Uri>(),
        _ => format!("http://{text}").parse::<Uri>(),
    };
    let uri = uri.map_err(|_| "a URL with its spaces and brackets percent-encoded")?;
    let authority = uri.authority().map(Authority::as_str).unwrap_or_default();
    if authority.contains('@') {
        return Err("a URL without a user and a password");
    }
    Ok(uri)
}

fn without_default_port(uri: &Uri, authority: &Authority) -> Authority {
    let port = if uri.scheme() == Some(&Scheme::HTTPS) { ":443" } else { ":80" };
    let host = authority.as_str().strip_suffix(port).and_then(|host| host.parse().ok());
    host.unwrap_or_else(|| authority.clone())
}
