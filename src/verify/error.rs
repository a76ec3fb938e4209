use std::error::Error;
use std::fmt;
use std::sync::Arc;

use http::StatusCode;

use crate::error::BoxError;
use crate::key::KeyId;
use crate::scheme::{Claim, ClaimError};
use crate::verify::step::Step;

/// Why a request was refused, for logs and custom rejections.
///
/// Its message names headers, never values, keys or computed tags. Keep it and
/// [`kind`](Self::kind) for logs: a client that learns them can list the names of keys. Answer with
/// [`public`](Self::public), which is the same for every rejected caller.
#[derive(Clone)]
pub struct VerifyError {
    kind: ErrorKind,
    step: Step,
    scheme: Option<Arc<str>>,
    claimed: Option<ClaimedKeyId>,
    detail: Option<Arc<dyn Error + Send + Sync>>,
}

/// The kind of a [`VerifyError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No header or parameter of the format is there.
    Missing,
    /// There is something that the format does not write.
    Malformed,
    /// Nobody has this key id, or none of its keys counts now.
    UnknownKey,
    /// The signature is not that of the request.
    Mismatch,
    /// The time of signing is too far from now, on either side.
    Stale,
    /// The time of expiry has passed, or lies too far ahead.
    Expired,
    /// The caller is known, but not on the list of this route.
    NotAllowed,
    /// The request has been let through before.
    Replayed,
    /// The body is over the limit.
    BodyTooLarge,
    /// The body broke off.
    BodyRead,
    /// The key store or the replay guard failed.
    StoreUnavailable,
    /// The replay guard has no room.
    ReplayFull,
    /// The request was signed before the replay guard's memory begins. A client that signs anew is
    /// accepted.
    ReplayUnknown,
}

impl ErrorKind {
    /// A fixed name, fit for a label of a metric.
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

    /// The step that raises it most often.
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

    /// What a client may learn of it: no more than whose fault it is.
    const fn public(self) -> PublicError {
        let (status, word) = match self {
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::BodyRead => (StatusCode::BAD_REQUEST, "body_read"),
            Self::StoreUnavailable | Self::ReplayFull | Self::ReplayUnknown => {
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
            }
            _ => (StatusCode::FORBIDDEN, "rejected"),
        };
        PublicError { status, word }
    }

    const fn message(self) -> &'static str {
        match self {
            Self::Missing => "the request is not signed",
            Self::Malformed => "the signature is malformed",
            Self::UnknownKey => "the key id is unknown",
            Self::Mismatch => "the signature does not match",
            Self::Stale => "the time of signing is too far from now",
            Self::Expired => "the signature has expired",
            Self::NotAllowed => "the caller is not on the list of this route",
            Self::Replayed => "the request was let through before",
            Self::BodyTooLarge => "the body is over the limit",
            Self::BodyRead => "the body broke off",
            Self::StoreUnavailable => "the store of keys or of seen requests failed",
            Self::ReplayFull => "the store of seen requests is full",
            Self::ReplayUnknown => {
                "the request was signed before the replay guard's memory begins; sign it anew"
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

    /// What a scheme cannot read or write.
    pub(crate) fn unclaimed(step: Step, error: ClaimError) -> Self {
        match error {
            ClaimError::Missing => Self::new(step, ErrorKind::Missing),
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

    /// A caller that a route's own list leaves out.
    #[cfg(feature = "axum")]
    pub(crate) fn not_allowed(scheme: &Arc<str>, key_id: Option<&KeyId>) -> Self {
        Self {
            scheme: Some(scheme.clone()),
            claimed: key_id.cloned().map(ClaimedKeyId),
            ..Self::new(Step::AllowList, ErrorKind::NotAllowed)
        }
    }

    /// Returns its kind, for logs and metrics. It distinguishes an unknown key ID from a wrong
    /// signature, so it must not reach the client; [`public`](Self::public) can.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the step that raised it.
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

    /// The status that fits it: 413 for a body over the limit, 400 for a broken one, 503 where a
    /// store failed, 403 for all else.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.public().status
    }

    /// Whether it is the caller who was refused, rather than a body that could not be read or a
    /// store that failed: the kinds that a client should not be able to tell apart.
    #[must_use]
    pub fn is_caller_rejected(&self) -> bool {
        !matches!(
            self.kind,
            ErrorKind::BodyTooLarge
                | ErrorKind::BodyRead
                | ErrorKind::StoreUnavailable
                | ErrorKind::ReplayFull
                | ErrorKind::ReplayUnknown
        )
    }

    /// Returns what a client may learn: a status and one word, both the same for every rejected
    /// caller.
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

    /// The format that the request was held against, once that is known.
    #[must_use]
    pub fn scheme(&self) -> Option<&str> {
        self.scheme.as_deref()
    }

    /// The name of the format, shared.
    #[cfg(feature = "metrics")]
    pub(crate) fn shared_scheme(&self) -> Option<&Arc<str>> {
        self.scheme.as_ref()
    }

    /// Who the request *claimed* to come from. Anybody can claim anything.
    #[must_use]
    pub fn claimed_key_id(&self) -> Option<&ClaimedKeyId> {
        self.claimed.as_ref()
    }
}

/// For tests of a rejection of one's own: an error at the step that raises its kind most often.
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
                f.write_str("the signature is right, but the body is not that of its digest")
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
    /// What a store or a body said.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self.kind {
            ErrorKind::Malformed => None,
            _ => self.detail.as_deref().map(|source| source as &(dyn Error + 'static)),
        }
    }
}

/// What a client may learn of a [`VerifyError`]: a status and one word. Made by
/// [`VerifyError::public`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicError {
    status: StatusCode,
    word: &'static str,
}

impl PublicError {
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

/// A key id that was claimed and not proven: another type than that of
/// [`Verified::key_id`](crate::Verified::key_id), so that the two cannot be mixed up.
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimedKeyId(pub(crate) KeyId);

impl ClaimedKeyId {
    /// Returns the name as it was claimed, up to 8 KiB of text that anybody can choose. For logs
    /// there is [`Display`](fmt::Display), which escapes and cuts it.
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
