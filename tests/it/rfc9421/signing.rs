//! The output of our signer, and the requests that it refuses to sign.

use http::Request;
use tower_hmac::scheme::Policy;
use tower_hmac::{FlaskHmac, KeyMap, MessageSignatures, SecretKey, SignError, Signer};

use super::{BODY, KEY_ID, NOW, head, key, set, signed, signer, verifier, verify, verify_by};

fn post(uri: &str) -> Request<&'static [u8]> {
    Request::post(uri).body(BODY).unwrap()
}

#[test]
fn signed_request_satisfies_the_strict_policy() {
    let request = post("https://Example.com:443/a%20b?c=d&c=e");
    let (head, body) = signer(MessageSignatures::new()).sign(request).unwrap().into_parts();
    assert_eq!(
        head.headers["signature-input"],
        format!(
            "sig1=(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-digest\");\
             created={NOW};keyid=\"{KEY_ID}\";alg=\"hmac-sha256\";\
             nonce=\"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH\""
        )
    );
    assert_eq!(head.headers["content-digest"], super::BODY_DIGEST);
    assert!(head.headers["signature"].is_sensitive());
    assert!(verify(&head, body).is_ok());
}

#[test]
fn request_without_a_body_has_no_digest() {
    let request = Request::get("http://example.com").body(&b""[..]).unwrap();
    let (head, body) = signer(MessageSignatures::new()).sign(request).unwrap().into_parts();
    assert!(!head.headers.contains_key("content-digest"));
    assert!(verify(&head, body).is_ok());

    let policy = Policy::strict().add_component("content-digest").unwrap();
    let scheme = MessageSignatures::new().with_policy(policy);
    let request = Request::get("http://example.com").body(&b""[..]).unwrap();
    let (head, body) = signer(scheme.clone()).sign(request).unwrap().into_parts();
    assert!(head.headers.contains_key("content-digest"));
    assert!(verify_by(&verifier(scheme), &head, body).is_ok());
}

#[test]
fn existing_digest_is_replaced() {
    let mut request = post("http://example.com/");
    request.headers_mut().insert("content-digest", "sha-256=:AAAA:".parse().unwrap());
    request.headers_mut().append("content-digest", "sha-512=:AAAA:".parse().unwrap());
    let (head, body) = signer(MessageSignatures::new()).sign(request).unwrap().into_parts();
    assert!(verify(&head, body).is_ok());
}

#[test]
fn label_tag_expiry_and_components_are_written_as_set() {
    let scheme = MessageSignatures::new()
        .with_label("ours")
        .unwrap()
        .with_tag("an \"app\"")
        .unwrap()
        .with_components(["@target-uri", "@method", "\"x-list\";bs", "\"@query-param\";name=\"c\""])
        .unwrap();
    let mut request = post("http://example.com/?c=d");
    request.headers_mut().insert("x-list", "a, b".parse().unwrap());
    request.headers_mut().append("x-list", "c".parse().unwrap());
    let signer = signer(scheme.clone()).with_lifetime(std::time::Duration::from_secs(60));
    let (head, body) = signer.sign(request).unwrap().into_parts();
    let input = head.headers["signature-input"].to_str().unwrap();
    assert!(input.starts_with(
        "ours=(\"@target-uri\" \"@method\" \"x-list\";bs \"@query-param\";name=\"c\" \"content-digest\")"
    ));
    assert!(input.ends_with(&format!(";expires={};tag=\"an \\\"app\\\"\"", NOW + 60)));
    assert!(head.headers["signature"].to_str().unwrap().starts_with("ours=:"));
    assert!(verify_by(&verifier(scheme), &head, body).is_ok());
}

#[test]
fn request_target_is_signed_as_a_server_will_receive_it() {
    let scheme = MessageSignatures::new()
        .with_policy(Policy::strict().add_component("@request-target").unwrap());
    let (mut head, body) =
        signer(scheme.clone()).sign(post("http://example.com/a?b")).unwrap().into_parts();
    head.uri = "/a?b".parse().unwrap();
    set(&mut head, "host", "example.com");
    assert!(verify_by(&verifier(scheme), &head, body).is_ok());
}

#[test]
fn request_that_the_policy_rejects_is_not_signed() {
    let thin = MessageSignatures::new().with_components(["@method"]).unwrap();
    assert!(matches!(signer(thin).sign(post("http://example.com/")), Err(SignError::Request(_))));

    let only = Policy::strict().dangerous_require_only(["@method"]).unwrap();
    let bodiless = MessageSignatures::new().with_policy(only);
    let rejected = signer(bodiless).sign(post("http://example.com/"));
    assert!(matches!(rejected, Err(SignError::Request(_))));
}

