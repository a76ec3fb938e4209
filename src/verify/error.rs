use std::error::Error;
use std::fmt;
use std::sync::Arc;

use http::StatusCode;

use crate::error::BoxError;
use crate::key::KeyId;
use crate::scheme::{Claim, ClaimError};
use crate::verify::step::Step;

/// The reason why a request was rejected, for logs and custom rejections.
///
/// The message names headers, but never values, keys or computed tags. Keep it and
/// [`kind`](Self::kind) in logs: a client that learns them can enumerate the key IDs. Answer with
/// [`public`](Self::public), which is the same for every rejected caller.
///
/// ```
/// use axum::response::{IntoResponse as _, Response};
/// use tower_hmac::{FlaskHmac, KeyMap, VerifyError, VerifyLayer};
///
/// fn rejected(error: &VerifyError) -> Response {
///     eprintln!("{} at step {}: {error}", error.kind().as_str(), error.step().as_str());
///     // Only the public part is for the client.
///     error.public().status().into_response()
/// }
///
/// let keys = KeyMap::single("a key")?;
/// let layer = VerifyLayer::new(FlaskHmac::new(), keys)?.with_rejection_fn(rejected);
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct VerifyError {
    kind: ErrorKind,
    step: Step,
    scheme: Option<Arc<str>>,
    claimed: Option<ClaimedKeyId>,
    detail: Option<Arc<dyn Error + Send + Sync>>,
}

/// The kind of a [`VerifyError`].
///
/// ```
/// use tower_hmac::ErrorKind;
///
/// assert_eq!(ErrorKind::UnknownKey.as_str(), "unknown_key");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request has no header or parameter of the scheme.
    Missing,
    /// The request contains something that the scheme does not write.
    Malformed,
    /// The key ID is unknown, or none of its keys is currently valid.
    UnknownKey,
    /// The signature does not match the request.
    Mismatch,
    /// The time of signing is too far in the past or in the future.
    Stale,
    /// The time of expiry has passed, or is too far in the future.
    Expired,
    /// The caller is known, but not on the allow-list of this route.
    NotAllowed,
    /// The request was accepted before.
    Replayed,
    /// The body is over the limit.
    BodyTooLarge,
    /// The body ended early, or could not be read.
    BodyRead,
    /// The key store or the replay guard failed.
    StoreUnavailable,
    /// The replay guard is full.
    ReplayFull,
    /// The request was signed before the replay guard started to remember requests. It is accepted
    /// if the client signs it again.
    ReplayUnknown,
}

impl ErrorKind {
    /// Returns a fixed name, suitable as a metric label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::UnknownKey => "unknown_key",
            Self::Mismatch => "mismatch",
            Self::Stale => "stale",
            Self::Expired => "expired",
            Self::NotAllowed => "not_allowed",
            Self::Replayed => "replayed",
            Self::BodyTooLarge => "body_too_large",
            Self::BodyRead => "body_read",
            Self::StoreUnavailable => "store_unavailable",
            Self::ReplayFull => "replay_full",
            Self::ReplayUnknown => "replay_unknown",
        }
    }

    /// Returns the step that most often raises this kind.
    const fn usual_step(self) -> Step {
        match self {
            Self::Missing | Self::Malformed => Step::Claim,
            Self::Stale | Self::Expired => Step::Window,
            Self::BodyTooLarge => Step::Length,
            Self::UnknownKey | Self::StoreUnavailable => Step::Keys,
            Self::BodyRead => Step::Body,
            Self::Mismatch => Step::Mac,
            Self::NotAllowed => Step::AllowList,
            Self::Replayed | Self::ReplayFull | Self::ReplayUnknown => Step::Replay,
        }
    }

    /// Returns the part that a client may learn: only which side is at fault.
    const fn public(self) -> PublicError {
        match self {
            Self::BodyTooLarge => PublicError::BODY_TOO_LARGE,
            Self::BodyRead => PublicError::BODY_READ,
            Self::StoreUnavailable | Self::ReplayFull | Self::ReplayUnknown => {
                PublicError::UNAVAILABLE
            }
            Self::Missing
            | Self::Malformed
            | Self::UnknownKey
            | Self::Mismatch
            | Self::Stale
            | Self::Expired
            | Self::NotAllowed
            | Self::Replayed => PublicError::REJECTED,
        }
    }

    const fn message(self) -> &'static str {
        match self {
            Self::Missing => "the request is not signed",
            Self::Malformed => "the signature is malformed",
            Self::UnknownKey => "the key ID is unknown",
            Self::Mismatch => "the signature does not match",
            Self::Stale => "the time of signing is too far from now",
            Self::Expired => "the signature has expired",
            Self::NotAllowed => "the caller is not on the allow-list of this route",
            Self::Replayed => "the request was accepted before",
            Self::BodyTooLarge => "the body is over the limit",
            Self::BodyRead => "the body could not be read",
            Self::StoreUnavailable => "the store of keys or of seen requests failed",
            Self::ReplayFull => "the store of seen requests is full",
            Self::ReplayUnknown => {
                "the request was signed before the replay guard's memory began; sign it again"
            }
        }
    }
}

