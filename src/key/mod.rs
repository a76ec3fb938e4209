//! Keys: the secret, its public name, the set valid for one name, and where sets are found.
//!
//! A [`KeyStore`] finds the [`KeySet`] of a claim. [`KeyMap`] is the store in memory; [`key_fn`]
//! makes one of a function, such as a query to a database.

mod id;
mod map;
mod secret;
mod set;
mod store;

pub use id::KeyId;
pub use map::KeyMap;
pub use secret::SecretKey;
pub use set::{KeyEntry, KeySet, MAX_KEYS};
pub(crate) use store::Answer;
pub use store::{KeyFn, KeyStore, Lookup, key_fn};
