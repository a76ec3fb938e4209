//! Handle each delivery only once, but retry the ones that failed.
//!
//! A signed delivery can arrive twice: the sender timed out and retried, or somebody pressed
//! "redeliver". [`OnceLayer`] goes inside the verifying layer and lets each message ID through
//! until its handler succeeds.
//!
//! # Replay guard or `OnceLayer`
//!
//! | | replay guard | `OnceLayer` |
//! | --- | --- | --- |
//! | stops | an attacker's replays | a legitimate sender's retries |
//! | identified by | nonce or tag: each attempt has its own | message ID: the same in each attempt |
//! | a repeat is | rejected | answered with 200, and not handled again |
//! | if the handler fails | the request is used up, the client must sign again | the next attempt is handled |
//! | remembered for | the tolerance | the retention, 3 days by default |
//!
//! Both can be used together. The guard belongs to the verifying layer, so it comes first. If a
//! sender repeats a delivery with the same time and the same tag, use `OnceLayer` alone: the guard
//! would reject the repeat.
//!
//! No layer can promise that a handler runs *exactly* once: it can fail between its work and its
//! response. If you need that, record the message ID in the handler's own database transaction.
//!
//! See [`OnceLayer`] for an example, and [`OnceStore`] for an example of a store of your own.

mod config;
mod events;
mod future;
mod hold;
mod layer;
mod memory;
#[cfg(feature = "redis")]
mod redis;
mod repeat;
mod service;

use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

pub use future::OnceFuture;
pub use layer::OnceLayer;
pub use memory::MemoryOnce;
#[cfg(feature = "redis")]
pub use redis::RedisOnce;
pub use repeat::{EmptyOk, RepeatFn, RepeatResponse};
pub use service::OnceService;

use crate::crypto::Algorithm;
use crate::crypto::Hasher;
use crate::error::BoxError;
use crate::key::{KeyId, NowOrLater};

/// Remembers which messages have been handled, and which are being handled.
///
/// A store can wrap another. This one counts the messages that it lets through:
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use tower_hmac::once::{Acquired, Lease, MemoryOnce, OnceAnswer, OnceRequest, OnceStore};
///
/// struct Counted {
///     store: std::sync::Arc<MemoryOnce>,
///     new: std::sync::Arc<AtomicU64>,
/// }
///
/// impl OnceStore for Counted {
///     fn acquire(&self, request: &OnceRequest<'_>) -> OnceAnswer<Acquired> {
///         let (answer, new) = (self.store.acquire(request), self.new.clone());
///         OnceAnswer::later(async move {
///             let acquired = answer.await?;
///             new.fetch_add(u64::from(matches!(acquired, Acquired::New(_))), Ordering::Relaxed);
///             Ok(acquired)
///         })
///     }
///
///     fn complete(&self, lease: &Lease, keep_until: i64, now: i64) -> OnceAnswer<bool> {
///         self.store.complete(lease, keep_until, now)
///     }
///
///     fn release(&self, lease: &Lease) -> OnceAnswer<bool> {
///         self.store.release(lease)
///     }
/// }
/// ```
pub trait OnceStore: Send + Sync {
    /// Takes a lease on a message, atomically: of any number of concurrent callers, one gets
    /// [`New`](Acquired::New).
    fn acquire(&self, request: &OnceRequest<'_>) -> OnceAnswer<Acquired>;

    /// Marks a message as handled up to and including the second `keep_until`, in Unix seconds.
    /// Returns `false` if the lease was taken over by another owner, which is left unchanged.
    fn complete(&self, lease: &Lease, keep_until: i64, now: i64) -> OnceAnswer<bool>;

    /// Releases a lease, so that the next attempt is handled at once. Returns `false` if it was
    /// taken over by another owner, which is left unchanged.
    fn release(&self, lease: &Lease) -> OnceAnswer<bool>;

    /// Finishes an answer whose request was dropped: the client disconnected, or the handler
    /// panicked. If the lease was still being acquired, the answer waits for it and releases it.
    /// Unless overridden, drops the answer, and the lease expires by itself. A store that is slow
    /// to answer should spawn a task.
    fn finish(&self, answer: OnceAnswer<bool>) {
        drop(answer);
    }
}

impl<S: OnceStore + ?Sized> OnceStore for Arc<S> {
    fn acquire(&self, request: &OnceRequest<'_>) -> OnceAnswer<Acquired> {
        (**self).acquire(request)
    }

    fn complete(&self, lease: &Lease, keep_until: i64, now: i64) -> OnceAnswer<bool> {
        (**self).complete(lease, keep_until, now)
    }

    fn release(&self, lease: &Lease) -> OnceAnswer<bool> {
        (**self).release(lease)
    }

