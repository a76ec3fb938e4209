//! HMAC request authentication for Tower and axum.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod clock;
mod error;
pub mod key;
mod mac;
mod random;
pub mod replay;
pub mod scheme;
pub mod sign;
pub mod testing;
pub mod verify;

#[cfg(feature = "axum")]
pub mod axum;

pub use clock::{Clock, ManualClock, SystemClock};
pub use error::{BoxError, ConfigError};
pub use key::{KeyEntry, KeyId, KeyMap, KeySet, KeyStore, Lookup, MAX_KEYS, SecretKey, key_fn};
pub use mac::{Algorithm, Digest, Mac, Mismatch, Tag};
pub use replay::ReplayGuard;
#[cfg(feature = "serde")]
pub use scheme::JsonStrings;
pub use scheme::{
    Claim, ClaimError, Encoding, FlaskHmac, FlaskHmacPath, HeaderScheme, Part, Scheme, TimeFormat,
};
pub use sign::{SignError, Signer};
pub use verify::{
    ErrorKind, Rejection, StatusRejection, Verified, VerifiedBody, Verifier, VerifyError,
    VerifyFuture, VerifyLayer, VerifyService,
};

/// The guides' code is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../docs/migration.md")]
struct MigrationGuide;
