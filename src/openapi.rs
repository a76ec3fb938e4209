//! Describes signature schemes in OpenAPI documents.
//!
//! See [`security_schemes`] for an example.

use std::time::Duration;

use http::header::{CONTENT_TYPE, HOST};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use serde_json::{Map, Value, json};

use crate::clock::ManualClock;
use crate::key::{KeyId, SecretKey};
use crate::scheme::Scheme;
use crate::sign::nonce::{FixedNonce, NONCE_LEN};
use crate::sign::{SignError, Signer};

/// The maximum number of headers that a scheme may require.
const MAX_HEADERS: usize = 64;

/// Returns the OpenAPI 3 security schemes of a signature scheme, by name: the members of
/// `components.securitySchemes`. Needs feature `openapi`.
///
/// Each header or query parameter that a client must write becomes an `apiKey`: the signature, and,
/// if the scheme has them, the key ID, the time and the nonce. The description of the first one
/// lists what the signature covers. To find this out, the function signs a request, changes each
/// part in turn, and compares the signatures.
///
/// A request must satisfy all of them at once: see [`security_requirement`].
///
/// ```
/// use tower_hmac::openapi::{security_requirement, security_schemes};
/// use tower_hmac::scheme::{Part, TimeFormat};
/// use tower_hmac::HeaderScheme;
///
/// let scheme = HeaderScheme::new("x-signature")?.with_parts([
///     Part::timestamp("x-timestamp", TimeFormat::UnixSeconds)?,
///     Part::literal("\n"),
///     Part::Body,
/// ])?;
/// let schemes = security_schemes(&scheme)?;
/// assert_eq!(
///     schemes["header"]["description"],
///     "HMAC (sha256) that covers the body and the time of signing."
/// );
/// assert_eq!(schemes["header-x-timestamp"]["name"], "x-timestamp");
///
/// let mut document = serde_json::json!({ "openapi": "3.1.0", "components": {} });
/// document["security"] = serde_json::json!([security_requirement(&schemes)]);
/// document["components"]["securitySchemes"] = schemes;
/// # Ok::<(), tower_hmac::BoxError>(())
/// ```
///
/// # Errors
///
/// Returns [`SignError`] if the scheme cannot sign, such as a scheme with the signature in the
/// body.
pub fn security_schemes<S: Scheme + Clone>(scheme: &S) -> Result<Value, SignError> {
    let probe = Probe::new(scheme)?;
    let base = probe.sign(&probe.head, probe.body)?;
    let mut schemes = Map::new();
    let mut add = |place: &str, name: &str, description: String| {
        let id = if schemes.is_empty() {
            scheme.name().to_owned()
        } else {
            format!("{}-{name}", scheme.name())
        };
        schemes.insert(
            id,
            json!({ "type": "apiKey", "in": place, "name": name, "description": description }),
        );
    };
    let signature = probe.describe(&base);
    for name in scheme.headers().iter().filter(|name| base.headers.contains_key(*name)) {
        add("header", name.as_str(), signature.clone());
    }
    let own = names(&probe.head.uri);
    for name in names(&base.uri).into_iter().filter(|name| !own.contains(name)) {
        add("query", name, signature.clone());
    }
    for name in probe.written(&base) {
        add("header", name.as_str(), probe.role(name, &base).to_owned());
    }
    Ok(Value::Object(schemes))
}

/// Returns the requirement to satisfy all of these [`security_schemes`]: a member of `security` in
/// a document or an operation.
///
/// See [`security_schemes`] for an example.
#[must_use]
pub fn security_requirement(schemes: &Value) -> Value {
    let names = schemes.as_object().into_iter().flat_map(Map::keys);
    Value::Object(names.map(|name| (name.clone(), json!([]))).collect())
}

const BODY: &[u8] = br#"{"a":"1"}"#;
const OTHER_BODY: &[u8] = br#"{"a":"2"}"#;
const NOW: i64 = 1_700_000_000;
const LIFETIME: Duration = Duration::from_secs(60);
const KEY_ID: &str = "key-id";

/// A request that is signed repeatedly, with one difference each time.
struct Probe<S> {
    scheme: S,
    /// A random key for all of the signatures, none of which is returned.
    key: SecretKey,
    head: Parts,
    body: &'static [u8],
    key_id: Option<KeyId>,
    now: i64,
    nonce: u8,
}

impl<S: Scheme + Clone> Probe<S> {
    /// Finds a request that the scheme can sign: some schemes reject a query, others a body.
    fn new(scheme: &S) -> Result<Self, SignError> {
        Self::of(scheme, Method::POST, "https://api.example.com/path?a=1", BODY)
            .or_else(|_| Self::of(scheme, Method::POST, "https://api.example.com/path", BODY))
            .or_else(|_| Self::of(scheme, Method::GET, "https://api.example.com/path?a=1", b""))
    }