impl VerifyError {
    pub(crate) fn new(step: Step, kind: ErrorKind) -> Self {
        Self { kind, step, scheme: None, claimed: None, detail: None }
    }

    pub(crate) fn caused(step: Step, kind: ErrorKind, source: BoxError) -> Self {
        Self { detail: Some(source.into()), ..Self::new(step, kind) }
    }

    /// Makes an error from a scheme's own error. A request with a claim is not unsigned: if a part
    /// of it is missing, an optional layer must not let it through.
    pub(crate) fn unclaimed(step: Step, error: ClaimError) -> Self {
        match error {
            ClaimError::Missing if step == Step::Claim => Self::new(step, ErrorKind::Missing),
            malformed => {
                Self { detail: Some(Arc::new(malformed)), ..Self::new(step, ErrorKind::Malformed) }
            }
        }
    }

    pub(crate) fn in_scheme(mut self, scheme: &Arc<str>, claim: Option<&Claim>) -> Self {
        self.scheme = Some(scheme.clone());
        self.claimed = claim.and_then(Claim::key_id).cloned().map(ClaimedKeyId);
        self
    }

    /// Makes the error for a caller that is not on a route's own allow-list.
    #[cfg(feature = "axum")]
    pub(crate) fn not_allowed(scheme: &Arc<str>, key_id: Option<&KeyId>) -> Self {
        Self {
            scheme: Some(scheme.clone()),
            claimed: key_id.cloned().map(ClaimedKeyId),
            ..Self::new(Step::AllowList, ErrorKind::NotAllowed)
        }
    }

    /// Returns the kind, for logs and metrics. It distinguishes an unknown key ID from a wrong
    /// signature, so it must not reach the client. Use [`public`](Self::public) for that.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the step that raised the error.
    ///
    /// ```
    /// use tower_hmac::verify::Step;
    /// use tower_hmac::{ErrorKind, VerifyError};
    ///
    /// let error = VerifyError::from(ErrorKind::NotAllowed);
    /// assert_eq!(error.step(), Step::AllowList);
    /// assert_eq!(error.step().as_str(), "allow-list");
    /// ```
    #[must_use]
    pub fn step(&self) -> Step {
        self.step
    }

    /// Returns the matching status: 413 for a body over the limit, 400 for a broken body, 503 for a
    /// failed store, and 403 otherwise.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.public().status
    }

    /// Returns whether the caller is at fault. `false` if a body could not be read or a store
    /// failed. A client should not be able to distinguish the kinds of rejected callers.
    #[must_use]
    pub fn is_caller_rejected(&self) -> bool {
        self.public() == PublicError::REJECTED
    }

    /// Returns the part that a client may learn: a status and one word, both the same for every
    /// rejected caller.
    ///
    /// | status | word | kinds |
    /// | --- | --- | --- |
    /// | 403 | `rejected` | all that [`is_caller_rejected`](Self::is_caller_rejected) holds for |
    /// | 400 | `body_read` | [`BodyRead`](ErrorKind::BodyRead) |
    /// | 413 | `body_too_large` | [`BodyTooLarge`](ErrorKind::BodyTooLarge) |
    /// | 503 | `unavailable` | [`StoreUnavailable`](ErrorKind::StoreUnavailable), [`ReplayFull`](ErrorKind::ReplayFull), [`ReplayUnknown`](ErrorKind::ReplayUnknown) |
    ///
    /// [`with_rejection_fn`](crate::VerifyLayer::with_rejection_fn) shows its use.
    #[must_use]
    pub fn public(&self) -> PublicError {
        self.kind.public()
    }

    /// Returns the scheme of the request, once it is known.
    #[must_use]
    pub fn scheme(&self) -> Option<&str> {
        self.scheme.as_deref()
    }

    /// Returns the name of the scheme as a shared string.
    #[cfg(feature = "metrics")]
    pub(crate) fn shared_scheme(&self) -> Option<&Arc<str>> {
        self.scheme.as_ref()
    }

    /// Returns the key ID that the request *claimed*. Anybody can claim any key ID.
    #[must_use]
    pub fn claimed_key_id(&self) -> Option<&ClaimedKeyId> {
        self.claimed.as_ref()
    }
}

