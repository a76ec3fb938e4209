//! Schemes read from configuration.

use http::Request;
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
    assert!(serde_json::from_str::<SchemeConfig>(r#"{"heeder": "X-Sig"}"#).is_err());
    assert!(serde_json::from_str::<SchemeConfig>(r#"{"encoding": "base32"}"#).is_err());
    let odd = r#"{"header": "X-Sig", "parts": [{"literal": "a", "header": "b"}]}"#;
    assert!(serde_json::from_str::<SchemeConfig>(odd).is_err());
    for (json, start) in [
        (r"{}", "header: is missing"),
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