    fn finish(&self, answer: OnceAnswer<bool>) {
        (**self).finish(answer);
    }
}

/// A request to a store about one message.
///
/// See [`OnceStore`] for an example.
#[derive(Clone, Copy, Debug)]
pub struct OnceRequest<'a> {
    key: OnceKey,
    key_id: Option<&'a KeyId>,
    lease: Duration,
    now: i64,
}

impl<'a> OnceRequest<'a> {
    /// Asks for a lease of this length, at this time in Unix seconds.
    #[must_use]
    pub fn new(key: OnceKey, key_id: Option<&'a KeyId>, lease: Duration, now: i64) -> Self {
        Self { key, key_id, lease, now }
    }

    /// Returns the key that identifies the message.
    #[must_use]
    pub fn key(&self) -> &OnceKey {
        &self.key
    }

    /// Returns the proven key ID, or `None` for the anonymous key. A store can use it to limit each
    /// caller.
    #[must_use]
    pub fn key_id(&self) -> Option<&'a KeyId> {
        self.key_id
    }

    /// Returns how long the lease is valid.
    #[must_use]
    pub fn lease(&self) -> Duration {
        self.lease
    }

    /// Returns the time of the layer's clock, in Unix seconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.now
    }
}

/// Identifies a message: a SHA-256 over the scheme, the proven key ID and the message ID.
///
/// Messages of different callers never share a key.
///
/// See [`OnceStore`] for an example.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OnceKey([u8; 32]);

impl OnceKey {
    /// Makes the key for this caller's message.
    #[must_use]
    pub fn new(scheme: &str, key_id: Option<&KeyId>, message_id: &str) -> Self {
        let (named, name) = key_id.map_or((0, ""), |id| (1, id.as_str()));
        let fields = [scheme, name, message_id];
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(b"tower-hmac once 2");
        // The lengths come first, so that no two messages share an encoding.
        hasher.update(fields.map(|field| (field.len() as u64).to_be_bytes()).as_flattened());
        hasher.update(&[named]);
        for field in fields {
            hasher.update(field.as_bytes());
        }
        let mut key = [0; 32];
        key.iter_mut().zip(hasher.finalize().as_bytes()).for_each(|(to, from)| *to = *from);
        Self(key)
    }

    /// Returns the bytes of the hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Hash for OnceKey {
    /// Hashes 8 of its bytes, which are a hash themselves.
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let bytes = self.0.first_chunk().copied().unwrap_or_default();
        state.write_u64(u64::from_ne_bytes(bytes));
    }
}

impl fmt::Debug for OnceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnceKey(..)")
    }
}

/// A store's answer about a message.
///
/// See [`OnceStore`] for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Acquired {
    /// Handle it now, under this lease.
    New(Lease),
    /// It is being handled now, or a node that handled it died and its lease has not expired yet.
    Running {
        /// How long the lease is still valid at most.
        retry_after: Duration,
    },
    /// It has been handled.
    Done,
    /// There is no room to remember it.
    Full,
}

/// The right to handle a message while the lease is valid.
///
/// See [`OnceStore`] for an example.
#[derive(Clone, PartialEq, Eq)]
pub struct Lease {
    key: OnceKey,
    owner: [u8; 16],
}

impl Lease {
    /// Makes a lease on this message for an owner that no other lease has.
    #[must_use]
    pub fn new(key: OnceKey, owner: [u8; 16]) -> Self {
        Self { key, owner }
    }

    /// Returns the key that identifies the message.
    #[must_use]
    pub fn key(&self) -> &OnceKey {
        &self.key
    }

    /// Returns the owner's token.
    #[must_use]
    pub fn owner(&self) -> &[u8; 16] {
        &self.owner
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lease(..)")
    }
}

/// The answer of an [`OnceStore`], now or later.
///
/// See [`OnceStore`] for an example.
#[must_use = "an answer does nothing unless awaited"]
pub struct OnceAnswer<T>(NowOrLater<Result<T, BoxError>>);

impl<T> OnceAnswer<T> {
    /// Returns an answer that is already known.
    pub fn ready(answer: Result<T, BoxError>) -> Self {
        Self(NowOrLater::Ready(Some(answer)))
    }

    /// Returns an answer that is not ready yet. Allocates one box.
    pub fn later(future: impl Future<Output = Result<T, BoxError>> + Send + 'static) -> Self {
        Self(NowOrLater::Later(Box::pin(future)))
    }
}

impl<T> Unpin for OnceAnswer<T> {}

impl<T> Future for OnceAnswer<T> {
    type Output = Result<T, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx)
    }
}

impl<T> fmt::Debug for OnceAnswer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnceAnswer(..)")
    }
}
