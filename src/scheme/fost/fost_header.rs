use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderName, Method};

use crate::crypto::{Algorithm, Tag};
use crate::error::{ConfigError, header_name};
use crate::key::KeyId;
use crate::scheme::fost::listed::{LIST, TIMESTAMP, USER, created, listed, write_created};
use crate::scheme::fost::rules::{FostRules, decoded_path, encoded_key_id, encoded_tag};
use crate::scheme::{
    Claim, ClaimError, Coverage, Scheme, Selector, SignError, SignedText, Stamp, Window, shape,
    wire,
};

static OWNED: [HeaderName; 3] = [AUTHORIZATION, TIMESTAMP, LIST];

/// The signed requests of [django-fost-authn] 0.3.8. Needs feature `sha1`.
///
/// `Authorization: FOST <key ID, percent-encoded>:<b64 tag>`, where the tag is an HMAC-SHA-1 of
///
/// ```text
/// METHOD SP path LF
/// X-FOST-Timestamp LF
/// the value of each header named in X-FOST-Headers, in that order, joined by LF LF
/// body
/// ```
///
/// The first name in `X-FOST-Headers` is `X-FOST-Headers`, and names are separated by one space.
/// `X-FOST-Timestamp` is `YYYY-MM-DD HH:MM:SS` in UTC; anything after these 19 characters is signed
/// but not read. A request whose age, or whose lead, equals the tolerance is rejected.
///
/// **Covered:** method, path, time, the listed headers, the body of all methods except GET, HEAD
/// and DELETE, and the query of these three (which must not have a body). If there is an
/// `X-FOST-User`, it must be listed. [`Verified::signed_headers`] returns the listed headers:
/// `request.SIGNED`.
///
/// **Not covered:** scheme and host, headers that are not listed, and the key ID. Two key IDs with
/// one secret can impersonate each other.
///
/// A query on any other method is rejected, since it would be unsigned, or pass for the body. The
/// path is percent-decoded before it is signed. A path with an escaped `/`, `%` or control
/// character is rejected. These pairs of requests have the same signature:
///
/// * `/a` and `/%61`: a character and its escape in the path;
/// * `/a` and `/a?`: no query and an empty one;
/// * a key ID with more or fewer characters escaped.
///
/// [`Verified::signed_headers`]: crate::Verified::signed_headers
/// [django-fost-authn]: https://pypi.org/project/django-fost-authn/0.3.8/
///
/// ```
/// use http::Request;
/// use tower_hmac::scheme::Fost;
/// use tower_hmac::{KeyMap, SecretKey, Signer, Verifier};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let key = || SecretKey::new("k7Qz-b3Wn");
/// let signer = Signer::new(Fost::new(), key()?).with_key_id("aservice")?;
/// let (head, body) = signer.sign(Request::post("/orders").body("{}")?)?.into_parts();
///
/// let verifier = Verifier::new(Fost::new(), KeyMap::named([("aservice", key()?)])?)?;
/// assert!(verifier.verify(&head, body.as_bytes()).await.is_ok());
/// assert!(verifier.verify(&head, b"[]").await.is_err());
/// # Ok::<(), tower_hmac::BoxError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Fost {
    rules: FostRules,
    /// The headers that a signer lists in addition to `X-FOST-Headers`, in their original spelling.
    signed: Vec<(HeaderName, String)>,
    unsigned_query: bool,
}

impl Fost {
    /// Makes the scheme with HMAC-SHA-1. The only application header that it signs is
    /// `X-FOST-User`.
    #[must_use]
    pub fn new() -> Self {
        Self {
            rules: FostRules::new(),
            signed: vec![(USER, "X-FOST-User".into())],
            unsigned_query: false,
        }
    }

    /// Sets the hash. The original supports only HMAC-SHA-1.
    #[must_use]
    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.rules.algorithm = algorithm;
        self
    }

    /// Sets the headers that a signer covers, in this order and after `X-FOST-User`, which is
    /// always covered. Headers missing from a request are not listed. A verifier takes the list
    /// from the request.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if one is not a header name, occurs twice, or is `Authorization` or
    /// `X-FOST-Headers`.
    pub fn with_signed_headers<N>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Result<Self, ConfigError>
    where
        N: Into<String>,
    {
        const SETTING: &str = "signed headers";
        self.signed = vec![(USER, "X-FOST-User".into())];
        for text in names {
            let text = text.into();
            let name = header_name(text.as_str(), SETTING)?;
            if name == AUTHORIZATION || name == LIST {
                return Err(ConfigError::invalid(
                    SETTING,
                    "include a header that carries the signature",
                ));
            }
            if name == USER {
                continue;
            }
            if self.signed.iter().any(|(other, _)| *other == name) {
                return Err(ConfigError::invalid(SETTING, "include a header twice"));
            }
            self.signed.push((name, text));
        }
        Ok(self)
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
        self.rules.set_public_origin(origin.as_ref())?;
        Ok(self)
    }

    /// Leaves the query of all methods except GET, HEAD and DELETE unprotected. With a body, the
    /// query is not covered. Without a body, the query is covered as if it were the body. `POST
    /// /?a` without a body then has the same signature as `POST /` with the body `a`.
    #[must_use]
    pub fn dangerous_unsigned_query(mut self) -> Self {
        self.unsigned_query = true;
        self
    }

    fn credentials(&self, text: &str) -> Option<Claim> {
        let (key_id, tag) = text.split_once(':')?;
        if !key_id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let signature = self.rules.decode_tag(tag)?;
        let key_id = KeyId::new(wire::percent_decoded(key_id)?).ok()?;
        Some(Claim::signed(signature).with_key_id(key_id))
    }
}

