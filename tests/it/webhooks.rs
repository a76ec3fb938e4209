//! Webhooks: Standard Webhooks, lists, and the presets, by published vectors.

mod in_body;
mod lists;
mod oracles;
mod presets;
mod query;
mod secrets;
mod standard;

use http::Request;
use http::request::Parts;
use tower_hmac::clock::ManualClock;
use tower_hmac::{ErrorKind, KeyMap, KeySet, Scheme, SecretKey, Verified, Verifier};

/// Verifies with one key at this time.
fn verify_at(
    scheme: impl Scheme + 'static,
    keys: impl Into<KeySet>,
    now: i64,
    head: &Parts,
    body: &[u8],
) -> Result<Verified, ErrorKind> {
    let verifier = Verifier::new(scheme, KeyMap::single(keys).unwrap())
        .unwrap()
        .with_clock(ManualClock::new(now));
    let outcome = futures_util::FutureExt::now_or_never(verifier.verify(head, body));
    outcome.expect("an answer at once").map_err(|error| error.kind())
}

fn head(headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::post("/hook");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn key(text: &str) -> SecretKey {
    SecretKey::new(text).unwrap()
}
