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

/// The scheme of a vector; `None` for providers without a preset.
fn preset(vector: &Value) -> Option<Arc<dyn Scheme>> {
    let url = || vector["url"].as_str().unwrap_or("https://example.com/").to_owned();
    let name = vector["provider"].as_str()?.replace('-', "_");
    match &*name {
        "hubspot_v3" => Some(Arc::new(webhooks::hubspot(&origin(&url())).unwrap())),
        // The origin includes the port if it is signed.
        "twilio" => {
            let port =
                if vector["name"].as_str()?.contains("default port 443") { ":443" } else { "" };
            Some(Arc::new(webhooks::twilio(&(origin(&url()) + port)).unwrap()))
        }
        "square" => Some(Arc::new(webhooks::square(url()).unwrap())),
        "shopify_oauth_query" => Some(Arc::new(webhooks::shopify_oauth())),
        "shopify_app_proxy" => Some(Arc::new(webhooks::shopify_app_proxy())),
        "adyen_payments" => Some(Arc::new(webhooks::dangerous_adyen_payments())),
        name => webhooks::by_name(name),
    }
}

fn origin(url: &str) -> String {
    let uri: http::Uri = url.parse().unwrap();
    format!("{}://{}", uri.scheme_str().unwrap(), uri.authority().unwrap())
}

/// The outcome of a vector; `None` for providers without a preset.
fn tried(vector: &Value) -> Option<Result<(), ErrorKind>> {
    let scheme = preset(vector)?;
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
    let mut head = head(&headers);
    head.method = vector["method"].as_str().unwrap().parse().unwrap();
    if let Some(url) = vector["url"].as_str() {
        head.uri = url.parse().unwrap();
    }
    let now = vector["now"].as_i64().unwrap_or(NOW);
    Some(verify_at(scheme, key.unwrap(), now, &head, &body).map(drop))
}

#[test]
fn published_vectors_match() {
    let file = include_str!("../../vectors/webhook_vectors.json");
    let vectors: Value = serde_json::from_str(file).unwrap();
    let mut count = 0;
    for vector in vectors["vectors"].as_array().unwrap() {
        // These vectors are given as text, or at their own time: see `query` and `in_body`.
        let provider = vector["provider"].as_str().unwrap();
        if provider.starts_with("shopify-") || provider == "adyen-payments" {
            continue;
        }
        let Some(outcome) = tried(vector) else { continue };
        count += 1;
        let name = format!("{provider}: {}", vector["name"]);
        let expected = match vector["reason"].as_str() {
            _ if vector["valid"].as_bool().unwrap() => Ok(()),
            Some("stale" | "future") => Err(ErrorKind::Stale),
            // A rejected vector may be malformed, wrong or too old: the vectors do not say which.
            _ => {
                assert!(outcome.is_err(), "{name}");
                continue;
            }
        };
        assert_eq!(outcome, expected, "{name}");
    }
    assert!(count >= 30, "{count} vectors were tried");
}

/// Recorded signatures of packages that are too large to install in each run.
#[test]
fn recorded_signatures_of_provider_packages_verify() {
    let file = include_str!("../../vectors/webhook_packages.json");
    let vectors: Value = serde_json::from_str(file).unwrap();
    let vectors = vectors["vectors"].as_array().unwrap();
    for vector in vectors {
        let name = format!("{}: {}", vector["provider"], vector["name"]);
        assert_eq!(tried(vector), Some(Ok(())), "{name}");
        // Twice: the wrong body, or a body where none is expected.
        let mut changed = vector.clone();
        changed["body_base64"] = STANDARD.encode("{\"other\": 1}").into();
        assert!(tried(&changed).unwrap().is_err(), "{name}");
    }
    assert_eq!(vectors.len(), 55);
}

fn key() -> SecretKey {
    SecretKey::new("a secret of a webhook").unwrap()
}

/// The presets that can sign, each with the settings that it needs.
fn all() -> Vec<Arc<dyn Scheme>> {
    let named = webhooks::names().map(|name| webhooks::by_name(name).unwrap());
    let others: [Arc<dyn Scheme>; 5] = [
        Arc::new(webhooks::hubspot("https://example.com").unwrap()),
        Arc::new(webhooks::square("https://example.com/hook").unwrap()),
        Arc::new(webhooks::twilio("https://example.com").unwrap()),
        Arc::new(webhooks::StandardWebhooks::new()),
        Arc::new(webhooks::StandardWebhooks::svix()),
    ];
    named.chain(others).collect()
}

