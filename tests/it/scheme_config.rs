//! Schemes read from configuration.

use http::Request;
use serde_json::json;
use tower_hmac::config::SchemeConfig;
use tower_hmac::{KeyMap, SecretKey, Signer, Verifier};

fn config(json: &str) -> SchemeConfig {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn why(json: &str) -> String {
    match config(json).scheme() {
        Ok(scheme) => panic!("{json} is {}", scheme.name()),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn each_scheme_verifies_what_it_signs() {
    for (json, name) in [
        (r#"{"preset": "stripe"}"#, "stripe"),
        (r#"{"preset": "box"}"#, "box"),
        (r#"{"preset": "square", "url": "https://example.com/hook"}"#, "square"),
        (r#"{"preset": "hubspot", "public_origin": "https://example.com"}"#, "hubspot"),
        (r#"{"preset": "twilio", "public_origin": "https://example.com"}"#, "twilio"),
        (r#"{"scheme": "flask-hmac", "header": "X-Sig", "algorithm": "sha512"}"#, "flask-hmac"),
        (r#"{"scheme": "standard-webhooks"}"#, "standard-webhooks"),
        (r#"{"scheme": "svix"}"#, "svix"),
        (r#"{"header": "X-Sig"}"#, "header"),
        (r#"{"scheme": "header", "header": "X-Sig", "name": "ours"}"#, "ours"),
        (
            r#"{"header": "X-Sig", "prefix": "sha256=", "encoding": "base64url-nopad",
                "algorithm": "sha384", "list_separator": ", ",
                "parts": ["method", "\n", {"timestamp": "X-Ts", "as": "millis"}, {"literal": "\n"},
                          {"header": "Content-Type"}, "\n", "body"]}"#,
            "header",
        ),
    ] {
        let key = || SecretKey::new("a key of the test").unwrap();
        let scheme = config(json).scheme().unwrap();
        assert_eq!(scheme.name(), name);
        let signer = Signer::new(scheme.clone(), key());
        let request =
            Request::post("https://example.com/hook").header("content-type", "text/plain");
        let (head, body) = signer.sign(request.body("{}").unwrap()).unwrap().into_parts();
        let verifier = Verifier::new(scheme, KeyMap::single(key()).unwrap()).unwrap();
        assert!(verifier.verify(&head, body.as_bytes()).await.is_ok(), "{json}");
        assert!(verifier.verify(&head, b"{ }").await.is_err(), "{json}");
    }
}

#[test]
fn an_unknown_or_foreign_member_is_an_error() {
    for (json, start) in [
        (r#"{"header": "X-Sig", "heeder": "X-Sig"}"#, "heeder: is not a setting of this scheme"),
        (r#"{"header": "X-Sig", "header": "X-Sig"}"#, "header: occurs twice"),
        (r#"{"header": 1}"#, "header: is not a text"),
        (r#"{"header": "X-Sig", "encoding": "base32"}"#, "encoding: is not one of `hex`, "),
        (
            r#"{"header": "X-Sig", "parts": [{"literal": "a", "header": "b"}]}"#,
            "parts: a part must be a text, or an object with `literal`, `header` or `timestamp`",
        ),
        (
            r#"{"header": "X-Sig", "parts": [{"literal": "a", "as": "unix"}]}"#,
            "parts: a part must be a text",
        ),
        (
            r#"{"header": "X-Sig", "parts": [{"timestamp": "X-Ts", "as": "days"}, "body"]}"#,
            "parts: `as` is not one of `unix`, ",
        ),
        (r#"{"header": "X-Sig", "parts": "body"}"#, "parts: is not a list"),
        (r"{}", "scheme: is missing, and neither `preset` nor `header` is set"),
        (
            r#"{"shceme": "rfc9421"}"#,
            "scheme: is missing, and neither `preset` nor `header` is set",
        ),
        (r#"{"scheme": "header"}"#, "header: is missing"),
        (r#"{"preset": "stripe", "header": "X-Sig"}"#, "header: is not a setting of this scheme"),
        (r#"{"preset": "stripe", "scheme": "fost"}"#, "preset: is set together with `scheme`"),
        (r#"{"scheme": "rfc9421", "prefix": "a"}"#, "prefix: is not a setting of this scheme"),
        (r#"{"scheme": "rot13"}"#, "scheme: is not a scheme"),
        (r#"{"preset": "square"}"#, "url: is missing"),
        (r#"{"header": "X Sig"}"#, "header: is not a header name"),
        (r#"{"header": "X-Sig", "algorithm": "md4"}"#, "algorithm: "),
        (r#"{"header": "X-Sig", "parts": ["method", "body"]}"#, "parts: two adjacent parts"),
    ] {
        assert!(why(json).starts_with(start), "{json}: {}", why(json));
    }
}

#[test]
fn error_for_an_unknown_provider_lists_the_nearest_names() {
    let error = why(r#"{"preset": "Strpie"}"#);
    assert!(error.contains("stripe"), "{error}");
    assert!(why(r#"{"preset": "shopfy"}"#).contains("shopify"));
}

/// A key in the wrong place, such as in the table of the scheme. Parsers may print the whole line.
#[test]
fn no_error_of_a_scheme_repeats_a_misplaced_key() {
    const SECRET: &str = "misplaced-b81f04 d2";
    let misplaced = [
        json!(SECRET),
        json!([SECRET]),
        json!({"header": "X-Sig", "key": SECRET}),
        json!({"header": "X-Sig", "keys": {"a": SECRET}}),
        json!({"header": SECRET}),
        json!({"header": {"name": SECRET}}),
        json!({"header": "X-Sig", "encoding": SECRET}),
        json!({"header": "X-Sig", "algorithm": SECRET}),
        json!({"header": "X-Sig", "parts": SECRET}),
        json!({"header": "X-Sig", "parts": [{"key": SECRET}]}),
        json!({"header": "X-Sig", "parts": [{"header": SECRET}]}),
        json!({"header": "X-Sig", "parts": [{"timestamp": "X-Ts", "as": SECRET}, "body"]}),
        json!({"header": "X-Sig", "prefix": [SECRET]}),
        json!({"header": "X-Sig", "list_separator": SECRET}),
        json!({"preset": SECRET}),
        json!({"preset": "hubspot", "public_origin": SECRET}),
        json!({"scheme": SECRET}),
        json!({"scheme": "fost-url", "max_lifetime": SECRET}),
        json!({"scheme": "rfc9421", "components": SECRET}),
        json!({"scheme": "rfc9421", "components": [SECRET]}),
        json!({"scheme": "rfc9421", "components": [[SECRET]]}),
        json!({"scheme": "rfc9421", "label": SECRET}),
        json!({"scheme": "sigv4", "region": [SECRET]}),
    ];
    for config in misplaced {
        let told = |config: &SchemeConfig| match config.scheme() {
            Ok(scheme) => panic!("{config:?} is {}", scheme.name()),
            Err(error) => format!("{config:?} {error} {error:?}"),
        };
        let mut messages = vec![match serde_json::from_value(config.clone()) {
            Err(error) => format!("{error} {error:?}"),
            Ok(config) => told(&config),
        }];
        if config.is_object() {
            let parsed = toml::from_str::<SchemeConfig>(&toml::to_string(&config).unwrap());
            messages.push(parsed.as_ref().map_or_else(ToString::to_string, told));
        }
        for message in messages {
            assert!(!message.contains(SECRET), "{message}");
        }
    }
}
