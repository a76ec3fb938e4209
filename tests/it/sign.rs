//! The signer and its layer, in process.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, StreamBody};
use tower::retry::{Policy, RetryLayer};
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
use tower_hmac::clock::ManualClock;
use tower_hmac::sign::{NonceSource, SystemNonce};
use tower_hmac::testing::FixedNonce;
use tower_hmac::{
    BoxError, FlaskHmac, KeyMap, Scheme, SecretKey, SignError, SignLayer, Signer, Verifier,
    VerifyLayer,
};

use crate::timed::{HEADER, Once, Timed};

const NOW: i64 = 1_700_000_000;

fn key() -> SecretKey {
    SecretKey::new("a key").unwrap()
}

fn signer() -> Signer<Timed> {
    Signer::new(Timed::new(), key()).with_clock(ManualClock::new(NOW))
}

fn full(body: &'static str) -> Full<Bytes> {
    Full::from(body)
}

fn post(body: &str) -> Request<String> {
    Request::post("/path?query=1").header("x-other", "kept").body(body.to_owned()).unwrap()
}

/// A service that returns the request it received.
#[derive(Clone)]
struct Echo;

impl Service<Request<Full<Bytes>>> for Echo {
    type Response = Request<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Request<Full<Bytes>>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        ready(Ok(request))
    }
}

#[tokio::test]
async fn one_scheme_object_serves_both_halves() {
    let scheme: Arc<dyn Scheme> = Arc::new(Timed::new());
    let signer = Signer::new(scheme.clone(), key()).with_key_id("aservice").unwrap();
    let keys = KeyMap::named([("aservice", "a key")]).unwrap();
    let verifier = Verifier::new(scheme, keys).unwrap();

    let (head, body) = signer.sign(post("body")).unwrap().into_parts();
    let verified = verifier.verify(&head, body.as_bytes()).await.unwrap();
    assert_eq!(verified.key_id().unwrap(), "aservice");
    assert!(verifier.verify(&head, b"bodY").await.is_err());
}

#[test]
fn clock_and_nonce_are_passed_in() {
    let fixed = || signer().with_nonce_source(FixedNonce([7; 24]));
    let value = |signer: Signer<Timed>| signer.sign(post("")).unwrap().headers()[HEADER].clone();
    assert_eq!(value(fixed()), value(fixed()));
    assert_ne!(value(fixed()), value(fixed().with_clock(ManualClock::new(NOW + 1))));
    assert_ne!(value(fixed()), value(fixed().with_nonce_source(FixedNonce([8; 24]))));
    assert_ne!(SystemNonce.nonce(), SystemNonce.nonce());
}

#[test]
fn signature_is_marked_sensitive_whatever_the_scheme_does() {
    let request = signer().sign(post("")).unwrap();
    assert!(request.headers()[HEADER].is_sensitive());
    assert!(!request.headers()["x-other"].is_sensitive());
}

#[test]
fn signing_twice_is_an_error_unless_asked_to_replace() {
    let signed = signer().sign(post("body")).unwrap();
    assert_eq!(signer().sign(signed.clone()).unwrap_err(), SignError::AlreadySigned);

    let mut garbled = signed.clone();
    garbled.headers_mut().insert(HEADER, "garbage".parse().unwrap());
    assert_eq!(signer().sign(garbled).unwrap_err(), SignError::AlreadySigned);

    let replaced = signer().replace_signature().sign(signed.clone()).unwrap();
    assert_eq!(replaced.headers().get_all(HEADER).iter().count(), 1);
    assert_ne!(replaced.headers()[HEADER], signed.headers()[HEADER], "another nonce");
}

#[test]
fn sign_error_leaves_the_request_as_it_was() {
    /// A scheme that changes the head before it fails.
    struct Failing(Timed);

    impl Scheme for Failing {
        fn stamp(
            &self,
            head: &mut http::request::Parts,
            stamp: &tower_hmac::scheme::Stamp<'_>,
        ) -> Result<tower_hmac::scheme::Claim, SignError> {
            head.headers.insert("x-stamped", "1".parse().unwrap());
            head.uri = "/stamped".parse().unwrap();
            self.0.stamp(head, stamp)
        }

        fn attach(
            &self,
            head: &mut http::request::Parts,
            _: &tower_hmac::scheme::Claim,
            _: &[tower_hmac::crypto::Tag],
        ) -> Result<(), SignError> {
            head.headers.clear();
            Err(SignError::in_header(&HEADER.parse().unwrap(), "cannot be sent"))
        }

        fn name(&self) -> &str {
            "failing"
        }

        fn algorithm(&self) -> tower_hmac::Algorithm {
            self.0.algorithm()
        }

        fn headers(&self) -> &[http::HeaderName] {
            self.0.headers()
        }

        fn claim(
            &self,
            head: &http::request::Parts,
        ) -> Result<tower_hmac::scheme::Claim, tower_hmac::scheme::ClaimError> {
            self.0.claim(head)
        }

        fn before_body(
            &self,
            head: &http::request::Parts,
            claim: &tower_hmac::scheme::Claim,
            text: &mut tower_hmac::scheme::SignedText,
        ) -> Result<(), tower_hmac::scheme::ClaimError> {
            self.0.before_body(head, claim, text)
        }
    }

    let signer = Signer::new(Failing(Timed::new()), key()).replace_signature();
    let mut request = post("body");
    request.headers_mut().insert(HEADER, "of before".parse().unwrap());
    let before = format!("{request:?}");
    let error = signer.sign_mut(&mut request).unwrap_err();
    assert_eq!(error.to_string(), "header `x-timed`: cannot be sent");
    assert_eq!(format!("{request:?}"), before);

    let (mut head, body) = request.into_parts();
    let before = format!("{head:?}");
    signer.sign_head(&mut head, body.as_bytes()).unwrap_err();
    assert_eq!(format!("{head:?}"), before);
}

