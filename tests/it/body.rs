//! Bodies: limits, broken bodies, and the bytes that the handler reads.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use futures_util::poll;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Limited};
use proptest::prelude::*;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_hmac::layer::VerifiedBody;
use tower_hmac::{
    BoxError, ErrorKind, FlaskHmac, KeyMap, SecretKey, Signer, VerifyError, VerifyLayer,
};

use crate::support::script::{Script, Step};

const LIMIT: usize = 64 * 1024;

fn key() -> SecretKey {
    SecretKey::new("s3cr3tk3y").unwrap()
}

fn layer() -> VerifyLayer {
    VerifyLayer::new(FlaskHmac::new(), KeyMap::single(key()).unwrap())
        .unwrap()
        .with_body_limit(LIMIT)
}

/// A request signed for one body that carries another.
fn carrying<B>(signed: &[u8], body: B) -> Request<B> {
    let value = Signer::new(FlaskHmac::new(), key()).signature(signed);
    Request::post("/").header("Signature", value).body(body).unwrap()
}

fn with_length<B>(mut request: Request<B>, length: &str) -> Request<B> {
    request.headers_mut().insert(CONTENT_LENGTH, length.parse().unwrap());
    request
}

/// The same request over HTTP/2, where the body of a rejected request is not read.
fn over_http_2<B>(mut request: Request<B>) -> Request<B> {
    *request.version_mut() = Version::HTTP_2;
    request
}

/// The response body contains what the handler got, in one piece.
async fn send<B>(request: Request<B>) -> Response<Bytes>
where
    B: Body<Error: Into<BoxError>>,
{
    let handler = service_fn(|request: Request<VerifiedBody<B>>| async {
        let mut frames = std::pin::pin!(request.into_body());
        let mut pieces = Vec::new();
        while let Some(frame) = poll_fn(|cx| frames.as_mut().poll_frame(cx)).await {
            pieces.push(frame.unwrap().into_data().expect("data alone"));
        }
        assert!(pieces.len() <= 1, "one piece");
        Ok::<_, Infallible>(Response::new(pieces.pop().unwrap_or_default()))
    });
    layer().layer(handler).oneshot(request).await.unwrap()
}

fn kind(response: &Response<Bytes>) -> Option<ErrorKind> {
    response.extensions().get::<VerifyError>().map(VerifyError::kind)
}

async fn outcome<B>(request: Request<B>) -> Option<ErrorKind>
where
    B: Body<Error: Into<BoxError>>,
{
    kind(&send(request).await)
}

#[tokio::test]
async fn a_body_at_the_limit_passes_and_one_byte_more_does_not() {
    let limit = vec![b'x'; LIMIT];
    let over = vec![b'x'; LIMIT + 1];
    for size in [LIMIT + 1, 1000, 1] {
        let at = Script::pieces(limit.chunks(size));
        let response = send(carrying(&limit, at)).await;
        assert_eq!(kind(&response), None, "frames of {size}");
        assert_eq!(response.body(), &limit);
        let response = send(carrying(&over, Script::pieces(over.chunks(size)))).await;
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE, "frames of {size}");
    }
}

