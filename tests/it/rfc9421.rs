//! HTTP Message Signatures (RFC 9421).
#![cfg(feature = "rfc9421")]

mod config;
mod digest;
mod fields;
mod labels;
mod lifetime;
mod parties;
mod properties;
mod rejections;
mod signing;
mod spelling;
mod target;
mod vectors;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt as _;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request};
use tower_hmac::clock::ManualClock;
use tower_hmac::crypto::Mac;
use tower_hmac::testing::FixedNonce;
use tower_hmac::{
    Algorithm, ErrorKind, KeyMap, MessageSignatures, Scheme, SecretKey, Signer, Verified, Verifier,
    VerifyError,
};

/// The time of the signatures in the RFC.
const NOW: i64 = 1_618_884_473;
const KEY_ID: &str = "test-shared-secret";
const KEY: &str =
    "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
const BODY: &[u8] = b"{\"hello\": \"world\"}";
const BODY_DIGEST: &str = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
const NONCE: &str = "0123456789abcdef";

fn key() -> SecretKey {
    SecretKey::from_base64(KEY).unwrap()
}

fn verifier(scheme: impl Scheme + 'static) -> Verifier {
    let keys = KeyMap::named([(KEY_ID, key()), ("other", SecretKey::new("other").unwrap())]);
    Verifier::new(scheme, keys.unwrap()).unwrap().with_clock(ManualClock::new(NOW))
}

fn signer(scheme: MessageSignatures) -> Signer<MessageSignatures> {
    Signer::new(scheme, key())
        .with_key_id(KEY_ID)
        .unwrap()
        .with_clock(ManualClock::new(NOW))
        .with_nonce_source(FixedNonce([7; 24]))
}

/// Verifies under the strict policy.
fn verify(head: &Parts, body: &[u8]) -> Result<Verified, VerifyError> {
    verify_by(&verifier(MessageSignatures::new()), head, body)
}

fn verify_by(verifier: &Verifier, head: &Parts, body: &[u8]) -> Result<Verified, VerifyError> {
    verifier.verify(head, body).now_or_never().expect("nothing here waits")
}

#[track_caller]
fn assert_rejected(result: Result<Verified, VerifyError>, kind: ErrorKind, why: &str) {
    let error = result.expect_err("rejected");
    assert_eq!(error.kind(), kind, "{error:?}");
    let text = format!("{error:?} {error}");
    assert!(text.contains(why), "{text} does not say {why:?}");
}

/// The components that most tests cover.
fn covered() -> String {
    r#"("@method" "@authority" "@path" "@query" "content-digest")"#.to_owned()
}

/// The signature parameters of most tests.
fn parameters() -> String {
    format!(r#";created={NOW};keyid="{KEY_ID}";nonce="{NONCE}""#)
}

/// An unsigned request, as it arrives at a server.
fn request() -> Parts {
    head(
        "POST",
        "/foo?param=Value&Pet=dog",
        &[
            ("host", "example.com"),
            ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
            ("content-type", "application/json"),
            ("content-digest", BODY_DIGEST),
        ],
    )
}

fn head(method: &str, target: &str, headers: &[(&str, &str)]) -> Parts {
    let (mut head, ()) =
        Request::builder().method(method).uri(target).body(()).unwrap().into_parts();
    for (name, value) in headers {
        head.headers.append(
            HeaderName::try_from(*name).unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    head
}

/// Parses a request in HTTP/1.1 text, as in the vectors.
fn parse(message: &str) -> (Parts, Vec<u8>) {
    let (text, body) = message.split_once("\n\n").unwrap_or((message, ""));
    let mut lines = text.lines();
    let mut start = lines.next().unwrap().split(' ');
    let (method, target) = (start.next().unwrap(), start.next().unwrap());
    let headers: Vec<_> = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name, value.strip_prefix(' ').unwrap_or(value)))
        .collect();
    (head(method, target, &headers), body.as_bytes().to_vec())
}

/// Returns the tag of a text, in base64.
fn tag(text: &str) -> String {
    let mut mac = Mac::new(Algorithm::Sha256, &key());
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().as_bytes())
}

/// Signs with any `Signature-Input`, even one that our own signer never writes.
fn sign(head: &mut Parts, input: &str) {
    let base = MessageSignatures::new().signature_base(head, input).unwrap();
    put(head, input, &tag(&base));
}

fn put(head: &mut Parts, input: &str, tag: &str) {
    set(head, "signature-input", &format!("sig={input}"));
    set(head, "signature", &format!("sig=:{tag}:"));
}

fn set(head: &mut Parts, name: &'static str, value: &str) {
    head.headers.insert(name, value.try_into().unwrap());
}

/// The request of most tests, signed for the strict policy.
fn signed() -> Parts {
    let mut head = request();
    sign(&mut head, &(covered() + &parameters()));
    head
}
