//! `Stripe-Signature: t=<seconds>,v1=<hex>,v0=<hex>`: the time and the tags in one header, several
//! `v1` while a secret is rotated, entries of other versions skipped.
//!
//! <https://docs.stripe.com/webhooks#verify-manually>

use axum::body::Body;
use http::request::Parts;
use http::{HeaderName, Request};
use serde_json::{Value, json};
use tower_hmac::clock::ManualClock;
use tower_hmac::crypto::Tag;
use tower_hmac::scheme::{Claim, ClaimError, Encoding};
use tower_hmac::scheme::{Selector, SignedText, Stamp, Window, wire};
use tower_hmac::{
    Algorithm, ErrorKind, KeyMap, KeySet, MemoryReplay, Scheme, SecretKey, SignError, Signer,
    VerifyLayer,
};

use super::send;
use crate::support::ask_node;

static HEADERS: [HeaderName; 1] = [HeaderName::from_static("stripe-signature")];

#[derive(Clone)]
struct Stripe;

impl Scheme for Stripe {
    fn name(&self) -> &str {
        "stripe"
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::Sha256
    }

    fn headers(&self) -> &[HeaderName] {
        &HEADERS
    }

    fn selector(&self) -> Option<Selector<'_>> {
        Some(Selector::Label("v1"))
    }

    fn window(&self) -> Window {
        Window::timed().with_tolerance(300, 300)
    }

    fn max_tags(&self) -> usize {
        16
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        let malformed = |why| ClaimError::in_header(&HEADERS[0], why);
        let text = wire::text(&HEADERS[0], wire::single(head, &HEADERS[0])?)?;
        let (mut claim, mut time) = (Claim::new(), None);
        for entry in text.split(',') {
            match entry.split_once('=').ok_or(malformed("is not a list of `name=value`"))? {
                ("t", text) if time.is_none() => {
                    time = Some(wire::unix_seconds(text).ok_or(malformed("`t` is no time"))?);
                }
                ("t", _) => return Err(malformed("has two times")),
                ("v1", text) => {
                    let tag = Encoding::Hex.decode_tag(text, Algorithm::Sha256);
                    claim = claim.add_tag(tag.ok_or(malformed("`v1` is no tag"))?)?;
                }
                ("", _) => return Err(malformed("has an entry without a name")),
                _ => {}
            }
        }
        if claim.tags().next().is_none() {
            return Err(malformed("has no `v1`"));
        }
        Ok(claim.with_created(time.ok_or(malformed("has no time"))?))
    }

    fn before_body(
        &self,
        _: &Parts,
        claim: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        text.update(claim.created().unwrap_or_default().to_string().as_bytes());
        text.update(b".");
        Ok(())
    }

    fn stamp(&self, _: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        Ok(Claim::new().with_created(stamp.now()))
    }

    fn attach(&self, head: &mut Parts, claim: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        let mut text = format!("t={}", claim.created().unwrap_or_default());
        for tag in tags {
            text += &format!(",v1={}", Encoding::Hex.encode(tag.as_bytes()));
        }
        head.headers.insert(HEADERS[0].clone(), wire::sensitive(&HEADERS[0], &text)?);
        Ok(())
    }
}

const NOW: i64 = 1_700_000_000;
const BODY: &str = r#"{"id": "evt_123", "object": "event", "name": "café"}"#;

fn key(text: &str) -> SecretKey {
    SecretKey::new(text).unwrap()
}

fn layer(now: i64) -> VerifyLayer {
    VerifyLayer::new(Stripe, KeyMap::single(key("whsec_new")).unwrap())
        .unwrap()
        .with_clock(ManualClock::new(now))
}

fn signed(key_texts: &[&str], now: i64) -> String {
    let mut signer = Signer::new(Stripe, key(key_texts[0])).with_clock(ManualClock::new(now));
    for text in &key_texts[1..] {
        signer = signer.add_key(key(text)).unwrap();
    }
    let signed = signer.sign(Request::post("/").body(BODY).unwrap()).unwrap();
    signed.headers()[&HEADERS[0]].to_str().unwrap().to_owned()
}

fn delivery(signature: &str, body: &'static str) -> Request<Body> {
    let request = Request::post("/").header(&HEADERS[0], signature);
    request.body(Body::from(body)).unwrap()
}

async fn outcome(now: i64, signature: &str, body: &'static str) -> Option<ErrorKind> {
    send(&layer(now), delivery(signature, body)).await.err()
}

