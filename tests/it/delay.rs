//! Delayed rejections, on tokio's paused clock.
#![cfg(feature = "tokio")]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response, StatusCode};
use tokio::time::Instant;
use tower::util::ServiceFn;
use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};
use tower_hmac::key::key_fn;
use tower_hmac::layer::VerifiedBody;
use tower_hmac::{BoxError, FlaskHmac, KeyId, KeyMap, SecretKey, Signer, VerifyLayer};

const HALF_A_SECOND: Duration = Duration::from_millis(500);

fn layer() -> VerifyLayer {
    VerifyLayer::new(FlaskHmac::new(), KeyMap::named([("a", "key")]).unwrap()).unwrap()
}

fn signed(body: &'static str) -> Request<Body> {
    let signer = Signer::new(FlaskHmac::new(), SecretKey::new("key").unwrap());
    let request = Request::post("/").body(body).unwrap();
    signer.with_key_id("a").unwrap().sign(request).unwrap().map(Body::from)
}

type Inner = fn(Request<VerifiedBody<Body>>) -> Ready<Result<Response<Body>, Infallible>>;

fn inner() -> ServiceFn<Inner> {
    service_fn(|_| ready(Ok(Response::new(Body::empty()))))
}

/// The status, and the time on tokio's clock, which only advances while waiting.
async fn answer(layer: VerifyLayer, request: Request<Body>) -> (StatusCode, Duration) {
    let start = Instant::now();
    let response = layer.layer(inner()).oneshot(request).await.unwrap();
    (response.status(), start.elapsed())
}

fn rejections() -> [Request<Body>; 4] {
    let unsigned = || Request::post("/").body(Body::empty()).unwrap();
    let mut malformed = unsigned();
    malformed.headers_mut().insert("signature", "?".parse().unwrap());
    let mut mismatch = signed("{}");
    *mismatch.body_mut() = Body::from("[]");
    let signer = Signer::new(FlaskHmac::new(), SecretKey::new("key").unwrap());
    let unknown = signer.with_key_id("b").unwrap().sign(Request::post("/").body("").unwrap());
    [unsigned(), malformed, mismatch, unknown.unwrap().map(Body::from)]
}

#[tokio::test(start_paused = true)]
async fn all_rejections_are_delayed_equally() {
    for request in rejections() {
        let outcome = answer(layer().with_rejection_delay(HALF_A_SECOND), request).await;
        assert_eq!(outcome, (StatusCode::FORBIDDEN, HALF_A_SECOND));
    }
    let allowed = layer().only(["somebody-else"]).unwrap().with_rejection_delay(HALF_A_SECOND);
    let outcome = answer(allowed, signed("{}")).await;
    assert_eq!(outcome, (StatusCode::FORBIDDEN, HALF_A_SECOND));
}

#[tokio::test(start_paused = true)]
async fn rejections_are_not_delayed_by_default() {
    for request in rejections() {
        assert_eq!(answer(layer(), request).await, (StatusCode::FORBIDDEN, Duration::ZERO));
    }
}

#[tokio::test(start_paused = true)]
async fn accepted_requests_are_not_delayed() {
    let outcome = answer(layer().with_rejection_delay(HALF_A_SECOND), signed("{}")).await;
    assert_eq!(outcome, (StatusCode::OK, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn failing_bodies_and_stores_are_not_delayed() {
    let limited = layer().with_body_limit(1).with_rejection_delay(HALF_A_SECOND);
    let outcome = answer(limited, signed("{}")).await;
    assert_eq!(outcome, (StatusCode::PAYLOAD_TOO_LARGE, Duration::ZERO));

    let mut broken = signed("{}");
    let frames = futures_util::stream::iter([Err::<&str, _>(BoxError::from("broken off"))]);
    *broken.body_mut() = Body::from_stream(frames);
    let outcome = answer(layer().with_rejection_delay(HALF_A_SECOND), broken).await;
    assert_eq!(outcome, (StatusCode::BAD_REQUEST, Duration::ZERO));

    let down = key_fn(|_: Option<&KeyId>, _: &http::request::Parts| async {
        Err::<Option<tower_hmac::KeySet>, _>(BoxError::from("down"))
    });
    let failing =
        VerifyLayer::new(FlaskHmac::new(), down).unwrap().with_rejection_delay(HALF_A_SECOND);
    let outcome = answer(failing, signed("{}")).await;
    assert_eq!(outcome, (StatusCode::SERVICE_UNAVAILABLE, Duration::ZERO));
}

/// Ten simultaneous rejections take as long as one, because no thread sleeps.
#[tokio::test(start_paused = true)]
async fn delayed_rejections_do_not_queue() {
    let start = Instant::now();
    let layer = layer().with_rejection_delay(HALF_A_SECOND);
    let answers = (0..10).flat_map(|_| rejections()).map(|request| answer(layer.clone(), request));
    futures_util::future::join_all(answers).await;
    assert_eq!(start.elapsed(), HALF_A_SECOND);
}

/// The timer starts on the runtime, wherever the service was called.
#[test]
fn a_service_may_be_called_outside_of_the_runtime() {
    let layer = layer().with_rejection_delay(HALF_A_SECOND);
    let mut service = layer.layer(inner());
    let rejected = service.call(Request::post("/").body(Body::empty()).unwrap());
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    let response = runtime.block_on(rejected).unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}

#[tokio::test(start_paused = true)]
async fn later_settings_keep_the_delay() {
    use tower_hmac::layer::StatusRejection;
    let layer = layer()
        .with_rejection_delay(HALF_A_SECOND)
        .with_body_limit(1000)
        .only(["a"])
        .unwrap()
        .with_rejection(StatusRejection::new(StatusCode::UNAUTHORIZED).unwrap());
    let request = Request::post("/").body(Body::empty()).unwrap();
    assert_eq!(answer(layer.clone(), request).await, (StatusCode::UNAUTHORIZED, HALF_A_SECOND));
}
