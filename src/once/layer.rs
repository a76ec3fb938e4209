//! The layer and its settings.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderName, Response};
use tower_layer::Layer;

use crate::clock::{Clock, SystemClock};
use crate::error::{ConfigError, header_name};
use crate::once::config::{IdSource, OnceConfig};
use crate::once::repeat::{EmptyOk, RepeatFn};
use crate::once::{OnceService, OnceStore};

/// How long a handler may take by default.
const DEFAULT_LEASE: Duration = Duration::from_secs(5 * 60);
/// How long a handled message is remembered by default.
const DEFAULT_RETENTION: Duration = Duration::from_secs(3 * 24 * 3600);

/// Lets each signed message through until its handler succeeds, and answers repeats without calling
/// the handler.
///
/// Put it *inside* the verifying layer:
///
/// ```
/// use axum::{Router, routing::post};
/// use tower_hmac::once::{MemoryOnce, OnceLayer};
/// use tower_hmac::webhooks::StandardWebhooks;
/// use tower_hmac::{KeyMap, SecretKey, VerifyLayer};
///
/// let keys = KeyMap::single(SecretKey::from_whsec("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?)?;
/// let app: Router = Router::new()
///     .route("/hook", post(|body: String| async move { println!("{body}") }))
///     .layer(OnceLayer::new(MemoryOnce::new(100_000)?))
///     .layer(VerifyLayer::new(StandardWebhooks::new(), keys)?);
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
///
/// 1. A request without a [`Verified`](crate::Verified) is answered with 500, and the mistake is
///    logged: the verifying layer is missing.
/// 2. The message is identified by the scheme, the proven key ID and the message ID. One without an
///    ID is answered with 400.
/// 3. The store grants a lease. A handled message is answered with 200. One that is being handled
///    is answered with 503 and `Retry-After`. If the store fails or is full, the answer is 503.
/// 4. The handler runs. A 2xx completes the message. Any other status, an error, a panic, and a
///    client that disconnects release the lease, so that the next attempt is handled.
///
/// A disarmed verifying layer proves nothing: in that case, a message without an ID reaches the
/// handler.
pub struct OnceLayer<R = EmptyOk> {
    pub(super) config: Arc<OnceConfig<R>>,
}

impl OnceLayer {
    /// Identifies messages by the ID that the scheme has signed ([`Verified::message_id`]), and
    /// remembers them in this store.
    ///
    /// [`Verified::message_id`]: crate::Verified::message_id
    #[must_use]
    pub fn new(store: impl OnceStore + 'static) -> Self {
        Self {
            config: Arc::new(OnceConfig {
                store: Arc::new(store),
                id: IdSource::Claim,
                lease: DEFAULT_LEASE,
                retention: DEFAULT_RETENTION,
                clock: Arc::new(SystemClock),
                repeat: Arc::new(EmptyOk),
                events: Arc::default(),
            }),
        }
    }
}

impl<R> OnceLayer<R> {
    fn map(self, change: impl FnOnce(&mut OnceConfig<R>)) -> Self {
        let mut config = Arc::unwrap_or_clone(self.config);
        change(&mut config);
        Self { config: Arc::new(config) }
    }

    /// Reads the ID from the head and the verified body, for schemes with the ID in the body, such
    /// as Stripe's `id`. The function must take it from what the signature covers: an ID that can
    /// be changed makes the layer useless.
    ///
    /// ```
    /// use tower_hmac::once::{MemoryOnce, OnceLayer};
    ///
    /// // The `id` of Stripe's events.
    /// let once = OnceLayer::new(MemoryOnce::new(100_000)?).with_id_fn(|_, body| {
    ///     let event: serde_json::Value = serde_json::from_slice(body).ok()?;
    ///     Some(event["id"].as_str()?.to_owned())
    /// });
    /// # Ok::<(), tower_hmac::ConfigError>(())
    /// ```
    #[must_use]
    pub fn with_id_fn<F>(self, f: F) -> Self
    where
        F: Fn(&Parts, &[u8]) -> Option<String> + Send + Sync + 'static,
    {
        self.map(|config| config.id = IdSource::Body(Arc::new(f)))
    }

    /// Leaves captured requests unprotected: anybody with one can send it again under another ID,
    /// and it is handled again.
    ///
    /// Reads the ID from a header that no signature covers, such as `X-GitHub-Delivery`.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if `header` is not a valid header name.
    pub fn dangerous_unsigned_id<N>(self, header: N) -> Result<Self, ConfigError>
    where
        N: TryInto<HeaderName>,
    {
        let name = header_name(header, "unsigned_id")?;
        Ok(self.map(|config| config.id = IdSource::UnsignedHeader(name)))
    }

    /// Sets how long a handler may take, in whole seconds, at least 1. 5 minutes by default. After
    /// that, the next attempt is handled, even while the first is still running.
    #[must_use]
    pub fn with_lease(self, lease: Duration) -> Self {
        self.map(|config| config.lease = lease.max(Duration::from_secs(1)))
    }

    /// Sets how long a handled message is remembered, in whole seconds. 3 days by default. Make it
    /// longer than the sender keeps retrying.
    #[must_use]
    pub fn with_retention(self, retention: Duration) -> Self {
        self.map(|config| config.retention = retention)
    }

    /// Sets where the time comes from. The system's clock by default.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock + 'static) -> Self {
        self.map(|config| config.clock = Arc::new(clock))
    }

    /// Sets the response to a message that was already handled. 200 without a body by default.
    #[must_use]
    pub fn with_repeat_response<F, B>(self, f: F) -> OnceLayer<RepeatFn<F>>
    where
        F: Fn() -> Response<B> + Send + Sync,
    {
        let OnceConfig { store, id, lease, retention, clock, repeat: _, events } =
            Arc::unwrap_or_clone(self.config);
        let repeat = Arc::new(RepeatFn(f));
        let config = OnceConfig { store, id, lease, retention, clock, repeat, events };
        OnceLayer { config: Arc::new(config) }
    }
}

impl<S, R> Layer<S> for OnceLayer<R> {
    type Service = OnceService<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        OnceService::new(inner, self.config.clone())
    }
}

impl<R> Clone for OnceLayer<R> {
    fn clone(&self) -> Self {
        Self { config: self.config.clone() }
    }
}

impl<R> fmt::Debug for OnceLayer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceLayer")
            .field("lease", &self.config.lease)
            .field("retention", &self.config.retention)
            .finish_non_exhaustive()
    }
}
