//! Flask-HMAC's own settings: which are accepted, which are rejected, and that no error repeats a
//! value.

use axum::body::Body;
use axum::routing::get;
use http::{Request, StatusCode};
use serde_json::json;
use tower::ServiceExt as _;
use tower_hmac::config::{FlaskConfig, KeysConfig};
use tower_hmac::{ConfigError, FlaskHmac, SecretKey, Signer, VerifyLayer};

/// A string that no error may contain.
const SECRET: &str = "s3cr3t-that-nobody-may-read";

fn layer(config: serde_json::Value) -> Result<VerifyLayer, ConfigError> {
    serde_json::from_value::<FlaskConfig>(config).unwrap().layer(FlaskHmac::new())
}

fn error(config: serde_json::Value) -> String {
    layer(config).unwrap_err().to_string()
}

async fn status(layer: &VerifyLayer, key_id: Option<&str>, key: &[u8]) -> StatusCode {
    let app = axum::Router::new().route("/", get(|| async {})).layer(layer.clone());
    let mut signer = Signer::new(FlaskHmac::new(), SecretKey::new(key).unwrap());
    if let Some(key_id) = key_id {
        signer = signer.with_key_id(key_id).unwrap();
    }
    let request = signer.sign(Request::get("/").body(Vec::new()).unwrap()).unwrap();
    app.oneshot(request.map(Body::from)).await.unwrap().status()
}

#[tokio::test]
async fn a_key_text_becomes_latin_1_bytes_if_every_character_fits() {
    let config = json!({"HMAC_KEY": "caf\u{e9}", "HMAC_KEYS": {"euro": "caf\u{e9} 5 \u{20ac}"}});
    let layer = layer(config).unwrap();
    assert_eq!(status(&layer, None, b"caf\xe9").await, StatusCode::OK);
    assert_eq!(status(&layer, None, "caf\u{e9}".as_bytes()).await, StatusCode::FORBIDDEN);
    let utf8 = "caf\u{e9} 5 \u{20ac}".as_bytes();
    assert_eq!(status(&layer, Some("euro"), utf8).await, StatusCode::OK);
}

#[tokio::test]
async fn keys_are_read_from_text_hex_base64_and_lists() {
    let layer = layer(json!({"HMAC_KEYS": {
        "text": "akey",
        "hex": {"hex": "616b6579"},
        "base64": {"base64": "YWtleQ=="},
        "bytes": {"bytes_base64": "YWtleQ=="},
        "list": [{"hex": "00"}, "akey"],
    }}))
    .unwrap();
    for name in ["text", "hex", "base64", "bytes", "list"] {
        assert_eq!(status(&layer, Some(name), b"akey").await, StatusCode::OK, "{name}");
        assert_eq!(status(&layer, Some(name), b"bkey").await, StatusCode::FORBIDDEN, "{name}");
    }
    assert_eq!(status(&layer, Some("list"), &[0]).await, StatusCode::OK);
}

#[tokio::test]
async fn environment_and_file_are_read_alike() {
    let vars = [
        ("HMAC_KEY", "s3cr3tk3y"),
        ("HMAC_KEYS", r#"{"aservice": ["new", "akey"]}"#),
        ("HMAC_ERROR_CODE", "401"),
        ("HMAC_DISARM", "False"),
        ("MAX_CONTENT_LENGTH", "16"),
        ("PATH", "/usr/bin"),
    ];
    let layer = FlaskConfig::from_vars(vars).unwrap().layer(FlaskHmac::new()).unwrap();
    assert_eq!(status(&layer, None, b"s3cr3tk3y").await, StatusCode::OK);
    assert_eq!(status(&layer, Some("aservice"), b"akey").await, StatusCode::OK);
    assert_eq!(status(&layer, None, b"other").await, StatusCode::UNAUTHORIZED);
}

#[test]
fn an_environment_that_is_not_json_or_not_unicode_is_rejected() {
    let error = FlaskConfig::from_vars([("HMAC_KEYS", SECRET)]).unwrap_err().to_string();
    assert_eq!(error, "HMAC_KEYS: is not JSON");
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt as _;
        let value = std::ffi::OsString::from_vec(vec![0xff]);
        let error = FlaskConfig::from_vars([("HMAC_KEY", value)]).unwrap_err().to_string();
        assert_eq!(error, "HMAC_KEY: is not Unicode");
    }
}

#[test]
fn a_switch_must_be_true_or_false() {
    let config = |switch: serde_json::Value| {
        let config = json!({"HMAC_KEY": "k", "HMAC_DISARM": switch});
        serde_json::from_value::<FlaskConfig>(config)
            .unwrap()
            .dangerous_allow_disarm()
            .layer(FlaskHmac::new())
            .map(|layer| format!("{layer:?}").contains("disarmed: true"))
    };
    for on in [json!(true), json!("true"), json!("True"), json!("1")] {
        assert_eq!(config(on), Ok(true));
    }
    for off in [json!(false), json!("false"), json!("False"), json!("0"), json!(null)] {
        assert_eq!(config(off), Ok(false));
    }
    for neither in [json!("yes"), json!(""), json!("TRUE"), json!(1), json!([])] {
        assert!(config(neither).is_err());
    }
}

#[test]
fn a_disarmed_configuration_is_an_error_unless_allowed() {
    let error = error(json!({"HMAC_KEY": "k", "HMAC_DISARM": true}));
    assert!(error.starts_with("HMAC_DISARM: "), "{error}");
}