/// Values from the tests of the provider's .NET library.
#[tokio::test]
async fn published_values_are_accepted() {
    let body = "{\n  \"id\": \"evt_123\",\n  \"object\": \"event\",\n  \"account\": \"acct_123\",\n  \"api_version\": \"2017-05-25\",\n  \"created\": 1533204620,\n  \"data\": {\n    \"object\": {\n      \"id\": \"cus_123\",\n      \"object\": \"customer\",\n      \"created\": 123456789,\n      \"email\": \"test@stripe.com\",\n      \"livemode\": false,\n      \"metadata\": {}\n    }\n  },\n  \"livemode\": false,\n  \"pending_webhooks\": 1,\n  \"request\": {\n    \"id\": \"req_123\",\n    \"idempotency_key\": \"idempotency-key-123\"\n  },\n  \"type\": \"customer.created\"\n}\n";
    let signature = "t=1533204620,v1=2220f87ef101a04665f11cdf770523143f875572008577fa0f20882ddb9cc3c7,v0=63f3a72374a733066c4be69ed7f8e5ac85c22c9f0a6a612ab9a025a9e4ee7eef";
    let at = |age: i64| {
        VerifyLayer::new(Stripe, KeyMap::single(key("webhook_secret")).unwrap())
            .unwrap()
            .with_clock(ManualClock::new(1_533_204_620 + age))
    };
    assert_eq!(send(&at(100), delivery(signature, body)).await.err(), None);
    let old = send(&at(400), delivery(signature, body)).await;
    assert_eq!(old.unwrap_err(), ErrorKind::Stale);
}

#[tokio::test]
async fn either_secret_of_a_rotation_verifies_and_other_versions_are_skipped() {
    let both = signed(&["whsec_other", "whsec_new"], NOW);
    assert_eq!(both.matches("v1=").count(), 2);
    assert_eq!(outcome(NOW, &both, BODY).await, None);
    let right = signed(&["whsec_new"], NOW);
    assert_eq!(outcome(NOW, &format!("{right},v0=00"), BODY).await, None);
    assert_eq!(outcome(NOW, &format!("v1a=x,{right}"), BODY).await, None);
    let other = signed(&["whsec_other"], NOW);
    assert_eq!(outcome(NOW, &other, BODY).await, Some(ErrorKind::Mismatch));
}

#[tokio::test]
async fn old_changed_and_malformed_deliveries_are_rejected() {
    let right = signed(&["whsec_new"], NOW);
    let (time, tag) = right.split_once(',').unwrap();
    assert_eq!(outcome(NOW + 300, &right, BODY).await, None);
    assert_eq!(outcome(NOW + 301, &right, BODY).await, Some(ErrorKind::Stale));
    assert_eq!(outcome(NOW, &right, "{}").await, Some(ErrorKind::Mismatch));
    let newer = right.replace("t=17", "t=18");
    assert_eq!(outcome(NOW + 100_000_000, &newer, BODY).await, Some(ErrorKind::Mismatch));
    for malformed in [
        "",
        ",,",
        "t,,",
        "t,v1=,v0=",
        "t=1,v1=,v0",
        time,
        tag,
        "t=1700000000,v0=00",
        &format!("{right},v1=00"),
        &format!("{right},{time}"),
        &format!("{right},=00"),
        &format!("{time}, {tag}"),
        &format!("{right},"),
    ] {
        assert_eq!(outcome(NOW, malformed, BODY).await, Some(ErrorKind::Malformed), "{malformed}");
    }
    let missing = Request::post("/").body(Body::from(BODY)).unwrap();
    assert_eq!(send(&layer(NOW), missing).await.unwrap_err(), ErrorKind::Missing);
}

/// A replay with only one of the two tags is rejected, too: each identifies the whole request.
#[tokio::test]
async fn replayed_delivery_is_rejected_with_either_of_its_tags() {
    let keys = KeyMap::single(KeySet::new([key("whsec_new"), key("whsec_old")]).unwrap()).unwrap();
    let layer = VerifyLayer::new(Stripe, keys)
        .unwrap()
        .with_clock(ManualClock::new(NOW))
        .with_replay_guard(MemoryReplay::new(1_000).unwrap())
        .unwrap();
    let both = signed(&["whsec_new", "whsec_old"], NOW);
    assert_eq!(send(&layer, delivery(&both, BODY)).await.err(), None);
    for again in [both, signed(&["whsec_new"], NOW), signed(&["whsec_old"], NOW)] {
        let outcome = send(&layer, delivery(&again, BODY)).await;
        assert_eq!(outcome.unwrap_err(), ErrorKind::Replayed, "{again}");
    }
}

/// The provider's own Node library, in both directions.
#[tokio::test]
async fn the_provider_signs_what_we_verify_and_verifies_what_we_sign() {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_secs()).unwrap();
    let ours = signed(&["whsec_other", "whsec_new"], now);
    let asked = [
        json!({"verb": "sign", "payload": BODY, "secret": "whsec_new", "timestamp": now}),
        json!({"verb": "verify", "payload": BODY, "secret": "whsec_new", "header": ours}),
        json!({"verb": "verify", "payload": "{}", "secret": "whsec_new", "header": ours}),
    ];
    let Some(answers) = ask_node("stripe", "stripe.mjs", &asked) else { return };
    let theirs = answers[0]["header"].as_str().unwrap();
    assert_eq!(outcome(now, theirs, BODY).await, None, "{theirs}");
    assert_eq!(answers[1], json!({"id": "evt_123"}));
    assert_ne!(answers[2].get("error"), None::<&Value>);
}
