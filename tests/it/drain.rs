//! The body of a rejected request, and its connection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use futures_util::poll;
use http::{HeaderMap, Request, StatusCode, Version};
use http_body::Frame;
use http_body_util::Limited;
use tower::{ServiceBuilder, ServiceExt as _};
use tower_hmac::extract::{Only, Signed};
use tower_hmac::{
    BoxError, ErrorKind, FlaskHmac, KeyMap, SecretKey, Signer, Verified, VerifyError, VerifyLayer,
};

use crate::support::script::{Script, Step};
use crate::support::socket::{exchange, read_answer, serve};

/// The limit for bodies, and the drain limit beyond it, in bytes.
const LIMIT: usize = 1000;
const DRAINED: usize = 10_000;

tower_hmac::allow_list!(Team = ["aservice"]);

fn layer() -> VerifyLayer {
    let keys = KeyMap::named([("aservice", "akey")]).unwrap();
    VerifyLayer::new(FlaskHmac::new(), keys)
        .unwrap()
        .with_body_limit(LIMIT)
        .with_drain_limit(DRAINED)
}

fn signature(body: &[u8]) -> String {
    let signer = Signer::new(FlaskHmac::new(), SecretKey::new("akey").unwrap());
    signer.with_key_id("aservice").unwrap().signature(body)
}

