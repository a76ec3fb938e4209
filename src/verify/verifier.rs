use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http::request::Parts;

use crate::clock::{Clock, SystemClock};
use crate::error::ConfigError;
use crate::key::{KeyId, KeySet, KeyStore, Lookup};
use crate::replay::{ReplayClaim, ReplayGuard};
use crate::scheme::{Claim, ClaimError, Coverage, Scheme, Window};
use crate::verify::Verified;
use crate::verify::check::{Case, Check, Claimed, Proof, as_received};
use crate::verify::error::{ErrorKind, VerifyError};
use crate::verify::observe::Watch;

/// The body limit where none is set: 2 MiB, as axum's own.
const DEFAULT_BODY_LIMIT: usize = 2 * 1024 * 1024;
/// The tolerance where none is set, in seconds.
const DEFAULT_TOLERANCE: u64 = 300;

/// The engine: claim, keys, MAC, time, replay. [`VerifyLayer`](crate::VerifyLayer) puts it before
/// a service; [`verify`](Self::verify) is for use by hand.
///
/// ```
/// use http::Request;
/// use tower_hmac::{FlaskHmac, KeyMap, SecretKey, Verifier};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let keys = KeyMap::single(SecretKey::new("s3cr3tk3y")?);
/// let verifier = Verifier::new(FlaskHmac::new(), keys);
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
    pub(super) first: Format,
    pub(super) more: Vec<Format>,
    pub(super) only: Option<Arc<[KeyId]>>,
    body_limit: usize,
    past: u64,
    future: u64,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) replay: Option<Arc<dyn ReplayGuard>>,
    tag_retention: Option<u64>,
    optional: bool,
    strips: bool,
    pub(super) disarmed: bool,
}

/// A format with its own keys.
#[derive(Clone)]
pub(crate) struct Format {
    pub(crate) scheme: Arc<dyn Scheme>,
    pub(crate) keys: Arc<dyn KeyStore>,
}

impl Format {
    fn new(scheme: impl Scheme + 'static, keys: impl KeyStore + 'static) -> Self {
        KeySet::prepare_dummies(scheme.algorithm());
        Self { scheme: Arc::new(scheme), keys: Arc::new(keys) }
    }

    /// Whether the two read a header in common.
    fn shares_header(&self, other: &Self) -> bool {
        self.scheme.headers().iter().any(|name| other.scheme.headers().contains(name))
    }

    /// Whether the two share a header, and all that the head has of ours is theirs, too.
    fn is_within(&self, other: &Self, head: &Parts) -> bool {
        let theirs = other.scheme.headers();
        let mut ours = self.scheme.headers().iter();
        self.shares_header(other)
            && ours.all(|name| theirs.contains(name) || !head.headers.contains_key(name))
    }

    /// Whether no request can be well-formed for both: one format with tags of two lengths, or
    /// one that needs all headers of the other and more.
    fn is_told_apart_from(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.scheme.headers(), other.scheme.headers());
        let one_format = self.scheme.name() == other.scheme.name();
        let tag_len = |format: &Self| format.scheme.algorithm().tag_len();
        if ours.is_empty() && theirs.is_empty() {
            return !one_format;
        }
        !self.shares_header(other)
            || (one_format && tag_len(self) != tag_len(other))
            || (ours.len() != theirs.len()
                && (ours.iter().all(|name| theirs.contains(name))
                    || theirs.iter().all(|name| ours.contains(name))))
    }
}

