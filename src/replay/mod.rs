//! Reject replayed requests.
//!
//! A [`ReplayGuard`] remembers accepted requests for as long as each could be accepted again. The
//! request is claimed after every other check and before the handler runs: *at most once*. If the
//! handler fails, the request is used up, and the client must sign again.
//!
//! A request is identified by its nonce under the secret that signed it, or by its tag if it has no
//! nonce. While a key is rotated, it takes one entry for each currently valid key.
//!
//! A guard that cannot know whether a request was accepted before does not let it through (RFC
//! 8446, section 8.2, and RFC 4120, section 3.2.3, require the same of theirs). After a restart,
//! this applies to every request signed before: it is answered with 503. A client that signs again
//! is accepted at once.
//!
//! Use [`MemoryReplay`](crate::MemoryReplay) for a service with a single process, and `RedisReplay`
//! (feature `redis`) for several. `RedisReplay` keeps its entries in the server, which must
//! preserve them across a restart. To test your own guard, use
//! [`check_replay_guard`](crate::testing::check_replay_guard).
//!
//! See [`MemoryReplay`](crate::MemoryReplay) for an example.

mod callers;
#[cfg(feature = "redis")]
mod cluster;
#[cfg(feature = "redis")]
mod failure;
#[cfg(feature = "redis")]
mod key_names;
#[cfg(feature = "redis")]
mod link;
#[cfg(feature = "redis")]
mod mark;
pub(crate) mod memory;
#[cfg(feature = "redis")]
mod node;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis")]
mod redis_clients;
mod restart;
#[cfg(feature = "redis")]
mod server;
mod shard;
#[cfg(feature = "redis")]
mod shards;
#[cfg(feature = "redis")]
mod source;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::crypto::Hasher;
use crate::crypto::{Algorithm, Mac};
use crate::error::BoxError;
use crate::key::{KeyId, NowOrLater, SecretKey};

/// Also for the other store in memory.
pub(crate) use self::callers::Callers;
#[cfg(feature = "redis")]
pub use self::redis::RedisReplay;

/// The connection to a Redis, for other stores.
#[cfg(feature = "redis")]
pub(crate) mod redis_link {
    pub(crate) use super::failure::Failure;
    pub(crate) use super::key_names::KeyNames;
    pub(crate) use super::link::{Connection, Link, UNTOLD};
    pub(crate) use super::redis_clients::from_redis_clients;
    pub(crate) use super::server::{Greeting, Server, ask};
    pub(crate) use super::shards::Shards;
    pub(crate) use super::source::Source;
}

/// Remembers accepted requests.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::{Mutex, PoisonError};
///
/// use tower_hmac::replay::{Replay, ReplayClaim, ReplayGuard, ReplayKey, ReplayRequest};
///
/// /// A guard for tests: its room is not limited, and its memory begins empty.
/// #[derive(Default)]
/// struct Simple(Mutex<HashMap<ReplayKey, i64>>);
///
/// impl ReplayGuard for Simple {
///     fn claim(&self, request: &ReplayRequest<'_>) -> ReplayClaim {
///         let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
///         seen.retain(|_, keep_until| *keep_until >= request.now());
///         let before = seen.insert(*request.key(), request.keep_until());
///         ReplayClaim::ready(Ok(if before.is_some() { Replay::Seen } else { Replay::Claimed }))
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let guard = Simple::default();
/// let request = ReplayRequest::new(ReplayKey::from_bytes([7; 32]), 1_700_000_300, 1_700_000_000);
/// assert_eq!(guard.claim(&request).await?, Replay::Claimed);
/// assert_eq!(guard.claim(&request).await?, Replay::Seen);
/// # Ok::<(), tower_hmac::BoxError>(())
/// # }).unwrap();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a replay guard",
    label = "expected a `ReplayGuard`, such as `MemoryReplay`",
    note = "`MemoryReplay::new(..)` and `RedisReplay::lazy(..)` return a `Result`: add `?`"
)]
pub trait ReplayGuard: Send + Sync {
    /// Claims a request, atomically: of any number of claims with one [`ReplayKey`], exactly one is
    /// answered with [`Claimed`](Replay::Claimed).
    ///
    /// The guard remembers it up to and including the second
    /// [`keep_until`](ReplayRequest::keep_until).
    fn claim(&self, request: &ReplayRequest<'_>) -> ReplayClaim;

    /// Tells the guard the time of the verifier's clock, in Unix seconds. Called when a verifier is
    /// built with it, and again when a verifier gets another clock.
    ///
    /// A guard with an empty memory cannot know requests that were signed earlier, and answers
    /// [`Forgotten`](Replay::Forgotten) for them. Of several times, it keeps the earliest: it
    /// existed at each of them, and has remembered everything since. So verifiers that share a
    /// guard must share a clock, or have clocks that agree.
    ///
    /// Does nothing unless overridden. A guard whose memory survives every restart does not need
    /// it.
    fn begin(&self, now: i64) {
        let _ = now;
    }

    /// Identifies this guard. Layers that share a guard claim a request once for all of them, so
    /// two handles of one guard must return the same ID.
    fn id(&self) -> GuardId {
        GuardId::of(self)
    }
}

/// Identifies a guard by an address in memory.
///
/// See [`ReplayGuard`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardId {
    address: usize,
    type_name: &'static str,
}

