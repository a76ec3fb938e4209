use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::request::Parts;

use crate::crypto::Algorithm;
use crate::error::BoxError;
use crate::key::{KeyId, KeySet};

/// What a [`KeyStore`] is asked: whose keys, for which request.
#[derive(Clone, Copy, Debug)]
pub struct KeyQuery<'a> {
    key_id: Option<&'a KeyId>,
    head: &'a Parts,
}

impl<'a> KeyQuery<'a> {
    /// Asks for the keys of this key ID, or of the anonymous key, for a request with this head.
    #[must_use]
    pub fn new(key_id: Option<&'a KeyId>, head: &'a Parts) -> Self {
        Self { key_id, head }
    }

    /// Returns the claimed key ID; `None` for the anonymous key. Anybody can claim anything.
    #[must_use]
    pub fn key_id(&self) -> Option<&'a KeyId> {
        self.key_id
    }

    /// Returns the head of the request, its target as first received: for stores whose keys depend
    /// on a tenant in the host or path.
    #[must_use]
    pub fn head(&self) -> &'a Parts {
        self.head
    }
}

/// Finds the keys of a claim.
///
/// A store that answers `None` for an unknown name is all it takes: the request goes on with
/// dummy keys and is refused like one with a wrong signature. The time that a lookup takes is the
/// store's own; one that is slower for unknown names tells them apart by it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a key store",
    label = "expected a `KeyStore`, such as `KeyMap`",
    note = "a function becomes a key store by `tower_hmac::key_fn(..)`",
    note = "`KeyMap::single(..)` and `KeyMap::services(..)` return a `Result`: add `?`"
)]
pub trait KeyStore: Send + Sync {
    /// Looks up the keys of a key ID that is claimed and not proven yet.
    fn lookup(&self, query: &KeyQuery<'_>) -> Lookup;

    /// The size of the largest set that this store can answer with, at most [`MAX_KEYS`]. Every
    /// request is checked with so many keys, the missing ones being dummies, so that an unknown
    /// name costs what a known one does.
    ///
    /// [`MAX_KEYS`]: crate::MAX_KEYS
    fn max_keys(&self) -> usize {
        1
    }

    /// Prepares the keys that are at hand for an algorithm, so that the first request under a name
    /// takes no longer than the next. Called when a format and this store are put together;
    /// nothing by default.
    fn prepare(&self, algorithm: Algorithm) {
        let _ = algorithm;
    }

    /// Returns whether there are keys for this key ID, or, for `None`, an anonymous key. Returns
    /// `None` unless overridden: only a lookup can tell.
    ///
    /// A verifier asks while it is built, to find a configuration that rejects every caller, and
    /// never for a request.
    fn knows(&self, key_id: Option<&KeyId>) -> Option<bool> {
        let _ = key_id;
        None
    }

    /// Returns whether there are keys under any key ID. Returns `None` unless overridden, as
    /// [`knows`](Self::knows).
    fn has_named_keys(&self) -> Option<bool> {
        None
    }

    /// Calls `visit` with each name that the store has at hand, `None` for the anonymous key, and
    /// its keys. [`Verifier::explain`] looks there for a caller who signed under another's name;
    /// nothing else asks for it. Visits nothing by default.
    ///
    /// [`Verifier::explain`]: crate::Verifier::explain
    fn visit_keys(&self, visit: &mut dyn FnMut(Option<&KeyId>, &KeySet)) {
        let _ = visit;
    }
}

impl<K: KeyStore + ?Sized> KeyStore for Arc<K> {
    fn lookup(&self, query: &KeyQuery<'_>) -> Lookup {
        (**self).lookup(query)
    }

    fn max_keys(&self) -> usize {
        (**self).max_keys()
    }

    fn prepare(&self, algorithm: Algorithm) {
        (**self).prepare(algorithm);
    }

    fn knows(&self, key_id: Option<&KeyId>) -> Option<bool> {
        (**self).knows(key_id)
    }

    fn has_named_keys(&self) -> Option<bool> {
        (**self).has_named_keys()
    }