#[tokio::test]
async fn nothing_is_read_past_the_limit() {
    let frames = (0..1000).map(|_| Step::Data(Bytes::from(vec![0; LIMIT / 4])));
    let request = over_http_2(carrying(b"", Script::of(frames)));
    let polls = request.body().polls();
    assert_eq!(outcome(request).await, Some(ErrorKind::BodyTooLarge));
    assert_eq!(polls.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn a_length_over_the_limit_is_rejected_before_the_body_is_read() {
    // This also applies over HTTP/1.1, if the body is longer than would be drained.
    let lengths = [
        ((LIMIT + 1).to_string(), Version::HTTP_2),
        ("1000000000000000".to_owned(), Version::HTTP_11),
        ("9000000000000000000".to_owned(), Version::HTTP_11),
        ("99999999999999999999999999".to_owned(), Version::HTTP_11),
        (u64::MAX.to_string(), Version::HTTP_11),
    ];
    for (length, version) in lengths {
        let mut request = with_length(carrying(b"", Script::hanging()), &length);
        *request.version_mut() = version;
        let polls = request.body().polls();
        let response = send(request).await;
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE, "{length}");
        assert_eq!(polls.load(Ordering::SeqCst), 0, "{length}");
    }
    let hinted = Script::hanging().with_hint(SizeHint::with_exact(u64::MAX));
    assert_eq!(outcome(carrying(b"", hinted)).await, Some(ErrorKind::BodyTooLarge));
}

#[tokio::test]
async fn an_incomplete_body_is_never_verified() {
    let half = || Step::Data(Bytes::from_static(b"half"));
    let failing = Script::of([half(), Step::Fail]);
    let response = send(carrying(b"half", failing)).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let error = response.extensions().get::<VerifyError>().unwrap();
    assert!(std::error::Error::source(error).is_some(), "the body's own error");

    // The body has fewer bytes than announced.
    let short = with_length(carrying(b"half", Script::of([half()])), "5");
    assert_eq!(send(short).await.status(), StatusCode::BAD_REQUEST);
    let exact = with_length(carrying(b"half", Script::of([half()])), "4");
    assert_eq!(outcome(exact).await, None);
}

/// An outer limit applies first: the response is 413, not that for a broken body.
#[tokio::test]
async fn an_outer_body_limit_answers_413_too() {
    let body = Limited::new(Script::whole("four"), 3);
    assert_eq!(outcome(carrying(b"four", body)).await, Some(ErrorKind::BodyTooLarge));
}

#[tokio::test]
async fn binary_bodies_and_bodies_of_a_get_are_verified() {
    let bytes: Vec<u8> = (0..=255).rev().collect();
    for method in [Method::GET, Method::HEAD, Method::DELETE, Method::OPTIONS, Method::POST] {
        let mut request = carrying(&bytes, Script::whole(bytes.clone()));
        *request.method_mut() = method;
        let response = send(request).await;
        assert_eq!(kind(&response), None);
        assert_eq!(response.body(), &bytes);
    }
    assert_eq!(outcome(carrying(b"", Script::whole("body"))).await, Some(ErrorKind::Mismatch));
    assert_eq!(outcome(carrying(b"body", Script::empty())).await, Some(ErrorKind::Mismatch));
}

/// No scheme covers trailers, so no handler sees them.
#[tokio::test]
async fn trailers_are_dropped() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-evil", "1".parse().unwrap());
    let body = Script::of([Step::Data(Bytes::from_static(b"body")), Step::Trailers(trailers)]);
    let response = send(carrying(b"body", body)).await;
    assert_eq!(kind(&response), None);
    assert_eq!(response.body(), "body");
}

#[tokio::test]
async fn a_first_frame_that_is_the_whole_body_is_not_copied() {
    let body = Bytes::from(vec![b'x'; 1000]);
    let mut trailers = HeaderMap::new();
    trailers.insert("x-any", "1".parse().unwrap());
    // HTTP/2 can end a body with an empty frame.
    let bodies = [
        Script::of([Step::Data(body.clone())]),
        Script::of([Step::Data(body.clone()), Step::Data(Bytes::new())]),
        Script::of([Step::Data(Bytes::new()), Step::Data(body.clone())]),
        Script::of([Step::Data(body.clone()), Step::Trailers(trailers)]),
    ];
    for script in bodies {
        let response = send(carrying(&body, script)).await;
        assert_eq!(response.body().as_ptr(), body.as_ptr());
    }
}

/// A body whose frames are always ready and never end.
struct Endless {
    frame: Bytes,
    polls: usize,
}

impl Body for Endless {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.polls += 1;
        assert!(self.polls <= 300_000, "other tasks never get their turn");
        Poll::Ready(Some(Ok(Frame::data(self.frame.clone()))))
    }
}

#[tokio::test]
async fn a_body_that_is_always_ready_yields_to_other_tasks() {
    let layer = layer().with_body_limit(usize::MAX);
    for frame in ["", "x", "0123456789"] {
        let handler = service_fn(|_: Request<VerifiedBody<Endless>>| async {
            Ok::<_, Infallible>(Response::new(Bytes::new()))
        });
        let body = Endless { frame: Bytes::from_static(frame.as_bytes()), polls: 0 };
        let mut answer = Box::pin(layer.layer(handler).oneshot(carrying(b"", body)));
        assert!(poll!(&mut answer).is_pending(), "frames of {} bytes", frame.len());
    }
}

