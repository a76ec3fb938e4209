//! The layer inside a verifying layer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::post;
use futures_util::FutureExt as _;
use http::{HeaderValue, Request, StatusCode};
use http_body_util::BodyExt as _;
use tokio::sync::Notify;
use tower_hmac::clock::ManualClock;
use tower_hmac::once::{
    Acquired, Lease, MemoryOnce, OnceAnswer, OnceLayer, OnceRequest, OnceStore,
};
use tower_hmac::webhooks::{StandardWebhooks, github};
use tower_hmac::{KeyMap, SecretKey, Signer, VerifyLayer};

use super::{NOW, acquire, key};
use crate::capture::Capture;
use crate::support::app::send;

/// A service that counts the calls of its handler, and answers as scripted.
#[derive(Clone)]
struct Service {
    calls: Arc<AtomicUsize>,
    store: Arc<MemoryOnce>,
    clock: ManualClock,
    answers: Arc<Vec<&'static str>>,
}

impl Service {
    fn answering(answers: impl Into<Vec<&'static str>>) -> Self {
        Self {
            calls: Arc::default(),
            store: Arc::new(MemoryOnce::new(100).unwrap()),
            clock: ManualClock::new(NOW),
            answers: Arc::new(answers.into()),
        }
    }

    fn layer(&self) -> OnceLayer {
        OnceLayer::new(self.store.clone()).with_clock(self.clock.clone())
    }

    fn routes(&self) -> Router {
        let this = self.clone();
        let handler = move |body: String| async move {
            let call = this.calls.fetch_add(1, Ordering::SeqCst);
            match this.answers.get(call).copied().unwrap_or("ok") {
                "ok" => Ok(body),
                "panic" => panic!("the handler panics"),
                "hang" => std::future::pending().await,
                _ => Err(StatusCode::INTERNAL_SERVER_ERROR),
            }
        };
        Router::new().route("/hook", post(handler))
    }

