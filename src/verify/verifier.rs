use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;

use crate::clock::{Clock, SystemClock};
use crate::error::ConfigError;
use crate::key::{KeyId, KeyStore};
use crate::replay::ReplayGuard;
use crate::scheme::{Scheme, Tolerance};
use crate::verify::body::DEFAULT_BODY_LIMIT;
use crate::verify::error::{ErrorKind, VerifyError};
use crate::verify::events::Warnings;
use crate::verify::key_id_list::KeyIdList;
use crate::verify::scheme_entry::SchemeEntry;
use crate::verify::verified::Verified;

/// The engine behind [`VerifyLayer`](crate::VerifyLayer): claim, keys, MAC, time, replay. Call
/// [`verify`](Self::verify) to use it without the layer.
///
/// ```
/// use http::Request;
/// use tower_hmac::{FlaskHmac, KeyMap, Verifier};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let keys = KeyMap::single("s3cr3tk3y")?;
/// let verifier = Verifier::new(FlaskHmac::new(), keys)?;
///
/// let signed = Request::builder()
///     .header("Signature", "LSXp2AnBSNGHEcjN2CIBCD0n+HMR4DPunreKdyp6u8w=")
///     .body(())?;
/// let (head, ()) = signed.into_parts();
/// assert!(verifier.verify(&head, b"").await.is_ok());
/// assert!(verifier.verify(&head, b"another body").await.is_err());
/// # Ok::<(), tower_hmac::BoxError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Verifier {
    pub(super) first: SchemeEntry,
    pub(super) more: Vec<SchemeEntry>,
    pub(super) only: Option<KeyIdList>,
    pub(super) body_limit: usize,
    pub(super) tolerance: Option<Tolerance>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) replay: Option<Arc<dyn ReplayGuard>>,
    pub(super) tag_retention: Option<u64>,
    pub(super) optional: bool,
    pub(super) strips: bool,
    pub(super) disarmed: bool,
    pub(super) warnings: Warnings,
}

