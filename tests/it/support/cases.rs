//! Requests and settings from the JSON of `public_cases.json` and `mistakes.json`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request};
use serde_json::Value;
use tower_hmac::clock::ManualClock;
use tower_hmac::scheme::{Encoding, Part, Policy, TimeFormat};
use tower_hmac::{
    ConfigError, FlaskHmac, HeaderScheme, KeyMap, MessageSignatures, SecretKey, Verifier,
};

/// The request of a case, as a server has received it.
pub fn request(request: &Value) -> (Parts, Vec<u8>) {
    let (method, target) = (text(&request["method"]), text(&request["target"]));
    let (mut head, ()) =
        Request::builder().method(method).uri(target).body(()).unwrap().into_parts();
    for pair in request["headers"].as_array().unwrap() {
        let name = HeaderName::try_from(text(&pair[0])).unwrap();
        head.headers.append(name, HeaderValue::from_bytes(text(&pair[1]).as_bytes()).unwrap());
    }
    (head, STANDARD.decode(text(&request["body_base64"])).unwrap())
}

/// The verifier of a case.
pub fn verifier(config: &Value) -> Result<Verifier, ConfigError> {
    let verifier = match text(&config["format"]) {
        "parts" => Verifier::new(header_scheme(config)?, keys(config)?)?,
        "flask-hmac" => Verifier::new(FlaskHmac::new(), keys(config)?)?,
        "rfc9421" => Verifier::new(message_signatures(config)?, keys(config)?)?,
        other => panic!("unknown format {other}"),
    };
    Ok(match config["now"].as_i64() {
        Some(now) => verifier.with_clock(ManualClock::new(now)),
        None => verifier,
    })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// `key` is the anonymous key, and `keys` are the named ones.
fn keys(config: &Value) -> Result<KeyMap, ConfigError> {
    let mut map = KeyMap::default();
    if let Some(single) = config.get("key") {
        map = map.with_single(key(single)?)?;
    }
    for (name, named) in config.get("keys").and_then(Value::as_object).into_iter().flatten() {
        map = map.with_key(name.as_str(), key(named)?)?;
    }
    Ok(map)
}

fn key(key: &Value) -> Result<SecretKey, ConfigError> {
    match key.as_object().and_then(|object| object.iter().next()) {
        Some((kind, value)) if kind == "text" => SecretKey::new(text(value)),
        Some((kind, value)) if kind == "hex" => SecretKey::from_hex(text(value)),
        Some((kind, value)) if kind == "base64" => SecretKey::from_base64(text(value)),
        _ => panic!("unknown kind of key"),
    }
}

fn header_scheme(config: &Value) -> Result<HeaderScheme, ConfigError> {
    let mut scheme = HeaderScheme::new(text(&config["header"]))?
        .with_prefix(text(&config["prefix"]).to_owned())?
        .with_encoding(match text(&config["encoding"]) {
            "hex" => Encoding::Hex,
            "base64" => Encoding::Base64,
            other => panic!("unknown encoding {other}"),
        });
    if let Some(name) = config.get("key_id_header") {
        scheme = scheme.with_key_id_header(text(name))?;
    }
    if let Some(parts) = config.get("parts").and_then(Value::as_array) {
        let parts = parts.iter().map(part).collect::<Result<Vec<_>, _>>()?;
        scheme = scheme.with_parts(parts)?;
    }
    match config.get("list_separator") {
        Some(separator) => scheme.with_list_separator(text(separator).to_owned()),
        None => Ok(scheme),
    }
}

fn part(part: &Value) -> Result<Part, ConfigError> {
    match part.as_str() {
        Some("method") => Ok(Part::Method),
        Some("path") => Ok(Part::Path),
        Some("query") => Ok(Part::Query),
        Some("body") => Ok(Part::Body),
        _ => match part.as_object().and_then(|object| object.iter().next()) {
            Some((kind, value)) if kind == "literal" => Ok(Part::literal(text(value))),
            Some((kind, value)) if kind == "header" => Part::header(text(value)),
            Some((kind, value)) if kind == "timestamp" => {
                let format = match text(&value[1]) {
                    "unix" => TimeFormat::UnixSeconds,
                    "millis" => TimeFormat::UnixMillis,
                    "rfc3339" => TimeFormat::Rfc3339,
                    other => panic!("unknown time {other}"),
                };
                Part::timestamp(text(&value[0]), format)
            }
            _ => panic!("unknown part"),
        },
    }
}

fn message_signatures(config: &Value) -> Result<MessageSignatures, ConfigError> {
    let mut scheme = MessageSignatures::new();
    if let Some(label) = config.get("label") {
        scheme = scheme.with_label(text(label))?;
    }
    if let Some(tag) = config.get("tag") {
        scheme = scheme.with_tag(text(tag))?;
    }
    if let Some(only) = config.get("require_only").and_then(Value::as_array) {
        let policy = Policy::strict().dangerous_require_only(only.iter().map(text))?;
        scheme = scheme.with_policy(policy);
    }
    Ok(scheme)
}
