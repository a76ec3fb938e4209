use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Response;
use tower_layer::Layer;

use crate::clock::Clock;
use crate::error::ConfigError;
use crate::key::{KeyId, KeyStore};
use crate::layer::config::LayerConfig;
use crate::layer::delay::Delay;
use crate::layer::drain::DEFAULT_DRAIN_LIMIT;
use crate::layer::rejection::{RejectionFn, StatusRejection};
use crate::layer::verify_service::VerifyService;
use crate::replay::ReplayGuard;
use crate::scheme::Scheme;
use crate::verify::{Verifier, VerifyError};

/// A layer that rejects requests without a valid signature.
///
/// The [module](crate::verify) describes the contract, step by step, and where to put the layer.
///
/// ```
/// use axum::{Router, body::Body, routing::post};
/// use http::{Request, StatusCode};
/// use tower::ServiceExt as _;
/// use tower_hmac::{FlaskHmac, KeyMap, Verified, VerifyLayer};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let keys = KeyMap::named([("aservice", "akey"), ("bservice", "bkey")])?;
/// let app = Router::new()
///     .route("/", post(|caller: Verified| async move { caller.key_id().unwrap().to_string() }))
///     .layer(VerifyLayer::new(FlaskHmac::new(), keys)?);
///
/// let unsigned = Request::post("/").body(Body::from("{}"))?;
/// assert_eq!(app.clone().oneshot(unsigned).await?.status(), StatusCode::FORBIDDEN);
///
/// let signer = tower_hmac::Signer::new(FlaskHmac::new(), tower_hmac::SecretKey::new("akey")?)
///     .with_key_id("aservice")?;
/// let signed = signer.sign(Request::post("/").body("{}")?)?.map(Body::from);
/// assert_eq!(app.oneshot(signed).await?.status(), StatusCode::OK);
/// # Ok::<(), tower_hmac::BoxError>(())
/// # }).unwrap();
/// ```
pub struct VerifyLayer<R = StatusRejection> {
    pub(crate) config: Arc<LayerConfig<R>>,
}

impl VerifyLayer {
    /// Makes a layer that verifies one scheme with the keys of a store, and rejects with 403.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if the scheme and the store together would reject every request. See
    /// [`Verifier::new`].
    pub fn new(
        scheme: impl Scheme + 'static,
        keys: impl KeyStore + 'static,
    ) -> Result<Self, ConfigError> {
        Verifier::new(scheme, keys).map(Self::from)
    }
}

impl From<Verifier> for VerifyLayer {
    fn from(verifier: Verifier) -> Self {
        LayerConfig {
            verifier: Arc::new(verifier),
            rejection: Arc::new(StatusRejection::default()),
            delay: Delay::default(),
            drain_limit: DEFAULT_DRAIN_LIMIT,
        }
        .into()
    }
}

impl<R> VerifyLayer<R> {
    fn map(self, change: impl FnOnce(Verifier) -> Verifier) -> Self {
        let mut config = Arc::unwrap_or_clone(self.config);
        config.verifier = Arc::new(change(Arc::unwrap_or_clone(config.verifier)));
        config.into()
    }

    fn try_map(
        self,
        change: impl FnOnce(Verifier) -> Result<Verifier, ConfigError>,
    ) -> Result<Self, ConfigError> {
        let mut config = Arc::unwrap_or_clone(self.config);
        config.verifier = Arc::new(change(Arc::unwrap_or_clone(config.verifier))?);
        Ok(config.into())
    }

    /// Sets what a rejection looks like: a [`StatusRejection`] or your own type.
    #[must_use]
    pub fn with_rejection<R2>(self, rejection: R2) -> VerifyLayer<R2> {
        let LayerConfig { verifier, delay, drain_limit, .. } = Arc::unwrap_or_clone(self.config);
        LayerConfig { verifier, rejection: Arc::new(rejection), delay, drain_limit }.into()
    }

    /// Sets what a rejection looks like, with a function of the error.
    ///
    /// [`RejectionFn`] shows how to name the type of the resulting layer.
    ///
    /// Put [`error.public()`](VerifyError::public) into the response, not
    /// [`error.kind()`](VerifyError::kind). A client that can distinguish an unknown key ID from a
    /// wrong signature can enumerate the key IDs.
    ///
    /// ```
    /// use axum::{Json, response::IntoResponse as _};
    /// use tower_hmac::{FlaskHmac, KeyMap, VerifyLayer};
    ///
    /// let keys = KeyMap::named([("aservice", "akey")])?;
    /// let layer = VerifyLayer::new(FlaskHmac::new(), keys)?.with_rejection_fn(|error| {
    ///     let public = error.public();
    ///     (public.status(), Json(public.as_str())).into_response()
    /// });
    /// # let _: VerifyLayer<_> = layer;
    /// # Ok::<(), tower_hmac::ConfigError>(())
    /// ```
    #[must_use]
    pub fn with_rejection_fn<F, B>(self, f: F) -> VerifyLayer<RejectionFn<F>>
    where
        F: Fn(&VerifyError) -> Response<B> + Send + Sync,
    {
        self.with_rejection(RejectionFn::new(f))
    }

