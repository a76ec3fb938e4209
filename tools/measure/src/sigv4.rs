//! The same for AWS Signature Version 4, whose keys are derived for all key IDs at once, or for each
//! request.

use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use http_body_util::Full;
use tower_hmac::clock::ManualClock;
use tower_hmac::scheme::AwsSigV4;
use tower_hmac::{KeyMap, KeySet, KeyStore, SecretKey, Signer, VerifyLayer};
use tower_layer::Layer as _;

use crate::{Attempt, BODY, Handler, Server};

const NOW: i64 = 1_700_000_000;
/// As long as the secrets of AWS, and longer than a dummy key.
const SECRET: &str = "0123456789012345678901234567890123456789";

fn scheme(has_payload_header: bool) -> AwsSigV4 {
    let scheme = AwsSigV4::new("eu-central-1", "orders").unwrap();
    if has_payload_header { scheme.with_payload_header() } else { scheme }
}

/// The keys of two key IDs.
#[must_use]
pub fn keys() -> KeyMap {
    KeyMap::named([("aservice", SECRET), ("bservice", SECRET)]).unwrap()
}

/// The keys of three key IDs. Only the last one has several.
#[must_use]
pub fn rotated_keys() -> KeyMap {
    let several =
        KeySet::new([SECRET, "another", "a third"].map(|key| SecretKey::new(key).unwrap()));
    keys().with_key("cservice", several.unwrap()).unwrap()
}

/// A service with these keys. With a header for the hash of the payload, the MAC is checked before
/// the body is read.
#[must_use]
pub fn server(has_payload_header: bool, keys: impl KeyStore + 'static) -> Server {
    let layer = VerifyLayer::new(scheme(has_payload_header), keys).unwrap();
    layer.with_clock(ManualClock::new(NOW)).layer(Handler)
}

/// The same just after midnight, when the requests are of the day before.
#[must_use]
pub fn late_server(keys: impl KeyStore + 'static) -> Server {
    let layer = VerifyLayer::new(scheme(true), keys).unwrap();
    let tolerance = Duration::from_secs(4 * 60 * 60);
    let clock = ManualClock::new(NOW + 3 * 60 * 60);
    layer.with_tolerance(tolerance, tolerance).with_clock(clock).layer(Handler)
}

/// A request in the name of a service.
#[must_use]
pub fn request(name: &str, has_payload_header: bool, attempt: Attempt) -> Request<Full<Bytes>> {
    let name = if attempt == Attempt::UnknownName { "zservice" } else { name };
    let signer = Signer::new(scheme(has_payload_header), SecretKey::new(SECRET).unwrap())
        .with_clock(ManualClock::new(NOW))
        .with_key_id(name)
        .unwrap();
    let request = Request::post("http://localhost/orders?id=7").body(Bytes::from_static(BODY));
    let mut request = signer.sign(request.unwrap()).unwrap().map(Full::from);
    let mut value = request.headers()[AUTHORIZATION].to_str().unwrap().as_bytes().to_vec();
    let wrong = match attempt {
        Attempt::Right => None,
        Attempt::WrongFirstByte | Attempt::UnknownName => Some(value.len() - 64),
        Attempt::WrongLastByte => Some(value.len() - 1),
    };
    if let Some(digit) = wrong.map(|place| &mut value[place]) {
        *digit = if *digit == b'0' { b'1' } else { b'0' };
    }
    request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_bytes(&value).unwrap());
    request
}
