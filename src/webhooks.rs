//! Webhooks: [`StandardWebhooks`] to send and receive them, and one function for each provider.
//!
//! Each function returns a scheme for [`VerifyLayer`](crate::VerifyLayer) and
//! [`Signer`](crate::Signer). Its docs state what the signature covers and what it does not.
//! Senders retry, so the same delivery can arrive twice. Without a signed time, a captured
//! delivery can be replayed at any time.
//!
//! ```
//! use axum::{Json, Router, routing::post};
//! use tower_hmac::{KeyMap, SecretKey, VerifyLayer, webhooks};
//!
//! let key = KeyMap::single(SecretKey::new("It's a Secret to Everybody")?)?;
//! let app: Router = Router::new()
//!     .route("/github", post(|event: Json<serde_json::Value>| async move { event.to_string() }))
//!     .layer(VerifyLayer::new(webhooks::github(), key)?);
//! # Ok::<(), tower_hmac::ConfigError>(())
//! ```

pub use crate::scheme::webhooks::*;
