//! Configuration errors are found while building, and name the setting.

use std::time::Duration;

use http::StatusCode;
use tower_hmac::layer::StatusRejection;
use tower_hmac::scheme::Window;
use tower_hmac::{Algorithm, ConfigError, FlaskHmac, KeyId, KeySet};

use super::*;

fn says(error: &ConfigError, parts: &[&str]) {
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{text:?} does not name {part:?}");
    }
}

#[test]
fn an_empty_key_is_rejected_with_its_key_id() {
    assert!(matches!(SecretKey::new(""), Err(ConfigError::EmptyKey(_))));
    assert!(matches!(SecretKey::from_hex(""), Err(ConfigError::EmptyKey(_))));
    assert!(matches!(SecretKey::from_base64(""), Err(ConfigError::EmptyKey(_))));
    let error = KeyMap::named([("aservice", "akey"), ("bservice", "")]).unwrap_err();
    assert!(matches!(error, ConfigError::EmptyKey(_)));
    says(&error, &["bservice"]);
}

#[test]
fn an_empty_key_id_is_rejected() {
    assert!(matches!(KeyId::new(""), Err(ConfigError::EmptyName(_))));
    let error = KeyMap::named([("", "akey")]).unwrap_err();
    assert!(matches!(error, ConfigError::EmptyName(_)));
    says(&error, &["key ID"]);
}

#[test]
fn a_map_without_keys_is_rejected() {
    let none: [(&str, &str); 0] = [];
    let error = KeyMap::named(none).unwrap_err();
    assert!(matches!(error, ConfigError::NoKeys(_)));
    says(&error, &["named"]);
    let none: [SecretKey; 0] = [];
    assert!(matches!(KeySet::new(none), Err(ConfigError::NoKeys(_))));
}

#[test]
fn a_duplicate_key_id_and_a_ninth_key_are_rejected() {
    let error = KeyMap::named([("aservice", "one"), ("aservice", "two")]).unwrap_err();
    says(&error, &["aservice", "twice"]);
    assert!(KeySet::new((0..8).map(|n| key(&n.to_string()))).is_ok());
    says(&KeySet::new((0..9).map(|n| key(&n.to_string()))).unwrap_err(), &["key set", "8"]);
}

#[test]
fn a_rejection_that_looks_like_a_success_is_rejected() {
    for status in [100, 200, 204, 301, 399, 600, 999] {
        let status = StatusCode::from_u16(status).unwrap();
        let error = StatusRejection::new(status).unwrap_err();
        says(&error, &["rejection", status.as_str()]);
    }
    for status in [400, 401, 403, 404, 500, 599] {
        assert!(StatusRejection::new(StatusCode::from_u16(status).unwrap()).is_ok());
    }
}

#[test]
fn ambiguous_schemes_are_rejected_by_name() {
    let error = VerifyLayer::new(Joints::new(Covers::Body), keys())
        .unwrap()
        .or(Joints::named("second", "x", Covers::Digest), keys())
        .unwrap_err();
    says(&error, &["joints", "second"]);
    // These tags have the same length.
    let sha512_256 = Joints::new(Covers::Body).with_algorithm(Algorithm::Sha512_256);
    assert!(
        VerifyLayer::new(Joints::new(Covers::Body), keys())
            .unwrap()
            .or(sha512_256, keys())
            .is_err()
    );
}

#[test]
fn a_guard_for_a_scheme_without_a_time_is_rejected_unless_chosen() {
    let untimed = || VerifyLayer::new(FlaskHmac::new(), keys()).unwrap();
    let error = untimed().with_replay_guard(Seen::default()).unwrap_err();
    assert_eq!(error, ConfigError::ReplayWithoutTime("flask-hmac".into()));
    says(&error, &["flask-hmac", "dangerous_replay_by_tag"]);
    let chosen = untimed().dangerous_replay_by_tag(Duration::from_secs(60));
    assert!(chosen.with_replay_guard(Seen::default()).is_ok());

    // The same applies to the second scheme.
    let timed = VerifyLayer::new(Joints::new(Covers::Body).with_window(Window::timed()), keys())
        .unwrap()
        .with_replay_guard(Seen::default())
        .unwrap();
    assert!(timed.or(FlaskHmac::new(), keys()).is_err());
}

#[test]
fn an_invalid_header_name_is_rejected() {
    says(&FlaskHmac::new().with_header("no header").unwrap_err(), &["header"]);
    assert!(FlaskHmac::new().with_header("X-Signature").is_ok());
}

#[test]
fn no_error_repeats_a_key() {
    let secret = "s3cr3t-\u{7f}";
    for error in [
        SecretKey::from_hex(secret).unwrap_err(),
        SecretKey::from_base64(secret).unwrap_err(),
        KeyMap::named([("aservice", secret), ("aservice", secret)]).unwrap_err(),
    ] {
        assert!(!format!("{error} {error:?}").contains("s3cr3t"));
    }
}
