//! Compares each way to verify with hand-written code and with the bare route.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use tower_hmac::{FlaskHmac, HeaderScheme, KeyMap, Scheme, SecretKey, Signer, VerifyLayer};

use super::by_hand::{Flask, hand_extractor, hand_layer};
use super::message::Message;
use super::{Case, KEY, body, careful, extractor, floor, layer, signed_by};

/// Three routes for one request: without a check, by hand, and ours.
pub struct Beside {
    pub name: &'static str,
    /// The most that ours may take of what by hand takes, both over the route.
    pub goal: f64,
    pub floor: Case,
    pub by_hand: Case,
    pub ours: Case,
}

/// The comparisons of docs/performance.md, over a body of 1 KiB.
pub fn beside_by_hand() -> Vec<Beside> {
    let flask = || hand_layer(Flask::new());
    vec![
        beside("`Signed<Bytes>`, Flask-HMAC", 1.25, FlaskHmac::new(), false, extractor, || {
            hand_extractor(Flask::new())
        }),
        beside("layer, Flask-HMAC", 1.15, FlaskHmac::new(), false, layer, flask),
        beside("layer, beside a careful `from_fn`", 1.0, FlaskHmac::new(), false, layer, || {
            careful(false)
        }),
        beside("layer, Flask-HMAC, a service", 1.25, FlaskHmac::new(), true, layer, flask),
        beside("layer, hex in a header", 1.15, hex(), false, layer, flask),
        #[cfg(feature = "rfc9421")]
        beside("`Signed<Bytes>`, RFC 9421", 1.4, message(), true, extractor, || {
            hand_extractor(Message::new())
        }),
        #[cfg(feature = "rfc9421")]
        beside("layer, RFC 9421", 1.4, message(), true, layer, || hand_layer(Message::new())),
    ]
}

#[cfg(feature = "rfc9421")]
fn message() -> tower_hmac::MessageSignatures {
    tower_hmac::MessageSignatures::new()
}

fn hex() -> HeaderScheme {
    HeaderScheme::new("x-signature").unwrap()
}

fn beside(
    name: &'static str,
    goal: f64,
    scheme: impl Scheme + 'static,
    is_named: bool,
    ours: fn(VerifyLayer) -> Router,
    by_hand: impl FnOnce() -> Router,
) -> Beside {
    let scheme = Arc::new(scheme);
    let key = || SecretKey::new(KEY).unwrap();
    let mut signer = Signer::new(scheme.clone(), key());
    let mut keys = KeyMap::single(key()).unwrap();
    if is_named {
        signer = signer.with_key_id("aservice").unwrap();
        keys = keys.with_key("aservice", key()).unwrap();
    }
    let request: Arc<dyn Fn() -> Request<Body>> = Arc::new(signed_by(&signer, body(1024)));
    // A signature that a hand-written layer for Flask-HMAC's single key can check, of the same
    // length.
    let plain: Arc<dyn Fn() -> Request<Body>> = Arc::new(super::signed(body(1024)));
    let hand_request = if scheme.name() == "rfc9421" { request.clone() } else { plain };
    let day = Duration::from_secs(24 * 60 * 60);
    let verify = VerifyLayer::new(scheme, keys).unwrap().with_tolerance(day, day);
    let floor_request = request.clone();
    Beside {
        name,
        goal,
        floor: Case::new("floor", floor(false), move || floor_request()),
        by_hand: Case::new("by hand", by_hand(), move || hand_request()),
        ours: Case::new(name, ours(verify), move || request()),
    }
}