    fn visit_keys(&self, visit: &mut dyn FnMut(Option<&KeyId>, &KeySet)) {
        (**self).visit_keys(visit);
    }
}

/// What a store found.
pub(crate) struct Found {
    /// Dummies if the name is unknown, or none: then they are still to be had.
    pub(crate) keys: Option<KeySet>,
    pub(crate) is_known: bool,
}

impl From<Option<KeySet>> for Found {
    fn from(keys: Option<KeySet>) -> Self {
        Self { is_known: keys.is_some(), keys }
    }
}

/// The answer of a [`KeyStore`], now or later.
///
/// A named future rather than an `async fn`: a store in memory answers without an allocation.
#[must_use = "a lookup does nothing unless awaited"]
pub struct Lookup(Answer<Result<Found, BoxError>>);

/// An answer that is there, or one box.
pub(crate) enum Answer<T> {
    Ready(Option<T>),
    Later(Pin<Box<dyn Future<Output = T> + Send>>),
}

impl<T> Answer<T> {
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        match self {
            Self::Ready(answer) => answer.take().map_or(Poll::Pending, Poll::Ready),
            Self::Later(future) => future.as_mut().poll(cx),
        }
    }
}

impl Lookup {
    /// An answer that is known at once.
    pub fn ready(found: Result<Option<KeySet>, BoxError>) -> Self {
        Self(Answer::Ready(Some(found.map(Found::from))))
    }

    /// The answer of a store that has all its keys at hand, whose sets are of so many keys at most:
    /// the same steps with and without a name.
    pub(crate) fn of(known: Option<&KeySet>, max_keys: usize) -> Self {
        let dummies = KeySet::dummies(max_keys);
        let (keys, is_known) = (known.unwrap_or(dummies).clone(), known.is_some());
        Self(Answer::Ready(Some(Ok(Found { keys: Some(keys), is_known }))))
    }

    /// An answer that takes a while: one box.
    pub fn later(
        future: impl Future<Output = Result<Option<KeySet>, BoxError>> + Send + 'static,
    ) -> Self {
        Self(Answer::Later(Box::pin(async move { future.await.map(Found::from) })))
    }

    pub(crate) fn poll_found(&mut self, cx: &mut Context<'_>) -> Poll<Result<Found, BoxError>> {
        self.0.poll(cx)
    }
}

impl Future for Lookup {
    type Output = Result<Option<KeySet>, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let known = |found: Found| found.keys.filter(|_| found.is_known);
        self.0.poll(cx).map_ok(known)
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Answer::Ready(_) => "Lookup::ready",
            Answer::Later(_) => "Lookup::later",
        })
    }
}

/// Makes a store of an async function from the claimed name and the head to a key, a set, or none.
///
/// The future must not borrow the name or the head, since it outlives them: take what it needs out
/// of them first, then return an `async move` block. An `async` closure borrows them and is not
/// taken.
///
/// A key that the function makes anew each time is prepared anew, too: a function that keeps its
/// [`KeySet`]s, or a `CachedKeys` (feature `cache`) before it, spares that work and the difference
/// that it makes between known names and unknown ones.
///
/// ```
/// use http::request::Parts;
/// use tower_hmac::{BoxError, KeyId, SecretKey, key_fn};
///
/// let store = key_fn(|id: Option<&KeyId>, _head: &Parts| {
///     let id = id.cloned();
///     async move {
///         // Ask a database here; an error is answered with 503.
///         match id {
///             Some(id) if id == "aservice" => Ok(Some(SecretKey::new("akey")?)),
///             _ => Ok::<_, BoxError>(None),
///         }
///     }
/// });
/// # let _ = store;
/// ```
pub fn key_fn<F, Fut, K, E>(f: F) -> KeyFn<F>
where
    F: Fn(Option<&KeyId>, &Parts) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Option<K>, E>> + Send + 'static,
    K: Into<KeySet>,
    E: Into<BoxError>,
{
    KeyFn { f, max_keys: 1 }
}

/// The store that [`key_fn`] makes.
#[derive(Clone, Copy)]
pub struct KeyFn<F> {
    f: F,
    max_keys: usize,
}

impl<F> KeyFn<F> {
    /// Sets the size of the largest set that the function answers with; 1 if it is not set.
    #[must_use]
    pub fn with_max_keys(mut self, max_keys: usize) -> Self {
        self.max_keys = max_keys;
        self
    }
}

impl<F, Fut, K, E> KeyStore for KeyFn<F>
where
    F: Fn(Option<&KeyId>, &Parts) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Option<K>, E>> + Send + 'static,
    K: Into<KeySet>,
    E: Into<BoxError>,
{
    fn lookup(&self, query: &KeyQuery<'_>) -> Lookup {
        let future = (self.f)(query.key_id(), query.head());
        Lookup::later(
            async move { future.await.map(|keys| keys.map(Into::into)).map_err(Into::into) },
        )
    }

    fn max_keys(&self) -> usize {
        self.max_keys
    }
}

impl<F> fmt::Debug for KeyFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFn").field("max_keys", &self.max_keys).finish_non_exhaustive()
    }
}
