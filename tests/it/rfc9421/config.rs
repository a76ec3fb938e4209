//! Impossible settings are found while building.

use tower_hmac::scheme::Policy;
use tower_hmac::{Algorithm, ConfigError, MessageSignatures};

#[track_caller]
fn assert_names_components<T: std::fmt::Debug>(result: Result<T, ConfigError>) {
    assert!(result.unwrap_err().to_string().starts_with("components: "));
}

#[test]
fn empty_component_list_is_rejected() {
    let none: [&str; 0] = [];
    assert_names_components(Policy::strict().dangerous_require_only(none));
    assert_names_components(MessageSignatures::new().with_components(none));
}

#[test]
fn component_that_requests_do_not_have_is_rejected() {
    for component in [
        "",
        "@unknown",
        "@status",
        "@signature-params",
        "Content-Type",
        "content type",
        "\"",
        "\"date\" \"host\"",
        "\"date\");created=1",
        "\"date\"), (\"host\"",
        "\"date\";req",
        "\"date\";tr",
        "\"date\";bs;sf",
        "@query-param",
        "\"@query-param\"",
        "\"@query-param\";name=\"a b\"",
        // A signature cannot cover its own field.
        "signature",
        "signature-input",
        "\"signature\";sf",
    ] {
        let policy = Policy::strict().dangerous_require_only([component]);
        assert!(policy.is_err(), "{component}");
        assert!(Policy::strict().add_component(component).is_err(), "{component}");
        assert!(MessageSignatures::new().with_components([component]).is_err(), "{component}");
    }
}

#[test]
fn component_is_configured_with_or_without_parameters() {
    for component in [
        "@method",
        "\"@method\"",
        "content-type",
        "\"x\";sf",
        "\"x\";key=\"a\"",
        "\"x\";bs",
        "\"@query-param\";name=\"a%20b\"",
        "\"signature\";key=\"theirs\"",
    ] {
        assert!(Policy::strict().dangerous_require_only([component]).is_ok(), "{component}");
    }
}

#[test]
fn duplicate_component_is_rejected() {
    let twice = ["\"x\";sf;key=\"a\"", "\"x\";key=\"a\";sf"];
    assert!(Policy::strict().dangerous_require_only(twice).is_err());
    assert!(MessageSignatures::new().with_components(["date", "\"date\""]).is_err());
}

#[test]
fn required_digest_with_unsigned_bodies_is_rejected() {
    let covered = Policy::strict().add_component("content-digest").unwrap();
    assert!(covered.dangerous_unsigned_body().is_err());
    let open = Policy::strict().dangerous_unsigned_body().unwrap();
    assert!(open.clone().add_component("content-digest").is_err());
    assert!(open.dangerous_require_only(["content-digest"]).is_err());
}

#[test]
fn label_that_is_not_a_key_is_rejected() {
    for label in ["", "Sig", "1sig", "a b", "a,b", "a=", "é", "\"a\""] {
        assert!(MessageSignatures::new().with_label(label).is_err(), "{label}");
    }
    assert!(MessageSignatures::new().with_label("sig-b25").is_ok());
}

#[test]
fn tag_that_is_not_text_is_rejected() {
    for tag in ["", "é", "a\nb", "a\tb", "a\0b"] {
        assert!(MessageSignatures::new().with_tag(tag).is_err(), "{tag:?}");
    }
    assert!(MessageSignatures::new().with_tag("an \"app\" \\ 1").is_ok());
}

#[test]
fn invalid_public_origin_is_rejected() {
    for origin in [
        "",
        "api.example.com",
        "/path",
        "ftp://api.example.com",
        "https://",
        "https://user@api.example.com",
        "https://api.example.com/path?query",
        "https://api.example.com/path//",
        "https://api.example.com/?query",
        "https://api.example.com#fragment",
    ] {
        assert!(MessageSignatures::new().with_public_origin(origin).is_err(), "{origin}");
    }
    for origin in [
        "https://api.example.com",
        "http://LOCALHOST:8080/",
        "https://[::1]:443",
        "https://api.example.com/path",
        "https://api.example.com/a%20b/c/",
    ] {
        assert!(MessageSignatures::new().with_public_origin(origin).is_ok(), "{origin}");
    }
}

#[test]
fn unsupported_digest_is_rejected() {
    for algorithm in [Algorithm::Sha384, Algorithm::Sha512_256] {
        assert!(MessageSignatures::new().with_digest(algorithm).is_err());
    }
}

#[test]
fn replay_guard_without_a_time_is_rejected() {
    let policy = Policy::strict().dangerous_without_created();
    let verifier = super::verifier(MessageSignatures::new().with_policy(policy));
    let guard = super::rejections::Seen::default();
    assert!(verifier.with_replay_guard(guard).is_err());
}