/// The layer around a route, and the extractor on one: both reject in the same way.
fn apps(layer: &VerifyLayer) -> [(&'static str, Router); 2] {
    let handler = any(async |_: Verified, body: Bytes| body.len().to_string());
    let extractor = any(async |Signed(body, _): Signed<Bytes>| body.len().to_string());
    [
        ("layer", Router::new().route("/", handler).layer(layer.clone())),
        ("Signed", Router::new().route("/", extractor).with_state(layer.clone().shared())),
    ]
}

fn carrying<B>(headers: &[(&'static str, &str)], body: B) -> Request<B> {
    let mut request = Request::post("/").body(body).unwrap();
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    request
}

fn boxed<B>(request: Request<B>) -> Request<Body>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    request.map(Body::new)
}

fn frames(count: usize, size: usize) -> Script {
    Script::of((0..count).map(|_| Step::Data(Bytes::from(vec![0; size]))))
}

fn kind(response: &Response) -> Option<ErrorKind> {
    response.extensions().get::<VerifyError>().map(VerifyError::kind)
}

fn closes(response: &Response) -> bool {
    response.headers().get("connection").is_some_and(|value| value == "close")
}

/// The kind of the rejection, whether the response closes the connection, and how often the body
/// was polled.
async fn rejected(app: &Router, request: Request<Script>) -> (ErrorKind, bool, usize) {
    let polls = request.body().polls();
    let answer = app.clone().oneshot(boxed(request));
    let response = tokio::time::timeout(Duration::from_secs(20), answer).await;
    let response = response.expect("an answer").unwrap();
    (kind(&response).expect("a rejection"), closes(&response), polls.load(Ordering::SeqCst))
}

/// If a request is rejected before its body ends, the rest is read.
#[tokio::test]
async fn rest_of_a_rejected_body_is_read_on_http_1() {
    let right = signature(b"another body");
    let signed = ("signature", &*right);
    let cases = [
        (ErrorKind::Missing, vec![], 3),
        (ErrorKind::Malformed, vec![("signature", "?")], 3),
        (ErrorKind::BodyTooLarge, vec![signed, ("content-length", "1500")], 3),
        // The request exceeds the limit in the middle of the body.
        (ErrorKind::BodyTooLarge, vec![signed], 6),
        // The body has already been read to its end.
        (ErrorKind::Mismatch, vec![signed], 2),
    ];
    for version in [Version::HTTP_10, Version::HTTP_11] {
        for (place, app) in apps(&layer()) {
            for (expected, headers, count) in &cases {
                let mut request = carrying(headers, frames(*count, 500));
                *request.version_mut() = version;
                let outcome = rejected(&app, request).await;
                assert_eq!(outcome, (*expected, false, count + 1), "{place} {version:?}");
            }
        }
    }
}

/// Streams are independent in HTTP/2, and it has no `Connection` header.
#[tokio::test]
async fn over_http_2_nothing_is_drained_and_no_connection_is_closed() {
    for (place, app) in apps(&layer()) {
        for version in [Version::HTTP_2, Version::HTTP_3] {
            let mut request = carrying(&[("content-length", "99999999")], Script::hanging());
            *request.version_mut() = version;
            assert_eq!(rejected(&app, request).await, (ErrorKind::Missing, false, 0), "{place}");
        }
    }
}

#[tokio::test]
async fn no_more_than_the_limit_is_drained_and_the_answer_closes_the_connection() {
    for (place, app) in apps(&layer()) {
        let at_the_limit = carrying(&[], frames(10, DRAINED / 10));
        assert_eq!(rejected(&app, at_the_limit).await, (ErrorKind::Missing, false, 11), "{place}");
        let over = carrying(&[], frames(1000, DRAINED / 10));
        assert_eq!(rejected(&app, over).await, (ErrorKind::Missing, true, 11), "{place}");
    }
}

/// The response is sent before any byte is read: the body's end could not be reached anyway.
#[tokio::test]
async fn an_announced_length_over_the_drain_limit_is_answered_at_once() {
    let right = signature(b"another body");
    for (place, app) in apps(&layer()) {
        for (headers, expected) in
            [(vec![], ErrorKind::Missing), (vec![("signature", &*right)], ErrorKind::BodyTooLarge)]
        {
            for length in [(DRAINED + 1).to_string(), u64::MAX.to_string()] {
                let headers = [&headers[..], &[("content-length", &length)]].concat();
                let outcome = rejected(&app, carrying(&headers, Script::hanging())).await;
                assert_eq!(outcome, (expected, true, 0), "{place} {length}");
            }
            let hinted = Script::hanging().with_hint(http_body::SizeHint::with_exact(1 << 40));
            let outcome = rejected(&app, carrying(&headers, hinted)).await;
            assert_eq!(outcome, (expected, true, 0), "{place}");
        }
    }
}

#[tokio::test]
async fn a_limit_of_zero_drains_nothing() {
    for (place, app) in apps(&layer().with_drain_limit(0)) {
        let unsigned = carrying(&[], Script::hanging());
        assert_eq!(rejected(&app, unsigned).await, (ErrorKind::Missing, true, 0), "{place}");
        // Without a body, nothing is left unread.
        let empty = Script::empty().with_hint(http_body::SizeHint::with_exact(0));
        let bodiless = carrying(&[], empty);
        assert_eq!(rejected(&app, bodiless).await, (ErrorKind::Missing, false, 0), "{place}");
    }
}

/// Polling the body would send `100 Continue`, and start the upload.
#[tokio::test]
async fn a_client_that_waits_for_100_continue_is_answered_at_once() {
    for (place, app) in apps(&layer()) {
        for value in ["100-continue", "100-Continue"] {
            let headers = [("expect", value), ("content-length", "500")];
            let outcome = rejected(&app, carrying(&headers, Script::hanging())).await;
            assert_eq!(outcome, (ErrorKind::Missing, true, 0), "{place}");
        }
        // The client received `100 Continue`, and is sending.
        let right = signature(b"another body");
        let begun = carrying(&[("expect", "100-continue"), ("signature", &right)], frames(6, 500));
        assert_eq!(rejected(&app, begun).await, (ErrorKind::BodyTooLarge, false, 7), "{place}");
    }
}

/// A byte per frame is as much work as many bytes.
#[tokio::test]
async fn small_frames_count_for_more_than_their_bytes() {
    let (_, app) = &apps(&layer())[0];
    let (kind, closes, polls) = rejected(app, carrying(&[], frames(DRAINED / 2, 1))).await;
    assert_eq!((kind, closes), (ErrorKind::Missing, true));
    assert!(polls < DRAINED / 100, "{polls}");
}

/// A body that fails the test if it is polled after its end or after an error.
struct Strict(Option<Script>);

impl http_body::Body for Strict {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let script = self.0.as_mut().expect("it is not polled after its end");
        let frame = Pin::new(script).poll_frame(cx);
        if matches!(frame, Poll::Ready(None | Some(Err(_)))) {
            self.0 = None;
        }
        frame
    }
}

#[tokio::test]
async fn a_body_is_not_polled_after_its_end_or_an_error() {
    let right = signature(b"another body");
    let data = || Step::Data(Bytes::from_static(b"data"));
    for (place, app) in apps(&layer()) {
        for (headers, steps, expected) in [
            (vec![], vec![data(), Step::Fail], ErrorKind::Missing),
            (vec![], vec![data()], ErrorKind::Missing),
            (vec![("signature", &*right)], vec![data(), Step::Fail], ErrorKind::BodyRead),
            (vec![("signature", &*right)], vec![data()], ErrorKind::Mismatch),
        ] {
            let request = carrying(&headers, Strict(Some(Script::of(steps))));
            let response = app.clone().oneshot(boxed(request)).await.unwrap();
            assert_eq!((kind(&response), closes(&response)), (Some(expected), false), "{place}");
        }
    }
}

/// The part that another limit holds back stays unread.
#[tokio::test]
async fn a_body_that_a_limit_outside_cuts_off_closes_the_connection() {
    let right = signature(b"another body");
    for (place, app) in apps(&layer()) {
        for (headers, expected) in
            [(vec![], ErrorKind::Missing), (vec![("signature", &*right)], ErrorKind::BodyTooLarge)]
        {
            let request = carrying(&headers, Limited::new(frames(10, 50), 120));
            let response = app.clone().oneshot(boxed(request)).await.unwrap();
            assert_eq!((kind(&response), closes(&response)), (Some(expected), true), "{place}");
        }
    }
}

/// A frame that is counted until it is dropped.
struct Held(Vec<u8>, Arc<AtomicUsize>);

impl Held {
    fn frame(size: usize, held: &Arc<AtomicUsize>) -> Bytes {
        held.fetch_add(size, Ordering::SeqCst);
        Bytes::from_owner(Self(vec![0; size], held.clone()))
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.1.fetch_sub(self.0.len(), Ordering::SeqCst);
    }
}

/// Keeps neither bytes buffered before the rejection nor bytes drained after it.
#[tokio::test]
async fn a_rejected_body_is_not_kept_in_memory() {
    let right = signature(b"another body");
    for (place, app) in apps(&layer()) {
        for headers in [vec![], vec![("signature", &*right)]] {
            let held = Arc::new(AtomicUsize::new(0));
            let (counted, mut left) = (held.clone(), 8);
            let stream = futures_util::stream::poll_fn(move |cx: &mut Context<'_>| {
                left -= 1;
                match left {
                    0 => Poll::Pending,
                    // Frames arrive one at a time, so that the test can count them in between.
                    odd if odd % 2 == 1 => {
                        cx.waker().wake_by_ref();
                        Poll::Pending
                    }
                    _ => Poll::Ready(Some(Ok::<_, io::Error>(Held::frame(LIMIT, &counted)))),
                }
            });
            let request = carrying(&headers, Body::from_stream(stream));
            let mut answer = Box::pin(app.clone().oneshot(request));
            let mut most = Vec::new();
            for _ in 0..5 {
                assert!(poll!(&mut answer).is_pending(), "{place}");
                most.push(held.load(Ordering::SeqCst));
            }
            // The first frame is within the limit.
            let expected = if headers.is_empty() { 0 } else { LIMIT };
            assert_eq!(most[0], 0, "{place}");
            assert_eq!(most[1], expected, "{place}");
            assert_eq!(most[2..], [0, 0, 0], "{place}");
        }
    }
}