    /// Makes a probe, with the headers that the scheme requires.
    fn of(
        scheme: &S,
        method: Method,
        uri: &'static str,
        body: &'static [u8],
    ) -> Result<Self, SignError> {
        let (mut head, ()) = Request::new(()).into_parts();
        head.method = method;
        head.uri = Uri::from_static(uri);
        head.headers.insert(HOST, HeaderValue::from_static("api.example.com"));
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let key_id = KeyId::new(KEY_ID).ok();
        let key_id = key_id.filter(|id| scheme.carries_key_id() && scheme.check_key_id(id).is_ok());
        let key = SecretKey::generate(scheme.algorithm());
        let scheme = scheme.clone();
        let mut probe = Self { scheme, key, head, body, key_id, now: NOW, nonce: 1 };
        for _ in 0..MAX_HEADERS {
            match probe.sign(&probe.head, probe.body) {
                Ok(_) => break,
                Err(SignError::Header { header, .. })
                    if !probe.head.headers.contains_key(&header) =>
                {
                    probe.head.headers.insert(header, HeaderValue::from_static("1"));
                }
                Err(SignError::KeyId(_)) if probe.key_id.is_some() => probe.key_id = None,
                Err(error) => return Err(error),
            }
        }
        Ok(probe)
    }

    fn sign(&self, head: &Parts, body: &[u8]) -> Result<Parts, SignError> {
        let unusable = |_| SignError::KeyId("the scheme cannot carry the key ID");
        let mut signer = Signer::new(self.scheme.clone(), self.key.clone())
            .with_clock(ManualClock::new(self.now))
            .with_nonce_source(FixedNonce([self.nonce; NONCE_LEN]))
            // Required for links.
            .with_lifetime(LIFETIME);
        if let Some(key_id) = self.key_id.clone() {
            signer = signer.with_key_id(key_id).map_err(unusable)?;
        }
        let mut signed = head.clone();
        signer.sign_head(&mut signed, body)?;
        Ok(signed)
    }

    fn at(&self, now: i64, nonce: u8) -> Option<Parts> {
        let other = Self {
            scheme: self.scheme.clone(),
            key: self.key.clone(),
            head: self.head.clone(),
            body: self.body,
            key_id: self.key_id.clone(),
            now,
            nonce,
        };
        other.sign(&other.head, other.body).ok()
    }

    /// Returns the headers that the signer wrote, except for the signature itself.
    fn written<'a>(&'a self, base: &'a Parts) -> impl Iterator<Item = &'a HeaderName> {
        base.headers.iter().filter_map(|(name, value)| {
            let is_new = self.head.headers.get(name) != Some(value);
            (is_new && !self.scheme.headers().contains(name)).then_some(name)
        })
    }

    fn role(&self, name: &HeaderName, base: &Parts) -> &'static str {
        let differs = |other: Option<Parts>| {
            other.is_some_and(|other| other.headers.get(name) != base.headers.get(name))
        };
        if base.headers.get(name).is_some_and(|value| value == KEY_ID) {
            "The key ID."
        } else if differs(self.at(NOW.saturating_add(86_400), 1)) {
            "The time of signing."
        } else if differs(self.at(NOW, 2)) {
            "A value that is new in each request."
        } else {
            "Covered by the signature."
        }
    }

    /// Describes what the signature covers.
    fn describe(&self, base: &Parts) -> String {
        let changed = |change: &dyn Fn(&mut Parts)| {
            let mut head = self.head.clone();
            change(&mut head);
            self.sign(&head, self.body).is_ok_and(|signed| self.differs(&signed, base))
        };
        let uri = |uri: &'static str| changed(&|head| head.uri = Uri::from_static(uri));
        let mut covered = Vec::new();
        let mut add = |is_covered: bool, part: &str| {
            if is_covered {
                covered.push(part.to_owned());
            }
        };
        let method = if self.head.method == Method::GET { Method::HEAD } else { Method::PUT };
        add(changed(&|head| head.method = method.clone()), "the method");
        // Some schemes cannot sign a query.
        let path = if self.head.uri.query().is_some() {
            "https://api.example.com/other?a=1"
        } else {
            "https://api.example.com/other"
        };
        add(uri(path), "the path");
        add(uri("https://api.example.com/path?a=2"), "the query");
        let other = self.sign(&self.head, if self.body == BODY { OTHER_BODY } else { BODY });
        add(other.is_ok_and(|signed| self.differs(&signed, base)), "the body");
        for name in self.head.headers.keys() {
            let is_covered = changed(&|head| {
                head.headers.insert(name, HeaderValue::from_static("2"));
            });
            add(is_covered, &format!("the header `{name}`"));
        }
        let later = self.at(NOW.saturating_add(86_400), 1);
        add(later.is_some_and(|later| self.differs(&later, base)), "the time of signing");
        let covered = match covered.split_last() {
            None => "nothing".into(),
            Some((last, [])) => last.clone(),
            Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        };
        format!("HMAC ({}) that covers {covered}.", self.scheme.algorithm())
    }

    /// Returns whether the signatures differ.
    fn differs(&self, one: &Parts, other: &Parts) -> bool {
        let headers = |head: &Parts| {
            let names = self.scheme.headers().iter();
            names.map(|name| head.headers.get(name).cloned()).collect::<Vec<_>>()
        };
        if headers(other).iter().any(Option::is_some) {
            return headers(one) != headers(other);
        }
        // The signature is the last parameter of the query.
        let last = |head: &Parts| parameters(&head.uri).last().map(str::to_owned);
        last(one) != last(other)
    }
}

/// Returns the parameters of the query, still encoded.
fn parameters(uri: &Uri) -> impl Iterator<Item = &str> {
    uri.query().unwrap_or_default().split('&').filter(|parameter| !parameter.is_empty())
}

fn names(uri: &Uri) -> Vec<&str> {
    parameters(uri).filter_map(|parameter| parameter.split('=').next()).collect()
}