    /// Accepts another scheme in addition to the first. See [`Verifier::or`].
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if the schemes cannot be distinguished.
    pub fn or(
        self,
        scheme: impl Scheme + 'static,
        keys: impl KeyStore + 'static,
    ) -> Result<Self, ConfigError> {
        self.try_map(|verifier| verifier.or(scheme, keys))
    }

    /// Accepts only these key IDs. See [`Verifier::only`].
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if a key ID is empty, or no key ID is on every list.
    pub fn only<I>(self, key_ids: impl IntoIterator<Item = I>) -> Result<Self, ConfigError>
    where
        I: TryInto<KeyId, Error: Into<ConfigError>>,
    {
        self.try_map(|verifier| verifier.only(key_ids))
    }

    /// Sets the longest body that is read, in bytes. 2 MiB by default.
    ///
    /// With feature `axum`, a lower `DefaultBodyLimit` takes precedence if it is set outside the
    /// layer, or on the route of a [`Signed`](crate::extract::Signed). axum's own default of 2 MB
    /// does not. If axum's limit was not set, this one also applies to the extractors inside.
    #[must_use]
    pub fn with_body_limit(self, bytes: usize) -> Self {
        self.map(|verifier| verifier.with_body_limit(bytes))
    }

    /// Sets how much of a rejected request's body is read and discarded, in bytes. 16 MiB by
    /// default. 0 reads nothing.
    ///
    /// On HTTP/1.x, a request is often rejected before its body has arrived, and the client
    /// continues to send. If the server closes the connection with unread bytes, the client may not
    /// see the response, and loses the next request on the same connection. So the rest of the body
    /// is read first, without hashing or keeping it. A response that leaves more than `bytes`
    /// unread carries `Connection: close`.
    ///
    /// Set it to the largest body that legitimate clients send by mistake. [The
    /// contract](crate::verify) has the exact rules, and explains which timeouts limit the reading.
    #[must_use]
    pub fn with_drain_limit(self, bytes: usize) -> Self {
        let mut config = Arc::unwrap_or_clone(self.config);
        config.drain_limit = bytes;
        config.into()
    }

    /// Sets how old a signature may be, and how far in the future its time may be. See
    /// [`Verifier::with_tolerance`].
    #[must_use]
    pub fn with_tolerance(self, past: Duration, future: Duration) -> Self {
        self.map(|verifier| verifier.with_tolerance(past, future))
    }

    /// Rejects replayed requests. See [`Verifier::with_replay_guard`].
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError::ReplayWithoutTime`] if a scheme carries no time.
    pub fn with_replay_guard(self, guard: impl ReplayGuard + 'static) -> Result<Self, ConfigError> {
        self.try_map(|verifier| verifier.with_replay_guard(guard))
    }

    /// Rejects legitimate duplicates. See [`Verifier::dangerous_replay_by_tag`].
    #[must_use]
    pub fn dangerous_replay_by_tag(self, retention: Duration) -> Self {
        self.map(|verifier| verifier.dangerous_replay_by_tag(retention))
    }

    /// Sets where the time comes from. The system's clock by default.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock + 'static) -> Self {
        self.map(|verifier| verifier.with_clock(clock))
    }

    /// Lets unsigned requests through. A request that carries a signature must still verify. See
    /// [`Verifier::optional`].
    #[must_use]
    pub fn optional(self) -> Self {
        self.map(Verifier::optional)
    }

    /// Delays every rejection by `delay` without blocking a thread, including those of the
    /// extractors. Off by default.
    ///
    /// Guessing a tag is infeasible even without a delay. The delay is meant for compatibility with
    /// systems that had one. A body that cannot be read and a failed store are answered at once.
    ///
    /// Each delayed response keeps its connection open, and needs a tokio runtime with its timer.
    #[cfg(feature = "tokio")]
    #[must_use]
    pub fn with_rejection_delay(self, delay: Duration) -> Self {
        let mut config = Arc::unwrap_or_clone(self.config);
        config.delay.rejections = Some(delay);
        config.into()
    }

    /// Removes the signature from the head before the handler sees it.
    #[must_use]
    pub fn strip_signature(self) -> Self {
        self.map(Verifier::strip_signature)
    }

    /// Turns off every protection except the body limit. See [`Verifier::dangerous_disarmed`].
    #[must_use]
    pub fn dangerous_disarmed(self, disarmed: bool) -> Self {
        self.map(|verifier| verifier.dangerous_disarmed(disarmed))
    }
}

impl<R> Clone for VerifyLayer<R> {
    fn clone(&self) -> Self {
        Self { config: self.config.clone() }
    }
}

impl<R> From<LayerConfig<R>> for VerifyLayer<R> {
    fn from(config: LayerConfig<R>) -> Self {
        Self { config: Arc::new(config) }
    }
}

impl<R> fmt::Debug for VerifyLayer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyLayer")
            .field("verifier", &self.config.verifier)
            .finish_non_exhaustive()
    }
}

impl<S, R> Layer<S> for VerifyLayer<R> {
    type Service = VerifyService<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        self.config.verifier.warn_once();
        VerifyService::new(inner, self.config.clone())
    }
}