#[test]
fn key_id_that_the_scheme_cannot_carry_is_an_error() {
    let signer = signer().with_key_id("a:b").unwrap();
    let error = signer.sign(post("")).unwrap_err();
    assert_eq!(error, SignError::KeyId("a colon divides the fields"));

    let long = "n".repeat(8 * 1024);
    let flask = Signer::new(FlaskHmac::new(), key()).with_key_id(long.as_str()).unwrap();
    let error = flask.sign(post("")).unwrap_err();
    assert_eq!(error.to_string(), "header `signature`: is longer than 8 KiB");
}

#[test]
fn debug_shows_no_key_and_no_signature() {
    let signer = signer();
    let layer = SignLayer::new(signer.clone());
    let service = tower::Layer::layer(&layer, Echo);
    for text in [format!("{signer:?}"), format!("{layer:?}"), format!("{service:?}")] {
        assert!(text.contains("timed"), "{text}");
        assert!(!text.contains("a key"), "{text}");
    }
    let request = signer.sign(post("")).unwrap();
    let tag = request.headers()[HEADER].to_str().unwrap().rsplit(':').next().unwrap();
    assert!(!format!("{request:?}").contains(tag));
}

#[tokio::test]
async fn layer_signs_the_bytes_that_it_sends() {
    let frames = ["a body ", "of several ", "frames"];
    let frames = frames.map(|data| Ok::<_, BoxError>(http_body::Frame::data(Bytes::from(data))));
    let body = StreamBody::new(futures_util::stream::iter(frames));
    let service = ServiceBuilder::new().layer(SignLayer::new(signer())).service(Echo);
    let sent = service.oneshot(Request::post("/path").body(body).unwrap()).await.unwrap();

    let (head, body) = sent.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    assert_eq!(body, "a body of several frames");
    assert!(head.headers[HEADER].is_sensitive());
    let verifier = Verifier::new(Timed::new(), KeyMap::single(key()).unwrap()).unwrap();
    let verifier = verifier.with_clock(ManualClock::new(NOW));
    verifier.verify(&head, &body).await.unwrap();
}

#[tokio::test]
async fn body_over_the_limit_is_an_error_before_anything_is_sent() {
    let unreached = service_fn(async |_: Request<Full<Bytes>>| -> Result<Response<()>, BoxError> {
        panic!("the request was sent")
    });
    let layer = SignLayer::new(signer()).with_body_limit(4);
    let service = ServiceBuilder::new().layer(layer.clone()).service(unreached);

    let announced = Request::post("/").body(full("12345")).unwrap();
    let error = service.clone().oneshot(announced).await.unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&SignError::BodyTooLarge(4)));

    let frames = ["123", "45"];
    let frames = frames.map(|data| Ok::<_, BoxError>(http_body::Frame::data(Bytes::from(data))));
    let streamed = StreamBody::new(futures_util::stream::iter(frames));
    let streamed = Request::post("/").body(streamed).unwrap();
    let error = service.oneshot(streamed).await.unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&SignError::BodyTooLarge(4)));

    let fits = ServiceBuilder::new().layer(layer).service(Echo);
    let sent = fits.oneshot(Request::post("/").body(full("1234")).unwrap()).await.unwrap();
    assert!(sent.headers().contains_key(HEADER));
}

#[tokio::test]
async fn errors_of_body_service_and_scheme_are_returned() {
    let broken = [Err::<http_body::Frame<Bytes>, _>(BoxError::from("the body broke"))];
    let broken = StreamBody::new(futures_util::stream::iter(broken));
    let service = ServiceBuilder::new().layer(SignLayer::new(signer())).service(Echo);
    let error = service.clone().oneshot(Request::new(broken)).await.unwrap_err();
    assert_eq!(error.to_string(), "the body broke");

    let signed = signer().sign(Request::new("")).unwrap().map(full);
    let error = service.oneshot(signed).await.unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&SignError::AlreadySigned));

    let down = service_fn(async |_: Request<Full<Bytes>>| Err::<(), _>(BoxError::from("is down")));
    let service = ServiceBuilder::new().layer(SignLayer::new(signer())).service(down);
    let error = service.oneshot(Request::new(full(""))).await.unwrap_err();
    assert_eq!(error.to_string(), "is down");
}

/// Makes two attempts, whatever the first response is.
#[derive(Clone)]
struct Twice(bool);

