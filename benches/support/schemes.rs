//! The measured schemes, one line each.

use std::sync::Arc;
use std::time::Duration;

use tower_hmac::scheme::{Part, TimeFormat};
#[cfg(feature = "webhooks")]
use tower_hmac::webhooks;
use tower_hmac::{FlaskHmac, HeaderScheme, KeyMap, Scheme, SecretKey, Signer, VerifyLayer};

use super::{Case, KEY, body, layer, signed_by};

/// The layer with each scheme, over a body of 1 KiB.
pub fn schemes() -> Vec<Case> {
    vec![
        anonymous("Flask-HMAC, the single key", FlaskHmac::new()),
        named("Flask-HMAC, a service", FlaskHmac::new()),
        anonymous("header in hex over the body", HeaderScheme::new("x-signature").unwrap()),
        anonymous("header over time and body", timed_header()),
        #[cfg(feature = "webhooks")]
        anonymous("webhook preset over the body (GitHub)", webhooks::github()),
        #[cfg(feature = "webhooks")]
        anonymous("webhook preset over time and body (Slack)", webhooks::slack()),
        #[cfg(feature = "webhooks")]
        anonymous("webhook preset with a list (Stripe)", webhooks::stripe()),
        #[cfg(feature = "sha1")]
        named("FOST", tower_hmac::scheme::Fost::new()),
        #[cfg(feature = "rfc9421")]
        named("RFC 9421", tower_hmac::MessageSignatures::new()),
        #[cfg(feature = "sigv4")]
        named("SigV4, the payload's hash in a header", aws().with_payload_header()),
        #[cfg(feature = "sigv4")]
        named("SigV4, the body hashed as it arrives", aws()),
    ]
}

#[cfg(feature = "sigv4")]
fn aws() -> tower_hmac::scheme::AwsSigV4 {
    tower_hmac::scheme::AwsSigV4::new("eu-central-1", "orders").unwrap()
}

/// The text of most webhooks: `timestamp.body`.
pub fn timed_header() -> HeaderScheme {
    let time = Part::timestamp("x-timestamp", TimeFormat::UnixSeconds).unwrap();
    let parts = [time, Part::literal("."), Part::Body];
    HeaderScheme::new("x-signature").unwrap().with_parts(parts).unwrap()
}

fn anonymous(name: &str, scheme: impl Scheme + 'static) -> Case {
    case(name, scheme, None)
}

fn named(name: &str, scheme: impl Scheme + 'static) -> Case {
    case(name, scheme, Some("aservice"))
}

fn case(name: &str, scheme: impl Scheme + 'static, key_id: Option<&str>) -> Case {
    let scheme = Arc::new(scheme);
    let key = || SecretKey::new(KEY).unwrap();
    let mut signer = Signer::new(scheme.clone(), key());
    let mut keys = KeyMap::single(key()).unwrap();
    if let Some(key_id) = key_id {
        signer = signer.with_key_id(key_id).unwrap();
        keys = keys.with_key(key_id, key()).unwrap();
    }
    // The requests are signed once, and sent throughout the benchmark.
    let day = Duration::from_secs(24 * 60 * 60);
    let verify = VerifyLayer::new(scheme, keys).unwrap().with_tolerance(day, day);
    Case::new(name, layer(verify), signed_by(&signer, body(1024)))
}
