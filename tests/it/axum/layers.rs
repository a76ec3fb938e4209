//! Common layers, outside and inside ours, as in `docs/composing.md`.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::error_handling::HandleErrorLayer;
use axum::extract::Request as AxumRequest;
use axum::middleware::{Next, from_fn};
use axum::routing::{get as on_get, post};
use futures_util::{FutureExt as _, stream};
use tokio::sync::Semaphore;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::{Layer as _, ServiceBuilder};
use tower_hmac::scheme::Part;
use tower_hmac::{ErrorKind, HeaderScheme, VerifyError};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::map_response_body::MapResponseBodyLayer;
use tower_http::normalize_path::NormalizePathLayer;
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};
use tower_http::trace::TraceLayer;

use super::*;

const REJECTED: StatusCode = StatusCode::FORBIDDEN;
const BUSY: StatusCode = StatusCode::SERVICE_UNAVAILABLE;
const TOO_LARGE: StatusCode = StatusCode::PAYLOAD_TOO_LARGE;

/// Covers method, path and body.
fn path_scheme() -> HeaderScheme {
    let parts = [Part::Method, Part::literal("\n"), Part::Path, Part::literal("\n"), Part::Body];
    HeaderScheme::new("x-signature")
        .unwrap()
        .with_key_id_header("x-key-id")
        .unwrap()
        .with_parts(parts)
        .unwrap()
}

fn signed_path(path: &str) -> Request<Body> {
    let signer = Signer::new(path_scheme(), SecretKey::new(KEY).unwrap());
    let request = Request::get(path).body(()).unwrap();
    signer.with_key_id("aservice").unwrap().sign(request).unwrap().map(|()| Body::empty())
}

#[tokio::test]
async fn a_path_that_is_normalized_before_it_is_verified_is_rejected() {
    let verify = || VerifyLayer::new(path_scheme(), keys()).unwrap();
    let routes = || Router::new().route("/item", on_get(async || "item"));
    let normalize = NormalizePathLayer::trim_trailing_slash;

    // Outside: the layer sees `/item`, but the client has signed `/item/`.
    let outside = normalize().layer(routes().layer(verify()));
    let response = send(&outside, signed_path("/item/")).await;
    assert_eq!(response.status(), REJECTED);
    assert_eq!(response.extensions().get::<VerifyError>().unwrap().kind(), ErrorKind::Mismatch);
    assert_eq!(send(&outside, signed_path("/item")).await.status(), StatusCode::OK);

    // Inside: the layer sees the sent path. Both are around the router, because it routes first.
    let inside = verify().layer(normalize().layer(routes()));
    for path in ["/item/", "/item"] {
        let response = inside.clone().oneshot(signed_path(path)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(inside.clone().oneshot(get(path)).await.unwrap().status(), REJECTED, "{path}");
    }
}

#[tokio::test]
async fn a_load_shedder_works_inside_and_never_sheds_outside() {
    let busy = || HandleErrorLayer::new(async |_: tower::BoxError| BUSY);
    let limit = || GlobalConcurrencyLimitLayer::new(1);
    let release = Arc::new(Semaphore::new(0));
    let routes = || {
        let release = release.clone();
        let wait = async move || drop(release.acquire().await.unwrap());
        Router::new().route("/", post(wait))
    };
    let request = || signed(Request::post("/").body("").unwrap());

    let shed = ServiceBuilder::new().layer(busy()).layer(LoadShedLayer::new()).layer(limit());
    let inside = routes().layer(shed).layer(verify());
    let mut first = Box::pin(send(&inside, request()));
    assert!(first.as_mut().now_or_never().is_none(), "the handler waits");
    assert_eq!(status(&inside, request()).await, BUSY);
    // An unsigned request is rejected even if the service is busy.
    assert_eq!(status(&inside, get("/")).await, REJECTED);
    release.add_permits(1);
    assert_eq!(first.await.status(), StatusCode::OK);
    release.forget_permits(1);

    let shed = ServiceBuilder::new().layer(busy()).layer(LoadShedLayer::new());
    let outside = routes().layer(limit()).layer(verify()).layer(shed);
    let mut first = Box::pin(send(&outside, request()));
    assert!(first.as_mut().now_or_never().is_none(), "the handler waits");
    let mut second = Box::pin(send(&outside, request()));
    assert!(second.as_mut().now_or_never().is_none(), "it waits, and is not shed");
    release.add_permits(1);
    assert_eq!(first.await.status(), StatusCode::OK);
    assert_eq!(second.await.status(), StatusCode::OK);
}

fn signed_but_stalled() -> Request<Body> {
    let (head, _) = signed(Request::post("/").body("the whole body").unwrap()).into_parts();
    let body = stream::pending::<Result<bytes::Bytes, Infallible>>();
    Request::from_parts(head, Body::from_stream(body))
}

#[tokio::test(start_paused = true)]
async fn only_a_timeout_outside_bounds_the_body() {
    let routes = || Router::new().route("/", post(async |_: String| "received"));
    let timeout =
        || TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_secs(10));
    let an_hour = Duration::from_secs(3600);

    let outside = routes().layer(verify()).layer(timeout());
    assert_eq!(status(&outside, signed_but_stalled()).await, StatusCode::REQUEST_TIMEOUT);
    let outside = routes().layer(verify()).layer(RequestBodyTimeoutLayer::new(an_hour / 60));
    assert_eq!(status(&outside, signed_but_stalled()).await, StatusCode::BAD_REQUEST);

    let inside = routes().layer(timeout()).layer(verify());
    let waiting = tokio::time::timeout(an_hour, status(&inside, signed_but_stalled()));
    assert!(waiting.await.is_err(), "nothing bounds the body");
}