#[test]
fn request_that_lacks_a_covered_part_is_not_signed() {
    let nowhere = signer(MessageSignatures::new()).sign(post("/"));
    assert!(matches!(nowhere, Err(SignError::Header { header, .. }) if header == "host"));
    let policy = Policy::strict().add_component("x-tenant").unwrap();
    let scheme = MessageSignatures::new().with_policy(policy);
    let without = signer(scheme).sign(post("http://example.com/"));
    assert!(matches!(without, Err(SignError::Header { header, .. }) if header == "x-tenant"));
}

#[test]
fn key_id_that_the_scheme_cannot_carry_is_not_signed() {
    let anonymous = Signer::new(MessageSignatures::new(), key());
    assert!(matches!(anonymous.sign(post("http://example.com/")), Err(SignError::KeyId(_))));
    let foreign = Signer::new(MessageSignatures::new(), key()).with_key_id("é").unwrap();
    assert!(matches!(foreign.sign(post("http://example.com/")), Err(SignError::KeyId(_))));
    let quoted = Signer::new(MessageSignatures::new(), key()).with_key_id("a\"\\b").unwrap();
    assert!(quoted.sign(post("http://example.com/")).is_ok());
}

#[test]
fn signed_request_is_not_signed_again() {
    let signer = signer(MessageSignatures::new());
    let once = signer.sign(post("http://example.com/")).unwrap();
    assert!(matches!(signer.sign(once.clone()), Err(SignError::AlreadySigned)));
    let (head, body) = signer.replace_signature().sign(once).unwrap().into_parts();
    assert!(verify(&head, body).is_ok());
}

#[test]
fn anonymous_key_signs_if_the_policy_allows_it() {
    let scheme = MessageSignatures::new().with_policy(Policy::strict().dangerous_without_keyid());
    let signer =
        Signer::new(scheme.clone(), key()).with_clock(tower_hmac::clock::ManualClock::new(NOW));
    let (head, body) = signer.sign(post("http://example.com/")).unwrap().into_parts();
    let verifier = tower_hmac::Verifier::new(scheme, KeyMap::single(key()).unwrap())
        .unwrap()
        .with_clock(tower_hmac::clock::ManualClock::new(NOW));
    assert!(verify_by(&verifier, &head, body).unwrap().key_id().is_none());
}

#[test]
fn additional_component_can_be_required() {
    let policy = Policy::strict().add_component("content-type").unwrap();
    let strict = verifier(MessageSignatures::new().with_policy(policy));
    assert!(verify_by(&strict, &signed(), BODY).is_err());
    let mut head = super::request();
    let covered = super::covered().replace(')', " \"content-type\")");
    super::sign(&mut head, &(covered + &super::parameters()));
    let verified = verify_by(&strict, &head, BODY).unwrap();
    assert!(verified.covered().any(|component| component == "\"content-type\""));
    let (name, value) = verified.signed_headers().last().unwrap();
    assert_eq!((name.as_str(), value.as_bytes()), ("content-type", &b"application/json"[..]));
}

/// Both schemes read `Signature`, and a server accepts either while its clients migrate.
#[test]
fn flask_hmac_and_message_signatures_can_be_combined() {
    let flask = || FlaskHmac::new();
    let flask_keys = || KeyMap::named([(KEY_ID, "flask key")]).unwrap();
    let keys = || KeyMap::named([(KEY_ID, key())]).unwrap();
    let clock = tower_hmac::clock::ManualClock::new(NOW);
    let verifiers = [
        tower_hmac::Verifier::new(MessageSignatures::new(), keys())
            .unwrap()
            .or(flask(), flask_keys()),
        tower_hmac::Verifier::new(flask(), flask_keys())
            .unwrap()
            .or(MessageSignatures::new(), keys()),
    ];
    for verifier in verifiers {
        let verifier = verifier.unwrap().with_clock(clock.clone());
        let new = verify_by(&verifier, &signed(), BODY).unwrap();
        assert_eq!(new.scheme(), "rfc9421");

        let mut old = head("POST", "/foo", &[]);
        let flask_signer = Signer::new(flask(), SecretKey::new("flask key").unwrap());
        flask_signer.with_key_id(KEY_ID).unwrap().sign_head(&mut old, BODY).unwrap();
        assert_eq!(verify_by(&verifier, &old, BODY).unwrap().scheme(), "flask-hmac");

        // Neither scheme accepts a part of the other.
        let mut mixed = signed();
        mixed.headers.insert("signature", old.headers["signature"].clone());
        assert!(verify_by(&verifier, &mixed, BODY).is_err());
        old.headers.insert("signature", signed().headers["signature"].clone());
        assert!(verify_by(&verifier, &old, BODY).is_err());
    }
}
