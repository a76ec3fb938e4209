use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::HeaderName;
use http::request::Parts;

use crate::error::{ConfigError, header_name};
use crate::scheme::ClaimError;
use crate::scheme::PublicOrigin;
use crate::scheme::parts::Part;
use crate::scheme::parts::layout::Layout;
use crate::scheme::tag_header::{TagHeader, tag_settings};

pub(super) type Derive = dyn Fn(&Parts, &[u8]) -> Result<Vec<u8>, ClaimError> + Send + Sync;

/// A scheme composed of parts: one header with a tag over the parts that you list.
///
/// Fits almost every webhook, and the `X-HMAC-Signature` of many `FastAPI` services.
///
/// ```
/// use tower_hmac::HeaderScheme;
/// use tower_hmac::scheme::{Part, TimeFormat};
///
/// // `X-HMAC-Signature: <hex of HMAC-SHA-256(key, body)>`
/// let plain = HeaderScheme::new("X-HMAC-Signature")?;
///
/// // `X-Signature: v0=<hex>` over `v0:<X-Timestamp>:<body>`
/// let timed = HeaderScheme::new("X-Signature")?.with_prefix("v0=")?.with_parts([
///     Part::literal("v0:"),
///     Part::timestamp("X-Timestamp", TimeFormat::UnixSeconds)?,
///     Part::literal(":"),
///     Part::Body,
/// ])?;
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
///
/// **Covered:** the parts. **Not covered:** everything else. If the body is the only part, anybody
/// who sees a signed request can send its body to any route that accepts the key, as often as they
/// like. The header with the key ID is covered only if it is one of the parts. Otherwise, two
/// clients that share a key can use each other's key ID. A [`Part::Timestamp`] lets the server
/// reject old requests, and lets a [`ReplayGuard`](crate::replay::ReplayGuard) reject replays.
///
/// # How parts are distinguished
///
/// No two requests that differ in a part have the same signing string:
///
/// * Two adjacent parts are rejected while building: put a literal between them. A time in RFC 3339
///   needs none, since it ends where its grammar says.
/// * One part may contain anything: the body, or without a body the last part that is not a
///   timestamp.
/// * A part before it must not contain the first byte of the literal that follows. A part after it
///   must not contain the last byte of the literal that precedes. Requests that break this are
///   rejected, and are not signed. This never happens for times, or for a method, path or query
///   next to a newline. With `<X-Id>.<X-Timestamp>.<body>`, an ID with a dot is rejected.
///   Otherwise, an ID `a.1` at time `2` would sign like an ID `a` at time `1` with another body.
/// * A target that ends in a bare `?` is rejected if the query is a part.
///
/// The scheme and authority of the target are not parts. Sign [`Part::Header`]`(HOST)` if one key
/// serves several hosts: over HTTP/2 it is `:authority`.
#[derive(Clone)]
pub struct HeaderScheme {
    pub(super) tags: TagHeader,
    pub(super) prefix: Cow<'static, str>,
    pub(super) separator: Option<Cow<'static, str>>,
    pub(super) key_id_header: Option<HeaderName>,
    pub(super) message_id_header: Option<HeaderName>,
    pub(super) layout: Layout,
    pub(super) derive: Option<Arc<Derive>>,
    pub(super) unsigned_body: bool,
    pub(super) origin: Option<PublicOrigin>,
}

impl HeaderScheme {
    /// Makes a scheme with the tag in this header, in hex: HMAC-SHA-256 over the body.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if `header` is not a valid header name.
    pub fn new<N: TryInto<HeaderName>>(header: N) -> Result<Self, ConfigError> {
        Ok(Self {
            tags: TagHeader::new("header", header)?,
            prefix: "".into(),
            separator: None,
            key_id_header: None,
            message_id_header: None,
            layout: Layout::new([Part::Body])?,
            derive: None,
            unsigned_body: false,
            origin: None,
        })
    }

    tag_settings!("header");

    /// Sets the text before the tag, such as `sha256=`. In `Authorization`, a value of another
    /// authentication scheme counts as missing, not as malformed. If the prefix names no
    /// authentication scheme, a value without the prefix also counts as missing.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if a header cannot begin with the prefix, or if the prefix contains
    /// the list separator.
    pub fn with_prefix(
        mut self,
        prefix: impl Into<Cow<'static, str>>,
    ) -> Result<Self, ConfigError> {
        self.prefix = prefix.into();
        if !is_header_text(&self.prefix) || self.prefix.starts_with([' ', '\t']) {
            return Err(ConfigError::invalid(
                "prefix",
                "is not a text that a header can begin with",
            ));
        }
        self.checked()
    }

    /// Sets what is signed, in this order. Only the body by default.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if two parts could run into each other, the body or a timestamp
    /// occurs twice, nothing of the request is signed, or the signature's own header is a part.
    pub fn with_parts(
        mut self,
        parts: impl IntoIterator<Item = Part>,
    ) -> Result<Self, ConfigError> {
        self.layout = Layout::new(parts)?;
        self.checked()
    }

    /// Sets the header that carries the key ID, unencoded. Without it, only the anonymous key is
    /// used.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if `name` is not a valid header name, or the header already has
    /// another use.
    pub fn with_key_id_header<N>(mut self, name: N) -> Result<Self, ConfigError>
    where
        N: TryInto<HeaderName>,
    {
        self.key_id_header = Some(header_name(name, "key_id_header")?);
        self.checked()
    }

