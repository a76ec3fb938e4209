//! Finds out what a scheme covers, by changing a signed request and verifying it again.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HOST, HeaderValue};
use http::request::Parts;
use http::{Method, Request};
use tower_hmac::clock::ManualClock;
use tower_hmac::{KeyId, KeyMap, Scheme, SecretKey, Signer, Verifier};

const NOW: i64 = 1_700_000_000;
const BODY: &[u8] = b"a=1";

/// The parts of a request that a scheme's signature covers, and the parts that it does not cover.
pub(crate) struct Coverage {
    pub(crate) covered: Vec<&'static str>,
    pub(crate) uncovered: Vec<&'static str>,
}

type Change = fn(&mut Parts, &mut Vec<u8>);

const CHANGES: [(&str, Change); 6] = [
    ("method", |head, _| head.method = Method::PUT),
    ("host", |head, _| {
        head.headers.insert(HOST, HeaderValue::from_static("other.example"));
        head.uri = "https://other.example/hook?c=d".parse().unwrap_or_default();
    }),
    ("path", |head, _| head.uri = "https://example.com/hooks?c=d".parse().unwrap_or_default()),
    ("query", |head, _| head.uri = "https://example.com/hook?c=e".parse().unwrap_or_default()),
    ("content-type", |head, _| {
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    }),
    ("body", |_, body| body.extend_from_slice(b"&b=2")),
];

/// Signs a request and tries each change. Returns `None` if the scheme cannot sign the request.
pub(crate) async fn coverage(scheme: &Arc<dyn Scheme>) -> Option<Coverage> {
    let key = SecretKey::new("a key for a sample that is thrown away").ok()?;
    let mut signer = Signer::new(scheme.clone(), key.clone())
        .with_clock(ManualClock::new(NOW))
        .with_lifetime(Duration::from_secs(60));
    let mut keys = KeyMap::default();
    if scheme.requires_key_id() {
        let id = KeyId::new("sample").ok()?;
        signer = signer.with_key_id(id.clone()).ok()?;
        keys = keys.with_key(id, key).ok()?;
    } else {
        keys = keys.with_single(key).ok()?;
    }
    let verifier = Verifier::new(scheme.clone(), keys).ok()?.with_clock(ManualClock::new(NOW));
    let request = Request::post("https://example.com/hook?c=d")
        .header(HOST, "example.com")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let mut bodies = [BODY, b""].into_iter();
    let (head, body) = bodies.find_map(|body| {
        let get = body.is_empty().then_some(Method::GET);
        let (mut head, ()) = request_of(&request)?.into_parts();
        head.method = get.unwrap_or(Method::POST);
        signer.sign_head(&mut head, body).ok()?;
        Some((head, body))
    })?;
    verifier.verify(&head, body).await.ok()?;
    let mut coverage = Coverage { covered: Vec::new(), uncovered: Vec::new() };
    for (name, change) in CHANGES {
        let (mut head, mut body) = (head.clone(), body.to_vec());
        // A changed URI loses a signature in its query: restore it.
        let query = head.uri.query().map(str::to_owned);
        change(&mut head, &mut body);
        restore_signature(&mut head, query.as_deref());
        match verifier.verify(&head, &body).await {
            Ok(_) => coverage.uncovered.push(name),
            Err(_) => coverage.covered.push(name),
        }
    }
    Some(coverage)
}

fn request_of(builder: &http::request::Builder) -> Option<Request<()>> {
    let mut request = Request::new(());
    *request.method_mut() = builder.method_ref()?.clone();
    *request.uri_mut() = builder.uri_ref()?.clone();
    *request.headers_mut() = builder.headers_ref()?.clone();
    Some(request)
}

/// Restores the parameters that signing added, if a change replaced the URI.
fn restore_signature(head: &mut Parts, signed: Option<&str>) {
    let Some(added) = signed.and_then(|query| query.strip_prefix("c=d&")) else { return };
    if head.uri.query().is_some_and(|query| query.contains(added)) {
        return;
    }
    if let Ok(uri) = format!("{}&{added}", head.uri).parse() {
        head.uri = uri;
    }
}