    fn router(&self) -> Router {
        let keys = KeyMap::single(secret()).unwrap();
        let verify =
            VerifyLayer::new(StandardWebhooks::new(), keys).unwrap().with_clock(self.clock.clone());
        self.routes().layer(self.layer()).layer(verify)
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

fn secret() -> SecretKey {
    SecretKey::new("the secret of the sender").unwrap()
}

fn delivery(id: &str) -> Request<Body> {
    let signer = Signer::new(StandardWebhooks::new(), secret()).with_clock(ManualClock::new(NOW));
    let request = Request::post("/hook").header("webhook-id", id).body("event").unwrap();
    signer.sign(request).unwrap().map(Body::from)
}

#[tokio::test]
async fn a_handled_message_is_not_handled_again() {
    let service = Service::answering([]);
    let router = service.router();
    let first = send(&router, delivery("1")).await;
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(first.into_body().collect().await.unwrap().to_bytes(), "event");
    let again = send(&router, delivery("1")).await;
    assert_eq!(again.status(), StatusCode::OK);
    assert_eq!(again.into_body().collect().await.unwrap().to_bytes(), "");
    assert_eq!(service.calls(), 1);
    assert_eq!(send(&router, delivery("2")).await.status(), StatusCode::OK);
    assert_eq!(service.calls(), 2);
}

#[tokio::test]
async fn a_message_is_handled_again_after_a_failure() {
    let service = Service::answering(["fail", "fail"]);
    let router = service.router();
    for expected in [500, 500, 200, 200] {
        assert_eq!(send(&router, delivery("1")).await.status(), expected);
    }
    assert_eq!(service.calls(), 3);
}

#[tokio::test]
async fn a_panicking_handler_releases_the_lease() {
    let service = Service::answering(["panic"]);
    let router = service.router();
    let panicked = std::panic::AssertUnwindSafe(send(&router, delivery("1"))).catch_unwind().await;
    assert!(panicked.is_err());
    assert_eq!(send(&router, delivery("1")).await.status(), StatusCode::OK);
    assert_eq!(service.calls(), 2);
}

#[tokio::test]
async fn a_disconnected_client_releases_the_lease() {
    let service = Service::answering(["hang"]);
    let router = service.router();
    let mut hanging = Box::pin(send(&router, delivery("1")));
    assert!(futures_util::poll!(&mut hanging).is_pending());
    assert_eq!(service.calls(), 1);
    let meanwhile = send(&router, delivery("1")).await;
    assert_eq!(meanwhile.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(meanwhile.headers()["retry-after"], "301");
    drop(hanging);
    assert_eq!(send(&router, delivery("1")).await.status(), StatusCode::OK);
    assert_eq!(service.calls(), 2);
}

#[tokio::test]
async fn a_message_is_forgotten_after_its_retention() {
    let service = Service::answering([]);
    let router = service.router();
    send(&router, delivery("1")).await;
    let known = super::OnceKey::new("standard-webhooks", None, "1");
    assert_eq!(known, key("1"));
    assert_eq!(acquire(&service.store, "1", NOW + 3 * 24 * 3600), Acquired::Done);
    assert!(matches!(acquire(&service.store, "1", NOW + 3 * 24 * 3600 + 1), Acquired::New(_)));
}

#[tokio::test]
async fn without_a_verifying_layer_every_request_gets_500() {
    let service = Service::answering([]);
    let router = service.routes().layer(service.layer());
    assert_eq!(send(&router, delivery("1")).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(service.calls(), 0);
}

fn from_github(service: &Service, once: OnceLayer) -> Router {
    let verify = VerifyLayer::new(github(), KeyMap::single(secret()).unwrap()).unwrap();
    service.routes().layer(once).layer(verify)
}

fn push(body: &'static str) -> Request<Body> {
    let request = Request::post("/hook").body(body).unwrap();
    Signer::new(github(), secret()).sign(request).unwrap().map(Body::from)
}

#[tokio::test]
async fn an_id_can_be_read_from_the_signed_body() {
    let service = Service::answering([]);
    let once = service.layer().with_id_fn(|_, body| {
        let event: serde_json::Value = serde_json::from_slice(body).ok()?;
        event["id"].as_str().map(str::to_owned)
    });
    let router = from_github(&service, once);
    let first = send(&router, push(r#"{"id": "a"}"#)).await;
    assert_eq!(first.into_body().collect().await.unwrap().to_bytes(), r#"{"id": "a"}"#);
    assert_eq!(send(&router, push(r#"{"id": "a"}"#)).await.status(), StatusCode::OK);
    assert_eq!(service.calls(), 1);
    assert_eq!(send(&router, push(r#"{"id": "b"}"#)).await.status(), StatusCode::OK);
    assert_eq!(service.calls(), 2);
    for without in [r#"{}"#, r#"{"id": ""}"#, r#"{"id": 1}"#] {
        assert_eq!(send(&router, push(without)).await.status(), StatusCode::BAD_REQUEST);
    }
    assert_eq!(service.calls(), 2);
}

#[tokio::test]
async fn an_unsigned_id_is_used_only_if_configured() {
    let service = Service::answering([]);
    let with_id = |id: &str| {
        let mut request = push("{}");
        request.headers_mut().insert("x-github-delivery", HeaderValue::from_str(id).unwrap());
        request
    };
    let router = from_github(&service, service.layer());
    assert_eq!(send(&router, with_id("1")).await.status(), StatusCode::BAD_REQUEST);
    let once = service.layer().dangerous_unsigned_id("X-GitHub-Delivery").unwrap();
    let router = from_github(&service, once);
    for _ in 0..2 {
        assert_eq!(send(&router, with_id("1")).await.status(), StatusCode::OK);
    }
    assert_eq!(service.calls(), 1);
    assert_eq!(send(&router, push("{}")).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_answer_to_a_repeat_can_be_set() {
    let service = Service::answering([]);
    let once = service.layer().with_repeat_response(|| {
        let mut response = Response::new(Body::from("again"));
        *response.status_mut() = StatusCode::ALREADY_REPORTED;
        response
    });
    let verify = VerifyLayer::new(StandardWebhooks::new(), KeyMap::single(secret()).unwrap())
        .unwrap()
        .with_clock(service.clock.clone());
    let router = service.routes().layer(once).layer(verify);
    send(&router, delivery("1")).await;
    assert_eq!(send(&router, delivery("1")).await.status(), StatusCode::ALREADY_REPORTED);
}

/// A store that fails at a chosen step.
struct Broken(&'static str);

impl OnceStore for Broken {
    fn acquire(&self, request: &OnceRequest<'_>) -> OnceAnswer<Acquired> {
        let lease = Lease::new(*request.key(), [0; 16]);
        OnceAnswer::ready(match self.0 {
            "acquire" => Err("the store is away".into()),
            "full" => Ok(Acquired::Full),
            _ => Ok(Acquired::New(lease)),
        })
    }

    fn complete(&self, _: &Lease, _: i64, _: i64) -> OnceAnswer<bool> {
        OnceAnswer::ready(if self.0 == "taken over" { Ok(false) } else { Err("away".into()) })
    }

    fn release(&self, _: &Lease) -> OnceAnswer<bool> {
        OnceAnswer::ready(Err("away".into()))
    }
}

#[tokio::test]
async fn a_failing_store_gives_503_before_the_handler_only() {
    for (fails_at, expected, calls) in
        [("acquire", 503, 0), ("full", 503, 0), ("complete", 200, 1), ("taken over", 200, 1)]
    {
        let service = Service::answering([]);
        let verify = VerifyLayer::new(StandardWebhooks::new(), KeyMap::single(secret()).unwrap())
            .unwrap()
            .with_clock(service.clock.clone());
        let router = service.routes().layer(OnceLayer::new(Broken(fails_at))).layer(verify);
        let response = send(&router, delivery("1")).await;
        assert_eq!(response.status(), expected, "{fails_at}");
        assert_eq!(response.headers().contains_key("retry-after"), expected == 503);
        assert_eq!(service.calls(), calls, "{fails_at}");
    }
}

#[tokio::test]
async fn a_disarmed_layer_lets_a_message_without_an_id_through() {
    let service = Service::answering([]);
    let verify = VerifyLayer::new(github(), KeyMap::single(secret()).unwrap())
        .unwrap()
        .dangerous_disarmed(true);
    let router = service.routes().layer(service.layer()).layer(verify);
    let unsigned = Request::post("/hook").body(Body::from("x")).unwrap();
    assert_eq!(send(&router, unsigned).await.status(), StatusCode::OK);
}

/// A store that grants its lease when the gate opens, and finishes answers in the background.
struct Slow {
    gate: Arc<Notify>,
    inner: Arc<MemoryOnce>,
}

impl OnceStore for Slow {
    fn acquire(&self, request: &OnceRequest<'_>) -> OnceAnswer<Acquired> {
        let (answer, gate) = (self.inner.acquire(request), self.gate.clone());
        OnceAnswer::later(async move {
            gate.notified().await;
            answer.await
        })
    }

    fn complete(&self, lease: &Lease, keep_until: i64, now: i64) -> OnceAnswer<bool> {
        self.inner.complete(lease, keep_until, now)
    }

    fn release(&self, lease: &Lease) -> OnceAnswer<bool> {
        self.inner.release(lease)
    }

    fn finish(&self, answer: OnceAnswer<bool>) {
        drop(tokio::spawn(answer));
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_while_the_store_is_asked_leaves_no_lease() {
    let service = Service::answering([]);
    let gate = Arc::new(Notify::new());
    let once = OnceLayer::new(Slow { gate: gate.clone(), inner: service.store.clone() });
    let keys = KeyMap::single(secret()).unwrap();
    let verify =
        VerifyLayer::new(StandardWebhooks::new(), keys).unwrap().with_clock(service.clock.clone());
    let router = service.routes().layer(once.with_clock(service.clock.clone())).layer(verify);
    let mut hanging = Box::pin(send(&router, delivery("1")));
    assert!(futures_util::poll!(&mut hanging).is_pending());
    drop(hanging);
    assert_eq!(service.store.len(), 1);
    gate.notify_one();
    tokio::task::yield_now().await;
    assert_eq!(service.store.len(), 0);
    gate.notify_one();
    assert_eq!(send(&router, delivery("1")).await.status(), StatusCode::OK);
    assert_eq!(service.calls(), 1);
}

/// The warnings of one layer must not silence those of another.
#[test]
fn each_layer_warns_of_its_own_store() {
    let verify = || VerifyLayer::new(StandardWebhooks::new(), KeyMap::single(secret()).unwrap());
    let (capture, ()) = Capture::during(|| {
        for _ in 0..2 {
            let service = Service::answering([]);
            let verify = verify().unwrap().with_clock(service.clock.clone());
            let router = service.routes().layer(OnceLayer::new(Broken("full"))).layer(verify);
            for _ in 0..2 {
                let answer = send(&router, delivery("1")).now_or_never().unwrap();
                assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            }
        }
    });
    let events = capture.events();
    let warnings = events.iter().filter(|event| event.level == tracing::Level::WARN).count();
    assert_eq!(warnings, 2);
}
