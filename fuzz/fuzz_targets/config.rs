//! Any text as a configuration: never a panic, and no error or `Debug` repeats a possible key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tower_hmac::config::{FlaskConfig, KeysConfig, SchemeConfig};
use tower_hmac::{FlaskHmac, webhooks};

/// The length of a part of a secret that no message contains by chance.
const LONG: usize = 12;

/// The texts in places where a key can be. Names of settings and key IDs may be printed.
fn secrets(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| secrets(item, found)),
        Value::Object(members) => members.values().for_each(|value| secrets(value, found)),
        _ => {}
    }
}

fn names(value: &Value, found: &mut String) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        Value::Object(members) => {
            for (name, value) in members {
                found.push_str(&format!("{name} {name:?} "));
                names(value, found);
            }
        }
        _ => {}
    }
}

fn check(told: &str, secrets: &[String], names: &str) {
    for secret in secrets {
        let characters: Vec<char> = secret.chars().collect();
        for part in characters.windows(LONG) {
            let part: String = part.iter().collect();
            let is_ours = include_str!("config.rs").contains(&part) || names.contains(&part);
            assert!(is_ours || !told.contains(&part), "{told} repeats {part:?}");
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut told = String::new();
    match serde_json::from_str::<FlaskConfig>(text) {
        Err(error) => told += &format!("{error} {error:?}"),
        Ok(config) => {
            told += &format!("{config:?}");
            for config in [config.clone(), config.dangerous_allow_disarm()] {
                match config.layer(FlaskHmac::new()) {
                    Err(error) => told += &format!("{error} {error:?}"),
                    Ok(layer) => told += &format!("{layer:?}"),
                }
            }
        }
    }
    match serde_json::from_str::<KeysConfig>(text) {
        Err(error) => told += &format!("{error} {error:?}"),
        Ok(config) => match config.key_map() {
            Err(error) => told += &format!("{error} {error:?}"),
            Ok(map) => told += &format!("{config:?}{map:?}"),
        },
    }
    match serde_json::from_str::<SchemeConfig>(text) {
        Err(error) => told += &format!("{error} {error:?}"),
        Ok(config) => {
            told += &format!("{config:?}");
            if let Err(error) = config.scheme() {
                told += &format!("{error} {error:?}");
            }
        }
    }
    let variables = [("HMAC_KEYS", text), ("HMAC_KEY", "")];
    if !text.contains('\0') {
        match FlaskConfig::from_vars(variables) {
            Err(error) => told += &format!("{error} {error:?}"),
            Ok(config) => {
                if let Err(error) = config.layer(FlaskHmac::new()) {
                    told += &format!("{error} {error:?}");
                }
            }
        }
    }
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        let mut found = Vec::new();
        secrets(&value, &mut found);
        // An unknown preset is told the nearest names.
        let mut known = webhooks::names().collect::<String>();
        names(&value, &mut known);
        // This crate's own error texts may be part of a made-up key.
        if !["key", "is n", "base64url-no", "`"].iter().any(|ours| text.contains(ours)) {
            check(&told, &found, &known);
        }
    }
});