impl Verifier {
    /// Verifies one format against the keys of a store.
    #[must_use]
    pub fn new(scheme: impl Scheme + 'static, keys: impl KeyStore + 'static) -> Self {
        Self {
            first: Format::new(scheme, keys),
            more: Vec::new(),
            only: None,
            body_limit: DEFAULT_BODY_LIMIT,
            past: DEFAULT_TOLERANCE,
            future: DEFAULT_TOLERANCE,
            clock: Arc::new(SystemClock),
            replay: None,
            tag_retention: None,
            optional: false,
            strips: false,
            disarmed: false,
        }
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
    /// [`ConfigError::AmbiguousSchemes`] if both read the same headers, unless it is one format
    /// with algorithms whose tags differ in length, or one of them needs more headers than the
    /// other. [`ConfigError::ReplayWithoutTime`] as [`with_replay_guard`](Self::with_replay_guard).
    pub fn or(
        mut self,
        scheme: impl Scheme + 'static,
        keys: impl KeyStore + 'static,
    ) -> Result<Self, ConfigError> {
        let format = Format::new(scheme, keys);
        if let Some(twin) = self.formats().find(|other| !format.is_told_apart_from(other)) {
            return Err(ConfigError::AmbiguousSchemes(twin.scheme.name(), format.scheme.name()));
        }
        self.more.push(format);
        self.check_replay()
    }

    /// Lets only these key ids through. The anonymous key is on no list, and an empty list lets
    /// nobody through.
    ///
    /// # Panics
    ///
    /// If a name is empty.
    #[track_caller]
    #[must_use]
    pub fn only<I>(mut self, key_ids: impl IntoIterator<Item = I>) -> Self
    where
        I: TryInto<KeyId, Error: Into<ConfigError>>,
    {
        let mut only = Vec::new();
        for key_id in key_ids {
            match key_id.try_into() {
                Ok(key_id) => only.push(key_id),
                // As axum's `route` does on a bad path: the list stands in the source.
                #[allow(clippy::panic)]
                Err(error) => {
                    let error: ConfigError = error.into();
                    panic!("only: {error}");
                }
            }
        }
        self.only = Some(only.into());
        self
    }

    /// Sets the longest body that is read, in bytes; 2 MiB if it is not set.
    #[must_use]
    pub fn with_body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Sets how old a signature may be and how far ahead its clock, in whole seconds; 300 both if
    /// it is not set. The tolerance itself is accepted.
    #[must_use]
    pub fn with_tolerance(mut self, past: Duration, future: Duration) -> Self {
        self.past = past.as_secs();
        self.future = future.as_secs();
        self
    }

    /// Lets each request through once. The guard is asked last, when all else has been checked:
    /// at most once, not at least once.
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
        self
    }

    /// Lets unsigned requests go on untouched, without [`Verified`]. A signature that is there
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

    /// Verifies a request by hand, outside the layer: steps 1 to 8 of
    /// [the way of a request](crate::verify).
    ///
    /// # Errors
    ///
    /// [`VerifyError`] if it is refused.
    pub async fn verify(&self, head: &Parts, body: &[u8]) -> Result<Verified, VerifyError> {
        let watch = Watch::start();
        let outcome = self.verify_unwatched(head, body).await;
        watch.done(outcome.as_ref(), body.len());
        outcome
    }

    /// The same without a word to those who watch the service.
    pub(super) async fn verify_unwatched(
        &self,
        head: &Parts,
        body: &[u8],
    ) -> Result<Verified, VerifyError> {
        if self.disarmed {
            self.check_length(body.len())?;
            return Ok(self.disarmed_verified());
        }
        let head = &*as_received(head);
        let claimed = self.claim(head)?;
        self.check_length(body.len())?;
        let case = Case { verifier: self, head, claimed: &claimed };
        let mut check = Check::begin(case, self.lookup(&claimed, head).await)?;
        check.update(case, body)?;
        let proof = check.finish(case, body)?;
        self.allow(case)?;
        if let Some(claim) = self.claim_once(case, &proof)? {
            case.replied(claim.await)?;
        }
        Ok(proof.verified(case))
    }

    /// Steps 1 and 2; none where nothing is checked.
    pub(crate) fn claim_if_armed(&self, head: &Parts) -> Result<Option<Claimed>, VerifyError> {
        if self.disarmed { Ok(None) } else { self.claim(head).map(Some) }
    }

