//! The contract of Tower services.

use std::future::{Future, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::poll;
use http_body_util::BodyExt as _;
use tower::buffer::Buffer;
use tower::limit::ConcurrencyLimit;
use tower::{Service, ServiceBuilder};
use tower_hmac::layer::VerifyService;
use tower_hmac::scheme::Window;
use tower_hmac::{BoxError, FlaskHmac, KeySet};

use super::*;
use crate::support::script::Step;

fn layer() -> VerifyLayer {
    VerifyLayer::new(Joints::new(Covers::Body), keys()).unwrap()
}

fn request() -> Request<Script> {
    signed(Joints::new(Covers::Body), b"body")
        .map(|_| Script::of([Step::Wait, Step::Data(Bytes::from_static(b"body")), Step::Wait]))
}

/// A service that enforces its contract: each clone must be polled ready before each call.
#[derive(Default)]
struct Picky {
    is_ready: bool,
}

impl Clone for Picky {
    fn clone(&self) -> Self {
        Self { is_ready: false }
    }
}

impl Service<Request<VerifiedBody<Script>>> for Picky {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<VerifiedBody<Script>>) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "called without having been found ready");
        ready(Ok(Response::new("picky".to_owned())))
    }
}

#[tokio::test]
async fn the_inner_service_is_called_only_when_ready() {
    let unsigned = || Request::get("/").body(Script::empty()).unwrap();
    let mut service = layer().optional().layer(Picky::default());
    for request in [request(), unsigned(), request(), spoilt(request()), request()] {
        let ready = service.ready().await.unwrap();
        ready.call(request).await.unwrap();
    }
    // A rejected call does not use up the readiness.
    assert_eq!(service.oneshot(request()).await.unwrap().body(), "picky");
}

#[tokio::test]
async fn permits_of_a_concurrency_limit_are_returned() {
    let handler = service_fn(|_: Request<VerifiedBody<Script>>| async {
        Ok::<_, BoxError>(Response::new(String::from("handler")))
    });
    let limited = layer().layer(ConcurrencyLimit::new(handler, 1));
    for _ in 0..3 {
        // A request whose body is still arriving holds no permit.
        let mut held = Box::pin(limited.clone().oneshot(request()));
        assert!(poll!(&mut held).is_pending());
        assert_eq!(limited.clone().oneshot(request()).await.unwrap().body(), "handler");
        drop(held);
        let rejected = limited.clone().oneshot(spoilt(request())).await.unwrap();
        assert_eq!(rejection_kind(&rejected), Some(ErrorKind::Mismatch));
        assert_eq!(limited.clone().oneshot(request()).await.unwrap().body(), "handler");
    }

    let buffered = layer().layer(Buffer::new(handler, 1));
    let (one, two, three) = tokio::join!(
        buffered.clone().oneshot(request()),
        buffered.clone().oneshot(spoilt(request())),
        buffered.clone().oneshot(request()),
    );
    assert_eq!(one.unwrap().body(), "handler");
    assert_eq!(rejection_kind(&two.unwrap()), Some(ErrorKind::Mismatch));
    assert_eq!(three.unwrap().body(), "handler");
}

/// Otherwise, as many strangers as there are permits could lock everybody out.
#[tokio::test]
async fn a_withheld_body_holds_no_permit_of_the_inner_service() {
    let handler = service_fn(|_: Request<VerifiedBody<Script>>| async {
        Ok::<_, BoxError>(Response::new(String::from("handler")))
    });
    for layer in [layer(), layer().optional()] {
        let service = layer.layer(ConcurrencyLimit::new(handler, 2));
        let withheld = || spoilt(request()).map(|_| Script::hanging());
        let mut strangers: Vec<_> =
            (0..2).map(|_| Box::pin(service.clone().oneshot(withheld()))).collect();
        for stranger in &mut strangers {
            assert!(poll!(stranger).is_pending());
        }
        let honest = tokio::time::timeout(Duration::from_secs(20), service.oneshot(request()));
        assert_eq!(honest.await.expect("no permit is left").unwrap().body(), "handler");
    }
}

