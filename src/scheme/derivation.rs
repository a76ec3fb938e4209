//! Keys that a scheme derives from the secrets, each for many requests.

use crate::key::SecretKey;
use crate::scheme::Claim;

/// How a scheme derives the keys of a day. A secret has one key for each scope.
pub trait KeyDerivation: Send + Sync {
    /// Returns the scope that a claim is made for.
    fn scope_of<'c>(&self, claim: &'c Claim) -> Option<KeyScope<'c>>;

    /// Returns the day of a time in Unix seconds, as claims write it.
    fn day_of(&self, unix_seconds: i64) -> Option<String>;

    /// Returns the number of scopes on each day that this side accepts.
    fn scope_count(&self) -> usize;

    /// Returns all scopes on a day that this side accepts.
    fn scopes_on(&self, day: &str) -> Vec<String>;

    /// Derives the key of a secret for one of these scopes.
    fn derive(&self, secret: &SecretKey, scope: &str) -> SecretKey;
}

/// The scope that a claim is made for.
#[derive(Clone, Copy, Debug)]
pub struct KeyScope<'c> {
    pub(crate) day: &'c str,
    /// The index of the scope among those that this side accepts. `None` for any other.
    pub(crate) place: Option<usize>,
}
