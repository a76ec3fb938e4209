//! Keys from a file that may change while the service runs, such as a mounted secret.
//!
//!     cargo run -- keys.json
//!
//! The file is an object (JSON) or a table (TOML) of key IDs, each with its key, or with a list of
//! keys during a rotation, newest first:
//!
//!     {"aservice": "akey", "bservice": ["the new key", "the old key"]}
//!
//! A file that does not parse, or contains no key, changes nothing: the old keys stay in use, and
//! an error is logged. The error never repeats the contents of the file.

mod keys;
#[cfg(test)]
mod tests;
mod watch;

use std::path::PathBuf;

use axum::{Router, routing::post};
use tower_hmac::key::SharedKeys;
use tower_hmac::{BoxError, FlaskHmac, Verified, VerifyLayer};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    tracing_subscriber::fmt::init();
    let path: PathBuf = std::env::args_os().nth(1).ok_or("usage: reload KEYS.json")?.into();

    // At the start, a bad file is an error: there are no old keys to fall back on.
    let keys = SharedKeys::new(keys::load(&path)?)?;
    let _watcher = watch::reload_on_change(path, keys.clone())?;

    let app: Router = Router::new()
        .route("/", post(|caller: Verified| async move { format!("{:?}\n", caller.key_id()) }))
        .layer(VerifyLayer::new(FlaskHmac::new(), keys)?);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app).await?;
    Ok(())
}