/// A verified request waits for its turn, and releases its place when dropped.
#[tokio::test]
async fn a_verified_request_waits_until_the_inner_service_is_ready() {
    let handler = service_fn(|_: Request<VerifiedBody<Script>>| async {
        tokio::task::yield_now().await;
        Ok::<_, BoxError>(Response::new(String::from("handler")))
    });
    let service = layer().layer(ConcurrencyLimit::new(handler, 1));
    let whole = || signed(Joints::new(Covers::Body), b"body");
    let mut running = Box::pin(service.clone().oneshot(whole()));
    assert!(poll!(&mut running).is_pending());
    let mut waiting = Box::pin(service.clone().oneshot(whole()));
    let mut dropped = Box::pin(service.clone().oneshot(whole()));
    assert!(poll!(&mut dropped).is_pending());
    for _ in 0..3 {
        assert!(poll!(&mut waiting).is_pending());
    }
    drop(dropped);
    assert_eq!(running.await.unwrap().body(), "handler");
    assert_eq!(waiting.await.unwrap().body(), "handler");
}

#[tokio::test]
async fn an_inner_service_that_fails_to_become_ready_fails_the_request() {
    #[derive(Clone)]
    struct Broken;
    impl Service<Request<VerifiedBody<Script>>> for Broken {
        type Response = Response<String>;
        type Error = &'static str;
        type Future = std::future::Ready<Result<Response<String>, &'static str>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
            Poll::Ready(Err("out of order"))
        }

        fn call(&mut self, _: Request<VerifiedBody<Script>>) -> Self::Future {
            unreachable!("called without having been found ready")
        }
    }
    let service = layer().layer(Broken);
    assert_eq!(service.clone().oneshot(request()).await.unwrap_err(), "out of order");
    // Rejected requests do not reach the inner service.
    let rejected = service.oneshot(spoilt(request())).await.unwrap();
    assert_eq!(rejection_kind(&rejected), Some(ErrorKind::Mismatch));
}

#[tokio::test]
async fn a_request_waiting_for_its_body_does_not_take_a_second_permit() {
    let handler = service_fn(|_: Request<VerifiedBody<Script>>| async {
        Ok::<_, BoxError>(Response::new(String::from("handler")))
    });
    let service = ServiceBuilder::new().layer(layer()).concurrency_limit(1).service(handler);
    let answers =
        futures_util::future::join_all((0..8).map(|_| service.clone().oneshot(request())));
    for answer in answers.await {
        assert_eq!(answer.unwrap().body(), "handler");
    }
}

/// A slow guard and a slow store, so that there is an await at every step.
fn slow() -> VerifyLayer {
    struct SlowGuard;
    impl ReplayGuard for SlowGuard {
        fn claim(&self, _: &ReplayRequest<'_>) -> ReplayClaim {
            ReplayClaim::later(async {
                tokio::task::yield_now().await;
                Ok(Replay::Claimed)
            })
        }
    }
    let store = tower_hmac::key::key_fn(|_: Option<&tower_hmac::KeyId>, _: &Parts| async {
        tokio::task::yield_now().await;
        Ok::<_, BoxError>(Some(KeySet::from(key("akey"))))
    });
    VerifyLayer::new(Joints::new(Covers::Body), store)
        .unwrap()
        .dangerous_replay_by_tag(Duration::from_secs(1))
        .with_replay_guard(SlowGuard)
        .unwrap()
}

#[tokio::test]
async fn the_future_can_be_dropped_at_every_await() {
    let slow_handler = service_fn(|_: Request<VerifiedBody<Script>>| async {
        tokio::task::yield_now().await;
        Ok::<_, Infallible>(Response::new(String::from("handler")))
    });
    let service = slow().layer(slow_handler);
    let mut awaits = 0;
    for drop_after in 0.. {
        let mut answer = Box::pin(service.clone().oneshot(request()));
        let mut polls = 0;
        while polls < drop_after && poll!(&mut answer).is_pending() {
            polls += 1;
        }
        if polls < drop_after {
            awaits = polls;
            break;
        }
    }
    // The awaits are the store, the body twice, the guard and the handler.
    assert_eq!(awaits, 5);
}