impl GuardId {
    /// Uses the address of the guard itself, or of the data that its handles share.
    #[must_use]
    pub fn of<T: ?Sized>(place: &T) -> Self {
        let address = std::ptr::from_ref(place).cast::<()>().addr();
        Self { address, type_name: std::any::type_name::<T>() }
    }
}

impl<G: ReplayGuard + ?Sized> ReplayGuard for Arc<G> {
    fn claim(&self, request: &ReplayRequest<'_>) -> ReplayClaim {
        (**self).claim(request)
    }

    fn begin(&self, now: i64) {
        (**self).begin(now);
    }

    fn id(&self) -> GuardId {
        (**self).id()
    }
}

/// A verified request to be claimed.
///
/// See [`ReplayGuard`] for an example.
#[derive(Clone, Copy)]
pub struct ReplayRequest<'a> {
    key: ReplayKey,
    key_id: Option<&'a KeyId>,
    scheme: &'a str,
    created: Option<i64>,
    keep_until: i64,
    now: i64,
}

impl<'a> ReplayRequest<'a> {
    /// Makes a request of the anonymous key without a signed time, to test a guard without a
    /// verifier. Both times are Unix seconds.
    #[must_use]
    pub fn new(key: ReplayKey, keep_until: i64, now: i64) -> Self {
        Self { key, key_id: None, scheme: "", created: None, keep_until, now }
    }

    /// Sets the proven key ID.
    #[must_use]
    pub fn with_key_id(mut self, key_id: impl Into<Option<&'a KeyId>>) -> Self {
        self.key_id = key_id.into();
        self
    }

    /// Sets the name of the scheme.
    #[must_use]
    pub fn with_scheme(mut self, scheme: &'a str) -> Self {
        self.scheme = scheme;
        self
    }

    /// Sets the signed time of creation, in Unix seconds.
    #[must_use]
    pub fn with_created(mut self, created: impl Into<Option<i64>>) -> Self {
        self.created = created.into();
        self
    }

    /// Returns the key that the request is remembered by.
    #[must_use]
    pub fn key(&self) -> &ReplayKey {
        &self.key
    }

    /// Returns the proven key ID, or `None` for the anonymous key. A guard can use it to limit each
    /// caller.
    #[must_use]
    pub fn key_id(&self) -> Option<&'a KeyId> {
        self.key_id
    }

    /// Returns the name of the scheme.
    #[must_use]
    pub fn scheme(&self) -> &'a str {
        self.scheme
    }

    /// Returns the signed time of creation, in Unix seconds, if the scheme carries one. Otherwise,
    /// the signed time from which the request is valid, such as the date of a presigned URL.
    #[must_use]
    pub fn created(&self) -> Option<i64> {
        self.created
    }

    /// Returns the last second, in Unix seconds, in which the request could be accepted again.
    #[must_use]
    pub fn keep_until(&self) -> i64 {
        self.keep_until
    }

    /// Returns the time of the verifier's clock, in Unix seconds. Never after
    /// [`keep_until`](Self::keep_until).
    #[must_use]
    pub fn now(&self) -> i64 {
        self.now
    }
}

