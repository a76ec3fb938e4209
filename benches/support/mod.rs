//! The measured routes, and the requests to them.

#![allow(dead_code, unused_imports, unreachable_pub)] // Each benchmark uses its part.

mod beside;
mod by_hand;
mod contenders;
mod futures;
mod growth;
mod message;
mod once;
mod requests;
mod rounds;
mod schemes;

use std::hint::black_box;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use cpu_time::ThreadTime;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, StatusCode};
use sha2::Sha256;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

pub use beside::{Beside, beside_by_hand};
pub use by_hand::{Flask, hand_layer};
pub use contenders::{LIMIT, Nothing, by_hand, careful, extractor, floor, layer, nothing, ours};
pub use futures::future_sizes;
pub use growth::growth;
pub use once::once;
pub use requests::{FRAME, body, framed, frames, signed, signed_by, with_signature};
pub use rounds::{Rounds, Timed};
pub use schemes::{schemes, timed_header};

/// The key that all of them share.
pub const KEY: &str = "a key of thirty-two bytes, or so";

/// The number of requests made before the measurement: few enough to stay in the cache.
const AHEAD: u64 = 32;

/// Makes a runtime with one thread, like each worker of a server.
pub fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A route, a kind of request to it, and the response that shows that it worked.
pub struct Case {
    pub name: String,
    pub app: Router,
    request: Box<dyn Fn() -> Request<Body>>,
    status: StatusCode,
}

impl Case {
    pub fn new(
        name: impl Into<String>,
        app: Router,
        request: impl Fn() -> Request<Body> + 'static,
    ) -> Self {
        Self { name: name.into(), app, request: Box::new(request), status: StatusCode::OK }
    }

    pub fn rejected(self) -> Self {
        Self { status: StatusCode::FORBIDDEN, ..self }
    }

    pub fn request(&self) -> Request<Body> {
        (self.request)()
    }

    /// Sends one request through the route.
    pub async fn send(&self, request: Request<Body>) {
        let response = self.app.clone().oneshot(black_box(request)).await.unwrap();
        assert_eq!(response.status(), self.status, "{}", self.name);
        black_box(response);
    }

    /// The time of this many requests, without the time to make them.
    pub fn time(&self, count: u64) -> Duration {
        runtime().block_on(async {
            let mut taken = Duration::ZERO;
            let mut left = count;
            while left > 0 {
                let ahead = left.min(AHEAD);
                let requests: Vec<_> = (0..ahead).map(|_| self.request()).collect();
                let start = ThreadTime::now();
                for request in requests {
                    self.send(request).await;
                }
                taken += start.elapsed();
                left -= ahead;
            }
            taken
        })
    }
}

/// The five contenders: signed requests with this body, in frames if a length is given.
/// `scripts/plot` reads the names of these columns.
pub fn contenders(body: &Bytes, frame: Option<usize>) -> Vec<Case> {
    let request = || framed(body.clone(), frame);
    let large = body.len() > 2 * 1024 * 1024;
    vec![
        Case::new("floor", floor(large), request()),
        Case::new("nothing", nothing(large), request()),
        Case::new("careful", careful(large), request()),
        Case::new("layer", layer(ours(large)), request()),
        Case::new("extractor", extractor(ours(large)), request()),
        Case::new("by_hand", by_hand(large), request()),
    ]
}

/// The minimum cost of a verified request: hand-written `hmac` with a prepared key.
pub fn bare_hash() -> Hmac<Sha256> {
    Hmac::new_from_slice(KEY.as_bytes()).unwrap()
}

/// The time of this many HMACs over this body.
pub fn time_bare_hash(prepared: &Hmac<Sha256>, body: &[u8], count: u64) -> Duration {
    let start = ThreadTime::now();
    for _ in 0..count {
        let mut mac = prepared.clone();
        mac.update(black_box(body));
        black_box(mac.finalize());
    }
    start.elapsed()
}
