//! Keys: secrets, key IDs, the set of keys valid for one key ID, and the stores that find them.
//!
//! A [`KeyStore`] finds the [`KeySet`] of a claimed key ID. [`KeyMap`](crate::KeyMap) is the store in
//! memory. [`key_fn`] turns a function into one, such as a database query. The keys of `SharedKeys`
//! (feature `reload`) can be replaced while requests are served; `PolledKeys` (with feature
//! `tokio`) reloads them at an interval. `CachedKeys` (feature `cache`) caches a slow store.
//!
//! ```
//! use tower_hmac::{KeyMap, KeySet, SecretKey};
//!
//! // A client in rotation: its new key comes first, and its old one still verifies.
//! let billing = KeySet::new([
//!     SecretKey::from_base64("bmV3IGtleSBvZiBiaWxsaW5n")?,
//!     SecretKey::from_base64("b2xkIGtleSBvZiBiaWxsaW5n")?,
//! ])?;
//! let keys = KeyMap::named([("billing", billing)])?.with_key("shop", "key of the shop")?;
//! # Ok::<(), tower_hmac::ConfigError>(())
//! ```

#[cfg(feature = "cache")]
mod cached;
#[cfg(feature = "cache")]
mod flight;
pub(crate) mod id;
pub(crate) mod map;
mod names;
#[cfg(all(feature = "reload", feature = "tokio"))]
mod polled;
#[cfg(feature = "cache")]
mod rooms;
pub(crate) mod secret;
pub(crate) mod set;
#[cfg(feature = "reload")]
mod shared;
pub(crate) mod store;
mod text;
#[cfg(feature = "webhooks")]
mod whsec;

#[cfg(feature = "cache")]
pub use cached::CachedKeys;

pub(crate) use id::KeyId;
#[cfg(all(feature = "reload", feature = "tokio"))]
pub use polled::PolledKeys;
pub(crate) use secret::SecretKey;
pub use set::{KeyEntry, MAX_KEYS};
pub(crate) use set::{KeySet, Places};
#[cfg(feature = "reload")]
pub use shared::SharedKeys;
pub(crate) use store::{Found, KeyStore, NowOrLater};
pub use store::{KeyFn, KeyQuery, Lookup, key_fn};