    /// Steps 1 and 2.
    pub(super) fn claim(&self, head: &Parts) -> Result<Claimed, VerifyError> {
        let (place, claim) = self.read(head)?;
        let scheme = &self.format(place).scheme;
        let refused = |error: VerifyError| error.in_scheme(scheme.name(), Some(&claim));
        self.check_window(scheme.window(), &claim).map_err(refused)?;
        let coverage = scheme.coverage(head, &claim).map_err(|error| refused(error.into()))?;
        // A format that lists no digest would let every body pass.
        if matches!(&coverage, Coverage::Digest(digests) if digests.is_empty()) {
            return Err(refused(ClaimError::malformed("no digest of the body is covered").into()));
        }
        Ok(Claimed { place, claim, coverage })
    }

    /// Step 1: the format that the head is in, and what it says.
    pub(super) fn read(&self, head: &Parts) -> Result<(usize, Claim), VerifyError> {
        if self.more.is_empty() {
            let claim = self.first.scheme.claim(head).map_err(|error| self.first_error(error))?;
            Ok((0, claim))
        } else {
            self.decide(head)
        }
    }

    fn first_error(&self, error: ClaimError) -> VerifyError {
        VerifyError::from(error).in_scheme(self.first.scheme.name(), None)
    }

    /// Which of several formats a request is in: the first that is not missing, and the others
    /// must be missing. Formats that share a header may call each other's signatures malformed,
    /// but not where there is a header that only the one with the malformed signature reads.
    fn decide(&self, head: &Parts) -> Result<(usize, Claim), VerifyError> {
        let mut decided: Option<(usize, Result<Claim, ClaimError>)> = None;
        for (place, format) in self.formats().enumerate() {
            let claim = match format.scheme.claim(head) {
                Err(ClaimError::Missing) => continue,
                claim => claim,
            };
            decided = Some(match decided.take() {
                None => (place, claim),
                Some((other, offered)) => {
                    let before = self.format(other);
                    match (&offered, &claim) {
                        (Err(_), _) if before.is_within(format, head) => (place, claim),
                        (_, Err(_)) if format.is_within(before, head) => (other, offered),
                        _ => {
                            let twice =
                                ClaimError::malformed("the request is signed in two formats");
                            return Err(VerifyError::from(twice)
                                .in_scheme(self.format(other).scheme.name(), None));
                        }
                    }
                }
            });
        }
        match decided {
            None => Err(self.first_error(ClaimError::Missing)),
            Some((place, Ok(claim))) => Ok((place, claim)),
            Some((place, Err(error))) => {
                Err(VerifyError::from(error).in_scheme(self.format(place).scheme.name(), None))
            }
        }
    }

    fn check_window(&self, window: Window, claim: &Claim) -> Result<(), VerifyError> {
        if claim.created().is_none() && claim.expires().is_none() {
            // The format promised a time; one of its claims without would be good for ever.
            return if window.is_timed() {
                Err(ClaimError::malformed("the signature carries no time").into())
            } else {
                Ok(())
            };
        }
        self.check_times(window, claim, self.clock.unix_now()).map_err(VerifyError::new)
    }

    fn check_times(&self, window: Window, claim: &Claim, now: i64) -> Result<(), ErrorKind> {
        if let Some(created) = claim.created() {
            let tolerance = if created <= now { self.past } else { self.future };
            let distance = now.abs_diff(created);
            if distance > tolerance || (distance == tolerance && window.excludes_edge()) {
                return Err(ErrorKind::Stale);
            }
        }
        if let Some(expires) = claim.expires() {
            let too_far = window.max_lifetime().is_some_and(|most| now.abs_diff(expires) > most);
            if expires < now || too_far {
                return Err(ErrorKind::Expired);
            }
        }
        Ok(())
    }

    /// Step 3. What the declared length says, and later what has arrived.
    #[inline]
    pub(crate) fn check_length(&self, len: usize) -> Result<(), VerifyError> {
        if len > self.body_limit { Err(VerifyError::new(ErrorKind::BodyTooLarge)) } else { Ok(()) }
    }

