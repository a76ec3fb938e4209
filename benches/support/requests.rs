//! The requests: a head of the usual size, and a body in one piece or in frames.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use futures_util::stream;
use http::{HeaderValue, Request};
use tower_hmac::{FlaskHmac, Scheme, SecretKey, Signer};

use super::KEY;

/// The length of a frame, in bytes: about what a server reads at once.
pub const FRAME: usize = 16 * 1024;

/// A body of this length.
pub fn body(len: usize) -> Bytes {
    std::iter::repeat_n(b"0123456789abcdef", len.div_ceil(16))
        .flatten()
        .copied()
        .take(len)
        .collect()
}

/// A request as a client of the usual kind sends it.
pub fn unsigned(body: Bytes) -> impl Fn() -> Request<Body> {
    let head = head(&body);
    move || head.clone().map(|()| Body::from(body.clone()))
}

/// A signed request with its body in one piece.
pub fn signed(scheme: impl Scheme, body: Bytes) -> impl Fn() -> Request<Body> {
    let head = signed_head(scheme, &body);
    move || head.clone().map(|()| Body::from(body.clone()))
}

/// A request signed in Flask-HMAC's format, its body in frames of this length.
pub fn framed(body: Bytes, frame: usize) -> impl Fn() -> Request<Body> {
    let head = signed_head(FlaskHmac::new(), &body);
    move || head.clone().map(|()| frames(body.clone(), frame))
}

/// A request with this value as its signature.
pub fn with_signature(value: &'static str, body: Bytes) -> impl Fn() -> Request<Body> {
    let mut head = head(&body);
    head.headers_mut().insert("signature", HeaderValue::from_static(value));
    move || head.clone().map(|()| Body::from(body.clone()))
}

/// The body in frames of this length.
pub fn frames(body: Bytes, frame: usize) -> Body {
    let mut rest = body;
    let pieces = std::iter::from_fn(move || {
        let piece = rest.split_to(frame.min(rest.len()));
        (!piece.is_empty()).then_some(Ok::<_, Infallible>(piece))
    });
    Body::from_stream(stream::iter(pieces))
}

fn head(body: &[u8]) -> Request<()> {
    Request::post("/orders?dry=1")
        .header("host", "service.example")
        .header("user-agent", "client/1.0")
        .header("accept", "*/*")
        .header("content-type", "application/json")
        .header("content-length", body.len())
        .body(())
        .unwrap()
}

fn signed_head(scheme: impl Scheme, body: &[u8]) -> Request<()> {
    let signer = Signer::new(scheme, SecretKey::new(KEY).unwrap());
    let (mut parts, ()) = head(body).into_parts();
    signer.sign_head(&mut parts, body).unwrap();
    Request::from_parts(parts, ())
}
