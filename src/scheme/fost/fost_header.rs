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
/// `Authorization: FOST <key id, percent-encoded>:<b64 tag>`, where the tag is an HMAC-SHA-1 of
///
/// ```text
/// METHOD SP path LF
/// X-FOST-Timestamp LF
/// the value of each header named in X-FOST-Headers, in that order, joined by LF LF
/// body
/// ```
///
/// The first name in `X-FOST-Headers` is `X-FOST-Headers`; one space stands between two names.
/// `X-FOST-Timestamp` is `YYYY-MM-DD HH:MM:SS` in UTC, and what follows these 19 characters is
/// signed and not read. A request whose age, or whose lead, is the whole tolerance is refused.
///
/// **Covered:** method, path, time, the body of all methods but GET, HEAD and DELETE, the query of
/// these three (none of them may have a body), and the listed headers, among them `X-FOST-User`
/// where there is one. [`Verified::signed_headers`] has the listed ones: `request.SIGNED`.
///
/// **Not covered:** scheme and host, headers that are not listed, and the key id: two key ids with
/// one secret can take each other's name.
///
/// A query on any other method is refused, since it would be unsigned, or pass for the body. The
/// path is percent-decoded before it is signed; one with an escaped `/`, `%` or control character
/// is refused. These pairs of requests have one signature:
///
/// * `/a` and `/%61`: a character and its escape in the path;
/// * `/a` and `/a?`: no query and an empty one;
/// * a key id with more or fewer characters escaped.
///
/// [`Verified::signed_headers`]: crate::Verified::signed_headers
/// [django-fost-authn]: https://pypi.org/project/django-fost-authn/0.3.8/
#[derive(Clone, Debug)]
pub struct Fost {
    algorithm: Algorithm,
    /// What a signer lists beside `X-FOST-Headers`, each as it is written.
    signed: Vec<(HeaderName, String)>,
    unsigned_query: bool,
    origin: Option<PublicOrigin>,
}

impl Fost {
    /// HMAC-SHA-1. Signs `X-FOST-User` and no other header of the user's.
    #[must_use]
    pub fn new() -> Self {
        Self {
            algorithm: Algorithm::Sha1,
            signed: vec![(USER, "X-FOST-User".into())],
            unsigned_query: false,
            origin: None,
        }
    }

    /// Sets the hash. The old system has HMAC-SHA-1 alone.
    #[must_use]
    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Sets the headers that a signer covers, in this order and after `X-FOST-User`, which it always
    /// covers. One that a request does not carry is left out of its list. A verifier takes the list
    /// from the request.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if one is no header name, is there twice, or is `Authorization` or
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
                return Err(ConfigError::invalid(SETTING, "are those that carry the signature"));
            }
            if name == USER {
                continue;
            }
            if self.signed.iter().any(|(other, _)| *other == name) {
                return Err(ConfigError::invalid(SETTING, "name a header twice"));
            }
            self.signed.push((name, text));
        }
        Ok(self)
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

    /// Loses the query of all methods but GET, HEAD and DELETE: it is not covered, or, where there
    /// is no body, covered as if it were the body. `POST /?a` without a body and `POST /` with the
    /// body `a` have one signature then.
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
        let malformed = || ClaimError::in_header(&AUTHORIZATION, "is no FOST signature");
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
        for (name, value) in claim.covered().iter().flat_map(|covered| &covered.headers) {
            text.part("literal").update(b"\n");
            text.part(name.as_str()).update(value.as_bytes());
        }
        text.part("literal").update(b"\n");
        if signs_query(&head.method) {
            text.part("query").update(head.uri.query().unwrap_or_default().as_bytes());
        }
        Ok(())
    }

    /// With `dangerous_unsigned_query` alone.
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
            return Err(SignError::Request("there is an `Authorization` of another kind"));
        }
        let key_id = stamp.key_id().ok_or(SignError::KeyId("a FOST request names its key"))?;
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

    /// Leaves an `Authorization` of another kind.
    fn strip(&self, head: &mut Parts) {
        if authorization(head) != Err(ClaimError::Missing) {
            head.headers.remove(AUTHORIZATION);
        }
        head.headers.remove(TIMESTAMP);
        head.headers.remove(LIST);
    }
}

/// The credentials after `FOST`. An `Authorization` of another kind is none of ours.
fn authorization(head: &Parts) -> Result<&str, ClaimError> {
    wire::credentials(head, &AUTHORIZATION, "FOST")
}

/// The headers that `X-FOST-Headers` lists, itself the first.
fn listed(head: &Parts) -> Result<Vec<(HeaderName, HeaderValue)>, ClaimError> {
    let malformed = |why| Err(ClaimError::in_header(&LIST, why));
    let list = wire::text(&LIST, wire::required(head, &LIST)?)?;
    // No longer than the request has headers, each of which is named once.
    let mut listed: Vec<(HeaderName, HeaderValue)> = Vec::new();
    for name in list.split(' ') {
        let Ok(name) = HeaderName::try_from(name) else {
            return malformed("lists what is no header name");
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
        return Err(ClaimError::in_header(&USER, "is there and not signed"));
    }
    Ok(listed)
}

/// The time of signing, in Unix seconds.
fn created(head: &Parts) -> Result<i64, ClaimError> {
    let text = wire::text(&TIMESTAMP, wire::required(head, &TIMESTAMP)?)?;
    unix_from_timestamp(text)
        .ok_or_else(|| shape::no_time(Some(&TIMESTAMP), "`YYYY-MM-DD HH:MM:SS` in UTC", text))
}

/// `YYYY-MM-DD HH:MM:SS`, or with a `T`, and anything behind it.
fn unix_from_timestamp(text: &str) -> Option<i64> {
    let (date, time) = text.get(..19)?.split_at_checked(10)?;
    let time = time.strip_prefix([' ', 'T'])?;
    wire::rfc3339(&format!("{date}T{time}Z"))
}

fn timestamp(unix_seconds: i64) -> Option<String> {
    let text = wire::to_rfc3339(unix_seconds)?.replace('T', " ");
    text.strip_suffix('Z').map(Into::into)
}

/// Whether the query stands in the body's place.
fn signs_query(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::DELETE].contains(method)
}

/// The path as both FOST formats sign it. A newline in it could pass for the end of its line.
pub(super) fn decoded_path(path: &str) -> Result<String, ClaimError> {
    let path = path::decoded(path)?;
    if path.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(ClaimError::malformed("the path has an escaped control character"));
    }
    Ok(path)
}