#[tokio::test]
async fn draining_yields_to_other_tasks() {
    for (place, app) in apps(&layer().with_drain_limit(usize::MAX)) {
        for size in [0, 1, 16 * 1024] {
            let frame = Bytes::from(vec![0; size]);
            let polls = Arc::new(AtomicUsize::new(0));
            let counted = polls.clone();
            let stream = futures_util::stream::poll_fn(move |_: &mut Context<'_>| {
                counted.fetch_add(1, Ordering::SeqCst);
                Poll::Ready(Some(Ok::<_, io::Error>(frame.clone())))
            });
            let request = carrying(&[], Body::from_stream(stream));
            let mut answer = Box::pin(app.clone().oneshot(request));
            assert!(poll!(&mut answer).is_pending(), "{place}");
            let polls = polls.load(Ordering::SeqCst);
            assert!(polls <= 1024, "{place}: {polls} frames of {size} bytes in one poll");
        }
    }
}

/// A withheld body of an unsigned request times out like that of a forged tag: the same outer
/// timeout ends both.
#[tokio::test(start_paused = true)]
async fn a_timeout_outside_ends_the_drain_as_it_ends_the_reading() {
    let forged = signature(b"another body");
    for (place, app) in apps(&layer()) {
        for headers in [vec![], vec![("signature", &*forged)]] {
            let service =
                ServiceBuilder::new().timeout(Duration::from_secs(1)).service(app.clone());
            let withheld = Script::of([Step::Data(Bytes::from_static(b"a byte")), Step::Hang]);
            let begun = tokio::time::Instant::now();
            let answer = service.oneshot(boxed(carrying(&headers, withheld))).await;
            assert!(answer.is_err(), "{place}");
            assert_eq!(begun.elapsed(), Duration::from_secs(1), "{place}");
        }
    }
}

/// The delay begins once the body has been read, as with a forged tag.
#[cfg(feature = "tokio")]
#[tokio::test(start_paused = true)]
async fn the_delay_of_rejections_follows_the_drain_and_holds_for_the_extractor() {
    const DELAY: Duration = Duration::from_millis(500);
    let forged = signature(b"another body");
    for (place, app) in apps(&layer().with_rejection_delay(DELAY)) {
        for headers in [vec![], vec![("signature", &*forged)]] {
            let slow = async_stream(Duration::from_secs(2));
            let begun = tokio::time::Instant::now();
            let response = app.clone().oneshot(carrying(&headers, slow)).await.unwrap();
            assert_eq!(response.status(), StatusCode::FORBIDDEN);
            assert_eq!(begun.elapsed(), Duration::from_secs(2) + DELAY, "{place}");
        }
    }
}

