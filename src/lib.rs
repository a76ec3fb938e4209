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
//! let keys = KeyMap::services([("aservice", "akey"), ("bservice", "bkey")])?;
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
mod clock;
#[cfg(feature = "serde")]
pub mod config;
mod crypto;
mod error;
pub mod explain;
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

#[cfg(feature = "axum")]
pub mod extract;

#[cfg(any(doc, doctest))]
pub mod guide;

pub use clock::{Clock, ManualClock, SystemClock};
pub use crypto::{Algorithm, Digest, Mac, Mismatch, Tag};
pub use error::{BoxError, ConfigError};
#[cfg(feature = "cache")]
pub use key::CachedKeys;
#[cfg(feature = "reload")]
pub use key::SharedKeys;
pub use key::{
    KeyEntry, KeyId, KeyMap, KeyQuery, KeySet, KeyStore, Lookup, MAX_KEYS, SecretKey, key_fn,
};
pub use once::{MemoryOnce, OnceLayer};
#[cfg(feature = "redis")]
pub use replay::RedisReplay;
pub use replay::{MemoryReplay, ReplayGuard};
#[cfg(feature = "webhooks")]
pub use scheme::webhooks;
#[cfg(feature = "sigv4")]
pub use scheme::{AwsPresigned, AwsSigV4};
pub use scheme::{
    Claim, ClaimError, Encoding, FlaskHmac, FlaskHmacPath, HeaderScheme, Part, Scheme, TimeFormat,
};
#[cfg(feature = "sha1")]
pub use scheme::{Fost, FostUrl};
#[cfg(feature = "serde")]
pub use scheme::{JsonStrings, JsonText};
#[cfg(feature = "rfc9421")]
pub use scheme::{MessageSignatures, Policy};
pub use sign::{SignError, SignLayer, Signer};
#[cfg(feature = "sigv4")]
pub use verify::AwsRejection;
pub use verify::{
    ErrorKind, PublicError, Rejection, RejectionFn, StatusRejection, Verified, VerifiedBody,
    Verifier, VerifyError, VerifyFuture, VerifyLayer, VerifyService,
};

/// The code of the README, compiled and run.
#[cfg(all(doctest, feature = "axum", feature = "webhooks"))]
#[doc = include_str!("../README.md")]
struct Readme;
