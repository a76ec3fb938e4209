//! Services behind a proxy that rewrites `Host` and strips a prefix of the path.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use futures_util::FutureExt as _;
use http::header::HOST;
use http::request::Parts;
use http::{Request, Uri};
use tower::ServiceExt as _;
use tower_hmac::clock::ManualClock;
use tower_hmac::scheme::{FlaskHmacPath, Part};
use tower_hmac::{
    ErrorKind, HeaderScheme, KeyMap, Scheme, SecretKey, Signer, Verifier, VerifyLayer,
};

const NOW: i64 = 1_700_000_000;
const ORIGIN: &str = "https://api.example.com/v2/";

fn key() -> SecretKey {
    SecretKey::new("a key of the tests").unwrap()
}

fn signer<S: Scheme>(scheme: S) -> Signer<S> {
    Signer::new(scheme, key())
        .with_lifetime(Duration::from_secs(60))
        .with_clock(ManualClock::new(NOW))
}

fn verifier(scheme: impl Scheme + 'static) -> Verifier {
    let keys = KeyMap::single(key()).unwrap().with_key("billing", key()).unwrap();
    Verifier::new(scheme, keys).unwrap().with_clock(ManualClock::new(NOW))
}

/// The request that a client signs.
fn sent<S: Scheme>(signer: &Signer<S>) -> Parts {
    let request = Request::get("https://api.example.com/v2/a%20b/c?d=e");
    let (mut head, ()) = request.body(()).unwrap().into_parts();
    signer.sign_head(&mut head, b"").unwrap();
    head
}

/// The request after the proxy.
fn proxied(mut head: Parts) -> Parts {
    let target = head.uri.path_and_query().unwrap().as_str();
    head.uri = target.strip_prefix("/v2").unwrap().parse().unwrap();
    head.headers.insert(HOST, "10.0.0.7:3000".parse().unwrap());
    head
}

fn outcome(scheme: impl Scheme + 'static, head: &Parts) -> Option<ErrorKind> {
    let outcome = verifier(scheme).verify(head, b"").now_or_never().unwrap();
    outcome.err().map(|error| error.kind())
}

/// Tests a scheme behind a proxy. `at` makes the scheme of a service with this public origin.
fn prefix_is_given_back<S: Scheme + Clone + 'static>(signer: &Signer<S>, at: impl Fn(&str) -> S) {
    let plain = signer.scheme().clone();
    let arrived = proxied(sent(signer));
    assert_eq!(outcome(plain.clone(), &arrived), Some(ErrorKind::Mismatch));
    assert_eq!(outcome(at(ORIGIN), &arrived), None);
    for other in
        ["https://api.example.com", "https://api.example.com/v1", "https://api.example.com/v2/v2"]
    {
        assert_eq!(outcome(at(other), &arrived), Some(ErrorKind::Mismatch), "{other}");
    }
    // The prefix occurs twice, because the service was called without the proxy.
    let mut moved = arrived.clone();
    moved.uri = format!("/v2{}", arrived.uri).parse().unwrap();
    assert_eq!(outcome(at(ORIGIN), &moved), Some(ErrorKind::Mismatch));
    assert_eq!(at(ORIGIN).name(), plain.name());
}

/// The same scheme object can serve both sides, and the client has no proxy in front.
fn signer_goes_by_its_own_request<S: Scheme>(plain: &Signer<S>, at_origin: &Signer<S>) {
    let (plain, at_origin) = (sent(plain), sent(at_origin));
    assert_eq!((plain.uri, plain.headers), (at_origin.uri, at_origin.headers));
}

fn of_parts() -> HeaderScheme {
    let parts = [
        Part::Method,
        Part::literal("\n"),
        Part::header(HOST).unwrap(),
        Part::literal("\n"),
        Part::Path,
        Part::literal("\n"),
        Part::Query,
        Part::literal("\n"),
        Part::Body,
    ];
    HeaderScheme::new("X-Signature").unwrap().with_parts(parts).unwrap()
}