#[tokio::test(start_paused = true)]
async fn a_timeout_inside_bounds_the_handler() {
    let timeout =
        TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(10));
    let hang = post(async || std::future::pending::<()>().await);
    let app = Router::new().route("/", hang).layer(timeout).layer(verify());
    let request = signed(Request::post("/").body("").unwrap());
    assert_eq!(status(&app, request).await, StatusCode::GATEWAY_TIMEOUT);
}

#[tokio::test]
async fn a_body_limit_outside_answers_first_and_one_inside_after_verification() {
    let routes = || Router::new().route("/", post(async |body: String| body));
    let limit = || RequestBodyLimitLayer::new(5);
    let request = |body: &'static str, sign: bool| {
        let mut request = Request::post("/").body(body).unwrap();
        request.headers_mut().insert("content-length", body.len().into());
        if sign { signed(request) } else { request.map(Body::from) }
    };

    let outside = routes().layer(verify()).layer(limit());
    assert_eq!(status(&outside, request("12345", true)).await, StatusCode::OK);
    assert_eq!(status(&outside, request("123456", true)).await, TOO_LARGE);
    assert_eq!(status(&outside, request("123456", false)).await, TOO_LARGE);
    // Without a length, the layer hits the limit while reading.
    let mut chunked = request("123456", true);
    chunked.headers_mut().remove("content-length");
    assert_eq!(status(&outside, chunked).await, TOO_LARGE);

    let inside = routes().layer(limit()).layer(verify());
    assert_eq!(status(&inside, request("12345", true)).await, StatusCode::OK);
    assert_eq!(status(&inside, request("123456", true)).await, TOO_LARGE);
    assert_eq!(status(&inside, request("123456", false)).await, REJECTED);
}

#[tokio::test]
async fn a_layer_outside_sees_rejections_and_one_inside_does_not() {
    let counter = |count: &Arc<AtomicUsize>| {
        let count = count.clone();
        from_fn(move |request: AxumRequest, next: Next| {
            count.fetch_add(1, Ordering::SeqCst);
            next.run(request)
        })
    };
    let (outside, inside) = (Arc::default(), Arc::default());
    let app = Router::new()
        .route("/", post(async || "received"))
        .layer(counter(&inside))
        .layer(verify())
        .layer(counter(&outside));
    assert_eq!(status(&app, get("/")).await, REJECTED);
    assert_eq!(status(&app, signed(Request::post("/").body("").unwrap())).await, StatusCode::OK);
    assert_eq!((outside.load(Ordering::SeqCst), inside.load(Ordering::SeqCst)), (2, 1));
}

/// `TraceLayer` changes the response body to a type that a rejection cannot build.
#[tokio::test]
async fn a_layer_inside_that_changes_the_response_needs_one_that_changes_it_back() {
    let layers = ServiceBuilder::new()
        .layer(verify())
        .layer(MapResponseBodyLayer::new(Body::new))
        .layer(TraceLayer::new_for_http());
    let app = Router::new().route("/", post(async |body: String| body)).layer(layers);
    let response = send(&app, signed(Request::post("/").body("traced").unwrap())).await;
    assert_eq!(text(response).await, "traced");
    assert_eq!(status(&app, get("/")).await, REJECTED);
}

/// A sender that retries after a 500, with a replay guard and with `OnceLayer`.
#[cfg(feature = "webhooks")]
mod a_handler_that_fails_once {
    use axum::body::Bytes;
    use tower_hmac::MemoryReplay;
    use tower_hmac::once::{MemoryOnce, OnceLayer};
    use tower_hmac::webhooks::{StandardWebhooks, message_id};

    use super::*;

    const FAILED: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;

    /// Answers 500 to the first request, and 200 afterwards.
    fn routes() -> Router {
        let calls = Arc::new(AtomicUsize::new(0));
        let handler = async move |body: Bytes| match calls.fetch_add(1, Ordering::SeqCst) {
            0 => Err(FAILED),
            _ => Ok(body),
        };
        Router::new().route("/", post(handler))
    }

    fn message() -> Request<Bytes> {
        let mut request = Request::post("/").body(Bytes::from("paid")).unwrap();
        message_id(request.headers_mut());
        let signer = Signer::new(StandardWebhooks::new(), SecretKey::new(KEY).unwrap());
        signer.sign(request).unwrap()
    }

    fn verify() -> VerifyLayer {
        let key = KeyMap::single(SecretKey::new(KEY).unwrap()).unwrap();
        VerifyLayer::new(StandardWebhooks::new(), key).unwrap()
    }

    #[tokio::test]
    async fn identical_retry_is_lost_behind_a_replay_guard() {
        let guard = MemoryReplay::new(600).unwrap();
        let app = routes().layer(verify().with_replay_guard(guard).unwrap());
        let message = message();
        assert_eq!(status(&app, message.clone().map(Body::from)).await, FAILED);
        let retry = send(&app, message.map(Body::from)).await;
        assert_eq!(retry.status(), REJECTED);
        assert_eq!(retry.extensions().get::<VerifyError>().unwrap().kind(), ErrorKind::Replayed);
    }

    #[tokio::test]
    async fn identical_retry_is_handled_once_behind_a_once_layer() {
        let once = OnceLayer::new(MemoryOnce::new(600).unwrap());
        let app = routes().layer(once).layer(verify());
        let message = message();
        assert_eq!(status(&app, message.clone().map(Body::from)).await, FAILED);
        assert_eq!(text(send(&app, message.clone().map(Body::from)).await).await, "paid");
        // The delivery was already handled, so the handler is not called again.
        let again = send(&app, message.map(Body::from)).await;
        assert_eq!(again.status(), StatusCode::OK);
        assert_eq!(text(again).await, "");
    }
}
