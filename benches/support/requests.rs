//! The requests: a head of typical size, and a body in one piece or in frames.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use futures_util::stream;
use http::{HeaderValue, Request};
use tower_hmac::{FlaskHmac, Scheme, SecretKey, Signer};

use super::KEY;

/// The length of a frame, in bytes: about as much as a server reads at once.
pub const FRAME: usize = 16 * 1024;

/// A body of this length.
pub fn body(len: usize) -> Bytes {
    std::iter::repeat_n(b"0123456789abcdef", len.div_ceil(16))
        .flatten()
        .copied()
        .take(len)
        .collect()
}

/// A request signed with Flask-HMAC, with its body in one piece.
pub fn signed(body: Bytes) -> impl Fn() -> Request<Body> {
    signed_by(&Signer::new(FlaskHmac::new(), SecretKey::new(KEY).unwrap()), body)
}

/// A request signed by this signer, with its body in one piece.
pub fn signed_by<S: Scheme>(
    signer: &Signer<S>,
    body: Bytes,
) -> impl Fn() -> Request<Body> + use<S> {
    let (mut parts, ()) = head(&body).into_parts();
    signer.sign_head(&mut parts, &body).unwrap();
    let head = Request::from_parts(parts, ());
    move || head.clone().map(|()| Body::from(body.clone()))
}

/// Like [`signed`], but with the body in frames if a length is given.
pub fn framed(body: Bytes, frame: Option<usize>) -> impl Fn() -> Request<Body> {
    let whole = signed(body.clone());
    move || match frame {
        None => whole(),
        Some(frame) => whole().map(|_| frames(body.clone(), frame)),
    }
}

/// A request with this value as its signature, or none.
pub fn with_signature(value: Option<&str>, body: Bytes) -> impl Fn() -> Request<Body> + use<> {
    let mut head = head(&body);
    if let Some(value) = value {
        head.headers_mut().insert("signature", HeaderValue::from_str(value).unwrap());
    }
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
    Request::post("/orders")
        .header("host", "service.example")
        .header("user-agent", "client/1.0")
        .header("accept", "*/*")
        .header("content-type", "application/json")
        .header("content-length", body.len())
        .body(())
        .unwrap()
}
