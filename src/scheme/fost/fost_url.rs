use std::time::Duration;

use http::request::Parts;
use http::{HeaderName, Method, Uri};

use crate::crypto::{Algorithm, Tag};
use crate::error::ConfigError;
use crate::key::KeyId;
use crate::scheme::fost::rules::{FostRules, decoded_path, encoded_key_id, encoded_tag};
use crate::scheme::{
    Claim, ClaimError, Coverage, Scheme, SignError, SignedText, Stamp, Window, compat_axum, shape,
    target, wire,
};

/// The signed URLs of [django-fost-authn] 0.3.8: links with an expiry, for clients without a key.
/// Needs feature `sha1`.
///
/// The query has three parameters, in any position: `_k` is the key ID, `_e` is the last second in
/// which the link works, in Unix seconds, and `_s` is the tag in base64, an HMAC-SHA-1 of
///
/// ```text
/// host path ["?" rest] LF expiry
/// ```
///
/// where *rest* is the query without the three. [`Signer::sign_url`](crate::Signer::sign_url) makes such links.
///
/// **Covered:** host, path, the rest of the query, and the expiry. **Not covered:** the method,
/// which is GET or HEAD, `http` or `https`, headers, and the key ID. Two key IDs with one secret
/// can impersonate each other. A request with a body is rejected.
///
/// *host* is the authority of the target, or else the only `Host` header, with its port and in the
/// case in which it was sent. The path is percent-decoded before it is signed. A path with an
/// escaped `/`, `%`, `?` or control character is rejected. These pairs of requests have the same
/// signature:
///
/// * `/a` and `/%61`: a character and its escape in the path;
/// * GET and HEAD: with a replay guard, a HEAD uses up the link;
/// * the three parameters in other positions of the query, and `/a?_k=..` and `/a?&_k=..`;
/// * their values with more or fewer characters escaped.
///
/// Anybody with the link can use it until it expires: keep it out of logs. The signature is in the
/// target of the request, so `strip_signature` removes the three parameters from it.
///
/// [django-fost-authn]: https://pypi.org/project/django-fost-authn/0.3.8/
#[derive(Clone, Debug)]
pub struct FostUrl {
    rules: FostRules,
    max_lifetime: Option<u64>,
    no_expiry: bool,
    unsigned_body: bool,
}

impl FostUrl {
    /// Makes the scheme with HMAC-SHA-1 and no limit on the lifetime.
    #[must_use]
    pub fn new() -> Self {
        Self { rules: FostRules::new(), max_lifetime: None, no_expiry: false, unsigned_body: false }
    }

    /// Sets the hash. The original supports only HMAC-SHA-1.
    #[must_use]
    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.rules.algorithm = algorithm;
        self
    }

    /// Sets how far ahead of now an expiry may be, in whole seconds. A link that would work for
    /// longer is rejected.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_hmac::scheme::FostUrl;
    ///
    /// // Whoever makes a link can open it for a day at most.
    /// let scheme = FostUrl::new().with_max_lifetime(Duration::from_secs(24 * 60 * 60));
    /// # let _ = scheme;
    /// ```
    #[must_use]
    pub fn with_max_lifetime(mut self, most: Duration) -> Self {
        self.max_lifetime = Some(most.as_secs());
        self
    }

    /// Sets the address under which clients reach this service, such as
    /// `https://api.example.com/v2`, if a proxy rewrites `Host` or strips a prefix of the path.
    /// Links are then verified for that host, whatever the request says, and for the path as
    /// clients sent it. A signer ignores the address, and signs the URL that it is given.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] unless `origin` is `http` or `https`, a host, and an optional path
    /// prefix.
    pub fn with_public_origin(mut self, origin: impl AsRef<str>) -> Result<Self, ConfigError> {
        self.rules.set_public_origin(origin.as_ref())?;
        Ok(self)
    }

    /// Accepts links that never expire: a link without `_e` works as long as its key, whatever the
    /// longest lifetime.
    #[must_use]
    pub fn dangerous_no_expiry(mut self) -> Self {
        self.no_expiry = true;
        self
    }

    /// Leaves the body unprotected: a request with any body is accepted.
    #[must_use]
    pub fn dangerous_unsigned_body(mut self) -> Self {
        self.unsigned_body = true;
        self
    }

    fn expires(&self, value: Option<&str>) -> Result<Option<i64>, ClaimError> {
        match value {
            None if self.no_expiry => Ok(None),
            None => Err(ClaimError::malformed("`_e` is missing")),
            Some(value) => decoded_value(value)
                .and_then(|text| wire::unix_seconds(&text))
                .map(Some)
                .ok_or_else(|| shape::no_time(None, "Unix seconds in `_e`", value)),
        }
    }
}

impl Default for FostUrl {
    fn default() -> Self {
        Self::new()
    }
}

