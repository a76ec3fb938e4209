//! Keys: the secret, its public name, the set valid for one name, and where sets are found.
//!
//! A [`KeyStore`] finds the [`KeySet`] of a claim. [`KeyMap`] is the store in memory; [`key_fn`]
//! makes one of a function, such as a query to a database. `SharedKeys` (feature `reload`) can be
//! replaced while requests are served; `CachedKeys` (feature `cache`) stands before a slow store.

#[cfg(feature = "cache")]
mod cached;
#[cfg(feature = "cache")]
mod flight;
mod id;
mod map;
mod names;
#[cfg(feature = "cache")]
mod rooms;
mod secret;
mod set;
#[cfg(feature = "reload")]
mod shared;
mod store;
#[cfg(feature = "webhooks")]
mod whsec;

#[cfg(feature = "cache")]
pub use cached::CachedKeys;

pub use id::KeyId;
pub use map::KeyMap;
pub use secret::SecretKey;
pub(crate) use set::Places;
pub use set::{KeyEntry, KeySet, MAX_KEYS};
#[cfg(feature = "reload")]
pub use shared::SharedKeys;
pub(crate) use store::{Answer, Found};
pub use store::{KeyFn, KeyQuery, KeyStore, Lookup, key_fn};
