//! Keys: secrets, key IDs, the set of keys valid for one key ID, and the stores that find them.
//!
//! A [`KeyStore`] finds the [`KeySet`] of a claimed key ID. [`KeyMap`] is the store in memory.
//! [`key_fn`] turns a function into one, such as a database query. The keys of `SharedKeys`
//! (feature `reload`) can be replaced while requests are served; `PolledKeys` (with feature
//! `tokio`) reloads them at an interval. `CachedKeys` (feature `cache`) caches a slow store.

#[cfg(feature = "cache")]
mod cached;
#[cfg(feature = "cache")]
mod flight;
mod id;
mod map;
mod names;
#[cfg(all(feature = "reload", feature = "tokio"))]
mod polled;
#[cfg(feature = "cache")]
mod rooms;
mod secret;
mod set;
#[cfg(feature = "reload")]
mod shared;
mod store;
mod text;
#[cfg(feature = "webhooks")]
mod whsec;

#[cfg(feature = "cache")]
pub use cached::CachedKeys;

pub use id::KeyId;
pub use map::KeyMap;
#[cfg(all(feature = "reload", feature = "tokio"))]
pub use polled::PolledKeys;
pub use secret::SecretKey;
pub(crate) use set::Places;
pub use set::{KeyEntry, KeySet, MAX_KEYS};
#[cfg(feature = "reload")]
pub use shared::SharedKeys;
pub(crate) use store::{Found, NowOrLater};
pub use store::{KeyFn, KeyQuery, KeyStore, Lookup, key_fn};
