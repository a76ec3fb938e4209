//! The contract, step by step, with a scheme that uses every method of `Scheme`.

mod answers;
mod config;
mod joints;
mod layers;
mod settings;
mod steps;
mod window;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_hmac::clock::{Clock, ManualClock};
use tower_hmac::key::{KeyQuery, Lookup};
use tower_hmac::layer::{Rejection, VerifiedBody};
use tower_hmac::replay::ReplayGuard;
use tower_hmac::replay::{Replay, ReplayClaim, ReplayRequest};
use tower_hmac::scheme::Claim;
use tower_hmac::{
    ErrorKind, KeyMap, KeyStore, Scheme, SecretKey, Signer, Verified, VerifyError, VerifyLayer,
};

use crate::support::joints::{Covers, Joints};
use crate::support::script::{Log, Script};

/// The time at which all requests in these tests are signed.
const NOW: i64 = 1_700_000_000;

fn key(text: &str) -> SecretKey {
    SecretKey::new(text).unwrap()
}

fn keys() -> KeyMap {
    KeyMap::named([("aservice", "akey"), ("bservice", "bkey")]).unwrap()
}

fn signer<S: Scheme>(scheme: S) -> Signer<S> {
    Signer::new(scheme, key("akey"))
        .with_key_id("aservice")
        .unwrap()
        .with_clock(ManualClock::new(NOW))
}

fn signed<S: Scheme>(scheme: S, body: &[u8]) -> Request<Script> {
    sign(&signer(scheme), body)
}

fn sign<S: Scheme>(signer: &Signer<S>, body: &[u8]) -> Request<Script> {
    let request = Request::post("/path?q=1").body(body).unwrap();
    signer.sign(request).unwrap().map(Script::from)
}

fn with_header(mut request: Request<Script>, name: &'static str, value: &str) -> Request<Script> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

/// The same request over HTTP/2, where the body of a rejected request is not read.
fn over_http_2<B>(mut request: Request<B>) -> Request<B> {
    *request.version_mut() = http::Version::HTTP_2;
    request
}

/// Changes the first digit, so that the tag is well-formed but wrong.
fn spoilt(mut request: Request<Script>) -> Request<Script> {
    let tag = request.headers_mut().get_mut("x-tag").unwrap();
    let text = tag.to_str().unwrap();
    let other = if text.starts_with('0') { "1" } else { "0" };
    *tag = format!("{other}{}", &text[1..]).parse().unwrap();
    request
}

/// Sends a request to a handler behind the layer. The response has the body and the `Verified` that
/// the handler got.
async fn send<R>(layer: &VerifyLayer<R>, request: Request<Script>) -> Response<String>
where
    R: Rejection<String> + 'static,
{
    send_logged(layer, request, &Log::default()).await
}

async fn send_logged<R>(
    layer: &VerifyLayer<R>,
    request: Request<Script>,
    log: &Log,
) -> Response<String>
where
    R: Rejection<String> + 'static,
{
    let log = log.clone();
    let handler = service_fn(move |request: Request<VerifiedBody<Script>>| {
        log.note("handler");
        async move {
            let (head, body) = request.into_parts();
            let bytes = body.collect().await.unwrap().to_bytes();
            let mut response = Response::new(String::from_utf8_lossy(&bytes).into_owned());
            if let Some(verified) = head.extensions.get::<Verified>() {
                response.extensions_mut().insert(verified.clone());
            }
            response.extensions_mut().insert(head.headers);
            Ok::<_, Infallible>(response)
        }
    });
    layer.layer(handler).oneshot(request).await.unwrap()
}

/// Returns why a request was rejected, or `None` if it was accepted.
fn rejection_kind(response: &Response<String>) -> Option<ErrorKind> {
    response.extensions().get::<VerifyError>().map(VerifyError::kind)
}

fn verified(response: &Response<String>) -> &Verified {
    response.extensions().get().expect("the handler got a `Verified`")
}

async fn outcome<R>(layer: &VerifyLayer<R>, request: Request<Script>) -> Option<ErrorKind>
where
    R: Rejection<String> + 'static,
{
    rejection_kind(&send(layer, request).await)
}

/// A store, a clock and a guard that log when they are asked.
struct Logged<T>(T, Log);

impl KeyStore for Logged<KeyMap> {
    fn lookup(&self, query: &KeyQuery<'_>) -> Lookup {
        self.1.note("keys");
        self.0.lookup(query)
    }
}

impl Clock for Logged<ManualClock> {
    fn unix_now(&self) -> i64 {
        self.1.note("clock");
        self.0.unix_now()
    }
}

/// Forgets expired entries, as a guard may.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<HashMap<[u8; 32], i64>>>, Log);

impl ReplayGuard for Seen {
    fn claim(&self, request: &ReplayRequest<'_>) -> ReplayClaim {
        self.1.note("replay");
        let mut seen = self.0.lock().unwrap();
        seen.retain(|_, until| *until >= request.now());
        let answer = match seen.insert(*request.key().as_bytes(), request.keep_until()) {
            None => Replay::Claimed,
            Some(_) => Replay::Seen,
        };
        ReplayClaim::ready(Ok(answer))
    }
}

fn whole(data: &'static [u8]) -> Script {
    Script::whole(Bytes::from_static(data))
}