/// Data in two separate pieces, as in the buffers of other frameworks.
struct Scattered(Bytes, Bytes);

impl Buf for Scattered {
    fn remaining(&self) -> usize {
        self.0.remaining() + self.1.remaining()
    }

    fn chunk(&self) -> &[u8] {
        if self.0.has_remaining() { self.0.chunk() } else { self.1.chunk() }
    }

    fn advance(&mut self, count: usize) {
        let first = count.min(self.0.remaining());
        self.0.advance(first);
        self.1.advance(count - first);
    }
}

struct ScatteredBody(VecDeque<Scattered>);

impl Body for ScatteredBody {
    type Data = Scattered;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Scattered>, &'static str>>> {
        Poll::Ready(self.0.pop_front().map(|data| Ok(Frame::data(data))))
    }
}

#[tokio::test]
async fn noncontiguous_buffers_are_read_completely() {
    let piece = |a: &'static str, b: &'static str| Scattered(a.into(), b.into());
    let body = ScatteredBody([piece("one, ", "two, "), piece("", "three"), piece("", "")].into());
    let response = send(carrying(b"one, two, three", body)).await;
    assert_eq!(kind(&response), None);
    assert_eq!(response.body(), "one, two, three");
}

/// A client can make us reserve at most twice the bytes that it sent, plus 16 KiB.
#[tokio::test]
async fn an_announced_length_reserves_no_memory() {
    let sent: Vec<u8> = (0..=255).cycle().take(20_000).collect();
    for promised in [None, Some("20000")] {
        let mut request = carrying(&sent, Script::pieces(sent.chunks(100)));
        if let Some(length) = promised {
            request = with_length(request, length);
        }
        let response = send(request).await;
        assert_eq!(response.body(), &sent);
        let whole = response.into_body().try_into_mut().expect("nobody else holds the bytes");
        assert!(whole.capacity() <= 2 * sent.len() + 16 * 1024, "{}", whole.capacity());
        if promised.is_some() {
            assert_eq!(whole.capacity(), sent.len(), "the promised length is the right room");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_handler_reads_the_signed_bytes_however_they_are_split(
        body in prop::collection::vec(any::<u8>(), 0..40_000),
        mut cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        wait in any::<bool>(),
    ) {
        cuts.sort_by_key(|cut| cut.index(body.len() + 1));
        let mut steps = Vec::new();
        let mut start = 0;
        for end in cuts.iter().map(|cut| cut.index(body.len() + 1)).chain([body.len()]) {
            steps.push(Step::Data(Bytes::copy_from_slice(&body[start..end])));
            if wait {
                steps.push(Step::Wait);
            }
            start = end;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let response = runtime.block_on(send(carrying(&body, Script::of(steps))));
        prop_assert_eq!(kind(&response), None);
        prop_assert_eq!(response.body(), &body);
    }
}

/// The body's own trait methods: a known length, and the end.
#[tokio::test]
async fn the_verified_body_knows_its_length() {
    let handler = service_fn(|request: Request<VerifiedBody<Script>>| async {
        let body = request.into_body();
        assert_eq!(body.size_hint().exact(), Some(4));
        assert!(!body.is_end_stream());
        Ok::<_, Infallible>(Response::new(body.collect().await.unwrap().to_bytes()))
    });
    let request = carrying(b"body", Script::whole("body"));
    assert_eq!(layer().layer(handler).oneshot(request).await.unwrap().body(), "body");

    let handler = service_fn(|request: Request<VerifiedBody<Script>>| async move {
        let empty = request.body().is_end_stream();
        Ok::<_, Infallible>(Response::new(Bytes::from(empty.to_string())))
    });
    let request = carrying(b"", Script::empty());
    assert_eq!(layer().layer(handler).oneshot(request).await.unwrap().body(), "true");
}