    /// Step 4.
    #[inline]
    pub(crate) fn lookup(&self, claimed: &Claimed, head: &Parts) -> Lookup {
        self.format(claimed.place).keys.lookup(&claimed.claim, head)
    }

    /// Step 7, for a claim that is proven.
    #[inline]
    pub(super) fn allow(&self, case: Case<'_>) -> Result<(), VerifyError> {
        match (&self.only, case.claim().key_id()) {
            (None, _) => Ok(()),
            (Some(only), Some(key_id)) if only.contains(key_id) => Ok(()),
            _ => Err(case.error(ErrorKind::NotAllowed)),
        }
    }

    /// Step 8. The request is remembered for as long as it could be accepted again.
    ///
    /// The body may have taken long. A guard forgets what is over, so that a request whose time is
    /// over by now could be claimed any number of times by those who held it open together.
    #[inline]
    pub(super) fn claim_once(
        &self,
        case: Case<'_>,
        proof: &Proof,
    ) -> Result<Option<ReplayClaim>, VerifyError> {
        let Some(guard) = &self.replay else { return Ok(None) };
        let now = self.clock.unix_now();
        let claim = case.claim();
        let window = case.format().scheme.window();
        self.check_times(window, claim, now).map_err(|kind| case.error(kind))?;
        let keep_until = claim
            .created()
            .map(|created| created.saturating_add_unsigned(self.past))
            .or(claim.expires())
            .unwrap_or_else(|| now.saturating_add_unsigned(self.tag_retention.unwrap_or(u64::MAX)));
        Ok(Some(proof.claim_once(guard, case, keep_until, now)))
    }

    fn check_replay(self) -> Result<Self, ConfigError> {
        let untimed = self.formats().find(|format| !format.scheme.window().is_timed());
        match (&self.replay, self.tag_retention, untimed) {
            (Some(_), None, Some(format)) => {
                Err(ConfigError::ReplayWithoutTime(format.scheme.name()))
            }
            _ => Ok(self),
        }
    }

    pub(super) fn formats(&self) -> impl Iterator<Item = &Format> {
        std::iter::once(&self.first).chain(&self.more)
    }

    #[inline]
    pub(crate) fn format(&self, place: usize) -> &Format {
        place.checked_sub(1).and_then(|place| self.more.get(place)).unwrap_or(&self.first)
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.unix_now()
    }

    pub(crate) fn body_limit(&self) -> usize {
        self.body_limit
    }

    /// So that a limit over axum's own of 2 MiB means what it says for its extractors, too. A lower
    /// one that somebody set for axum still holds.
    pub(crate) fn raise_axum_limit<B>(&self, request: &mut Request<B>) {
        #[cfg(feature = "axum")]
        if self.body_limit > DEFAULT_BODY_LIMIT {
            axum::extract::DefaultBodyLimit::max(self.body_limit).apply(request);
        }
        #[cfg(not(feature = "axum"))]
        let _ = request;
    }

    pub(crate) fn is_optional(&self) -> bool {
        self.optional
    }

    pub(crate) fn disarmed_verified(&self) -> Verified {
        Verified::disarmed(self.first.scheme.name())
    }

    /// What a handler may see of the signature: nothing, or nothing that logs print.
    pub(crate) fn cover_up(&self, head: &mut Parts) {
        for format in self.formats() {
            if self.strips {
                format.scheme.strip(head);
                continue;
            }
            let names = format.scheme.headers();
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
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schemes: Vec<_> = self.formats().map(|format| format.scheme.name()).collect();
        f.debug_struct("Verifier")
            .field("schemes", &schemes)
            .field("only", &self.only)
            .field("body_limit", &self.body_limit)
            .field("past", &self.past)
            .field("future", &self.future)
            .field("replay", &self.replay.is_some())
            .field("optional", &self.optional)
            .field("disarmed", &self.disarmed)
            .finish_non_exhaustive()
    }
}
