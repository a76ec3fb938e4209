use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use http::request::Parts;

use crate::crypto::Algorithm;
use crate::error::{ConfigError, header_name};
use crate::scheme::ClaimError;
use crate::scheme::Encoding;
use crate::scheme::PublicOrigin;
use crate::scheme::parts::Part;
use crate::scheme::parts::layout::Layout;

pub(super) type Derive = dyn Fn(&Parts, &[u8]) -> Result<Vec<u8>, ClaimError> + Send + Sync;

/// A format put together from parts: one header with a tag over what you list. Nearly every
/// webhook is one, and so is the `X-HMAC-Signature` of many a `FastAPI` service.
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
/// **Covered:** the parts. **Not covered:** everything else; with the body alone whoever sees one
/// signed request can send its body to any route that takes the key, as often as they like. The
/// header with the key id is covered only if it is one of the parts: without that, two services
/// with one key can take each other's name. A [`Part::Timestamp`] lets old requests be refused,
/// and lets a [`ReplayGuard`](crate::replay::ReplayGuard) see each once.
///
/// # How parts are told apart
///
/// No two requests that differ in a part have one signed text:
///
/// * Two parts side by side are refused while building: put a literal between. A time in RFC 3339
///   needs none, since it ends where its grammar says.
/// * One part may hold anything: the body, or without one the last part that is no timestamp.
/// * A part before it must not hold the first byte of the literal that follows, a part after it
///   not the last byte of the literal that precedes. A request in which it does is refused, and is
///   not signed. For times this never happens, nor for a method, path or query beside a newline.
///   With `<X-Id>.<X-Timestamp>.<body>` an id with a dot is refused: else an id `a.1` at time `2`
///   would sign as an id `a` at time `1` with another body.
/// * A target that ends in a bare `?` is refused where the query is a part.
///
/// Scheme and authority of the target are no parts. Sign [`Part::Header`]`(HOST)` if one key serves
/// several hosts: over HTTP/2 it is `:authority`.
#[derive(Clone)]
pub struct HeaderScheme {
    pub(super) name: Cow<'static, str>,
    pub(super) headers: [HeaderName; 1],
    pub(super) prefix: Cow<'static, str>,
    pub(super) encoding: Encoding,
    pub(super) algorithm: Algorithm,
    pub(super) separator: Option<Cow<'static, str>>,
    pub(super) key_id_header: Option<HeaderName>,
    pub(super) message_id_header: Option<HeaderName>,
    pub(super) layout: Layout,
    pub(super) derive: Option<Arc<Derive>>,
    pub(super) unsigned_body: bool,
    pub(super) tolerance: Option<(u64, u64)>,
    pub(super) origin: Option<PublicOrigin>,
}

impl HeaderScheme {
    /// The tag in this header, in hex, HMAC-SHA-256 over the body.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is no header name.
    pub fn new<N: TryInto<HeaderName>>(header: N) -> Result<Self, ConfigError> {
        Ok(Self {
            name: "header".into(),
            headers: [header_name(header, "header")?],
            prefix: "".into(),
            encoding: Encoding::Hex,
            algorithm: Algorithm::default(),
            separator: None,
            key_id_header: None,
            message_id_header: None,
            layout: Layout::new([Part::Body])?,
            derive: None,
            unsigned_body: false,
            tolerance: None,
            origin: None,
        })
    }

    /// Sets what [`Verified::scheme`](crate::Verified::scheme) says, to tell several formats from
    /// parts apart; `header` if it is not set.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the text before the tag, such as `sha256=`. In `Authorization`, a value of another
    /// authentication scheme, or that does not begin with the prefix if that has none, is of another
    /// kind: missing, not malformed.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a header cannot begin with it, or if it holds the list separator.
    pub fn with_prefix(
        mut self,
        prefix: impl Into<Cow<'static, str>>,
    ) -> Result<Self, ConfigError> {
        self.prefix = prefix.into();
        if !is_header_text(&self.prefix) || self.prefix.starts_with([' ', '\t']) {
            return Err(ConfigError::invalid("prefix", "is no text that a header begins with"));
        }
        self.checked()
    }

    /// Sets how the tag is written; [`Encoding::Hex`] if it is not set.
    #[must_use]
    pub fn with_encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Sets the hash; SHA-256 if it is not set.
    #[must_use]
    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Sets how old a signature can be and how far ahead its clock, in whole seconds, for a
    /// verifier without a tolerance of its own.
    #[must_use]
    pub fn with_tolerance(mut self, past: Duration, future: Duration) -> Self {
        self.tolerance = Some((past.as_secs(), future.as_secs()));
        self
    }

    /// Sets what is signed, in this order; the body alone if it is not set.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if two parts could run into each other, the body or a timestamp is there
    /// twice, nothing of the request is signed, or the signature's own header is a part.
    pub fn with_parts(
        mut self,
        parts: impl IntoIterator<Item = Part>,
    ) -> Result<Self, ConfigError> {
        self.layout = Layout::new(parts)?;
        self.checked()
    }

