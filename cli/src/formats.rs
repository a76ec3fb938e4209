//! The schemes that `--format` accepts.

use std::sync::Arc;

use tower_hmac::config::SchemeConfig;
use tower_hmac::{Scheme, webhooks};

use crate::failure::Failure;

/// The crate's own schemes: the name, its settings as JSON, and the settings that the user must
/// add.
const OWN: &[(&str, &str, &str)] = &[
    ("rfc9421", r#"{"scheme": "rfc9421"}"#, ""),
    ("standard-webhooks", r#"{"scheme": "standard-webhooks"}"#, ""),
    ("svix", r#"{"scheme": "svix"}"#, ""),
    ("flask-hmac", r#"{"scheme": "flask-hmac"}"#, ""),
    ("flask-hmac-0.1", r#"{"scheme": "flask-hmac-0.1"}"#, ""),
    ("fost", r#"{"scheme": "fost"}"#, ""),
    ("fost-url", r#"{"scheme": "fost-url"}"#, ""),
    (
        "sigv4",
        r#"{"scheme": "sigv4", "region": "us-east-1", "service": "execute-api"}"#,
        "region and service",
    ),
    (
        "sigv4-presigned",
        r#"{"scheme": "sigv4-presigned", "region": "us-east-1", "service": "s3"}"#,
        "region and service",
    ),
    ("square", r#"{"preset": "square", "url": "https://example.com/hook"}"#, "url"),
    (
        "hubspot",
        r#"{"preset": "hubspot", "public_origin": "https://example.com"}"#,
        "public_origin",
    ),
    ("twilio", r#"{"preset": "twilio", "public_origin": "https://example.com"}"#, "public_origin"),
];

/// A scheme, and how to select it.
pub(crate) struct Named {
    pub(crate) name: &'static str,
    /// An example as JSON, if the scheme needs settings.
    pub(crate) json: Option<&'static str>,
    pub(crate) scheme: Arc<dyn Scheme>,
}

/// Returns all schemes, the crate's own first.
pub(crate) fn all() -> Vec<Named> {
    let own = OWN.iter().filter_map(|(name, json, missing)| {
        let json = (*json, (!missing.is_empty()).then_some(*json));
        Some(Named { name, json: json.1, scheme: scheme(json.0).ok()? })
    });
    let presets = webhooks::names()
        .filter_map(|name| Some(Named { name, json: None, scheme: webhooks::by_name(name)? }));
    own.chain(presets).collect()
}

/// Makes the scheme that `--format` selects.
pub(crate) fn find(text: &str) -> Result<Arc<dyn Scheme>, Failure> {
    let text = text.trim();
    if let Some(path) = text.strip_prefix('@') {
        let json = std::fs::read_to_string(path)
            .map_err(|error| Failure::new(format!("--format {path}: {error}")))?;
        // An editor on Windows saves a byte order mark, which JSON does not allow (RFC 8259
        // section 8.1).
        return scheme(json.strip_prefix('\u{feff}').unwrap_or(&json));
    }
    find_without_files(text)
}

/// Makes the scheme for the page, without reading files.
pub(crate) fn find_without_files(text: &str) -> Result<Arc<dyn Scheme>, Failure> {
    let text = text.trim();
    if text.starts_with('{') {
        return scheme(text);
    }
    if let Some((name, json, missing)) = OWN.iter().find(|(name, ..)| *name == text) {
        if !missing.is_empty() {
            return Err(Failure::new(format!(
                "scheme `{name}` needs its {missing}: write it as JSON, such as {json}"
            )));
        }
        return scheme(json);
    }
    webhooks::by_name(text).ok_or_else(|| {
        Failure::new(format!(
            "unknown scheme; the nearest are {}, and `tower-hmac formats` lists all",
            nearest(text).join(", ")
        ))
    })
}

fn scheme(json: &str) -> Result<Arc<dyn Scheme>, Failure> {
    let config: SchemeConfig =
        serde_json::from_str(json).map_err(|error| Failure::new(format!("format: {error}")))?;
    config.scheme().map_err(|error| Failure::new(format!("format: {error}")))
}

fn nearest(text: &str) -> Vec<&'static str> {
    let text = text.to_ascii_lowercase();
    let names = OWN.iter().map(|(name, ..)| *name).chain(webhooks::names());
    let mut names: Vec<_> = names.map(|name| (strsim::jaro_winkler(&text, name), name)).collect();
    names.sort_by(|one, other| other.0.total_cmp(&one.0));
    names.into_iter().take(3).map(|(_, name)| name).collect()
}