#[test]
fn every_error_names_its_setting() {
    for (config, start) in [
        (json!({}), "HMAC_KEY and HMAC_KEYS: there is no key"),
        (json!({"HMAC_KEY": null, "HMAC_KEYS": {}}), "HMAC_KEY and HMAC_KEYS: there is no key"),
        (json!({"HMAC_KEY": ""}), "HMAC_KEY: the key is empty"),
        (json!({"HMAC_KEY": 7}), "HMAC_KEY: is neither"),
        (json!({"HMAC_KEY": []}), "HMAC_KEY: there is no key"),
        (json!({"HMAC_KEY": ["k", ""]}), "HMAC_KEY: the key is empty"),
        (json!({"HMAC_KEYS": []}), "HMAC_KEYS: is not a map"),
        (json!({"HMAC_KEYS": {"a": null}}), "HMAC_KEYS[\"a\"]: is neither"),
        (json!({"HMAC_KEYS": {"a": ""}}), "HMAC_KEYS[\"a\"]: the key is empty"),
        (json!({"HMAC_KEYS": {"": "k"}}), "HMAC_KEYS: the name is empty"),
        (json!({"HMAC_KEY": "k", "HMAC_ERROR_CODE": 200}), "HMAC_ERROR_CODE: expected a status"),
        (json!({"HMAC_KEY": "k", "HMAC_ERROR_CODE": 42}), "HMAC_ERROR_CODE: is not an HTTP"),
        (json!({"HMAC_KEY": "k", "HMAC_ERROR_CODE": -1}), "HMAC_ERROR_CODE: is not a whole"),
        (json!({"HMAC_KEY": "k", "MAX_CONTENT_LENGTH": 1.5}), "MAX_CONTENT_LENGTH: is not a whole"),
    ] {
        let error = error(config);
        assert!(error.starts_with(start), "{error}");
    }
}

#[test]
fn a_duplicate_setting_is_rejected() {
    for (text, start) in [
        (r#"{"HMAC_KEY": "a", "HMAC_KEY": "b"}"#, "HMAC_KEY: occurs twice"),
        (r#"{"HMAC_KEYS": {"a": "1", "a": "2"}}"#, "key ID \"a\": occurs twice"),
        (r#"{"HMAC_KEY": "a", "HMAC_DISARM": true, "HMAC_DISARM": false}"#, "HMAC_DISARM: occurs"),
    ] {
        let config: FlaskConfig = serde_json::from_str(text).unwrap();
        let error = config.layer(FlaskHmac::new()).unwrap_err().to_string();
        assert!(error.starts_with(start), "{error}");
    }
}

#[test]
fn no_error_repeats_a_misplaced_key() {
    let misplaced = [
        json!(SECRET),
        json!([SECRET]),
        json!({"HMAC_KEYS": SECRET}),
        json!({"HMAC_KEYS": [SECRET]}),
        json!({"HMAC_KEYS": {"a": {SECRET: SECRET}}}),
        json!({"HMAC_KEYS": {"a": {"hex": SECRET}}}),
        json!({"HMAC_KEYS": {"a": {"base64": SECRET}}}),
        json!({"HMAC_KEYS": {"a": {"text": SECRET}}}),
        json!({"HMAC_KEYS": {"a": [[SECRET]]}}),
        json!({"HMAC_KEY": {"key": SECRET}}),
        json!({"HMAC_KEY": "k", "HMAC_DISARM": SECRET}),
        json!({"HMAC_KEY": "k", "HMAC_ERROR_CODE": SECRET}),
        json!({"HMAC_KEY": "k", "MAX_CONTENT_LENGTH": SECRET}),
    ];
    for config in misplaced {
        let mut messages = Vec::new();
        match serde_json::from_value::<FlaskConfig>(config.clone()) {
            Err(error) => messages.push(format!("{error} {error:?}")),
            Ok(config) => {
                let error = config.layer(FlaskHmac::new()).unwrap_err();
                messages.push(format!("{config:?} {error} {error:?}"));
            }
        }
        if config.is_object() {
            // The parser of this format prints the line that it could not read, with its values.
            let text = toml::to_string(&config).unwrap();
            let config: FlaskConfig = toml::from_str(&text).unwrap();
            let error = config.layer(FlaskHmac::new()).unwrap_err();
            messages.push(format!("{config:?} {error} {error:?}"));
            let keys: KeysConfig = toml::from_str(&text).unwrap();
            messages.push(format!("{keys:?} {:?}", keys.key_map()));
        }
        for message in messages {
            assert!(!message.contains(SECRET), "{message}");
        }
    }
}

#[test]
fn a_key_file_has_key_ids_and_an_optional_anonymous_key() {
    let keys: KeysConfig = serde_json::from_str(r#"{"": "k", "a": ["new", "old"]}"#).unwrap();
    let map = keys.key_map().unwrap();
    assert_eq!(map.get(None).unwrap().len(), 1);
    assert_eq!(map.get(Some(&"a".try_into().unwrap())).unwrap().len(), 2);

    for empty in ["{}", r#"{"": ""}"#, r#"{"a": ""}"#, r#"{"": "k", "": "l"}"#] {
        let keys: KeysConfig = serde_json::from_str(empty).unwrap();
        assert!(keys.key_map().is_err(), "{empty}");
    }
}