/// Makes an error at the step that raises its kind most often, to test your own rejections.
impl From<ErrorKind> for VerifyError {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind.usual_step(), kind)
    }
}

impl From<ClaimError> for VerifyError {
    fn from(error: ClaimError) -> Self {
        Self::unclaimed(Step::Claim, error)
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.detail, self.kind) {
            (Some(detail), ErrorKind::Malformed) => {
                write!(f, "{}: {detail}", self.kind.message())
            }
            (_, ErrorKind::Mismatch) if self.step == Step::Digest => {
                f.write_str("the signature is right, but the body does not match its digest")
            }
            _ => f.write_str(self.kind.message()),
        }
    }
}

impl fmt::Debug for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyError")
            .field("kind", &self.kind)
            .field("step", &self.step)
            .field("scheme", &self.scheme)
            .field("claimed_key_id", &self.claimed)
            .finish_non_exhaustive()
    }
}

impl Error for VerifyError {
    /// Returns the error of a store or a body.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self.kind {
            ErrorKind::Malformed => None,
            _ => self.detail.as_deref().map(|source| source as &(dyn Error + 'static)),
        }
    }
}

/// The part of a [`VerifyError`] that a client may learn: a status and one word. Returned by
/// [`VerifyError::public`].
///
/// ```
/// use http::{Request, StatusCode};
/// use tower_hmac::{ErrorKind, FlaskHmac, KeyMap, Verifier};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let verifier = Verifier::new(FlaskHmac::new(), KeyMap::single("s3cr3tk3y")?)?;
/// let (head, ()) = Request::post("/").body(())?.into_parts();
/// let error = verifier.verify(&head, b"").await.unwrap_err();
///
/// // For logs, and for the client: each rejection of a caller looks the same.
/// assert_eq!(error.kind(), ErrorKind::Missing);
/// assert_eq!(error.public().status(), StatusCode::FORBIDDEN);
/// # Ok::<(), tower_hmac::BoxError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicError {
    status: StatusCode,
    word: &'static str,
}

impl PublicError {
    /// The same for every rejected caller.
    pub(crate) const REJECTED: Self = Self { status: StatusCode::FORBIDDEN, word: "rejected" };
    const BODY_READ: Self = Self { status: StatusCode::BAD_REQUEST, word: "body_read" };
    const BODY_TOO_LARGE: Self =
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, word: "body_too_large" };
    const UNAVAILABLE: Self = Self { status: StatusCode::SERVICE_UNAVAILABLE, word: "unavailable" };

    /// Returns the status: 403 for every rejected caller.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.status
    }

    /// Returns the word: `rejected` for every rejected caller.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.word
    }
}

impl fmt::Display for PublicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word)
    }
}

/// A key ID that was claimed but not proven. Its type differs from that of
/// [`Verified::key_id`](crate::Verified::key_id), so that claimed and proven key IDs cannot be
/// confused.
///
/// See [`VerifyError`] for an example.
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimedKeyId(pub(crate) KeyId);

impl ClaimedKeyId {
    /// Returns the key ID as claimed: up to 8 KiB of text that anybody can choose. In logs, use
    /// [`Display`](fmt::Display), which escapes and truncates it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for ClaimedKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ClaimedKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
