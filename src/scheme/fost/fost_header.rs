use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method};

use crate::crypto::{Algorithm, Tag};
use crate::error::{ConfigError, header_name};
use crate::key::KeyId;
use crate::scheme::SignError;
use crate::scheme::{
    Claim, ClaimError, Coverage, PublicOrigin, Scheme, Selector, SentHead, SignedText, Stamp,
    Window, path,
};
use crate::scheme::{Encoding, shape, wire};

const TIMESTAMP: HeaderName = HeaderName::from_static("x-fost-timestamp");
const LIST: HeaderName = HeaderName::from_static("x-fost-headers");
const USER: HeaderName = HeaderName::from_static("x-fost-user");

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
#[derive(Clone, Debug)]
pub struct Fost {
    algorithm: Algorithm,
    /// What a signer lists in addition to `X-FOST-Headers`, each with its original spelling.
    signed: Vec<(HeaderName, String)>,
    unsigned_query: bool,
    origin: Option<PublicOrigin>,
}

impl Fost {
    /// Makes the scheme with HMAC-SHA-1. Signs `X-FOST-User` and no other header of the user's.
    #[must_use]
    pub fn new() -> Self {
        Self {
            algorithm: Algorithm::Sha1,
            signed: vec![(USER, "X-FOST-User".into())],
            unsigned_query: false,
            origin: None,
        }
    }

    /// Sets the hash. The original supports only HMAC-SHA-1.
    #[must_use]
    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
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
    /// verified as clients sent it. A signer ignores this, and signs the path of its own request.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if it is not `http` or `https`, a host, and an optional prefix of
    /// the path.
    pub fn with_public_origin(mut self, origin: impl AsRef<str>) -> Result<Self, ConfigError> {
        self.origin = Some(PublicOrigin::parse(origin.as_ref())?);
        Ok(self)
    }

    /// Leaves the query of all methods except GET, HEAD and DELETE unprotected. It is not covered,
    /// or, without a body, covered as if it were the body: `POST /?a` without a body and `POST /`
    /// with the body `a` then have the same signature.
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
        let signature = Encoding::Base64.decode_tag(tag, self.algorithm)?;
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
        self.algorithm
    }

    fn headers(&self) -> &[HeaderName] {
        &OWNED
    }

    fn selector(&self) -> Option<Selector<'_>> {
        Some(Selector::TagLen(self.algorithm.tag_len()))
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
            let tag = shape::of_tags(Encoding::Base64, self.algorithm);
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
        let path = SentHead::new(head, self.origin.as_ref(), claim).path();
        text.part("path").update(decoded_path(&path)?.as_bytes());
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
        let key_id = stamp.key_id().ok_or(SignError::KeyId("a FOST request needs one"))?;
        let now = timestamp(stamp.now())
            .ok_or(SignError::Request("the time is not in the years 0 to 9999"))?;
        head.headers.insert(TIMESTAMP, wire::value(&TIMESTAMP, &now)?);
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
        let key_id = wire::percent_encoded(claim.key_id().map_or("", KeyId::as_str));
        let tag = Encoding::Base64.encode(wire::only_tag(tags)?.as_bytes());
        let value = wire::sensitive(&AUTHORIZATION, &format!("FOST {key_id}:{tag}"))?;
        head.headers.insert(AUTHORIZATION, value);
        Ok(())
    }

    /// Keeps an `Authorization` of another scheme.
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

/// Returns the headers that `X-FOST-Headers` lists. It is the first of them itself.
fn listed(head: &Parts) -> Result<Vec<(HeaderName, HeaderValue)>, ClaimError> {
    let malformed = |why| Err(ClaimError::in_header(&LIST, why));
    let list = wire::text(&LIST, wire::required(head, &LIST)?)?;
    // Not longer than the request has headers, since each is named once.
    let mut listed: Vec<(HeaderName, HeaderValue)> = Vec::new();
    for name in list.split(' ') {
        let Ok(name) = HeaderName::try_from(name) else {
            return malformed("lists something that is not a header name");
        };
        if listed.is_empty() && name != LIST {
            return malformed("does not begin with itself");
        }
        if listed.iter().any(|(other, _)| *other == name) {
            return malformed("lists a header twice");
        }
        let value = wire::required(head, &name)?.clone();
        listed.push((name, value));
    }
    if head.headers.contains_key(USER) && !listed.iter().any(|(name, _)| *name == USER) {
        return Err(ClaimError::in_header(&USER, "is present but not signed"));
    }
    Ok(listed)
}

/// Returns the time of signing, in Unix seconds.
fn created(head: &Parts) -> Result<i64, ClaimError> {
    let text = wire::text(&TIMESTAMP, wire::required(head, &TIMESTAMP)?)?;
    unix_from_timestamp(text)
        .ok_or_else(|| shape::no_time(Some(&TIMESTAMP), "`YYYY-MM-DD HH:MM:SS` in UTC", text))
}

/// Parses `YYYY-MM-DD HH:MM:SS`, or the same with a `T`, and ignores anything after it.
fn unix_from_timestamp(text: &str) -> Option<i64> {
    let (date, time) = text.get(..19)?.split_at_checked(10)?;
    let time = time.strip_prefix([' ', 'T'])?;
    wire::rfc3339(&format!("{date}T{time}Z"))
}

fn timestamp(unix_seconds: i64) -> Option<String> {
    let text = wire::to_rfc3339(unix_seconds)?.replace('T', " ");
    text.strip_suffix('Z').map(Into::into)
}

/// Returns whether the query is signed in place of the body.
fn signs_query(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::DELETE].contains(method)
}

/// Returns the path as both FOST schemes sign it. A newline in it could pass for the end of its
/// line.
pub(super) fn decoded_path(path: &str) -> Result<String, ClaimError> {
    let path = path::decoded(path)?;
    if path.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(ClaimError::malformed("the path contains an escaped control character"));
    }
    Ok(path)
}
