use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::request::Parts;

use crate::crypto::Algorithm;
use crate::error::BoxError;
use crate::key::map::KeyMap;
use crate::key::{KeyId, KeySet};

/// A query for a [`KeyStore`]: the claimed key ID, and the head of the request.
///
/// ```
/// use http::Request;
/// use tower_hmac::KeyId;
/// use tower_hmac::key::KeyQuery;
///
/// let (head, ()) = Request::get("/hook").header("host", "a.example").body(())?.into_parts();
/// let key_id = KeyId::new("aservice")?;
/// let query = KeyQuery::new(Some(&key_id), &head);
/// assert_eq!(query.key_id(), Some(&key_id));
/// assert_eq!(query.head().headers["host"], "a.example");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct KeyQuery<'a> {
    key_id: Option<&'a KeyId>,
    head: &'a Parts,
}

impl<'a> KeyQuery<'a> {
    /// Makes a query for the keys of `key_id`, or for the anonymous key if it is `None`.
    #[must_use]
    pub fn new(key_id: Option<&'a KeyId>, head: &'a Parts) -> Self {
        Self { key_id, head }
    }

    /// Returns the claimed key ID, or `None` for the anonymous key. Anybody can claim any key ID.
    #[must_use]
    pub fn key_id(&self) -> Option<&'a KeyId> {
        self.key_id
    }

    /// Returns the head of the request, with its target as first received. Use it if the keys
    /// depend on a tenant in the host or path.
    #[must_use]
    pub fn head(&self) -> &'a Parts {
        self.head
    }
}

/// Finds the keys of a claimed key ID.
///
/// Return `None` for an unknown key ID. The request is then checked with dummy keys, and rejected
/// as if its signature were wrong. The time of the lookup itself is up to the store: if it is
/// slower for unknown key IDs, it reveals which key IDs exist.
///
/// To turn a function into a store, use [`key_fn`].
///
/// ```
/// use std::collections::HashMap;
/// use tower_hmac::key::{KeyQuery, Lookup};
/// use tower_hmac::{BoxError, ConfigError, FlaskHmac, KeySet, KeyStore, VerifyLayer};
///
/// /// The keys of each tenant, which the host names.
/// struct Tenants(HashMap<String, KeySet>);
///
/// impl KeyStore for Tenants {
///     fn lookup(&self, query: &KeyQuery<'_>) -> Lookup {
///         let tenant = query.head().headers.get("host").and_then(|host| host.to_str().ok());
///         Lookup::ready(Ok(tenant.and_then(|tenant| self.0.get(tenant)).cloned()))
///     }
/// }
///
/// # fn layer(tenants: Tenants) -> Result<VerifyLayer, ConfigError> {
/// VerifyLayer::new(FlaskHmac::new(), tenants)
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a key store",
    label = "expected a `KeyStore`, such as `KeyMap`",
    note = "`tower_hmac::key::key_fn(..)` turns a function into a key store",
    note = "`KeyMap::single(..)` and `KeyMap::named(..)` return a `Result`: add `?`"
)]
pub trait KeyStore: Send + Sync {
    /// Looks up the keys of a key ID that is claimed but not yet proven.
    fn lookup(&self, query: &KeyQuery<'_>) -> Lookup;

    /// Returns the size of the largest set that this store can answer with, at most [`MAX_KEYS`].
    /// Every request is checked with this many keys, some of them dummies, so that an unknown key
    /// ID costs the same as a known one.
    ///
    /// [`MAX_KEYS`]: crate::key::MAX_KEYS
    fn max_keys(&self) -> usize {
        1
    }

    /// Prepares the keys in memory for an algorithm, so that the first request under a key ID takes
    /// no longer than the next. Called when a scheme is combined with this store. Does nothing by
    /// default.
    fn prepare(&self, algorithm: Algorithm) {
        let _ = algorithm;
    }

    /// Returns whether there are keys for this key ID, or, for `None`, an anonymous key. Returns
    /// `None` unless overridden, because only a lookup can find out.
    ///
    /// Called only while a verifier is built, to find a configuration that rejects every caller.
    /// Never called for a request.
    fn knows(&self, key_id: Option<&KeyId>) -> Option<bool> {
        let _ = key_id;
        None
    }

    /// Returns whether there are keys under any key ID. Returns `None` unless overridden, like
    /// [`knows`](Self::knows).
    fn has_named_keys(&self) -> Option<bool> {
        None
    }

    /// Calls `visit` with the keys in memory and their key IDs, `None` for the anonymous key.
    /// Visits nothing by default.
    ///
    /// Only [`Verifier::explain`] calls it, to find out if a request was signed under another key
    /// ID.
    ///
    /// [`Verifier::explain`]: crate::Verifier::explain
    fn visit_keys(&self, visit: &mut dyn FnMut(Option<&KeyId>, &KeySet)) {
        let _ = visit;
    }

    /// Calls `read` with the map that [`lookup`](Self::lookup) would search now. Does nothing if
    /// there is no such map, or if a lookup does more than search it.
    #[doc(hidden)]
    fn with_map(&self, read: &mut dyn FnMut(&KeyMap)) {
        let _ = read;
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

    fn with_map(&self, read: &mut dyn FnMut(&KeyMap)) {
        (**self).with_map(read);
    }
}

/// The result of a lookup.
pub(crate) struct Found {
    /// The keys. For an unknown key ID, these are dummies, or `None` if the dummies are still to be
    /// filled in.
    pub(crate) keys: Option<KeySet>,
    pub(crate) is_known: bool,
    /// Whether the keys are derived for the scope of the claim already.
    pub(crate) is_derived: bool,
}

impl Found {
    /// Makes the result of a store that has all its keys in memory, with sets of at most `max_keys`
    /// keys. Known and unknown key IDs take the same steps.
    pub(crate) fn of(known: Option<&KeySet>, max_keys: usize) -> Self {
        let dummies = KeySet::dummies(max_keys);
        let (keys, is_known) = (known.unwrap_or(dummies).clone(), known.is_some());
        Self { keys: Some(keys), is_known, is_derived: false }
    }
}

impl From<Option<KeySet>> for Found {
    fn from(keys: Option<KeySet>) -> Self {
        Self { is_known: keys.is_some(), keys, is_derived: false }
    }
}

/// The answer of a [`KeyStore`], ready or pending.
///
/// A named future instead of an `async fn`, so that a store in memory needs no allocation to
/// answer.
///
/// See [`KeyStore`] for an example with [`ready`](Self::ready). [`later`](Self::later) is for
/// stores that wait:
///
/// ```
/// use tower_hmac::key::{KeyQuery, Lookup};
/// use tower_hmac::{BoxError, KeyId, KeySet, KeyStore};
///
/// /// Asks a database, here a function that would.
/// struct Database;
///
/// async fn select(id: KeyId) -> Result<Option<KeySet>, BoxError> {
///     # let _ = id;
///     # Ok(None)
///     // ...
/// }
///
/// impl KeyStore for Database {
///     fn lookup(&self, query: &KeyQuery<'_>) -> Lookup {
///         let id = query.key_id().cloned();
///         Lookup::later(async move {
///             match id {
///                 Some(id) => select(id).await,
///                 None => Ok(None),
///             }
///         })
///     }
/// }
/// ```
#[must_use = "a lookup does nothing unless awaited"]
pub struct Lookup(NowOrLater<Result<Found, BoxError>>);

/// An answer that is ready, or a boxed future.
pub(crate) enum NowOrLater<T> {
    Ready(Option<T>),
    Later(Pin<Box<dyn Future<Output = T> + Send>>),
}

impl<T> NowOrLater<T> {
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        match self {
            Self::Ready(answer) => answer.take().map_or(Poll::Pending, Poll::Ready),
            Self::Later(future) => future.as_mut().poll(cx),
        }
    }
}

impl Lookup {
    /// Returns an answer that is already known.
    pub fn ready(found: Result<Option<KeySet>, BoxError>) -> Self {
        Self(NowOrLater::Ready(Some(found.map(Found::from))))
    }