impl Verifier {
    /// Verifies one scheme with the keys of a store.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if the scheme and the store together would reject every request.
    /// That is the case if the scheme requires a key ID, and the store has only an anonymous key.
    /// It is also the case if the scheme carries no key ID, and the store has only named keys, or
    /// if the store has no keys. A store that does not know its key IDs in advance is accepted.
    pub fn new(
        scheme: impl Scheme + 'static,
        keys: impl KeyStore + 'static,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            first: SchemeEntry::new(scheme, keys)?,
            more: Vec::new(),
            only: None,
            body_limit: DEFAULT_BODY_LIMIT,
            tolerance: None,
            clock: Arc::new(SystemClock),
            replay: None,
            tag_retention: None,
            optional: false,
            strips: false,
            disarmed: false,
            warnings: Warnings::default(),
        })
    }

    /// Accepts another scheme in addition to the first, with its own keys. Each request must be
    /// signed with exactly one of the schemes, and that scheme decides.
    ///
    /// Give each scheme its own keys. A shared key is only as strong as the weaker scheme: a
    /// signature made for one may be valid in the other.
    ///
    /// Use `or` to migrate a fleet from one scheme to another. The guide `docs/migration.md`
    /// describes every step.
    ///
    /// ```
    /// use tower_hmac::scheme::FlaskHmacPath;
    /// use tower_hmac::{ConfigError, FlaskHmac, KeyMap, Verifier};
    ///
    /// let keys = || KeyMap::single("s3cr3tk3y");
    /// let verifier = Verifier::new(FlaskHmac::new(), keys()?)?.or(FlaskHmacPath::new(), keys()?)?;
    /// // Both would read the header `Signature`.
    /// let ambiguous = verifier.or(FlaskHmac::new(), keys()?);
    /// assert!(matches!(ambiguous, Err(ConfigError::AmbiguousSchemes(..))));
    /// # Ok::<(), tower_hmac::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError::AmbiguousSchemes`] if both read the same headers, unless their
    /// [selectors](crate::Scheme::selector) exclude each other, or one of them needs more headers
    /// than the other. Returns [`ConfigError::ReplayWithoutTime`] as
    /// [`with_replay_guard`](Self::with_replay_guard) does. Also returns the errors of
    /// [`new`](Self::new).
    pub fn or(
        mut self,
        scheme: impl Scheme + 'static,
        keys: impl KeyStore + 'static,
    ) -> Result<Self, ConfigError> {
        let format = SchemeEntry::new(scheme, keys)?;
        if let Some(twin) = self.entries().find(|other| !format.is_told_apart_from(other)) {
            return Err(ConfigError::AmbiguousSchemes(
                twin.name.to_string(),
                format.name.to_string(),
            ));
        }
        self.more.push(format);
        self.only = self.only.map(KeyIdList::untold);
        self.check_replay()
    }

    /// Accepts only these key IDs. The anonymous key is never on a list, and an empty list rejects
    /// every caller.
    ///
    /// Repeated calls narrow the list: a key ID must be on every list. When the verifier is first
    /// used, a warning is logged once (feature `tracing`) for key IDs that no key store
    /// [has](KeyStore::knows), and for an empty list.
    ///
    /// ```
    /// use tower_hmac::{FlaskHmac, KeyMap, Verifier};
    ///
    /// let keys = KeyMap::named([("aservice", "akey"), ("bservice", "bkey")])?;
    /// let verifier = Verifier::new(FlaskHmac::new(), keys)?.only(["aservice", "bservice"])?;
    /// let narrower = verifier.clone().only(["aservice"])?;
    ///
    /// assert!(verifier.clone().only([""]).is_err());
    /// assert!(narrower.only(["bservice"]).is_err());
    /// # Ok::<(), tower_hmac::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if a key ID is empty, or no key ID is on every list.
    pub fn only<I>(mut self, key_ids: impl IntoIterator<Item = I>) -> Result<Self, ConfigError>
    where
        I: TryInto<KeyId, Error: Into<ConfigError>>,
    {
        let only = KeyIdList::new(key_ids)?;
        self.only = Some(match self.only {
            None => only,
            Some(before) => before.narrowed_by(&only)?,
        });
        Ok(self)
    }

    /// Sets the longest body that is read, in bytes. 2 MiB by default.
    /// [`VerifyLayer::with_body_limit`](crate::VerifyLayer::with_body_limit) describes how axum's
    /// own limit applies.
    #[must_use]
    pub fn with_body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Sets how old a signature may be and how far in the future its time may be, in whole seconds.
    /// By default, both are the scheme's own, or 300. A difference equal to the tolerance is
    /// accepted.
    ///
    /// The tolerance limits the upload as well: times are checked before the body is read, and
    /// again once it is complete.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_hmac::clock::ManualClock;
    /// use tower_hmac::{BoxError, ErrorKind, KeyMap, SecretKey, Signer, Verifier, webhooks};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let clock = ManualClock::new(1_790_000_000);
    /// let key = || SecretKey::new("k7Qz-b3Wn");
    /// let signer = Signer::new(webhooks::slack(), key()?).with_clock(clock.clone());
    /// let (head, body) = signer.sign(http::Request::post("/hook").body("{}")?)?.into_parts();
    ///
    /// // A minute old at most, and not from the future.
    /// let verifier = Verifier::new(webhooks::slack(), KeyMap::single(key()?)?)?
    ///     .with_tolerance(Duration::from_secs(60), Duration::ZERO)
    ///     .with_clock(clock.clone());
    /// clock.advance(60);
    /// assert!(verifier.verify(&head, body.as_bytes()).await.is_ok());
    /// clock.advance(1);
    /// let error = verifier.verify(&head, body.as_bytes()).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Stale);
    /// # Ok::<(), BoxError>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn with_tolerance(mut self, past: Duration, future: Duration) -> Self {
        self.tolerance = Some(Tolerance { past: past.as_secs(), future: future.as_secs() });
        self
    }

    /// Rejects replayed requests. The guard is asked last, after every other check, so a request is
    /// accepted at most once, not at least once.
    ///
    /// If the handler answers 500, a retry with the same signature is rejected: clients must sign
    /// each attempt again. Do not use a guard for senders that cannot sign again, such as a webhook
    /// provider that signs each delivery once.
    ///
    /// ```
    /// use tower_hmac::{
    ///     BoxError, ErrorKind, KeyMap, MemoryReplay, MessageSignatures, SecretKey, Signer, Verifier,
    /// };
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let key = || SecretKey::new("k7Qz-b3Wn");
    /// let verifier = Verifier::new(MessageSignatures::new(), KeyMap::named([("billing", key()?)])?)?
    ///     .with_replay_guard(MemoryReplay::new(60_100)?)?;
    ///
    /// let signer = Signer::new(MessageSignatures::new(), key()?).with_key_id("billing")?;
    /// let request = http::Request::post("https://api.example.com/orders").body("{}")?;
    /// let (head, body) = signer.sign(request)?.into_parts();
    /// assert!(verifier.verify(&head, body.as_bytes()).await.is_ok());
    /// let error = verifier.verify(&head, body.as_bytes()).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Replayed);
    /// # Ok::<(), BoxError>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError::ReplayWithoutTime`] if a scheme carries no time, so that a request
    /// would have to be remembered forever. See
    /// [`dangerous_replay_by_tag`](Self::dangerous_replay_by_tag).
    pub fn with_replay_guard(
        mut self,
        guard: impl ReplayGuard + 'static,
    ) -> Result<Self, ConfigError> {
        guard.begin(self.clock.unix_now());
        self.replay = Some(Arc::new(guard));
        self.check_replay()
    }

    /// Rejects legitimate duplicates, and accepts a replay once `retention` has passed.
    ///
    /// Use this for schemes without a time: the replay guard remembers each tag for `retention`.
    /// Two identical requests have the same tag, so the second is rejected although nobody replayed
    /// it. In Flask-HMAC, this applies to every request without a body. Call this before
    /// `with_replay_guard`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_hmac::{ConfigError, FlaskHmac, KeyMap, MemoryReplay, Verifier};
    ///
    /// // Flask-HMAC signs no time.
    /// let verifier = Verifier::new(FlaskHmac::new(), KeyMap::single("s3cr3tk3y")?)?;
    /// let without = verifier.clone().with_replay_guard(MemoryReplay::new(1000)?);
    /// assert!(matches!(without, Err(ConfigError::ReplayWithoutTime(_))));
    ///
    /// let verifier = verifier
    ///     .dangerous_replay_by_tag(Duration::from_secs(600))
    ///     .with_replay_guard(MemoryReplay::new(1000)?)?;
    /// # Ok::<(), ConfigError>(())
    /// ```
    #[must_use]
    pub fn dangerous_replay_by_tag(mut self, retention: Duration) -> Self {
        self.tag_retention = Some(retention.as_secs());
        self
    }

    /// Sets where the time comes from. The system's clock by default.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        if let Some(guard) = &self.replay {
            guard.begin(self.clock.unix_now());
        }
        self
    }

    /// Lets unsigned requests through without a [`Verified`](crate::Verified). A request that
    /// carries a signature must still verify. Has no effect on [`verify`](Self::verify).
    ///
    /// ```
    /// use axum::{Router, body::Body, routing::get};
    /// use http::{Request, StatusCode};
    /// use tower::ServiceExt as _;
    /// use tower_hmac::{BoxError, FlaskHmac, KeyMap, Verified, VerifyLayer};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// async fn greet(caller: Option<Verified>) -> &'static str {
    ///     if caller.is_some() { "hello, partner" } else { "hello, stranger" }
    /// }
    ///
    /// let layer = VerifyLayer::new(FlaskHmac::new(), KeyMap::single("s3cr3tk3y")?)?.optional();
    /// let app = Router::new().route("/", get(greet)).layer(layer);
    ///
    /// let unsigned = Request::get("/").body(Body::empty())?;
    /// assert_eq!(app.clone().oneshot(unsigned).await?.status(), StatusCode::OK);
    /// let wrong = Request::get("/").header("signature", "bm8gdGFn").body(Body::empty())?;
    /// assert_eq!(app.oneshot(wrong).await?.status(), StatusCode::FORBIDDEN);
    /// # Ok::<(), BoxError>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Removes the signature from the head before the handler sees it.
    #[must_use]
    pub fn strip_signature(mut self) -> Self {
        self.strips = true;
        self
    }

    /// Turns off every protection except the body limit: every request passes, signed or not, even
    /// if `only` excludes its key ID. Use it for tests and emergencies. A warning is logged
    /// (feature `tracing`).
    ///
    /// ```
    /// use tower_hmac::{FlaskHmac, KeyMap, Verifier};
    ///
    /// // On in a test build only, so that no setting can turn it on in production.
    /// let verifier = Verifier::new(FlaskHmac::new(), KeyMap::single("s3cr3tk3y")?)?
    ///     .dangerous_disarmed(cfg!(test));
    /// # Ok::<(), tower_hmac::ConfigError>(())
    /// ```
    #[must_use]
    pub fn dangerous_disarmed(mut self, disarmed: bool) -> Self {
        #[cfg(feature = "tracing")]
        if disarmed && !self.disarmed {
            tracing::warn!("request verification is disarmed: every request passes");
        }
        self.disarmed = disarmed;
        self
    }

    /// Warns about suspicious settings, once all of them are known. Warns only once.
    #[cfg_attr(not(feature = "tracing"), allow(clippy::unused_self))]
    pub(crate) fn warn_once(&self) {
        #[cfg(feature = "tracing")]
        if let Some(only) = &self.only {
            only.warn_once(|key_id| {
                self.entries().all(|entry| entry.keys.knows(Some(key_id)) == Some(false))
            });
        }
    }

    #[inline]
    pub(crate) fn entries(&self) -> impl Iterator<Item = &SchemeEntry> {
        std::iter::once(&self.first).chain(&self.more)
    }

    #[inline]
    pub(crate) fn entry(&self, index: usize) -> &SchemeEntry {
        index.checked_sub(1).and_then(|index| self.more.get(index)).unwrap_or(&self.first)
    }

    #[inline]
    pub(crate) fn now(&self) -> i64 {
        self.clock.unix_now()
    }

    #[inline]
    pub(crate) fn body_limit(&self) -> usize {
        self.body_limit
    }

    pub(crate) fn warnings(&self) -> &Warnings {
        &self.warnings
    }

    #[inline]
    pub(crate) fn is_disarmed(&self) -> bool {
        self.disarmed
    }

    /// Returns the same verifier, armed and without its replay guard, so that a verification
    /// changes no state.
    pub(crate) fn for_explaining(&self) -> Self {
        Self { replay: None, disarmed: false, ..self.clone() }
    }

    pub(crate) fn has_replay_guard(&self) -> bool {
        self.replay.is_some()
    }

    /// Undoes `optional`.
    #[cfg(feature = "axum")]
    pub(crate) fn required(mut self) -> Self {
        self.optional = false;
        self
    }

    #[inline]
    pub(crate) fn is_optional(&self) -> bool {
        self.optional
    }

    /// Returns whether a request is let through unsigned.
    #[inline]
    pub(crate) fn lets_through(&self, error: &VerifyError) -> bool {
        self.optional && error.kind() == ErrorKind::Missing
    }

    pub(crate) fn disarmed_verified(&self) -> Verified {
        Verified::disarmed(self.first.name.clone())
    }

    /// Strips the signature from the head, or marks it as sensitive for the handler's logs.
    #[inline]
    pub(crate) fn cover_up(&self, head: &mut Parts) {
        for entry in self.entries() {
            if self.strips {
                entry.scheme.strip(head);
            }
            // Another party's signature may remain in the same headers.
            let names = entry.scheme.headers();
            if head.headers.len() == head.headers.keys_len() {
                for name in names {
                    if let Some(value) = head.headers.get_mut(name) {
                        value.set_sensitive(true);
                    }
                }
                continue;
            }
            // If a header has two values, mark all of them: a rejection may print the head.
            for (_, value) in head.headers.iter_mut().filter(|(name, _)| names.contains(name)) {
                value.set_sensitive(true);
            }
        }
    }

    fn check_replay(self) -> Result<Self, ConfigError> {
        let untimed = self.entries().find(|entry| !entry.window.is_timed());
        match (&self.replay, self.tag_retention, untimed) {
            (Some(_), None, Some(format)) => {
                Err(ConfigError::ReplayWithoutTime(format.name.to_string()))
            }
            _ => Ok(self),
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schemes: Vec<_> = self.entries().map(|entry| &*entry.name).collect();
        f.debug_struct("Verifier")
            .field("schemes", &schemes)
            .field("only", &self.only.as_ref().map(KeyIdList::key_ids))
            .field("body_limit", &self.body_limit)
            .field("tolerance", &self.tolerance)
            .field("replay", &self.replay.is_some())
            .field("optional", &self.optional)
            .field("disarmed", &self.disarmed)
            .finish_non_exhaustive()
    }
}
