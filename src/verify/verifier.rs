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
use crate::verify::key_id_list::KeyIdList;
use crate::verify::scheme_entry::SchemeEntry;
use crate::verify::verified::Verified;

/// The engine: claim, keys, MAC, time, replay. [`VerifyLayer`](crate::VerifyLayer) puts it before
/// a service; [`verify`](Self::verify) is for use by hand.
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
}

impl Verifier {
    /// Verifies one format against the keys of a store.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the scheme and the store together would reject every request: the scheme
    /// requires a key ID and the store has only an anonymous key, or it carries none and the store
    /// has only named keys, or the store has no keys. Stores that cannot tell are taken.
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
        })
    }

    /// Accepts a second format beside the first, with keys of its own. The first format that is
    /// not missing decides, and the others must be missing.
    ///
    /// Give each format keys of its own: a key that serves two formats is only as strong as the
    /// weaker of them, since a signature of one may be read as one of the other.
    ///
    /// This is how a fleet moves from one format to another: the guide `docs/migration.md` goes
    /// through it from start to end.
    ///
    /// # Errors
    ///
    /// [`ConfigError::AmbiguousSchemes`] if both read the same headers, unless their
    /// [selectors](crate::Scheme::selector) exclude each other, or one of them needs more headers
    /// than the other. [`ConfigError::ReplayWithoutTime`] as [`with_replay_guard`](Self::with_replay_guard).
    /// Otherwise as [`new`](Self::new).
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

    /// Lets only these key IDs through. The anonymous key is on no list, and an empty list lets
    /// nobody through.
    ///
    /// Lists narrow: after a second call, a key ID must be on both lists. The feature `tracing` logs
    /// a warning once, when the verifier is put to use, for key IDs that no key store
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
    /// [`ConfigError`] if a key ID is empty, or no key ID is on every list.
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

    /// Sets the longest body that is read, in bytes; 2 MiB by default.
    /// [`VerifyLayer::with_body_limit`](crate::VerifyLayer::with_body_limit) says how axum's own limit
    /// counts.
    #[must_use]
    pub fn with_body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Sets how old a signature can be and how far ahead its clock, in whole seconds. By default
    /// both are the format's own, or 300. The tolerance itself is accepted.
    ///
    /// It bounds the upload as well: times are checked before the body is read, and again when all
    /// of it is there.
    #[must_use]
    pub fn with_tolerance(mut self, past: Duration, future: Duration) -> Self {
        self.tolerance = Some(Tolerance { past: past.as_secs(), future: future.as_secs() });
        self
    }

    /// Lets each request through once. The guard is asked last, when all else has been checked:
    /// at most once, not at least once. If the handler answers 500, a retry with the same signature is
    /// rejected: a client signs each attempt anew, and a sender that cannot, such as one of webhooks
    /// that signs a delivery once, goes without a guard.
    ///
    /// # Errors
    ///
    /// [`ConfigError::ReplayWithoutTime`] if a format carries no time, so that a request would
    /// have to be remembered for ever; see
    /// [`dangerous_replay_by_tag`](Self::dangerous_replay_by_tag).
    pub fn with_replay_guard(
        mut self,
        guard: impl ReplayGuard + 'static,
    ) -> Result<Self, ConfigError> {
        guard.begin(self.clock.unix_now());
        self.replay = Some(Arc::new(guard));
        self.check_replay()
    }

    /// Loses requests that are honest and equal, and lets a replay through after the retention.
    ///
    /// For formats without a time: a tag is remembered so long. Two equal requests have one tag,
    /// so that the second is refused though nobody replayed it; in Flask-HMAC every request
    /// without a body is such a one. To be called before `with_replay_guard`.
    #[must_use]
    pub fn dangerous_replay_by_tag(mut self, retention: Duration) -> Self {
        self.tag_retention = Some(retention.as_secs());
        self
    }

    /// Sets where the time comes from; the system's clock if it is not set.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        if let Some(guard) = &self.replay {
            guard.begin(self.clock.unix_now());
        }
        self
    }

    /// Lets unsigned requests go on untouched, without [`Verified`](crate::Verified). A signature that is there
    /// must be right. In use by hand it changes nothing.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Takes the signature out of the head before the handler sees it.
    #[must_use]
    pub fn strip_signature(mut self) -> Self {
        self.strips = true;
        self
    }

    /// Loses every protection but the body limit: everything passes, signed or not, whatever
    /// `only` says. For tests and emergencies; a warning is logged (feature `tracing`).
    #[must_use]
    pub fn dangerous_disarmed(mut self, disarmed: bool) -> Self {
        #[cfg(feature = "tracing")]
        if disarmed && !self.disarmed {
            tracing::warn!("request verification is disarmed: every request passes");
        }
        self.disarmed = disarmed;
        self
    }

    /// Logs what is odd about the settings, now that all of them are known: once.
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

    #[inline]
    pub(crate) fn is_disarmed(&self) -> bool {
        self.disarmed
    }

    /// The same, armed and without its replay guard, so that asking it changes nothing.
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

    /// Whether a request is let through unsigned.
    #[inline]
    pub(crate) fn lets_through(&self, error: &VerifyError) -> bool {
        self.optional && error.kind() == ErrorKind::Missing
    }

    pub(crate) fn disarmed_verified(&self) -> Verified {
        Verified::disarmed(self.first.name.clone())
    }

    /// What a handler may see of the signature: nothing, or nothing that logs print.
    #[inline]
    pub(crate) fn cover_up(&self, head: &mut Parts) {
        for entry in self.entries() {
            if self.strips {
                entry.scheme.strip(head);
            }
            // Another party's signature can be left in the same headers.
            let names = entry.scheme.headers();
            if head.headers.len() == head.headers.keys_len() {
                for name in names {
                    if let Some(value) = head.headers.get_mut(name) {
                        value.set_sensitive(true);
                    }
                }
                continue;
            }
            // Some header has two values. All are marked: a rejection may print the head.
            for (_, value) in head.headers.iter_mut().filter(|(name, _)| names.contains(name)) {
                value.set_sensitive(true);
            }
        }
    }

    fn check_replay(self) -> Result<Self, ConfigError> {
        let untimed = self.entries().find(|entry| !entry.scheme.window().is_timed());
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