impl Default for Fost {
    fn default() -> Self {
        Self::new()
    }
}

impl Scheme for Fost {
    fn name(&self) -> &'static str {
        "fost"
    }

    fn algorithm(&self) -> Algorithm {
        self.rules.algorithm
    }

    fn headers(&self) -> &[HeaderName] {
        &OWNED
    }

    fn selector(&self) -> Option<Selector<'_>> {
        Some(Selector::TagLen(self.rules.algorithm.tag_len()))
    }

    fn requires_key_id(&self) -> bool {
        true
    }

    fn window(&self) -> Window {
        Window::timed().excluding_edge()
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        let malformed = || ClaimError::in_header(&AUTHORIZATION, "is not a FOST signature");
        let unexpected = |text: &str| {
            let tag = self.rules.expected_tag();
            let found = match text.split_once(':') {
                Some((_, text)) => {
                    format!("a key ID, a colon and {}", shape::of_other_than(&tag, text))
                }
                None => format!("{} without a colon", shape::of(text)),
            };
            let expected = format!("a percent-encoded key ID, a colon and {tag}");
            ClaimError::unexpected(&AUTHORIZATION, expected, found)
        };
        let has_rest = [TIMESTAMP, LIST].iter().any(|name| head.headers.contains_key(name));
        let text = match authorization(head) {
            Err(ClaimError::Missing) if has_rest => return Err(malformed()),
            text => text?,
        };
        Ok(self
            .credentials(text)
            .ok_or_else(|| unexpected(text))?
            .with_created(created(head)?)
            .with_signed_headers(listed(head)?))
    }

    fn coverage(&self, head: &Parts, _: &Claim) -> Result<Coverage, ClaimError> {
        let has_query = head.uri.query().is_some_and(|query| !query.is_empty());
        match (signs_query(&head.method), has_query, self.unsigned_query) {
            (true, ..) => Ok(Coverage::Empty),
            (false, false, _) => Ok(Coverage::Signed),
            (false, true, true) => Ok(Coverage::Derived),
            (false, true, false) => Err(ClaimError::malformed("this method's query is unsigned")),
        }
    }

    fn before_body(
        &self,
        head: &Parts,
        claim: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        text.part("method").update(head.method.as_str().as_bytes());
        text.part("literal").update(b" ");
        text.part("path").update(decoded_path(self.rules.sent(head, claim))?.as_bytes());
        text.part("literal").update(b"\n");
        text.part(TIMESTAMP.as_str()).update(wire::required(head, &TIMESTAMP)?.as_bytes());
        for (name, value) in claim.covered().iter().flat_map(|covered| covered.headers()) {
            text.part("literal").update(b"\n");
            text.part(name.as_str()).update(value.as_bytes());
        }
        text.part("literal").update(b"\n");
        if signs_query(&head.method) {
            text.part("query").update(head.uri.query().unwrap_or_default().as_bytes());
        }
        Ok(())
    }

    /// Only called with `dangerous_unsigned_query`.
    fn derive(
        &self,
        head: &Parts,
        _: &Claim,
        body: &[u8],
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        let query = head.uri.query().unwrap_or_default();
        if body.is_empty() {
            text.part("query").update(query.as_bytes());
        } else {
            text.part("body").update(body);
        }
        Ok(())
    }

    fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        if head.headers.contains_key(AUTHORIZATION) {
            return Err(SignError::Request(
                "the request already has an `Authorization` of another scheme",
            ));
        }
        let key_id = stamp.required_key_id("a FOST request needs one")?;
        write_created(head, stamp.now())?;
        let mut list = String::from("X-FOST-Headers");
        for (_, text) in self.signed.iter().filter(|(name, _)| head.headers.contains_key(name)) {
            list.push(' ');
            list.push_str(text);
        }
        head.headers.insert(LIST, wire::value(&LIST, &list)?);
        Ok(Claim::new()
            .with_key_id(key_id.clone())
            .with_created(stamp.now())
            .with_signed_headers(listed(head)?))
    }

    fn attach(&self, head: &mut Parts, claim: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        let text = format!("FOST {}:{}", encoded_key_id(claim), encoded_tag(tags)?);
        head.headers.insert(AUTHORIZATION, wire::sensitive(&AUTHORIZATION, &text)?);
        Ok(())
    }

    /// Removes the signature, but keeps an `Authorization` of another scheme.
    fn strip(&self, head: &mut Parts) {
        if authorization(head) != Err(ClaimError::Missing) {
            head.headers.remove(AUTHORIZATION);
        }
        head.headers.remove(TIMESTAMP);
        head.headers.remove(LIST);
    }
}

/// Returns the credentials after `FOST`. An `Authorization` of another scheme counts as missing.
fn authorization(head: &Parts) -> Result<&str, ClaimError> {
    wire::credentials(head, &AUTHORIZATION, "FOST")
}

/// Returns whether the query is signed in place of the body.
fn signs_query(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::DELETE].contains(method)
}
