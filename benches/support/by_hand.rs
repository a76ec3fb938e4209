//! Carefully hand-written verifiers for one scheme and one key, and a layer and an extractor around
//! them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use http::StatusCode;
use http::request::Parts;
use pin_project_lite::pin_project;
use sha2::Sha256;
use tower::{Layer, Service};

use super::{bare_hash, floor};

/// The limit, in bytes, like axum's.
const BODY_LIMIT: usize = 2 * 1024 * 1024;

/// The caller, as passed to a handler.
#[derive(Clone)]
pub struct Caller(pub Arc<str>);

/// One scheme by hand: what it reads from the head, and what it hashes of the body.
pub trait ByHand: Send + Sync + 'static {
    type Running: Send + Unpin;

    fn begin(&self, head: &Parts) -> Option<Self::Running>;
    fn update(running: &mut Self::Running, data: &[u8]);
    fn finish(running: Self::Running) -> bool;
    fn caller(&self) -> Caller;
}

/// Flask-HMAC with a single key.
pub struct Flask {
    key: Hmac<Sha256>,
    caller: Caller,
}

impl Flask {
    pub fn new() -> Self {
        Self { key: bare_hash(), caller: Caller("aservice".into()) }
    }
}

impl ByHand for Flask {
    type Running = (Hmac<Sha256>, [u8; 32]);

    fn begin(&self, head: &Parts) -> Option<Self::Running> {
        let tag = decoded(head.headers.get("signature")?.as_bytes())?;
        Some((self.key.clone(), tag))
    }

    fn update((mac, _): &mut Self::Running, data: &[u8]) {
        mac.update(data);
    }

    fn finish((mac, tag): Self::Running) -> bool {
        mac.verify_slice(&tag).is_ok()
    }

    fn caller(&self) -> Caller {
        self.caller.clone()
    }
}

/// 32 bytes of base64.
pub fn decoded(text: &[u8]) -> Option<[u8; 32]> {
    let mut bytes = [0; 40];
    let len = STANDARD.decode_slice(text, &mut bytes).ok()?;
    bytes.get(..len)?.try_into().ok()
}

/// The route behind a hand-written layer, whose handlers get the caller.
pub fn hand_layer(scheme: impl ByHand) -> Router {
    floor(false).layer(HandLayer(Arc::new(scheme)))
}

/// The route with a hand-written extractor.
pub fn hand_extractor<V: ByHand>(scheme: V) -> Router {
    async fn handler<V>(HandSigned(body, caller, _): HandSigned<V>) -> StatusCode {
        std::hint::black_box((body, caller));
        StatusCode::OK
    }
    Router::new().route("/orders", post(handler::<V>)).with_state(Arc::new(scheme))
}

pub struct HandSigned<V>(Bytes, Caller, std::marker::PhantomData<fn(V)>);

impl<V: ByHand> FromRequest<Arc<V>> for HandSigned<V> {
    type Rejection = StatusCode;

    async fn from_request(request: Request, scheme: &Arc<V>) -> Result<Self, StatusCode> {
        let (parts, body) = request.into_parts();
        let mut running = scheme.begin(&parts).ok_or(StatusCode::FORBIDDEN)?;
        let request = Request::from_parts(parts, body);
        let body = Bytes::from_request(request, scheme).await;
        let body = body.map_err(|_| StatusCode::BAD_REQUEST)?;
        V::update(&mut running, &body);
        if V::finish(running) {
            Ok(Self(body, scheme.caller(), std::marker::PhantomData))
        } else {
            Err(StatusCode::FORBIDDEN)
        }
    }
}

pub struct HandLayer<V>(pub Arc<V>);

impl<V> Clone for HandLayer<V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S, V> Layer<S> for HandLayer<V> {
    type Service = HandService<S, V>;

    fn layer(&self, inner: S) -> HandService<S, V> {
        HandService { inner, scheme: self.0.clone() }
    }
}

pub struct HandService<S, V> {
    inner: S,
    scheme: Arc<V>,
}

impl<S: Clone, V> Clone for HandService<S, V> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), scheme: self.scheme.clone() }
    }
}

impl<S, V> Service<Request> for HandService<S, V>
where
    S: Service<Request, Response = Response> + Clone,
    V: ByHand,
{
    type Response = Response;
    type Error = S::Error;
    type Future = HandFuture<S, V>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> HandFuture<S, V> {
        let (head, body) = request.into_parts();
        let inner = self.inner.clone();
        let (running, caller) = (self.scheme.begin(&head), self.scheme.caller());
        let head = running.is_some().then_some(head);
        HandFuture {
            head,
            body,
            running,
            caller,
            gathered: Gathered::default(),
            inner,
            answer: None,
        }
    }
}

pin_project! {
    pub struct HandFuture<S: Service<Request>, V: ByHand> {
        head: Option<Parts>,
        body: Body,
        running: Option<V::Running>,
        caller: Caller,
        gathered: Gathered,
        inner: S,
        #[pin]
        answer: Option<S::Future>,
    }
}

impl<S, V> Future for HandFuture<S, V>
where
    S: Service<Request, Response = Response>,
    V: ByHand,
{
    type Output = Result<Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            if let Some(answer) = this.answer.as_mut().as_pin_mut() {
                return answer.poll(cx);
            }
            let rejected = |status: StatusCode| Poll::Ready(Ok(status.into_response()));
            let Some(running) = this.running.as_mut() else {
                return rejected(StatusCode::FORBIDDEN);
            };
            while let Some(frame) = ready!(Pin::new(&mut *this.body).poll_frame(cx)) {
                let Ok(frame) = frame else { return rejected(StatusCode::BAD_REQUEST) };
                let Ok(data) = frame.into_data() else { continue };
                V::update(running, &data);
                if !this.gathered.push(data) {
                    return rejected(StatusCode::PAYLOAD_TOO_LARGE);
                }
            }
            ready!(this.inner.poll_ready(cx))?;
            let is_right = this.running.take().is_some_and(V::finish);
            let Some(mut head) = this.head.take().filter(|_| is_right) else {
                return rejected(StatusCode::FORBIDDEN);
            };
            head.extensions.insert(this.caller.clone());
            let body = Body::from(this.gathered.take());
            let answer = this.inner.call(Request::from_parts(head, body));
            this.answer.set(Some(answer));
        }
    }
}

/// A body: its only frame unchanged, or all frames in one buffer.
#[derive(Default)]
struct Gathered {
    whole: Bytes,
    joined: Vec<u8>,
}

impl Gathered {
    fn push(&mut self, data: Bytes) -> bool {
        if self.whole.is_empty() && self.joined.is_empty() {
            self.whole = data;
        } else {
            self.joined.extend_from_slice(&std::mem::take(&mut self.whole));
            self.joined.extend_from_slice(&data);
        }
        self.whole.len().max(self.joined.len()) <= BODY_LIMIT
    }

    fn take(&mut self) -> Bytes {
        if self.joined.is_empty() {
            std::mem::take(&mut self.whole)
        } else {
            std::mem::take(&mut self.joined).into()
        }
    }
}
