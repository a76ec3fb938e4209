//! `Signed<T, L>`: a single route, without a layer.

use std::future::Future as _;
use std::task::{Context, Poll, Waker};

use axum::extract::{FromRef, FromRequest as _, MatchedPath, State};
use axum::routing::{any, post};
use axum::{Extension, Json};
use bytes::Bytes;
use tower_hmac::extract::{SharedVerifier, Signed};
use tower_hmac::{ErrorKind, MemoryReplay, MessageSignatures};

use super::*;
use crate::support::script::{Script, Step};

#[derive(Clone)]
struct Service {
    verifier: SharedVerifier,
    greeting: &'static str,
}

impl FromRef<Service> for SharedVerifier {
    fn from_ref(service: &Service) -> Self {
        service.verifier.clone()
    }
}

async fn lines(Signed(Json(lines), caller): Signed<Json<Vec<u32>>, Billing>) -> String {
    format!("{} from {}", lines.len(), caller.key_id().unwrap())
}

async fn bytes(Signed(body, _): Signed<Bytes>) -> String {
    body.len().to_string()
}

async fn kept(
    State(service): State<Service>,
    Signed(request, caller): Signed<axum::extract::Request>,
) -> String {
    let extensions = request.extensions();
    let path = extensions.get::<MatchedPath>().unwrap().as_str().to_owned();
    let word = extensions.get::<&'static str>().unwrap();
    // The caller is passed next to the request, and nowhere else.
    assert!(extensions.get::<tower_hmac::Verified>().is_none());
    format!("{} {path} {word} {:?}", service.greeting, caller.key_id())
}

fn app(verifier: SharedVerifier) -> Router {
    Router::new()
        .route("/lines", post(lines))
        .route("/bytes", any(bytes))
        .route("/kept/{id}", post(kept))
        .layer(Extension("extension"))
        .with_state(Service { verifier, greeting: "hello" })
}

fn post_by(service: &str, path: &str, body: &str) -> Request<Body> {
    let mut request = by(service, Method::POST, path, body);
    request.headers_mut().insert("content-type", "application/json".parse().unwrap());
    request
}

#[tokio::test]
async fn a_signed_body_is_passed_on_with_its_caller() {
    let app = app(layer().shared());
    let response = send(&app, post_by("aservice", "/lines", "[1, 2]")).await;
    assert_eq!(text(response).await, "2 from aservice");
}

#[tokio::test]
async fn signed_answers_with_the_shared_layers_rejection() {
    let app = app(layer().with_rejection_fn(spelled).shared());
    let mut changed = post_by("aservice", "/lines", "[1]");
    *changed.body_mut() = Body::from("[2]");
    let cases = [
        (unsigned(Method::POST, "/lines"), "missing", ErrorKind::Missing),
        (post_by("bservice", "/lines", "[1]"), "not_allowed", ErrorKind::NotAllowed),
        (post_by("", "/lines", "[1]"), "not_allowed", ErrorKind::NotAllowed),
        (changed, "mismatch", ErrorKind::Mismatch),
    ];
    for (request, expected, kind) in cases {
        let response = send(&app, request).await;
        assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
        assert_eq!(response.extensions().get::<VerifyError>().unwrap().kind(), kind);
        assert_eq!(text(response).await, expected);
    }
}

/// Otherwise, it would be accepted again with an empty body that nobody signed.
#[tokio::test]
async fn a_request_is_not_accepted_again_if_polled_after_completion() {
    let scheme = MessageSignatures::new;
    let key = || SecretKey::new("zk9-Vw2p").unwrap();
    let keys = KeyMap::named([("aservice", key())]).unwrap();
    let verifier = VerifyLayer::new(scheme(), keys).unwrap().shared();
    let signer = Signer::new(scheme(), key()).with_key_id("aservice").unwrap();
    let request = Request::post("http://localhost/").body("signed").unwrap();
    let steps = |body: &'static str| Script::of([Step::Wait, Step::Data(body.into())]);
    let request = signer.sign(request).unwrap().map(steps).map(Body::new);

    let mut context = Context::from_waker(Waker::noop());
    let mut extracting = Box::pin(Signed::<Bytes>::from_request(request, &verifier));
    assert!(extracting.as_mut().poll(&mut context).is_pending());
    let Poll::Ready(Ok(Signed(body, _))) = extracting.as_mut().poll(&mut context) else { panic!() };
    assert_eq!(body, "signed");
    assert!(extracting.as_mut().poll(&mut context).is_pending());
}

