//! The presets, with published vectors and requests that must be rejected.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, Request};
use proptest::prelude::*;
use serde_json::Value;
use tower_hmac::clock::ManualClock;
use tower_hmac::{ErrorKind, KeyId, Scheme, SecretKey, Signer, Verifier, webhooks};

use super::{head, verify_at};

const NOW: i64 = 1_700_000_000;

/// The scheme that a vector is for; `None` for providers without a preset.
fn preset(vector: &Value) -> Option<Arc<dyn Scheme>> {
    let url = || vector["url"].as_str().unwrap_or("https://example.com/").to_owned();
    let name = vector["provider"].as_str()?.replace('-', "_");
    match &*name {
        "hubspot_v3" => Some(Arc::new(webhooks::hubspot(&origin(&url())).unwrap())),
        // The origin names the port if it is signed.
        "twilio" => {
            let port =
                if vector["name"].as_str()?.contains("default port 443") { ":443" } else { "" };
            Some(Arc::new(webhooks::twilio(&(origin(&url()) + port)).unwrap()))
        }
        "square" => Some(Arc::new(webhooks::square(url()).unwrap())),
        name => webhooks::by_name(name),
    }
}

fn origin(url: &str) -> String {
    let uri: http::Uri = url.parse().unwrap();
    format!("{}://{}", uri.scheme_str().unwrap(), uri.authority().unwrap())
}

#[test]
fn published_vectors_come_out_as_they_say() {
    let file = include_str!("../../vectors/webhook_vectors.json");
    let vectors: Value = serde_json::from_str(file).unwrap();
    let mut tried = 0;
    for vector in vectors["vectors"].as_array().unwrap() {
        let Some(scheme) = preset(vector) else { continue };
        tried += 1;
        let name = format!("{}: {}", vector["provider"], vector["name"]);
        let key = vector["key"].as_str().unwrap();
        let key = match vector["key_encoding"].as_str().unwrap() {
            "hex" => SecretKey::from_hex(key),
            "base64" => SecretKey::from_base64(key),
            _ => SecretKey::new(key),
        };
        let headers: Vec<(&str, &str)> = vector["headers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
            .collect();
        let body = STANDARD.decode(vector["body_base64"].as_str().unwrap()).unwrap();
        let now = vector["now"].as_i64().unwrap_or(NOW);
        let mut head = head(&headers);
        head.method = vector["method"].as_str().unwrap().parse().unwrap();
        if let Some(url) = vector["url"].as_str() {
            head.uri = url.parse().unwrap();
        }
        let outcome = verify_at(scheme, key.unwrap(), now, &head, &body);
        let expected = match vector["reason"].as_str() {
            _ if vector["valid"].as_bool().unwrap() => None,
            Some("stale" | "future") => Some(ErrorKind::Stale),
            // Malformed, wrong, or too old: the vectors do not say which.
            _ => {
                assert!(outcome.is_err(), "{name}");
                continue;
            }
        };
        assert_eq!(outcome.err(), expected, "{name}");
    }
    assert!(tried >= 30, "{tried} vectors were tried");
}

fn key() -> SecretKey {
    SecretKey::new("a secret of a webhook").unwrap()
}

fn signed(scheme: &Arc<dyn Scheme>, body: &str) -> (http::request::Parts, String) {
    let signer = Signer::new(scheme.clone(), key()).with_clock(ManualClock::new(NOW));
    let signer =
        if scheme.name() == "pusher" { signer.with_key_id("app").unwrap() } else { signer };
    let request = Request::post("/hook").header("Twitch-Eventsub-Message-Id", "e76c6bd4-55c9");
    let request = request.body(body.to_owned()).unwrap();
    signer.sign(request).unwrap().into_parts()
}

fn verifier(scheme: Arc<dyn Scheme>, now: i64) -> Verifier {
    let keys = tower_hmac::key::key_fn(|_: Option<&KeyId>, _: &http::request::Parts| {
        std::future::ready(Ok::<_, tower_hmac::BoxError>(Some(key())))
    });
    Verifier::new(scheme, keys).unwrap().with_clock(ManualClock::new(now))
}

fn kind(
    scheme: &Arc<dyn Scheme>,
    now: i64,
    head: &http::request::Parts,
    body: &[u8],
) -> Option<ErrorKind> {
    let verifier = verifier(scheme.clone(), now);
    let outcome = futures_util::FutureExt::now_or_never(verifier.verify(head, body));
    outcome.expect("an answer at once").err().map(|error| error.kind())
}

#[test]
fn each_preset_verifies_what_it_signs_under_its_own_name() {
    assert!(webhooks::names().count() >= 25);
    for name in webhooks::names() {
        let scheme = webhooks::by_name(name).unwrap();
        assert_eq!(scheme.name(), name);
        let (head, body) = signed(&scheme, "{}");
        assert_eq!(kind(&scheme, NOW, &head, body.as_bytes()), None, "{name}");
    }
    assert!(webhooks::by_name("nobody").is_none());
}

/// What the docs of each say.
#[test]
fn each_preset_has_the_tolerance_of_its_provider() {
    for name in webhooks::names() {
        let scheme = webhooks::by_name(name).unwrap();
        let (head, body) = signed(&scheme, "{}");
        let tolerance = match name {
            "workos" => 180_i64,
            "box" | "twitch" => 600,
            "elevenlabs" => 1800,
            "paddle" => 30,
            "slack" | "zoom" | "customerio" | "zendesk" | "stripe" | "sanity" | "mux"
            | "calendly" => 300,
            _ => {
                assert_eq!(kind(&scheme, NOW + 1_000_000, &head, body.as_bytes()), None, "{name}");
                continue;
            }
        };
        for side in [-1_i64, 1] {
            let at = |distance| kind(&scheme, NOW + side * distance, &head, body.as_bytes());
            assert_eq!(at(tolerance), None, "{name}");
            assert_eq!(at(tolerance + 1), Some(ErrorKind::Stale), "{name}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn one_bit_of_the_body_or_of_a_header_changed_is_rejected(
        body in "[ -~]{1,80}",
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
        in_body in any::<bool>(),
    ) {
        for name in webhooks::names() {
            let scheme = webhooks::by_name(name).unwrap();
            let (mut head, body) = signed(&scheme, &body);
            let mut body = body.into_bytes();
            if in_body {
                let place = at.index(body.len());
                body[place] ^= 1 << bit;
            } else {
                let names: Vec<HeaderName> = head.headers.keys().cloned().collect();
                let header = &names[at.index(names.len())];
                // Anybody can claim to be another app: the secret decides. And only one of them
                // signs Twitch's header.
                let is_signed = header != "twitch-eventsub-message-id" || name == "twitch";
                if header == "x-pusher-key" || !is_signed {
                    continue;
                }
                let mut value = head.headers[header].as_bytes().to_vec();
                let place = at.index(value.len());
                value[place] ^= 1 << bit;
                let Ok(value) = HeaderValue::from_bytes(&value) else { continue };
                head.headers.insert(header, value);
            }
            prop_assert!(kind(&scheme, NOW, &head, &body).is_some(), "{}", name);
        }
    }
}