/// A body with one frame that arrives after this delay.
#[cfg(feature = "tokio")]
fn async_stream(time: Duration) -> Body {
    Body::from_stream(futures_util::stream::once(async move {
        tokio::time::sleep(time).await;
        Ok::<_, io::Error>("data")
    }))
}

/// The body of an unsigned request that an optional layer passes on belongs to the handler.
#[tokio::test]
async fn an_optional_layer_does_not_read_unsigned_bodies() {
    let app = Router::new()
        .route("/", any(async |caller: Option<Verified>| caller.is_some().to_string()))
        .layer(layer().optional());
    let request = carrying(&[("content-length", "5")], Script::hanging());
    let polls = request.body().polls();
    let response = app.oneshot(boxed(request)).await.unwrap();
    assert_eq!((response.status(), closes(&response)), (StatusCode::OK, false));
    assert_eq!(polls.load(Ordering::SeqCst), 0);
}

/// An extractor cannot reach that body, so it may stay unread, and the response says so.
#[tokio::test]
async fn an_extractor_that_rejects_behind_an_optional_layer_closes_the_connection() {
    let app = Router::new()
        .route("/", any(async |_: Only<Team>| "in"))
        .route("/verified", any(async |_: Verified| "in"))
        .layer(layer().optional());
    let with_body: [&[(&'static str, &str)]; 2] =
        [&[("content-length", "5")], &[("transfer-encoding", "chunked")]];
    for path in ["/", "/verified"] {
        for (headers, version, expected) in [
            (with_body[0], Version::HTTP_11, true),
            (with_body[1], Version::HTTP_11, true),
            (with_body[0], Version::HTTP_2, false),
            (&[], Version::HTTP_11, false),
        ] {
            let mut request = carrying(headers, Body::empty());
            *request.version_mut() = version;
            *request.uri_mut() = path.parse().unwrap();
            let response = app.clone().oneshot(request).await.unwrap();
            assert_eq!(kind(&response), Some(ErrorKind::Missing));
            assert_eq!(closes(&response), expected, "{path} {headers:?} {version:?}");
        }
    }
}

/// The bytes of a request on the wire.
fn wire(headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("POST / HTTP/1.1\r\nHost: a\r\n{headers}Content-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// Otherwise, a client that reuses its connections loses the request after a rejected one.
#[tokio::test]
async fn the_connection_carries_the_next_request() {
    use tokio::io::AsyncWriteExt as _;
    let layer = layer().with_drain_limit(1024 * 1024);
    let forged = format!("Signature: {}\r\n", signature(b"another body"));
    let chunked = [
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nc350\r\n",
        &[b'x'; 50_000][..],
        b"\r\n0\r\n\r\n",
    ]
    .concat();
    for (place, app) in apps(&layer) {
        let address = serve(app).await;
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        for (rejected, status) in [
            (wire("", &[b'x'; 50_000]), 403),
            (wire("Signature: ?\r\n", &[b'x'; 500_000]), 403),
            (wire(&forged, &[b'x'; 500_000]), 413),
            (chunked.clone(), 403),
        ] {
            stream.write_all(&rejected).await.unwrap();
            let answer = read_answer(&mut stream).await;
            assert_eq!(answer.status, status, "{place}");
            assert!(!answer.headers.iter().any(|line| line.contains("close")), "{place}");
            let right = format!("Signature: {}\r\n", signature(b"{}"));
            stream.write_all(&wire(&right, b"{}")).await.unwrap();
            let answer = read_answer(&mut stream).await;
            assert_eq!((answer.status, &*answer.body), (200, &b"2"[..]), "{place}");
        }
    }
}

#[tokio::test]
async fn over_the_wire_the_answer_says_when_the_connection_ends() {
    for (place, app) in apps(&layer()) {
        let address = serve(app).await;
        let head = |headers: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
        for headers in
            ["Content-Length: 100000\r\n", "Content-Length: 5\r\nExpect: 100-continue\r\n"]
        {
            // The body is never sent: the first response is final, and there is no 100.
            let answer = exchange(address, head(headers).as_bytes()).await;
            assert_eq!(answer.status, 403, "{place}");
            assert!(answer.headers.contains(&"connection: close".to_owned()), "{place}");
        }
    }
}

/// Trailers end a drained body just like one that is read.
#[tokio::test]
async fn trailers_are_drained_too() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-any", "1".parse().unwrap());
    let (_, app) = &apps(&layer())[0];
    let body = Script::of([Step::Data(Bytes::from_static(b"data")), Step::Trailers(trailers)]);
    assert_eq!(rejected(app, carrying(&[], body)).await, (ErrorKind::Missing, false, 3));
}