#[test]
fn the_service_can_be_shared_and_so_can_its_future() {
    fn shareable<T: Clone + Send + Sync + 'static>(_: &T) {}
    fn sendable<T: Send + 'static>(_: &T) {}
    let handler = service_fn(|_: Request<VerifiedBody<Script>>| async {
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    let mut service: VerifyService<_, _> = layer().layer(handler);
    shareable(&layer());
    shareable(&service);
    sendable(&service.call(request()));
}

/// Neither the service, nor its future, nor the body is `Send`.
#[tokio::test]
async fn inner_service_and_body_need_not_be_send() {
    struct Local(Script, #[allow(dead_code)] Rc<()>);
    impl http_body::Body for Local {
        type Data = Bytes;
        type Error = std::io::Error;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
            Pin::new(&mut self.0).poll_frame(cx)
        }
    }
    #[derive(Clone)]
    struct Counts(Rc<std::cell::Cell<u32>>);
    impl Service<Request<VerifiedBody<Local>>> for Counts {
        type Response = Response<String>;
        type Error = Infallible;
        type Future = Pin<Box<dyn Future<Output = Result<Response<String>, Infallible>>>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, request: Request<VerifiedBody<Local>>) -> Self::Future {
            let count = self.0.clone();
            Box::pin(async move {
                count.set(count.get() + 1);
                let body = request.into_body().collect().await.unwrap().to_bytes();
                Ok(Response::new(String::from_utf8_lossy(&body).into_owned()))
            })
        }
    }
    let count = Rc::new(std::cell::Cell::new(0));
    let service = layer().layer(Counts(count.clone()));
    let local = tokio::task::LocalSet::new();
    let answer = local.spawn_local(async move {
        service.oneshot(request().map(|body| Local(body, Rc::new(())))).await.unwrap()
    });
    let answer = local.run_until(answer).await.unwrap();
    assert_eq!(answer.body(), "body");
    assert_eq!(count.get(), 1);
}

#[tokio::test]
async fn errors_of_the_inner_service_are_returned() {
    #[derive(Debug, PartialEq)]
    struct Own;
    let failing =
        service_fn(|_: Request<VerifiedBody<Script>>| async { Err::<Response<String>, _>(Own) });
    assert_eq!(layer().layer(failing).oneshot(request()).await.unwrap_err(), Own);
}

/// A `Verified` of an outer layer is not one of this layer.
#[tokio::test]
async fn an_inner_layer_never_passes_on_an_outer_layers_verified() {
    let outer = layer();
    let inner = VerifyLayer::new(FlaskHmac::new(), KeyMap::single(key("other")).unwrap())
        .unwrap()
        .optional();
    let handler = service_fn(|request: Request<_>| async move {
        let found = request.extensions().get::<Verified>().is_some();
        Ok::<_, Infallible>(Response::new(found.to_string()))
    });
    let service = outer.layer(inner.layer(handler));
    // The request is signed for the outer layer, and unsigned for the optional inner one.
    assert_eq!(service.oneshot(request()).await.unwrap().body(), "false");
}

#[tokio::test]
async fn of_two_layers_the_inner_ones_verified_is_passed_on() {
    let outer = VerifyLayer::new(FlaskHmac::new(), KeyMap::single(key("outer")).unwrap()).unwrap();
    let handler = service_fn(|request: Request<_>| async move {
        let verified = request.extensions().get::<Verified>().unwrap();
        Ok::<_, Infallible>(Response::new(verified.scheme().to_owned()))
    });
    let service = outer.layer(layer().layer(handler));
    let request = signed(Joints::new(Covers::Body), b"body");
    let value = Signer::new(FlaskHmac::new(), key("outer")).signature(b"body");
    let request = with_header(request, "signature", &value);
    assert_eq!(service.oneshot(request).await.unwrap().body(), "joints");
}

#[tokio::test]
async fn a_timed_scheme_works_with_the_system_clock() {
    let scheme = Joints::new(Covers::Body).with_window(Window::timed());
    let layer = VerifyLayer::new(scheme.clone(), keys()).unwrap();
    let now = Signer::new(scheme.clone(), key("akey")).with_key_id("aservice").unwrap();
    assert_eq!(outcome(&layer, sign(&now, b"body")).await, None);
    assert_eq!(outcome(&layer, signed(scheme, b"body")).await, Some(ErrorKind::Stale));
}
