//! Settings from the environment. Secrets are read once and never printed.

use std::net::SocketAddr;
use std::path::PathBuf;

use tower_hmac::{BoxError, SecretKey};

pub struct Settings {
    pub listen: SocketAddr,
    pub keys_file: PathBuf,
    /// The Redis server. Without it, only this process remembers replays and repeats.
    pub redis: Option<String>,
    pub github: SecretKey,
    pub stripe: SecretKey,
}

impl Settings {
    /// Reads `LISTEN`, `KEYS_FILE`, `REDIS_URL`, `GITHUB_SECRET` and `STRIPE_SECRET`.
    ///
    /// # Errors
    ///
    /// Returns the name of the first variable that is missing or cannot be read, but never its
    /// value.
    pub fn from_env() -> Result<Self, BoxError> {
        let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
        Ok(Self {
            listen: listen.parse().map_err(|_| "LISTEN: expected an address and a port")?,
            keys_file: required("KEYS_FILE")?.into(),
            redis: std::env::var("REDIS_URL").ok(),
            github: secret("GITHUB_SECRET")?,
            stripe: secret("STRIPE_SECRET")?,
        })
    }
}

fn required(name: &str) -> Result<String, BoxError> {
    std::env::var(name).map_err(|_| format!("{name}: not set, or not UTF-8").into())
}

fn secret(name: &str) -> Result<SecretKey, BoxError> {
    SecretKey::new(required(name)?).map_err(|error| format!("{name}: {error}").into())
}