#[test]
fn header_scheme_verifies_the_path_and_the_host_that_the_client_sent() {
    let at = |origin: &str| of_parts().with_public_origin(origin).unwrap();
    prefix_is_given_back(&signer(of_parts()), at);
    signer_goes_by_its_own_request(&signer(of_parts()), &signer(at(ORIGIN)));
    let arrived = proxied(sent(&signer(of_parts())));
    let other = at("https://api.example.org/v2");
    assert_eq!(outcome(other, &arrived), Some(ErrorKind::Mismatch));
    let verified = verifier(at(ORIGIN)).verify(&arrived, b"").now_or_never().unwrap().unwrap();
    let host = verified.signed_headers().next().unwrap();
    assert_eq!((host.0, host.1.as_bytes()), (&HOST, &b"api.example.com"[..]));
}

#[test]
fn flask_hmac_path_verifies_the_path_that_the_client_sent() {
    let at = |origin: &str| FlaskHmacPath::new().with_public_origin(origin).unwrap();
    prefix_is_given_back(&signer(FlaskHmacPath::new()), at);
    signer_goes_by_its_own_request(&signer(FlaskHmacPath::new()), &signer(at(ORIGIN)));
}

#[cfg(feature = "sha1")]
#[test]
fn fost_verifies_the_path_that_the_client_sent() {
    use tower_hmac::scheme::Fost;

    let named = |scheme: Fost| signer(scheme).with_key_id("billing").unwrap();
    let at = |origin: &str| Fost::new().with_public_origin(origin).unwrap();
    prefix_is_given_back(&named(Fost::new()), at);
    signer_goes_by_its_own_request(&named(Fost::new()), &named(at(ORIGIN)));
}

#[cfg(feature = "sha1")]
#[test]
fn fost_url_verifies_the_host_and_the_path_that_the_client_sent() {
    use tower_hmac::scheme::FostUrl;

    let named = |scheme: FostUrl| signer(scheme).with_key_id("billing").unwrap();
    let at = |origin: &str| FostUrl::new().with_public_origin(origin).unwrap();
    prefix_is_given_back(&named(FostUrl::new()), at);
    signer_goes_by_its_own_request(&named(FostUrl::new()), &named(at(ORIGIN)));
    let arrived = proxied(sent(&named(FostUrl::new())));
    let other = at("https://api.example.org/v2");
    assert_eq!(outcome(other, &arrived), Some(ErrorKind::Mismatch));
}

/// The router shortens the path again. The path received from the proxy is verified.
#[tokio::test]
async fn prefix_is_restored_to_the_path_under_nest() {
    let scheme = of_parts().with_public_origin("https://api.example.com/v2").unwrap();
    let layer = VerifyLayer::from(verifier(scheme));
    let inner = Router::new().route("/c", get(async |uri: Uri| uri.to_string())).layer(layer);
    let app = Router::new().nest("/a%20b", inner);
    let head = proxied(sent(&signer(of_parts())));
    let response = app.oneshot(Request::from_parts(head, Body::empty())).await.unwrap();
    assert_eq!(response.status(), 200);
}

#[test]
fn invalid_origin_is_a_config_error() {
    for origin in ["", "api.example.com", "ftp://api.example.com", "https://api.example.com/?a"] {
        let error = of_parts().with_public_origin(origin).unwrap_err().to_string();
        assert!(error.starts_with("public_origin: "), "{error}");
        assert!(FlaskHmacPath::new().with_public_origin(origin).is_err());
        #[cfg(feature = "sha1")]
        assert!(tower_hmac::scheme::Fost::new().with_public_origin(origin).is_err());
        #[cfg(feature = "sha1")]
        assert!(tower_hmac::scheme::FostUrl::new().with_public_origin(origin).is_err());
    }
}
