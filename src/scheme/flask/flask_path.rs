use http::HeaderName;
use http::request::Parts;

use crate::crypto::{Algorithm, Tag};
use crate::error::{ConfigError, header_name};
use crate::scheme::SignError;
use crate::scheme::{
    Claim, ClaimError, Coverage, Encoding, PublicOrigin, Scheme, Selector, SentHead, SignedText,
    Stamp, path, shape, wire,
};

/// The format of Flask-HMAC 0.1.3: a header over the path.
///
/// `HMAC: b64url(HMAC-SHA-256(key, path))` without padding, where the path is percent-decoded and
/// without its query. There is the anonymous key alone. Paths with `%2F`, `%25`, or escapes that
/// are invalid or not UTF-8 are refused.
///
/// **Covered:** the path. **Not covered:** method, query, headers, body and time. Whoever sees one
/// signed request can send the same path with any method and query, as often as they like. A
/// character and its own escape (`/a` and `/%61`) are one path.
///
/// Since the body is not signed, a request that has one is refused.
#[derive(Clone, Debug)]
pub struct FlaskHmacPath {
    headers: [HeaderName; 1],
    algorithm: Algorithm,
    unsigned_body: bool,
    origin: Option<PublicOrigin>,
}

impl FlaskHmacPath {
    /// Header `HMAC`, HMAC-SHA-256.
    #[must_use]
    pub fn new() -> Self {
        Self {
            headers: [HeaderName::from_static("hmac")],
            algorithm: Algorithm::default(),
            unsigned_body: false,
            origin: None,
        }
    }

    /// Sets the header's name.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is no header name.
    pub fn with_header<N: TryInto<HeaderName>>(mut self, name: N) -> Result<Self, ConfigError> {
        self.headers = [header_name(name, "header")?];
        Ok(self)
    }

    /// Sets the hash.
    #[must_use]
    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Sets the address that clients know this service by, where a proxy strips a prefix of the
    /// path, such as `https://api.example.com/v2`: the path is
    /// verified as clients sent it. A signer signs the path of its own request, and does not go by
    /// this.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is not `http` or `https`, a host, and an optional prefix of the path.
    pub fn with_public_origin(mut self, origin: impl AsRef<str>) -> Result<Self, ConfigError> {
        self.origin = Some(PublicOrigin::parse(origin.as_ref())?);
        Ok(self)
    }

    /// Loses the protection of the body: any body is let through to the handler.
    #[must_use]
    pub fn dangerous_unsigned_body(mut self) -> Self {
        self.unsigned_body = true;
        self
    }

    fn header(&self) -> &HeaderName {
        let [name] = &self.headers;
        name
    }
}

impl Default for FlaskHmacPath {
    fn default() -> Self {
        Self::new()
    }
}

impl Scheme for FlaskHmacPath {
    fn name(&self) -> &'static str {
        "flask-hmac-0.1"
    }

    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn headers(&self) -> &[HeaderName] {
        &self.headers
    }

    fn carries_key_id(&self) -> bool {
        false
    }

    fn selector(&self) -> Option<Selector<'_>> {
        Some(Selector::TagLen(self.algorithm.tag_len()))
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        let value = wire::single(head, self.header())?;
        Encoding::Base64UrlNoPad.decode_tag(value, self.algorithm).map(Claim::signed).ok_or_else(
            || {
                let text = String::from_utf8_lossy(value.as_bytes());
                shape::no_tag(Some(self.header()), Encoding::Base64UrlNoPad, self.algorithm, &text)
            },
        )
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
        match stamp.key_id() {
            None => Ok(Claim::new()),
            Some(_) => Err(SignError::KeyId("this format has no place for one")),
        }
    }

    fn attach(&self, head: &mut Parts, _: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        let text = Encoding::Base64UrlNoPad.encode(wire::only_tag(tags)?.as_bytes());
        let value = wire::sensitive(self.header(), &text)?;
        head.headers.insert(self.header().clone(), value);
        Ok(())
    }
}