    /// Sets the header that carries the key id, as it is; without one there is the anonymous key
    /// alone.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is no header name, or has another use already.
    pub fn with_key_id_header<N>(mut self, name: N) -> Result<Self, ConfigError>
    where
        N: TryInto<HeaderName>,
    {
        self.key_id_header = Some(header_name(name, "key_id_header")?);
        self.checked()
    }

    /// Sets the address that clients know this service by, where a proxy rewrites `Host` or strips a
    /// prefix of the path, such as `https://api.example.com/v2`. [`Part::Path`] is then the path as
    /// clients sent it, and [`Part::Header`]`(HOST)` is this host, whatever the request says. A
    /// signer signs its own request as it is, and does not go by this.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is not `http` or `https`, a host, and an optional prefix of the path.
    pub fn with_public_origin(mut self, origin: impl AsRef<str>) -> Result<Self, ConfigError> {
        self.origin = Some(PublicOrigin::parse(origin.as_ref())?);
        Ok(self)
    }

    /// Sets the header that carries the ID of the message, which stays the same when a delivery is
    /// retried: [`Verified::message_id`](crate::Verified::message_id).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is no header name, or none of the [parts](Self::with_parts): an ID that
    /// can be changed would let a delivery be handled again.
    pub fn with_message_id_header<N>(mut self, name: N) -> Result<Self, ConfigError>
    where
        N: TryInto<HeaderName>,
    {
        self.message_id_header = Some(header_name(name, "message_id_header")?);
        self.checked()
    }

    /// Lets the header hold up to 16 tags, each behind its prefix, one of which must be right:
    /// for peers that sign with two keys while they change them. A signer writes one for each of its
    /// keys.
    ///
    /// The text is taken as it is: `","` does not split `a, b`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is empty, no text of a header, could be part of a tag, or is in the
    /// prefix.
    pub fn with_list_separator(
        mut self,
        separator: impl Into<Cow<'static, str>>,
    ) -> Result<Self, ConfigError> {
        let separator = separator.into();
        let of_tags = |c: char| c.is_ascii_alphanumeric() || "+/-_=".contains(c);
        if separator.is_empty() || !is_header_text(&separator) || separator.contains(of_tags) {
            return Err(ConfigError::invalid(
                "list_separator",
                "must be text of a header without letters, digits and `+/-_=`",
            ));
        }
        self.separator = Some(separator);
        self.checked()
    }

    /// Loses the protection of everything in the body that the text leaves out: anybody can
    /// change it.
    ///
    /// The text that `f` makes from head and body stands in the place of [`Part::Body`]. It is to
    /// be made from the bytes themselves and must not read one body in two ways; for members of
    /// JSON there is `JsonStrings` (feature `serde`). Values that it joins must not run into each
    /// other: `{mac}:{time}` signs `a:b` with `c` as it does `a` with `b:c`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the body is none of the parts.
    pub fn dangerous_derived_text<F, T>(mut self, f: F) -> Result<Self, ConfigError>
    where
        F: Fn(&Parts, &[u8]) -> Result<T, ClaimError> + Send + Sync + 'static,
        T: Into<Vec<u8>>,
    {
        self.derive = Some(Arc::new(move |head, body| f(head, body).map(Into::into)));
        self.checked()
    }

    /// Loses the protection of the body: where it is none of the parts, any body is let through
    /// to the handler. Without this, a request with a body is refused there.
    #[must_use]
    pub fn dangerous_unsigned_body(mut self) -> Self {
        self.unsigned_body = true;
        self
    }

    /// What no setting alone can tell.
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
                "carries the signature or the time already",
            ));
        }
        let is_signed = |name: &HeaderName| self.layout.headers().any(|signed| signed == name);
        if self.message_id_header.as_ref().is_some_and(|name| !is_signed(name)) {
            return Err(ConfigError::invalid("message_id_header", "is none of the signed parts"));
        }
        if self.separator.as_ref().is_some_and(|separator| self.prefix.contains(&**separator)) {
            return Err(ConfigError::invalid("list_separator", "is in the prefix"));
        }
        if self.derive.is_some() && !self.layout.has_body() {
            return Err(ConfigError::invalid(
                "derived_text",
                "stands in the place of the body, which is none of the parts",
            ));
        }
        Ok(self)
    }

    pub(super) fn header(&self) -> &HeaderName {
        let [name] = &self.headers;
        name
    }
}

impl fmt::Debug for HeaderScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeaderScheme")
            .field("name", &self.name)
            .field("header", self.header())
            .field("prefix", &self.prefix)
            .field("encoding", &self.encoding)
            .field("algorithm", &self.algorithm)
            .field("layout", &self.layout)
            .finish_non_exhaustive()
    }
}

fn is_header_text(text: &str) -> bool {
    text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}
