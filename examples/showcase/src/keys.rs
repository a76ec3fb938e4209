//! The keys of the internal API, from a JSON file that is read again on SIGHUP.

use std::path::{Path, PathBuf};

use tokio::signal::unix::{SignalKind, signal};
use tower_hmac::config::KeysConfig;
use tower_hmac::key::SharedKeys;
use tower_hmac::{BoxError, KeyMap};

/// Reads `{"billing": "a key", "shop": ["the new key", "the old key"]}`.
///
/// # Errors
///
/// Returns an error if the file cannot be read, is not JSON of this shape, or contains an empty
/// key. The message names a position in the file and never its contents.
pub fn load(path: &Path) -> Result<KeyMap, BoxError> {
    let text = std::fs::read_to_string(path)?;
    let config: KeysConfig = serde_json::from_str(&text)
        .map_err(|error| format!("line {}, column {}", error.line(), error.column()))?;
    Ok(config.key_map()?)
}

/// Replaces the keys with those in the file. A bad file changes nothing.
pub fn reload(path: &Path, keys: &SharedKeys) {
    match load(path).and_then(|map| Ok(keys.replace(map)?)) {
        Ok(()) => tracing::info!("keys reloaded"),
        Err(error) => tracing::warn!(%error, "keys not reloaded: the old ones stay in force"),
    }
}

/// Reloads on each `kill -HUP`.
pub async fn reload_on_hangup(path: PathBuf, keys: SharedKeys) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        return tracing::warn!("SIGHUP cannot be caught: keys are not reloaded");
    };
    while hangup.recv().await.is_some() {
        reload(&path, &keys);
    }
}
