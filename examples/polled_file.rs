//! How do I reload keys at an interval from a file, a database or a vault?
//!
//!     cargo run --example polled_file --features reload,serde,tokio
//!
//! The file is an object from key IDs to keys, or to lists of keys, newest first:
//!
//!     {"billing": "the key", "orders": ["the new key", "the old key"]}
//!
//! A mounted Kubernetes secret is such a file. For any other source, write another `load`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::{Router, body::Body, routing::post};
use http::{Request, StatusCode};
use tower::ServiceExt as _;
use tower_hmac::config::KeysConfig;
use tower_hmac::key::PolledKeys;
use tower_hmac::{BoxError, FlaskHmac, KeyMap, SecretKey, Signer, VerifyLayer};

/// The polling interval. Use 30 s in production.
const EVERY: Duration = Duration::from_millis(20);
/// The maximum age of the keys: several times `EVERY`, so that clients do not notice a single
/// failure.
const MAX_AGE: Duration = Duration::from_secs(600);

async fn load(path: PathBuf) -> Result<KeyMap, BoxError> {
    let text = tokio::fs::read_to_string(path).await?;
    // The parser's own message could quote a key, and messages are logged.
    let config: KeysConfig = serde_json::from_str(&text).map_err(|error| {
        format!("not an object of keys at line {}, column {}", error.line(), error.column())
    })?;
    Ok(config.key_map()?)
}

async fn app(path: PathBuf) -> Result<Router, BoxError> {
    let keys = PolledKeys::new(EVERY, move || load(path.clone())).await?.with_max_age(MAX_AGE);
    Ok(Router::new()
        .route("/", post(async || "received"))
        .layer(VerifyLayer::new(FlaskHmac::new(), keys)?))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let path = std::env::temp_dir().join(format!("tower-hmac-keys-{}.json", std::process::id()));
    replace(&path, r#"{"billing": "the old key"}"#)?;
    let app = app(path.clone()).await?;
    assert_eq!(send(&app, "the old key").await?, StatusCode::OK);

    replace(&path, r#"{"billing": "the new key"}"#)?;
    while send(&app, "the new key").await? != StatusCode::OK {
        tokio::time::sleep(EVERY).await;
    }
    assert_eq!(send(&app, "the old key").await?, StatusCode::FORBIDDEN);
    println!("the new key is accepted");

    // A file that does not parse or contains no key changes nothing.
    for broken in [r#"{"billing": "#, "{}"] {
        replace(&path, broken)?;
        tokio::time::sleep(EVERY * 3).await;
        assert_eq!(send(&app, "the new key").await?, StatusCode::OK);
    }
    println!("a broken file changes nothing");
    std::fs::remove_file(path)?;
    Ok(())
}

/// Replaces the file atomically, so that nobody reads half of it.
fn replace(path: &Path, text: &str) -> Result<(), BoxError> {
    let new = path.with_extension("new");
    std::fs::write(&new, text)?;
    std::fs::rename(new, path)?;
    Ok(())
}

async fn send(app: &Router, key: &str) -> Result<StatusCode, BoxError> {
    let signer = Signer::new(FlaskHmac::new(), SecretKey::new(key)?).with_key_id("billing")?;
    let request = signer.sign(Request::post("/").body("an invoice")?)?;
    Ok(app.clone().oneshot(request.map(Body::from)).await?.status())
}