/// A signed body that is not such JSON is rejected by the inner extractor, with its own error.
#[tokio::test]
async fn the_inner_extractors_rejection_is_unchanged() {
    let app = app(layer().shared());
    let syntax = send(&app, post_by("aservice", "/lines", "[1,")).await;
    assert_eq!(syntax.status(), StatusCode::BAD_REQUEST);
    let data = send(&app, post_by("aservice", "/lines", "{}")).await;
    assert_eq!(data.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

/// Rejects an unsigned request before the inner extractor reads a byte.
#[tokio::test]
async fn an_unsigned_body_never_reaches_the_inner_extractor() {
    let app = app(layer().shared());
    let mut request = unsigned(Method::POST, "/lines");
    *request.body_mut() = Body::from("[1,");
    assert_eq!(status(&app, request).await, StatusCode::FORBIDDEN);
}

/// Otherwise, a caller who may not call this route could use up requests for another route.
#[tokio::test]
async fn the_list_is_checked_before_the_replay_claim() {
    let clock = tower_hmac::clock::ManualClock::new(crate::stamped::NOW);
    let keys = || KeyMap::named([("aservice", "akey"), ("bservice", "bkey")]).unwrap();
    let guard = std::sync::Arc::new(MemoryReplay::new(10).unwrap());
    let layer = VerifyLayer::new(crate::stamped::Stamped::new(), keys())
        .unwrap()
        .with_clock(clock.clone())
        .with_replay_guard(guard)
        .unwrap();
    let app = app(layer.shared());
    let signer = crate::stamped::signer("bservice", "bkey", &clock);
    let head = crate::stamped::head(&signer, b"[1]");
    let request = |path: &str| {
        let mut head = head.clone();
        head.method = Method::POST;
        head.uri = path.parse().unwrap();
        head.headers.insert("content-type", "application/json".parse().unwrap());
        Request::from_parts(head, Body::from("[1]"))
    };
    for _ in 0..2 {
        let rejected = send(&app, request("/lines")).await;
        let error = rejected.extensions().get::<VerifyError>().unwrap();
        assert_eq!(error.kind(), ErrorKind::NotAllowed);
        assert_eq!(error.claimed_key_id().unwrap().as_str(), "bservice");
    }
    assert_eq!(status(&app, request("/bytes")).await, StatusCode::OK);
    assert_eq!(status(&app, request("/bytes")).await, StatusCode::FORBIDDEN, "claimed now");
}

#[tokio::test]
async fn all_extensions_are_kept() {
    let app = app(layer().shared());
    let response = send(&app, post_by("aservice", "/kept/7", "{}")).await;
    assert_eq!(text(response).await, "hello /kept/{id} extension Some(\"aservice\")");
}

#[tokio::test]
async fn the_verifiers_limit_is_the_inner_extractors() {
    const MIB: usize = 1024 * 1024;
    let app = app(layer().with_body_limit(10 * MIB).shared());
    for (size, expected) in [
        (3 * MIB, StatusCode::OK),
        (10 * MIB, StatusCode::OK),
        (10 * MIB + 1, StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let request = by("aservice", Method::POST, "/bytes", vec![0; size]);
        assert_eq!(status(&app, request).await, expected, "{size}");
    }
}

#[tokio::test]
async fn signed_ignores_optional_and_respects_disarmed() {
    let optional = app(layer().optional().shared());
    let rejected = status(&optional, unsigned(Method::POST, "/bytes")).await;
    assert_eq!(rejected, StatusCode::FORBIDDEN);
    let disarmed = app(layer().dangerous_disarmed(true).shared());
    assert_eq!(status(&disarmed, unsigned(Method::POST, "/bytes")).await, StatusCode::OK);
}