impl fmt::Debug for ReplayRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayRequest")
            .field("key_id", &self.key_id)
            .field("scheme", &self.scheme)
            .field("created", &self.created)
            .field("keep_until", &self.keep_until)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// A guard's answer about a request.
///
/// See [`ReplayGuard`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Replay {
    /// The request is new, and is remembered now.
    Claimed,
    /// The request was accepted before.
    Seen,
    /// There is no room to remember it, for this caller or for all. Rejected with 503, since no
    /// live entry is ever forgotten.
    Full,
    /// The request was signed before the guard's memory began, so it may have been accepted before.
    /// Rejected with 503. A client that signs again is accepted.
    ///
    /// The start of the memory is compared with [`created`](ReplayRequest::created), in whole
    /// seconds. A request signed in the same second in which the memory began is let through, and
    /// so is one without a time of creation.
    Forgotten,
}

/// What a guard remembers of a request: a hash of the computed tag, or a MAC of the nonce under the
/// secret that signed it. The scheme makes no difference.
///
/// Only the holder of the secret can change it. Two key IDs with one secret share their replay
/// keys, and two tenants with equal key IDs do not. It contains no text that a client chose, and no
/// tag can be derived from it.
///
/// See [`ReplayGuard`] for an example.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplayKey([u8; 32]);

impl ReplayKey {
    /// Makes a replay key from bytes, to test a guard without a verifier.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes of the hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Makes the key of a request that is identified by its tag, whatever the scheme. Otherwise, if
    /// two schemes sign the same text, a request of one could be replayed in the other.
    pub(crate) fn of_tag(tag: &[u8]) -> Self {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        write_fields(&[b"tag", tag], |bytes| hasher.update(bytes));
        Self::truncated(hasher.finalize().as_bytes())
    }

    /// Makes the key of a request that is identified by its nonce, under the secret that signed it,
    /// whatever the scheme.
    pub(crate) fn of_nonce(selector: &str, nonce: &[u8], key: &SecretKey) -> Self {
        let mut mac = Mac::new(Algorithm::Sha256, key);
        let fields = [b"nonce", selector.as_bytes(), nonce];
        write_fields(&fields, |bytes| mac.update(bytes));
        Self::truncated(mac.finalize().as_bytes())
    }

    fn truncated(bytes: &[u8]) -> Self {
        let mut key = [0; 32];
        key.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        Self(key)
    }
}

impl fmt::Debug for ReplayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplayKey(..)")
    }
}

/// Writes each field after its length, so that no two lists of fields have the same bytes.
fn write_fields(fields: &[&[u8]], mut write: impl FnMut(&[u8])) {
    for field in [b"tower-hmac replay 3".as_slice()].iter().chain(fields) {
        write(&(field.len() as u64).to_be_bytes());
        write(field);
    }
}

/// The answer of a [`ReplayGuard`], now or later.
///
/// See [`ReplayGuard`] for an example.
#[must_use = "a claim does nothing unless awaited"]
pub struct ReplayClaim(NowOrLater<Result<Replay, BoxError>>);

impl ReplayClaim {
    /// Returns an answer that is already known.
    pub fn ready(answer: Result<Replay, BoxError>) -> Self {
        Self(NowOrLater::Ready(Some(answer)))
    }

    /// Returns an answer that is not ready yet. Allocates one box.
    pub fn later(future: impl Future<Output = Result<Replay, BoxError>> + Send + 'static) -> Self {
        Self(NowOrLater::Later(Box::pin(future)))
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