impl<P: Clone, R, E> Policy<Request<P>, R, E> for Twice {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Request<P>, _: &mut Result<R, E>) -> Option<Ready<()>> {
        (!std::mem::replace(&mut self.0, true)).then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request<P>) -> Option<Request<P>> {
        Some(request.clone())
    }
}

#[tokio::test]
async fn each_attempt_inside_a_retry_layer_is_signed_again() {
    let clock = ManualClock::new(NOW);
    let layer = VerifyLayer::new(Timed::new(), KeyMap::single(key()).unwrap())
        .unwrap()
        .with_clock(clock.clone())
        .with_replay_guard(Once::default())
        .unwrap();
    let server = ServiceBuilder::new().layer(layer).service(service_fn(
        async |_: Request<_>| -> Result<Response<String>, Infallible> { Ok(Response::default()) },
    ));
    // More than the server's tolerance passes between the attempts.
    let slow = clock.clone();
    let server = ServiceBuilder::new()
        .map_response(move |response| {
            slow.advance(301);
            response
        })
        .service(server);
    let signing = SignLayer::new(signer().with_clock(clock));
    let request = Request::post("/path").body(full("body")).unwrap();

    let inside = ServiceBuilder::new()
        .layer(RetryLayer::new(Twice(false)))
        .layer(signing.clone())
        .service(server.clone());
    assert_eq!(inside.oneshot(request.clone()).await.unwrap().status(), StatusCode::OK);

    // In the other order, the second attempt is a replay of the first.
    let outside =
        ServiceBuilder::new().layer(signing).layer(RetryLayer::new(Twice(false))).service(server);
    assert_eq!(outside.oneshot(request).await.unwrap().status(), StatusCode::FORBIDDEN);
}

/// Panics if it is called before it is ready, as some services do.
struct Strict(bool);

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self(false)
    }
}

impl Service<Request<Full<Bytes>>> for Strict {
    type Response = ();
    type Error = Infallible;
    type Future = Ready<Result<(), Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0 = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
        assert!(self.0, "called while not ready");
        ready(Ok(()))
    }
}

#[tokio::test]
async fn the_service_that_was_ready_is_called() {
    let mut service = tower::Layer::layer(&SignLayer::new(signer()), Strict(false));
    for _ in 0..2 {
        let request = Request::new(full(""));
        let ready = ServiceExt::<Request<Full<Bytes>>>::ready(&mut service).await.unwrap();
        ready.call(request).await.unwrap();
    }
}

#[tokio::test]
async fn requests_without_a_body_are_signed_whatever_their_type() {
    use axum::body::Body;
    use tower_hmac::sign::WholeBody;
    use tower_hmac::testing::sign;

    async fn passes(body: impl WholeBody) {
        let layer = VerifyLayer::new(FlaskHmac::new(), KeyMap::single(key()).unwrap()).unwrap();
        let app = axum::Router::new().route("/", axum::routing::get(async || "in")).layer(layer);
        let signer = Signer::new(FlaskHmac::new(), key());
        let request = sign(&signer, Request::get("/").body(body).unwrap());
        assert_eq!(app.oneshot(request).await.unwrap().status(), StatusCode::OK);
    }
    passes(()).await;
    passes(Body::empty()).await;
    passes(http_body_util::Empty::<Bytes>::new()).await;
    passes("").await;
    passes(std::borrow::Cow::Borrowed("")).await;

    // The contents of an axum body are not visible: a request signed as if its body were empty
    // would be rejected.
    let signer = Signer::new(FlaskHmac::new(), key());
    let error = signer.sign(Request::post("/").body(Body::from("{}")).unwrap()).unwrap_err();
    assert_eq!(error, SignError::Streaming);
    let mut request = Request::post("/").body(Body::from("{}")).unwrap();
    assert_eq!(signer.sign_mut(&mut request), Err(SignError::Streaming));
    assert!(request.headers().is_empty());
}

#[test]
fn testing_kit_signs_in_one_line() {
    let request = tower_hmac::testing::sign(&signer(), Request::post("/").body("body").unwrap());
    assert!(request.headers().contains_key(HEADER));
}

#[test]
#[should_panic(expected = "the request cannot be signed: the request is already signed")]
fn testing_kit_panics_if_the_test_is_wrong() {
    let request = Request::builder().header(HEADER, "there").body("").unwrap();
    let _ = tower_hmac::testing::sign(&signer(), request);
}

/// A server reads at most 8 KiB of a value, and would reject a longer one.
#[test]
fn a_value_that_no_server_accepts_is_not_sent() {
    for (length, fits) in [(6099, true), (6100, false)] {
        let signer = Signer::new(FlaskHmac::new(), key()).with_key_id("n".repeat(length)).unwrap();
        let (mut head, _) = post("").into_parts();
        match signer.sign_head(&mut head, b"") {
            Ok(()) => assert_eq!((fits, head.headers["signature"].len()), (true, 8192)),
            Err(error) => {
                assert_eq!(
                    (fits, error),
                    (
                        false,
                        SignError::in_header(&"signature".parse().unwrap(), "is longer than 8 KiB")
                    )
                )
            }
        }
    }
}
