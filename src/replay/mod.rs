//! Requests that count once.
//!
//! A [`ReplayGuard`] remembers which requests have been let through, for as long as each could be
//! accepted again. The claim comes after everything else has been checked and before the handler
//! runs: *at most once*. A handler that fails has used its request up, and the client signs anew.
//!
//! A request is known by its nonce. Without one it is known by its tag under each key that counts
//! for its name: while a key is changed it takes one entry a key.
//!
//! [`MemoryReplay`] is for a service of one process, `RedisReplay` (feature `redis`) for several.

#[cfg(feature = "redis")]
mod link;
mod memory;
#[cfg(feature = "redis")]
mod redis;
mod shard;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::digest::Hasher;
use crate::error::BoxError;
use crate::key::{Answer, KeyId};
use crate::mac::Algorithm;

pub use self::memory::MemoryReplay;
#[cfg(feature = "redis")]
pub use self::redis::RedisReplay;

/// Remembers which requests have been let through.
pub trait ReplayGuard: Send + Sync {
    /// Claims a request, atomically: of any number of claims of one key, one is
    /// [`Claimed`](Replay::Claimed).
    ///
    /// It is to be remembered up to and including the second `keep_until`. Both times are Unix
    /// seconds; `now` is the verifier's clock, and never after `keep_until`.
    fn claim(&self, key: ReplayKey, keep_until: i64, now: i64) -> ReplayClaim;
}

impl<G: ReplayGuard + ?Sized> ReplayGuard for Arc<G> {
    fn claim(&self, key: ReplayKey, keep_until: i64, now: i64) -> ReplayClaim {
        (**self).claim(key, keep_until, now)
    }
}

/// What a guard says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// It is the first of its kind, and is remembered now.
    Claimed,
    /// It has been let through before.
    Seen,
    /// There is no room to remember it: refused with 503, since nothing live is ever forgotten.
    Full,
}

/// What a guard remembers of a request: a SHA-256 over the format and the computed tag, or the
/// key id and the nonce where there is one.
/// No text that a client chose, and nothing a tag could be made from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplayKey([u8; 32]);

impl ReplayKey {
    /// For guards that are tried without a verifier.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes of the hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Each field goes in behind its length, so that no two requests run into one another.
    pub(crate) fn new(scheme: &str, key_id: Option<&KeyId>, unique: &Unique<'_>) -> Self {
        let (kind, unique) = match unique {
            Unique::Nonce(nonce) => (b"nonce", *nonce),
            Unique::Tag(tag) => (b"a tag", *tag),
        };
        let (named, name) = key_id.map_or((&[0], ""), |id| (&[1], id.as_str()));
        let mut hasher = Hasher::new(Algorithm::Sha256);
        for field in
            [b"tower-hmac replay 1", scheme.as_bytes(), named, name.as_bytes(), kind, unique]
        {
            hasher.update(&(field.len() as u64).to_be_bytes());
            hasher.update(field);
        }
        let mut key = [0; 32];
        key.copy_from_slice(hasher.finalize().as_bytes());
        Self(key)
    }
}

impl fmt::Debug for ReplayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplayKey(..)")
    }
}

/// What tells two requests of one key apart.
pub(crate) enum Unique<'a> {
    Nonce(&'a [u8]),
    Tag(&'a [u8]),
}

/// The answer of a [`ReplayGuard`], now or later.
#[must_use = "a claim does nothing unless awaited"]
pub struct ReplayClaim(Answer<Result<Replay, BoxError>>);

impl ReplayClaim {
    /// An answer that is known at once.
    pub fn ready(answer: Result<Replay, BoxError>) -> Self {
        Self(Answer::Ready(Some(answer)))
    }

    /// An answer that takes a while: one box.
    pub fn later(future: impl Future<Output = Result<Replay, BoxError>> + Send + 'static) -> Self {
        Self(Answer::Later(Box::pin(future)))
    }
}

impl Future for ReplayClaim {
    type Output = Result<Replay, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx)
    }
}

impl fmt::Debug for ReplayClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplayClaim(..)")
    }
}