impl Scheme for FostUrl {
    fn name(&self) -> &'static str {
        "fost-url"
    }

    fn algorithm(&self) -> Algorithm {
        self.rules.algorithm
    }

    fn headers(&self) -> &[HeaderName] {
        &[]
    }

    fn requires_key_id(&self) -> bool {
        true
    }

    fn window(&self) -> Window {
        let window = if self.no_expiry { Window::untimed() } else { Window::timed() };
        self.max_lifetime.map_or(window, |most| window.with_max_lifetime(most))
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        let (key_id, expires, tag) = match Query::of(&head.uri)? {
            Query { key_id: None, expires: None, tag: None, .. } => {
                return Err(ClaimError::Missing);
            }
            Query { key_id: Some(key_id), expires, tag: Some(tag), .. } => (key_id, expires, tag),
            _ => return Err(ClaimError::malformed("`_k` or `_s` is missing")),
        };
        check_method(&head.method)?;
        let signature =
            decoded_value(tag).and_then(|tag| self.rules.decode_tag(&tag)).ok_or_else(|| {
                let expected = self.rules.expected_tag();
                let found = shape::of_other_than(&expected, tag);
                ClaimError::unexpected(None, format!("{expected} in `_s`"), found)
            })?;
        let key_id = decoded_value(key_id)
            .and_then(|key_id| KeyId::new(key_id).ok())
            .ok_or(ClaimError::malformed("`_k` is not a key ID"))?;
        let claim = Claim::signed(signature).with_key_id(key_id);
        Ok(match self.expires(expires)? {
            Some(expires) => claim.with_expires(expires),
            None => claim,
        })
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
        let sent = self.rules.sent(head, claim);
        let path = decoded_path(sent)?;
        // A `?` in the path could pass for the start of the query.
        if path.contains('?') {
            return Err(ClaimError::malformed("the path contains an escaped `?`"));
        }
        text.part("host").update(sent.host()?.as_bytes());
        text.part("path").update(path.as_bytes());
        let rest = Query::of(&head.uri)?.rest();
        if !rest.is_empty() {
            text.part("literal").update(b"?");
            text.part("query").update(rest.as_bytes());
        }
        text.part("literal").update(b"\n");
        if let Some(expires) = claim.expires() {
            text.part("_e").update(expires.to_string().as_bytes());
        }
        Ok(())
    }

    fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        check_method(&head.method)?;
        let key_id = stamp.required_key_id("a FOST URL needs one")?;
        target::drop_usual_port(head);
        let claim = Claim::new().with_key_id(key_id.clone());
        match stamp.expires() {
            None if self.no_expiry => Ok(claim),
            None => Err(SignError::Request("a FOST URL needs a lifetime")),
            _ if self.max_lifetime.is_some_and(|most| stamp.lifetime() > Some(most)) => {
                Err(SignError::Request("the lifetime is over the limit"))
            }
            Some(expires) if wire::unix_seconds(&expires.to_string()).is_none() => {
                Err(SignError::Request("the expiry is out of range"))
            }
            Some(expires) => Ok(claim.with_expires(expires)),
        }
    }

    fn attach(&self, head: &mut Parts, claim: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        let mut query = Query::of(&head.uri)?.rest();
        let mut add = |name: &str, value: &str| {
            if !query.is_empty() {
                query.push('&');
            }
            for piece in [name, "=", value] {
                query.push_str(piece);
            }
        };
        add("_k", &encoded_key_id(claim));
        if let Some(expires) = claim.expires() {
            add("_e", &expires.to_string());
        }
        add("_s", &wire::percent_encoded(&encoded_tag(tags)?));
        head.uri = target::with_query(&head.uri, &query)
            .ok_or(SignError::Request("the target cannot take the signature"))?;
        Ok(())
    }

    fn strip(&self, head: &mut Parts) {
        compat_axum::change_target(head, strip);
    }
}

/// A query with its three parameters as sent, each at most once.
#[derive(Default)]
struct Query<'q> {
    key_id: Option<&'q str>,
    expires: Option<&'q str>,
    tag: Option<&'q str>,
    rest: Vec<&'q str>,
}

impl<'q> Query<'q> {
    fn of(uri: &'q Uri) -> Result<Self, ClaimError> {
        let mut query = Self::default();
        for piece in uri.query().unwrap_or_default().split('&') {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            let slot = match name {
                "_k" => &mut query.key_id,
                "_e" => &mut query.expires,
                "_s" => &mut query.tag,
                _ => {
                    query.rest.push(piece);
                    continue;
                }
            };
            if slot.replace(value).is_some() {
                return Err(ClaimError::malformed("`_k`, `_e` or `_s` occurs twice"));
            }
        }
        Ok(query)
    }

    /// Returns the query without the three parameters, otherwise unchanged.
    fn rest(&self) -> String {
        self.rest.join("&")
    }
}

/// Decodes a value. A `+` may mean a space or itself, and is rejected.
fn decoded_value(value: &str) -> Option<String> {
    if value.contains('+') { None } else { wire::percent_decoded(value) }
}

fn check_method(method: &Method) -> Result<(), ClaimError> {
    match *method {
        Method::GET | Method::HEAD => Ok(()),
        _ => Err(ClaimError::malformed("a FOST URL is only for GET and HEAD")),
    }
}

fn strip(uri: &mut Uri) {
    let stripped = Query::of(uri).ok().and_then(|query| target::with_query(uri, &query.rest()));
    if let Some(stripped) = stripped {
        *uri = stripped;
    }
}
