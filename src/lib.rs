//! HMAC request authentication for Tower and axum: one layer verifies signed requests, one signs
//! them, and every signature format is one small file.
//!
//! A client and a server share a secret key. The client signs each request with it; the layer lets
//! the request through only if the signature is right, and tells the handler who sent it. What a
//! signature covers is the format's: Flask-HMAC's covers the body alone, RFC 9421's whatever it
//! lists. Nothing is hidden: use TLS.
//!
//! ```
//! use axum::{Router, body::Body, routing::post};
//! use http::{Request, StatusCode};
//! use tower::ServiceExt as _;
//! use tower_hmac::{FlaskHmac, KeyMap, SecretKey, Signer, Verified, VerifyLayer};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! // The server: a layer, and a handler that nobody reaches without a signature.
//! let keys = KeyMap::named([("aservice", "akey"), ("bservice", "bkey")])?;
//! let app = Router::new()
//!     .route("/", post(|caller: Verified| async move { caller.key_id().unwrap().to_string() }))
//!     .layer(VerifyLayer::new(FlaskHmac::new(), keys)?);
//!
//! // The client: the same scheme, the other way round.
//! let signer = Signer::new(FlaskHmac::new(), SecretKey::new("akey")?).with_key_id("aservice")?;
//! let signed = signer.sign(Request::post("/").body("a body")?)?;
//! assert_eq!(app.clone().oneshot(signed.map(Body::from)).await?.status(), StatusCode::OK);
//!
//! let unsigned = Request::post("/").body(Body::from("a body"))?;
//! assert_eq!(app.oneshot(unsigned).await?.status(), StatusCode::FORBIDDEN);
//! # Ok::<(), tower_hmac::BoxError>(())
//! # }).unwrap();
//! ```
//!
//! * [`mod@verify`] has the server's half, its contract step by step, and where to put the layer.
//! * [`mod@sign`] has the client's half.
//! * [`mod@scheme`] has the formats, and how to write one.
//! * [`mod@key`] has keys in memory, in rotation, from a database.
//! * [`mod@replay`] has requests that count once.
//! * [`mod@extract`] has extractors.
//!
//! The [README] has the formats side by side, the features, and a table for those who come from
//! Flask-HMAC.
//!
//! [README]: https://crates.io/crates/tower-hmac
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

#[cfg(feature = "capture")]
pub mod capture;
#[cfg(feature = "reqwest")]
pub mod client;
pub mod clock;
#[cfg(feature = "serde")]
pub mod config;
pub mod crypto;
mod error;
pub mod explain;
#[cfg(feature = "axum")]
pub mod extract;
#[cfg(any(doc, doctest))]
pub mod guide;
pub mod key;
pub mod layer;
pub mod once;
mod random;
pub mod replay;
pub mod scheme;
mod shown;
pub mod sign;
pub mod testing;
pub mod verify;

// What most programs name. Each module has the rest.

// The server.
pub use layer::VerifyLayer;
pub use verify::{ErrorKind, Verified, Verifier, VerifyError};

// The client.
pub use layer::SignLayer;
pub use sign::{SignError, Signer};

// Keys.
pub use crypto::Algorithm;
pub use key::{KeyId, KeyMap, KeySet, KeyStore, SecretKey};

// Schemes.
#[cfg(feature = "rfc9421")]
pub use scheme::MessageSignatures;
#[cfg(feature = "webhooks")]
#[doc(inline)]
pub use scheme::webhooks;
pub use scheme::{FlaskHmac, HeaderScheme, Scheme};

// Replays.
pub use replay::MemoryReplay;

// Errors of the configuration.
pub use error::{BoxError, ConfigError};

/// The code of the README, compiled and run.
#[cfg(all(doctest, feature = "axum", feature = "webhooks"))]
#[doc = include_str!("../README.md")]
struct Readme;
