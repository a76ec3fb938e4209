//! Whitespace around signed values, and the case of the authentication scheme in `Authorization`.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use futures_util::FutureExt as _;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderName, HeaderValue, Request};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use tower_hmac::clock::ManualClock;
use tower_hmac::scheme::Part;
use tower_hmac::{
    HeaderScheme, KeyMap, Scheme, SecretKey, SignError, Signer, Verified, Verifier, VerifyLayer,
};

const NOW: i64 = 1_700_000_000;

fn key() -> SecretKey {
    SecretKey::new("a key of the tests").unwrap()
}

fn signer<S: Scheme>(scheme: S) -> Signer<S> {
    Signer::new(scheme, key()).with_clock(ManualClock::new(NOW))
}

fn verifier(scheme: impl Scheme + 'static) -> Verifier {
    let keys = KeyMap::single(key()).unwrap().with_key("billing", key()).unwrap();
    Verifier::new(scheme, keys).unwrap().with_clock(ManualClock::new(NOW))
}

/// A client must sign what arrives: whitespace around a value is lost in transit.
fn spaces_are_not_signed<S: Scheme>(signer: &Signer<S>, covered: &[HeaderName]) {
    for name in covered {
        for value in [" x", "x ", "\tx", " ", " x "] {
            let mut request = Request::get("/path").body(()).unwrap();
            for other in covered {
                request.headers_mut().insert(other, HeaderValue::from_static("a"));
            }
            request.headers_mut().insert(name, HeaderValue::from_static(value));
            match signer.sign(request).unwrap_err() {
                SignError::Header { header, .. } => assert_eq!(header, name, "{value:?}"),
                error => panic!("{name}: {error}"),
            }
        }
    }
}

fn three_headers() -> HeaderScheme {
    let header = |name| Part::header(name).unwrap();
    let parts = [
        header("x-a"),
        Part::literal("\n"),
        header("content-type"),
        Part::literal("\n"),
        header("host"),
        Part::literal("\n"),
        Part::Body,
    ];
    HeaderScheme::new("X-Signature").unwrap().with_parts(parts).unwrap()
}

#[test]
fn header_scheme_does_not_sign_a_value_with_spaces_around_it() {
    let names = ["x-a", "content-type"].map(HeaderName::from_static);
    spaces_are_not_signed(&signer(three_headers()), &[&names[..], &[HOST]].concat());
}

#[cfg(feature = "sha1")]
#[test]
fn fost_does_not_sign_a_value_with_spaces_around_it() {
    let scheme =
        tower_hmac::scheme::Fost::new().with_signed_headers(["X-A", "Content-Type"]).unwrap();
    let signer = signer(scheme).with_key_id("billing").unwrap();
    let names = ["x-fost-user", "x-a", "content-type"].map(HeaderName::from_static);
    spaces_are_not_signed(&signer, &names);
}

/// A server's parser trims values. If a parser does not trim, two values must not share a
/// signature.
#[test]
fn a_value_with_spaces_around_it_is_not_verified_either() {
    let mut request = Request::get("/").body("").unwrap();
    for name in ["x-a", "content-type", "host"] {
        request.headers_mut().insert(name, HeaderValue::from_static("a"));
    }
    let (mut head, _) = signer(three_headers()).sign(request).unwrap().into_parts();
    let verifier = verifier(three_headers());
    assert!(verifier.verify(&head, b"").now_or_never().unwrap().is_ok());
    head.headers.insert("x-a", HeaderValue::from_static(" a"));
    assert!(verifier.verify(&head, b"").now_or_never().unwrap().is_err());
}

/// The scheme is matched in any case (RFC 9110 section 11.1). Otherwise, an optional layer would
/// treat the request as unsigned.
async fn any_case_is_the_scheme<S: Scheme + Clone + 'static>(signer: &Signer<S>, scheme: &str) {
    let handler = async |verified: Option<Verified>| verified.is_some().to_string();
    let app = |layer: VerifyLayer| Router::new().route("/", get(handler)).layer(layer);
    let required = app(VerifyLayer::from(verifier(signer.scheme().clone())));
    let optional = app(VerifyLayer::from(verifier(signer.scheme().clone())).optional());
    let (signed, ()) = signer.sign(Request::get("/").body(()).unwrap()).unwrap().into_parts();
    let right = signed.headers[AUTHORIZATION].to_str().unwrap();
    let credentials = right.strip_prefix(scheme).unwrap();
    let send = async |app: &Router, authorization: String| {
        let mut head = signed.clone();
        head.headers.insert(AUTHORIZATION, authorization.parse().unwrap());
        let response = app.clone().oneshot(Request::from_parts(head, Body::empty())).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (head.status.as_u16(), String::from_utf8(body.to_vec()).unwrap())
    };
    let (lower, upper) = (scheme.to_ascii_lowercase(), scheme.to_ascii_uppercase());
    let mixed = lower.replacen(&lower[..1], &upper[..1], 1);
    for spelling in [lower.as_str(), &upper, &mixed] {
        for app in [&required, &optional] {
            let authorization = format!("{spelling}{credentials}");
            assert_eq!(send(app, authorization).await, (200, "true".into()), "{spelling}");
            for wrong in
                [format!("{spelling}{credentials}0"), format!("{spelling} "), spelling.into()]
            {
                assert_eq!(send(app, wrong.clone()).await, (403, String::new()), "{wrong:?}");
            }
        }
    }
}

#[tokio::test]
async fn header_scheme_accepts_its_authorization_in_any_case() {
    let scheme = HeaderScheme::new(AUTHORIZATION).unwrap().with_prefix("HMAC ").unwrap();
    any_case_is_the_scheme(&signer(scheme.clone()), "HMAC").await;
    // Our scheme defines the rest of the header, which has one spelling.
    let scheme = scheme.with_prefix("HMAC v1=").unwrap();
    any_case_is_the_scheme(&signer(scheme.clone()), "HMAC").await;
    let signed = signer(scheme.clone()).sign(Request::get("/").body("").unwrap()).unwrap();
    let (mut head, _) = signed.into_parts();
    let right = head.headers[AUTHORIZATION].to_str().unwrap().replace("v1", "V1");
    head.headers.insert(AUTHORIZATION, right.parse().unwrap());
    assert!(verifier(scheme).verify(&head, b"").now_or_never().unwrap().is_err());
}

#[cfg(feature = "sha1")]
#[tokio::test]
async fn fost_accepts_its_authorization_in_any_case() {
    let signer = signer(tower_hmac::scheme::Fost::new()).with_key_id("billing").unwrap();
    any_case_is_the_scheme(&signer, "FOST").await;
}

#[tokio::test]
async fn an_authorization_of_another_scheme_passes_an_optional_layer_unverified() {
    let scheme = HeaderScheme::new(AUTHORIZATION).unwrap().with_prefix("HMAC ").unwrap();
    let handler = async |verified: Option<Verified>| verified.is_some().to_string();
    let layer = VerifyLayer::from(verifier(scheme)).optional();
    let app = Router::new().route("/", get(handler)).layer(layer);
    for other in ["Bearer 123", "HMACS 123", "Basic YTpi"] {
        let request = Request::get("/").header(AUTHORIZATION, other).body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "false", "{other}");
    }
}
