//! HMAC request authentication for Tower and axum. One layer verifies signed requests, one signs
//! them, and every signature scheme is one small file.
//!
//! A client and a server share a secret key. The client signs each request with it. The layer
//! rejects requests without a valid signature, and tells the handler who sent each of the others.
//! The scheme decides what a signature covers: Flask-HMAC's covers only the body, RFC 9421's
//! whatever it lists. Nothing is encrypted, so use TLS.
//!
//! ```
//! use axum::{Router, body::Body, routing::post};
//! use http::{Request, StatusCode};
//! use tower::ServiceExt as _;
//! use tower_hmac::{FlaskHmac, KeyMap, SecretKey, Signer, Verified, VerifyLayer};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! // The server: only signed requests reach the handler.
//! let keys = KeyMap::named([("aservice", "akey"), ("bservice", "bkey")])?;
//! let app = Router::new()
//!     .route("/", post(|caller: Verified| async move { caller.key_id().unwrap().to_string() }))
//!     .layer(VerifyLayer::new(FlaskHmac::new(), keys)?);
//!
//! // The client: signs with the same scheme.
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
//! New here? Read the pages of the [`mod@guide`] in order: which scheme to use, which routes the
//! layer covers, how to test.
//!
//! | to | see |
//! | --- | --- |
//! | verify requests: the contract step by step, and where to put the layer | [`mod@verify`], [`mod@layer`] |
//! | let only some callers in, or verify in a handler's arguments | [`mod@extract`] |
//! | sign requests | [`mod@sign`], [`mod@client`] |
//! | choose a scheme, or write one | [`mod@scheme`], [`mod@webhooks`] |
//! | keep keys in memory, in rotation, or in a database | [`mod@key`], [`mod@config`] |
//! | reject replayed requests, or handle each delivery only once | [`mod@replay`], [`mod@once`] |
//! | find out why a request was rejected | [`mod@explain`], [`mod@capture`] |
//! | test signed routes | [`mod@testing`], [`mod@clock`] |
//!
//! The [README] has programs to paste, compares the schemes, and lists the features.
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
#[cfg(feature = "openapi")]
pub mod openapi;
mod random;
pub mod replay;
pub mod scheme;
#[cfg(feature = "tracing")]
mod seldom;
mod shown;
pub mod sign;
pub mod testing;
pub mod verify;
#[cfg(feature = "webhooks")]
pub mod webhooks;

// The items that most programs need have their only public path here. The modules have the others.

// The server.
pub use layer::verify_layer::VerifyLayer;
pub use verify::error::{ErrorKind, VerifyError};
pub use verify::verified::Verified;
pub use verify::verifier::Verifier;

// The client.
pub use layer::sign_layer::SignLayer;
pub use scheme::sign_error::SignError;
pub use sign::signer::Signer;

// Keys.
pub use crypto::algorithm::Algorithm;
pub use key::id::KeyId;
pub use key::map::KeyMap;
pub use key::secret::SecretKey;
pub use key::set::KeySet;
pub use key::store::KeyStore;

// Schemes.
pub use scheme::flask::FlaskHmac;
pub use scheme::interface::Scheme;
pub use scheme::parts::HeaderScheme;
#[cfg(feature = "rfc9421")]
pub use scheme::rfc9421::MessageSignatures;

// Replays.
pub use replay::memory::MemoryReplay;

// Configuration errors.
pub use error::{BoxError, ConfigError};

/// The code of the README, compiled and run.
#[cfg(all(
    doctest,
    feature = "axum",
    feature = "reqwest",
    feature = "rfc9421",
    feature = "webhooks"
))]
#[doc = include_str!("../README.md")]
struct Readme;
