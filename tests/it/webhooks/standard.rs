//! Standard Webhooks, verifying and signing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use http::header::HeaderMap;
use serde_json::Value;
use tower_hmac::clock::ManualClock;
use tower_hmac::webhooks::{StandardWebhooks, message_id};
use tower_hmac::{ConfigError, ErrorKind, KeySet, MemoryReplay, SecretKey, SignError, Signer};

use super::{head, verify_at};

const NOW: i64 = 1_614_265_330;
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const TAG: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const BODY: &[u8] = br#"{"test": 2432232314}"#;

fn secret() -> SecretKey {
    SecretKey::from_whsec(SECRET).unwrap()
}

fn outcome(signature: &str) -> Result<(), ErrorKind> {
    outcome_of(&[
        ("webhook-id", ID),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", signature),
    ])
}

fn outcome_of(headers: &[(&str, &str)]) -> Result<(), ErrorKind> {
    verify_at(StandardWebhooks::new(), secret(), NOW, &head(headers), BODY).map(drop)
}

#[test]
fn published_vectors_match() {
    let vectors: Value =
        serde_json::from_str(include_str!("../../vectors/standard_webhooks.json")).unwrap();
    let tests = vectors["tests"].as_array().unwrap();
    assert_eq!(tests.len(), 24);
    for test in tests {
        let secret = test["secret"].as_str().unwrap();
        // A secret without the prefix must be decoded by the user.
        let key = if secret.starts_with("whsec_") {
            SecretKey::from_whsec(secret)
        } else {
            SecretKey::from_base64(secret)
        };
        let headers: Vec<(&str, &str)> = test["headers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
            .collect();
        let is_svix = headers[0].0.starts_with("svix");
        let scheme = if is_svix { StandardWebhooks::svix() } else { StandardWebhooks::new() };
        let body = STANDARD.decode(test["body_base64"].as_str().unwrap()).unwrap();
        let now = test["now"].as_i64().unwrap();
        let outcome = verify_at(scheme, key.unwrap(), now, &head(&headers), &body);
        let valid = test["valid"].as_bool().unwrap();
        assert_eq!(outcome.is_ok(), valid, "{}", test["name"]);
    }
    for secret in vectors["empty_secrets_must_fail_at_construction"].as_array().unwrap() {
        let error = SecretKey::from_whsec(secret.as_str().unwrap()).unwrap_err();
        assert!(matches!(error, ConfigError::EmptyKey(_)), "{error}");
    }
}

#[test]
fn headers_of_the_other_prefix_are_ignored() {
    let svix = [("svix-id", ID), ("svix-timestamp", "1614265330"), ("svix-signature", TAG)];
    assert_eq!(outcome_of(&svix), Err(ErrorKind::Missing));
    let ours =
        [("webhook-id", ID), ("webhook-timestamp", "1614265330"), ("webhook-signature", TAG)];
    let both: Vec<_> = ours.iter().chain(&[("svix-signature", "v1,x")]).copied().collect();
    assert_eq!(outcome_of(&both), Ok(()));
}

#[test]
fn missing_and_duplicate_headers_are_malformed() {
    let all = [("webhook-id", ID), ("webhook-timestamp", "1614265330"), ("webhook-signature", TAG)];
    assert_eq!(outcome_of(&all), Ok(()));
    for place in 0..all.len() {
        let mut without = all.to_vec();
        without.remove(place);
        let expected = if place == 2 { ErrorKind::Missing } else { ErrorKind::Malformed };
        assert_eq!(outcome_of(&without), Err(expected), "{:?} is missing", all[place].0);
        let mut twice = all.to_vec();
        twice.push(all[place]);
        assert_eq!(
            outcome_of(&twice),
            Err(ErrorKind::Malformed),
            "{:?} occurs twice",
            all[place].0
        );
    }
}

#[test]
fn other_versions_are_skipped_and_known_ones_are_strict() {
    for (signature, expected) in [
        (TAG.to_owned(), Ok(())),
        (format!("v2,x {TAG}"), Ok(())),
        (format!("{TAG} v1a,AAAA"), Ok(())),
        (format!("v1,{} {TAG}", "A".repeat(43) + "="), Ok(())),
        ("v1a,AAAA".into(), Err(ErrorKind::Malformed)),
        ("v2,AAAA".into(), Err(ErrorKind::Malformed)),
        (format!("v1,AAAA {TAG}"), Err(ErrorKind::Malformed)),
        (format!("{TAG}  v2,x"), Err(ErrorKind::Malformed)),
        (format!("{TAG},v2,x"), Err(ErrorKind::Malformed)),
        (format!("{TAG} v2"), Err(ErrorKind::Malformed)),
        (format!("{TAG} ,x"), Err(ErrorKind::Malformed)),
        (format!("{TAG} v-2,x"), Err(ErrorKind::Malformed)),
        (format!("{TAG} v2,"), Err(ErrorKind::Malformed)),
        (TAG.replace("v1", "V1"), Err(ErrorKind::Malformed)),
    ] {
        assert_eq!(outcome(&signature), expected, "{signature}");
    }
}

#[test]
fn seventeen_entries_are_malformed() {
    let with = |count: usize| vec!["v2,x"; count].join(" ") + " " + TAG;
    assert_eq!(outcome(&with(15)), Ok(()));
    assert_eq!(outcome(&with(16)), Err(ErrorKind::Malformed));
    let ours = |count: usize| vec![TAG; count].join(" ");
    assert_eq!(outcome(&ours(16)), Ok(()));
    assert_eq!(outcome(&ours(17)), Err(ErrorKind::Malformed));
}

#[test]
fn an_id_is_1_to_256_visible_characters_without_a_dot() {
    let signer = Signer::new(StandardWebhooks::new(), secret()).with_clock(ManualClock::new(NOW));
    let sign =
        |id: &str| signer.sign(Request::post("/").header("webhook-id", id).body("body").unwrap());
    for id in ["a".repeat(256), "~!/".into()] {
        let (head, body) = sign(&id).unwrap().into_parts();
        let verified =
            verify_at(StandardWebhooks::new(), secret(), NOW, &head, body.as_bytes()).unwrap();
        assert_eq!(verified.message_id(), Some(&*id));
    }
    for id in ["", "a.b", "a b", &"a".repeat(257), "é"] {
        let error = sign(id).unwrap_err();
        assert!(
            matches!(&error, SignError::Header { header, .. } if header == "webhook-id"),
            "{error}"
        );
    }
}

#[test]
fn a_signer_writes_the_tags_of_all_its_keys_newest_first() {
    let old = || SecretKey::new("an older secret of 24 bytes").unwrap();
    let signer = Signer::new(StandardWebhooks::new(), secret())
        .add_key(old())
        .unwrap()
        .with_clock(ManualClock::new(NOW));
    let request = Request::post("/").header("webhook-id", ID).body(BODY).unwrap();
    let (head, body) = signer.sign(request).unwrap().into_parts();
    let text = head.headers["webhook-signature"].to_str().unwrap();
    let (newest, _) = text.split_once(' ').unwrap();
    assert_eq!(newest, TAG);
    for key in [secret(), old()] {
        assert!(verify_at(StandardWebhooks::new(), key, NOW, &head, body).is_ok());
    }
    let five = (0..3).try_fold(signer, |signer, _| signer.add_key(old()));
    assert!(five.is_err());
}

#[test]
fn a_retry_keeps_its_id_and_a_new_delivery_gets_one() {
    let signer = Signer::new(StandardWebhooks::new(), secret());
    let first = signer.sign(Request::post("/").body("").unwrap()).unwrap();
    let id = first.headers()["webhook-id"].to_str().unwrap().to_owned();
    assert_eq!((id.len(), &id[..4]), (31, "msg_"));
    assert!(id[4..].bytes().all(|byte| byte.is_ascii_alphanumeric()));

    let retry = Request::post("/").header("webhook-id", &id).body("").unwrap();
    assert_eq!(signer.sign(retry).unwrap().headers()["webhook-id"], *id);
    let other = signer.sign(Request::post("/").body("").unwrap()).unwrap();
    assert_ne!(other.headers()["webhook-id"], *id);

    let mut headers = HeaderMap::new();
    let set = message_id(&mut headers).clone();
    assert_eq!(*message_id(&mut headers), set);
    assert_eq!(headers["webhook-id"].len(), 31);
}

#[tokio::test]
async fn a_retry_is_not_a_replay_but_the_same_delivery_is() {
    let clock = ManualClock::new(NOW);
    let verifier = tower_hmac::Verifier::new(
        StandardWebhooks::new(),
        tower_hmac::KeyMap::single(KeySet::from(secret())).unwrap(),
    )
    .unwrap()
    .with_clock(clock.clone())
    .with_replay_guard(MemoryReplay::new(100).unwrap())
    .unwrap();
    let signer = Signer::new(StandardWebhooks::new(), secret()).with_clock(clock.clone());
    let delivery = || {
        let request = Request::post("/").header("webhook-id", ID).body("body").unwrap();
        signer.sign(request).unwrap().into_parts().0
    };
    let first = delivery();
    assert!(verifier.verify(&first, b"body").await.is_ok());
    assert_eq!(verifier.verify(&first, b"body").await.unwrap_err().kind(), ErrorKind::Replayed);
    clock.advance(5);
    assert!(verifier.verify(&delivery(), b"body").await.is_ok());
}
