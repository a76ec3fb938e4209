use http::HeaderName;
use http::request::Parts;

use crate::crypto::{Algorithm, Tag};
use crate::error::ConfigError;
use crate::scheme::tag_header::{TagHeader, tag_scheme};
use crate::scheme::{
    Claim, ClaimError, Coverage, Encoding, PublicOrigin, Scheme, Selector, SentHead, SignError,
    SignedText, Stamp, path, wire,
};

/// The scheme of Flask-HMAC 0.1.3: a header over the path.
///
/// `HMAC: b64url(HMAC-SHA-256(key, path))` without padding, where the path is percent-decoded and
/// without its query. Only the anonymous key is used. Paths with `%2F`, `%25`, or escapes that are
/// invalid or not UTF-8 are rejected.
///
/// **Covered:** the path. **Not covered:** method, query, headers, body and time. Anybody who sees
/// a signed request can send the same path with any method and query, as often as they like. A
/// character and its escape (`/a` and `/%61`) are the same path.
///
/// Since the body is not signed, a request with one is rejected.
///
/// ```
/// use http::Request;
/// use tower_hmac::scheme::FlaskHmacPath;
/// use tower_hmac::{SecretKey, Signer};
///
/// let signer = Signer::new(FlaskHmacPath::new(), SecretKey::new("s3cr3tk3y")?);
/// let one = signer.sign(Request::get("/a?b=1").body("")?)?;
/// let two = signer.sign(Request::get("/a?b=2").body("")?)?;
/// // The query is not covered.
/// assert_eq!(one.headers()["hmac"], two.headers()["hmac"]);
/// # Ok::<(), tower_hmac::BoxError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FlaskHmacPath {
    tags: TagHeader,
    unsigned_body: bool,
    origin: Option<PublicOrigin>,
}

impl FlaskHmacPath {
    /// Makes the scheme with the header `HMAC` and HMAC-SHA-256.
    #[must_use]
    pub fn new() -> Self {
        Self {
            tags: TagHeader::of_constants("flask-hmac-0.1", "hmac", Encoding::Base64UrlNoPad),
            unsigned_body: false,
            origin: None,
        }
    }

    /// Sets the header's name.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if `name` is not a valid header name.
    pub fn with_header<N: TryInto<HeaderName>>(mut self, name: N) -> Result<Self, ConfigError> {
        self.tags.rename(name)?;
        Ok(self)
    }

    /// Sets the hash.
    #[must_use]
    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.tags.algorithm = algorithm;
        self
    }

    /// Sets the address under which clients reach this service, such as
    /// `https://api.example.com/v2`, if a proxy strips a prefix of the path. The path is then
    /// verified as clients sent it. A signer ignores the address, and signs the path of its own
    /// request.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] unless `origin` is `http` or `https`, a host, and an optional path
    /// prefix.
    pub fn with_public_origin(mut self, origin: impl AsRef<str>) -> Result<Self, ConfigError> {
        self.origin = Some(PublicOrigin::parse(origin.as_ref())?);
        Ok(self)
    }

    /// Leaves the body unprotected: any body reaches the handler.
    #[must_use]
    pub fn dangerous_unsigned_body(mut self) -> Self {
        self.unsigned_body = true;
        self
    }
}

impl Default for FlaskHmacPath {
    fn default() -> Self {
        Self::new()
    }
}

impl Scheme for FlaskHmacPath {
    tag_scheme!();

    fn carries_key_id(&self) -> bool {
        false
    }

    fn selector(&self) -> Option<Selector<'_>> {
        Some(Selector::TagLen(self.tags.algorithm.tag_len()))
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        let text = wire::text(self.tags.name(), wire::single(head, self.tags.name())?)?;
        self.tags.tag(text).map(Claim::signed)
    }

    fn coverage(&self, _: &Parts, _: &Claim) -> Result<Coverage, ClaimError> {
        Ok(if self.unsigned_body { Coverage::Unsigned } else { Coverage::Empty })
    }

    fn before_body(
        &self,
        head: &Parts,
        claim: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        let path = SentHead::new(head, self.origin.as_ref(), claim).path();
        text.part("path").update(path::decoded(&path)?.as_bytes());
        Ok(())
    }

    fn stamp(&self, _: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        stamp.without_key_id()?;
        Ok(Claim::new())
    }

    fn attach(&self, head: &mut Parts, _: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        self.tags.write(head, &self.tags.encode(wire::only_tag(tags)?))
    }
}
