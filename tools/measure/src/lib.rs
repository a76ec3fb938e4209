//! Sends one request through the layer, as a client could.

pub mod sigv4;

use std::convert::Infallible;
use std::future::{Future as _, Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use tower_hmac::layer::{VerifiedBody, VerifyService};
use tower_hmac::{FlaskHmac, KeyMap, KeySet, MemoryReplay, SecretKey, Signer, VerifyLayer};
use tower_layer::Layer as _;
use tower_service::Service;

const BODY: &[u8] = &[b'x'; 1024];

#[derive(Clone)]
pub struct Handler;

impl Service<Request<VerifiedBody<Full<Bytes>>>> for Handler {
    type Response = Response<Bytes>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Bytes>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<VerifiedBody<Full<Bytes>>>) -> Self::Future {
        ready(Ok(Response::new(Bytes::new())))
    }
}

pub type Server = VerifyService<Handler, tower_hmac::layer::StatusRejection>;

/// A service with this many keys for each of its two key IDs, and an anonymous key.
#[must_use]
pub fn server(keys: usize) -> Server {
    let set = |name: &str| {
        let key = |n| SecretKey::new(format!("{name} {n}")).unwrap();
        KeySet::new((0..keys).map(key)).unwrap()
    };
    let map = KeyMap::named([("aservice", set("a")), ("bservice", set("b"))]).unwrap();
    VerifyLayer::new(FlaskHmac::new(), map.with_single(set("single")).unwrap())
        .unwrap()
        .layer(Handler)
}

/// The same with a replay guard, and with one key for each key ID but a third one, which has three.
/// The guard makes it keep the tags until the request is accepted.
#[must_use]
pub fn uneven_server() -> Server {
    let set = |name: &str, keys: usize| {
        let key = |n| SecretKey::new(format!("{name} {n}")).unwrap();
        KeySet::new((0..keys).map(key)).unwrap()
    };
    let sets = [("aservice", set("a", 1)), ("bservice", set("b", 1)), ("cservice", set("c", 3))];
    let layer = VerifyLayer::new(FlaskHmac::new(), KeyMap::named(sets).unwrap()).unwrap();
    let layer = layer.dangerous_replay_by_tag(Duration::from_secs(300));
    layer.with_replay_guard(MemoryReplay::new(1000).unwrap()).unwrap().layer(Handler)
}

/// Signatures that a client may send, all of the same length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    Right,
    WrongFirstByte,
    WrongLastByte,
    UnknownName,
}

/// Makes a request with a key ID, or without one if it is `None`.
#[must_use]
pub fn request(name: Option<&str>, attempt: Attempt) -> Request<Full<Bytes>> {
    let key = match name {
        Some(_) => "a 0",
        None => "single 0",
    };
    let tag = Signer::new(FlaskHmac::new(), SecretKey::new(key).unwrap()).signature(BODY);
    // Six bits each: all of the first character, and the upper four of the last.
    let tag = match attempt {
        Attempt::Right => tag,
        Attempt::WrongFirstByte | Attempt::UnknownName => changed(&tag, 0),
        Attempt::WrongLastByte => changed(&tag, 42),
    };
    let value = match (name, attempt) {
        (None, _) => tag,
        (Some(name), attempt) => {
            named(if attempt == Attempt::UnknownName { "zservice" } else { name }, &tag)
        }
    };
    let value = HeaderValue::try_from(value).unwrap();
    Request::post("/").header("signature", value).body(Full::from(BODY)).unwrap()
}

fn changed(tag: &str, at: usize) -> String {
    let mut text = tag.as_bytes().to_vec();
    // Neither has unused bits.
    text[at] = if text[at] == b'A' { b'Q' } else { b'A' };
    String::from_utf8(text).unwrap()
}

fn named(name: &str, tag: &str) -> String {
    use std::fmt::Write as _;
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text = format!("{name}:{tag}");
    let mut out = String::new();
    for group in text.as_bytes().chunks(3) {
        let at = |i: usize| u32::from(*group.get(i).unwrap_or(&0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for digit in 0..4 {
            let value = bits >> (18 - 6 * digit) & 63;
            let digit = if digit > group.len() { '=' } else { char::from(DIGITS[value as usize]) };
            write!(out, "{digit}").unwrap();
        }
    }
    out
}

/// Sends a request and returns its status. The whole request is available, so the first poll
/// answers.
pub fn send(server: &mut Server, request: Request<Full<Bytes>>) -> StatusCode {
    let mut answer = pin!(server.call(black_box(request)));
    match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(response)) => response.status(),
        Poll::Ready(Err(never)) => match never {},
        Poll::Pending => panic!("all of the request was there"),
    }
}
