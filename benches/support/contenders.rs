//! The contenders in front of the route, from nothing to the layer.

use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use http::StatusCode;
use sha2::Sha256;
use tower::{Layer, Service};
use tower_hmac::extract::Signed;
use tower_hmac::{FlaskHmac, KeyMap, SecretKey, VerifyLayer};

use super::{KEY, bare_hash};

/// The longest body of all cases, in bytes.
pub const LIMIT: usize = 64 * 1024 * 1024;

async fn handler(body: Bytes) -> StatusCode {
    std::hint::black_box(body);
    StatusCode::OK
}

/// The route without a check, even for bodies over axum's own limit of 2 MiB.
pub fn floor(large: bool) -> Router {
    let route = Router::new().route("/orders", post(handler));
    if large { route.layer(DefaultBodyLimit::disable()) } else { route }
}

/// The route behind a layer that does nothing.
pub fn nothing(large: bool) -> Router {
    floor(large).layer(Nothing)
}

/// The route behind careful hand-written middleware.
pub fn careful(large: bool) -> Router {
    let prepared = bare_hash();
    floor(large).layer(from_fn(move |request: Request, next: Next| {
        let prepared = prepared.clone();
        async move {
            let (parts, body) = request.into_parts();
            let mut tag = [0; 40];
            let offered = parts.headers.get("signature").map(|value| value.as_bytes());
            let decoded = offered.and_then(|text| STANDARD.decode_slice(text, &mut tag).ok());
            let Some(tag) = decoded.and_then(|len| tag.get(..len)) else {
                return StatusCode::FORBIDDEN.into_response();
            };
            let Ok(bytes) = to_bytes(body, LIMIT).await else {
                return StatusCode::BAD_REQUEST.into_response();
            };
            let mut mac = prepared;
            mac.update(&bytes);
            if mac.verify_slice(tag).is_err() {
                return StatusCode::FORBIDDEN.into_response();
            }
            next.run(Request::from_parts(parts, Body::from(bytes))).await
        }
    }))
}

/// The route with a careful hand-written extractor for this scheme and key.
pub fn by_hand(large: bool) -> Router {
    async fn handler(ByHand(body): ByHand) -> StatusCode {
        std::hint::black_box(body);
        StatusCode::OK
    }
    let route = Router::new().route("/orders", post(handler)).with_state(bare_hash());
    if large { route.layer(DefaultBodyLimit::disable()) } else { route }
}

struct ByHand(Bytes);

impl FromRequest<Hmac<Sha256>> for ByHand {
    type Rejection = StatusCode;

    async fn from_request(request: Request, key: &Hmac<Sha256>) -> Result<Self, StatusCode> {
        let mut tag = [0; 40];
        let offered = request.headers().get("signature").ok_or(StatusCode::FORBIDDEN)?;
        let len = STANDARD.decode_slice(offered, &mut tag).map_err(|_| StatusCode::FORBIDDEN)?;
        let body = Bytes::from_request(request, key).await.map_err(|_| StatusCode::BAD_REQUEST)?;
        let mut mac = key.clone();
        mac.update(&body);
        mac.verify_slice(&tag[..len]).map_err(|_| StatusCode::FORBIDDEN)?;
        Ok(Self(body))
    }
}

/// The route behind the layer.
pub fn layer(layer: VerifyLayer) -> Router {
    floor(false).layer(layer)
}

/// The route with the extractor, without a layer.
pub fn extractor(layer: VerifyLayer) -> Router {
    async fn signed(Signed(body, _): Signed<Bytes>) -> StatusCode {
        handler(body).await
    }
    Router::new().route("/orders", post(signed)).with_state(layer.shared())
}

/// The verifier of nearly all cases: Flask-HMAC with one key.
pub fn ours(large: bool) -> VerifyLayer {
    let keys = KeyMap::single(KEY).unwrap();
    let layer = VerifyLayer::new(FlaskHmac::new(), keys).unwrap();
    if large { layer.with_body_limit(LIMIT) } else { layer }
}

#[derive(Clone)]
pub struct Nothing;

impl<S> Layer<S> for Nothing {
    type Service = Untouched<S>;

    fn layer(&self, inner: S) -> Untouched<S> {
        Untouched(inner)
    }
}

#[derive(Clone)]
pub struct Untouched<S>(S);

impl<S: Service<R>, R> Service<R> for Untouched<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.0.call(request)
    }
}