    /// Returns the answer of a store that has all its keys in memory.
    pub(crate) fn found(found: Found) -> Self {
        Self(NowOrLater::Ready(Some(Ok(found))))
    }

    /// Returns an answer that is not ready yet. Allocates a box.
    pub fn later(
        future: impl Future<Output = Result<Option<KeySet>, BoxError>> + Send + 'static,
    ) -> Self {
        Self(NowOrLater::Later(Box::pin(async move { future.await.map(Found::from) })))
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
            NowOrLater::Ready(_) => "Lookup::ready",
            NowOrLater::Later(_) => "Lookup::later",
        })
    }
}

/// Makes a store from an async function. The function takes the claimed key ID and the head, and
/// returns a key, a set, or `None`.
///
/// The future must not borrow the key ID or the head, since it outlives them. Copy what it needs
/// first, then return an `async move` block. An `async` closure borrows them and does not compile.
///
/// If the function makes a key for each call, the key is also prepared for each call. This takes
/// time, but only for known key IDs, so it can reveal them. To avoid it, keep the [`KeySet`]s, or
/// put a `CachedKeys` (feature `cache`) in front.
///
/// ```
/// use http::request::Parts;
/// use tower_hmac::{BoxError, KeyId, SecretKey};
/// use tower_hmac::key::key_fn;
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

/// The store made by [`key_fn`].
///
/// See [`key_fn`] for an example.
#[derive(Clone, Copy)]
pub struct KeyFn<F> {
    f: F,
    max_keys: usize,
}

impl<F> KeyFn<F> {
    /// Sets the size of the largest set that the function can return. 1 by default.
    ///
    /// Set it to 2 for a function that returns two keys while one is rotated. See
    /// [`KeyStore::max_keys`].
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