    /// Sets the address under which clients reach this service, such as
    /// `https://api.example.com/v2`, if a proxy rewrites `Host` or strips a prefix of the path.
    /// [`Part::Path`] is then the path as clients sent it, and [`Part::Header`]`(HOST)` is this
    /// host, whatever the request says. A signer ignores the address, and signs its own request
    /// unchanged.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] unless `origin` is `http` or `https`, a host, and an optional path
    /// prefix.
    pub fn with_public_origin(mut self, origin: impl AsRef<str>) -> Result<Self, ConfigError> {
        self.origin = Some(PublicOrigin::parse(origin.as_ref())?);
        Ok(self)
    }

    /// Sets the header that carries the ID of the message, which stays the same when a delivery is
    /// retried. [`Verified::message_id`](crate::Verified::message_id) returns it.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if `name` is not a valid header name, or the header is not one of
    /// the [parts](Self::with_parts). If the ID could be changed, a delivery could be handled
    /// again.
    pub fn with_message_id_header<N>(mut self, name: N) -> Result<Self, ConfigError>
    where
        N: TryInto<HeaderName>,
    {
        self.message_id_header = Some(header_name(name, "message_id_header")?);
        self.checked()
    }

    /// Lets the header contain up to 16 tags, each after its own prefix. One of them must match.
    /// Use it for peers that sign with two keys during a rotation. A signer writes one tag for each
    /// of its keys.
    ///
    /// The separator is matched exactly: `","` does not split `a, b`.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if the separator is empty, is not header text, could be part of a
    /// tag, or occurs in the prefix.
    pub fn with_list_separator(
        mut self,
        separator: impl Into<Cow<'static, str>>,
    ) -> Result<Self, ConfigError> {
        let separator = separator.into();
        let of_tags = |c: char| c.is_ascii_alphanumeric() || "+/-_=".contains(c);
        if separator.is_empty() || !is_header_text(&separator) || separator.contains(of_tags) {
            return Err(ConfigError::invalid(
                "list_separator",
                "expected header text without letters, digits and `+/-_=`",
            ));
        }
        self.separator = Some(separator);
        self.checked()
    }

    /// Leaves the rest of the body unprotected: anybody can change the parts that are not in the
    /// text.
    ///
    /// The text that `f` makes from head and body replaces [`Part::Body`]. Make it from the bytes
    /// themselves, so that one body cannot be read in two ways. For members of JSON, use
    /// `JsonStrings` (feature `serde`). The values that it joins must not run into each other:
    /// `{mac}:{time}` signs `a:b` with `c` like `a` with `b:c`.
    ///
    /// ```
    /// use tower_hmac::HeaderScheme;
    /// use tower_hmac::scheme::ClaimError;
    ///
    /// // Signs the body without spaces at its end.
    /// let scheme = HeaderScheme::new("X-Signature")?
    ///     .dangerous_derived_text(|_, body| Ok::<_, ClaimError>(body.trim_ascii_end().to_vec()))?;
    /// # Ok::<(), tower_hmac::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if the body is not one of the parts.
    pub fn dangerous_derived_text<F, T>(mut self, f: F) -> Result<Self, ConfigError>
    where
        F: Fn(&Parts, &[u8]) -> Result<T, ClaimError> + Send + Sync + 'static,
        T: Into<Vec<u8>>,
    {
        self.derive = Some(Arc::new(move |head, body| f(head, body).map(Into::into)));
        self.checked()
    }

    /// Leaves the body unprotected: if it is not one of the parts, any body reaches the handler.
    /// Without this call, a request with a body is then rejected.
    #[must_use]
    pub fn dangerous_unsigned_body(mut self) -> Self {
        self.unsigned_body = true;
        self
    }

    /// Checks that the settings fit together.
    fn checked(self) -> Result<Self, ConfigError> {
        let header = self.header();
        let key_id = self.key_id_header.as_ref();
        let time = self.layout.time().map(|(name, _)| name);
        if self.layout.headers().any(|name| name == header) {
            return Err(ConfigError::invalid("parts", "a signature cannot sign its own header"));
        }
        if key_id.is_some_and(|name| name == header || Some(name) == time) {
            return Err(ConfigError::invalid(
                "key_id_header",
                "already carries the signature or the time",
            ));
        }
        let is_signed = |name: &HeaderName| self.layout.headers().any(|signed| signed == name);
        if self.message_id_header.as_ref().is_some_and(|name| !is_signed(name)) {
            return Err(ConfigError::invalid(
                "message_id_header",
                "is not one of the signed parts",
            ));
        }
        if self.separator.as_ref().is_some_and(|separator| self.prefix.contains(&**separator)) {
            return Err(ConfigError::invalid("list_separator", "is in the prefix"));
        }
        if self.derive.is_some() && !self.layout.has_body() {
            return Err(ConfigError::invalid(
                "derived_text",
                "replaces the body, which is not one of the parts",
            ));
        }
        Ok(self)
    }

    pub(super) fn header(&self) -> &HeaderName {
        self.tags.name()
    }
}

impl fmt::Debug for HeaderScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeaderScheme")
            .field("tags", &self.tags)
            .field("prefix", &self.prefix)
            .field("layout", &self.layout)
            .finish_non_exhaustive()
    }
}

fn is_header_text(text: &str) -> bool {
    text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}