fn signed(scheme: &Arc<dyn Scheme>, body: &str) -> (http::request::Parts, String) {
    signed_with(scheme, key(), body)
}

fn signed_with(
    scheme: &Arc<dyn Scheme>,
    key: SecretKey,
    body: &str,
) -> (http::request::Parts, String) {
    let signer = Signer::new(scheme.clone(), key).with_clock(ManualClock::new(NOW));
    let signer =
        if scheme.name() == "pusher" { signer.with_key_id("app").unwrap() } else { signer };
    let mut request = Request::post("/hook?a=1");
    if scheme.name() == "twitch" {
        request = request.header("Twitch-Eventsub-Message-Id", "e76c6bd4-55c9");
    }
    if scheme.name() == "twilio" {
        request = request.header("Content-Type", "application/x-www-form-urlencoded");
    }
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
fn each_preset_verifies_what_it_signs() {
    assert!(webhooks::names().count() >= 25);
    for name in webhooks::names() {
        let scheme = webhooks::by_name(name).unwrap();
        assert_eq!(scheme.name(), name);
        let (head, body) = signed(&scheme, "{}");
        assert_eq!(kind(&scheme, NOW, &head, body.as_bytes()), None, "{name}");
    }
    assert!(webhooks::by_name("nobody").is_none());
}

/// The tolerance in the docs of each preset, to the second.
#[test]
fn each_preset_has_the_tolerance_of_its_provider() {
    for scheme in all() {
        let name = scheme.name();
        let (head, body) = signed(&scheme, "{}");
        let tolerance = match name {
            "workos" => 180_i64,
            "box" | "twitch" => 600,
            "elevenlabs" => 1800,
            "paddle" => 30,
            "slack" | "zoom" | "customerio" | "zendesk" | "stripe" | "sanity" | "mux"
            | "calendly" | "hubspot" | "standard-webhooks" | "svix" => 300,
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

/// What the docs of both presets list as not covered, since the providers sign it in this way.
#[test]
fn requests_that_a_provider_signs_alike_are_the_documented_ones() {
    let twilio: Arc<dyn Scheme> = Arc::new(webhooks::twilio("https://example.com").unwrap());
    let (head, body) = signed(&twilio, "a=bc");
    assert_eq!(kind(&twilio, NOW, &head, body.as_bytes()), None);
    assert_eq!(kind(&twilio, NOW, &head, b"ab=c"), None);
    let mut moved = head.clone();
    moved.uri = format!("{}abc", head.uri).parse().unwrap();
    assert_eq!(kind(&twilio, NOW, &moved, b"a=bc"), Some(ErrorKind::Mismatch));
    moved.headers.remove("content-type");
    assert_eq!(kind(&twilio, NOW, &moved, b""), None);
    assert!(kind(&twilio, NOW, &moved, b"a=bc").is_some());

    let hubspot: Arc<dyn Scheme> = Arc::new(webhooks::hubspot("https://example.com").unwrap());
    let (mut head, body) = signed(&hubspot, "{}");
    for (target, expected) in [
        ("/hook%3Fa%3D1", None),
        ("/hook%3fa=1", None),
        ("/hook?%61=1", Some(ErrorKind::Mismatch)),
        ("/hook%253Fa=1", Some(ErrorKind::Mismatch)),
    ] {
        head.uri = target.parse().unwrap();
        assert_eq!(kind(&hubspot, NOW, &head, body.as_bytes()), expected, "{target}");
    }
}

#[test]
fn a_digest_of_another_body_is_not_signed() {
    let signer = Signer::new(webhooks::twilio("https://example.com").unwrap(), key());
    let signed = signer.sign(Request::post("/hook").body("{}").unwrap()).unwrap();
    let with = |body| Request::post(signed.uri()).body(body).unwrap();
    assert_eq!(signer.sign(with("{}")).unwrap().uri(), signed.uri());
    assert!(signer.sign(with("{} ")).is_err());
}

/// The headers with a list, their separator, and an entry of another version.
#[test]
fn each_list_accepts_sixteen_tags_and_skips_other_versions() {
    for scheme in all() {
        let (divider, other) = match scheme.name() {
            "stripe" | "workos" | "elevenlabs" | "sanity" | "mux" | "calendly" => (",", "v7=x"),
            "paddle" => (";", "h2=x"),
            "standard-webhooks" | "svix" => (" ", "v1a,x"),
            _ => continue,
        };
        let (mut head, body) = signed(&scheme, "{}");
        let header = scheme.headers()[0].clone();
        let value = head.headers[&header].to_str().unwrap().to_owned();
        let (rest, tag) =
            value.rsplit_once(divider).map_or(("", &*value), |(time, tag)| (time, tag));
        let (wrong, _) =
            signed_with(&scheme, SecretKey::new("another secret of a webhook").unwrap(), "{}");
        let wrong = wrong.headers[&header].to_str().unwrap();
        let wrong = wrong.rsplit_once(divider).map_or(wrong, |(_, tag)| tag);
        let mut outcome = |tags: &[&str]| {
            let items: Vec<&str> = [rest]
                .into_iter()
                .chain(tags.iter().copied())
                .filter(|item| !item.is_empty())
                .collect();
            head.headers.insert(&header, items.join(divider).parse().unwrap());
            kind(&scheme, NOW, &head, body.as_bytes())
        };
        let name = scheme.name();
        assert_eq!(outcome(&[other, tag, other]), None, "{name}");
        assert_eq!(outcome(&[other]), Some(ErrorKind::Malformed), "{name}");
        let wrong_tags = |count| vec![wrong; count];
        assert_eq!(outcome(&[&wrong_tags(15)[..], &[tag]].concat()), None, "{name}");
        assert_eq!(outcome(&wrong_tags(16)), Some(ErrorKind::Mismatch), "{name}");
        let seventeen = [&wrong_tags(16)[..], &[tag]].concat();
        assert_eq!(outcome(&seventeen), Some(ErrorKind::Malformed), "{name}");
    }
}

/// The error describes the shapes that were found and expected, without any value.
#[test]
fn error_for_another_providers_header_says_what_was_expected() {
    let hex = "5c".repeat(32);
    let base64 = STANDARD.encode([0x5c; 32]);
    let forms = [
        format!("sha256={hex}"),
        format!("sha1={}", "5c".repeat(20)),
        format!("v0={hex}"),
        format!("t={NOW},v1={hex}"),
        format!("ts={NOW};h1={hex}"),
        format!("v1,{base64}"),
        hex,
        base64,
    ];
    for scheme in all() {
        let (mut head, body) = signed(&scheme, "{}");
        let header = scheme.headers()[0].clone();
        let mut malformed = 0;
        for form in &forms {
            head.headers.insert(&header, form.parse().unwrap());
            let verifier = verifier(scheme.clone(), NOW);
            let report = verifier.explain(&head, body.as_bytes());
            let report = futures_util::FutureExt::now_or_never(report).unwrap();
            let said = report.to_string();
            if report.outcome() == "malformed" {
                malformed += 1;
                assert!(said.contains("expected "), "{}: {form}: {said}", scheme.name());
                assert!(said.contains(", found "), "{}: {form}: {said}", scheme.name());
                assert!(!said.contains("5c5c") && !said.contains("XFxc"), "{said}");
            }
        }
        // All forms are malformed, except at most two that belong to the scheme itself.
        assert!(malformed >= forms.len() - 2, "{}: {malformed}", scheme.name());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn one_changed_bit_of_body_url_or_header_is_rejected(
        text in "[a-z0-9]{1,80}",
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
        place in 0..3,
    ) {
        for scheme in all() {
            let name = scheme.name();
            // Twilio signs forms, and HubSpot JSON.
            let body = if name == "twilio" { format!("a={text}") } else { format!("{{{text}}}") };
            let (mut head, body) = signed(&scheme, &body);
            let mut body = body.into_bytes();
            let flipped = |bytes: &[u8]| {
                let mut bytes = bytes.to_vec();
                let place = at.index(bytes.len());
                bytes[place] ^= 1 << bit;
                bytes
            };
            match place {
                0 => body = flipped(&body),
                1 if matches!(name, "twilio" | "hubspot") => {
                    let target = flipped(head.uri.to_string().as_bytes());
                    let Ok(target) = http::Uri::try_from(target) else { continue };
                    head.uri = target;
                }
                _ => {
                    let names: Vec<HeaderName> = head.headers.keys().cloned().collect();
                    let header = &names[at.index(names.len())];
                    // Anybody can claim to be another app, but the secret decides.
                    if header == "x-pusher-key" || header == "content-type" {
                        continue;
                    }
                    let value = flipped(head.headers[header].as_bytes());
                    let Ok(value) = HeaderValue::from_bytes(&value) else { continue };
                    head.headers.insert(header, value);
                }
            }
            prop_assert!(kind(&scheme, NOW, &head, &body).is_some(), "{}", name);
        }
    }
}
