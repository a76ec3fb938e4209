//! Steps 3 and 5: the length of a body, and the body as it arrives.

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http_body::SizeHint;
use http_body_util::LengthLimitError;

use crate::error::BoxError;
use crate::verify::compat_axum::lower_limit;
use crate::verify::error::{ErrorKind, VerifyError};
use crate::verify::step::Step;

/// The default limit, in bytes: 2 MiB, as in axum.
pub(super) const DEFAULT_BODY_LIMIT: usize = 2 * 1024 * 1024;

/// The initial capacity for a body of several frames, in bytes.
const FIRST_ROOM: usize = 16 * 1024;

/// The frames of a body in one buffer. A body of a single frame is kept as it is.
#[derive(Default)]
pub(crate) struct BodyBuffer {
    whole: Option<Bytes>,
    joined: Vec<u8>,
    /// The length announced by the head alone, or 0.
    promised: usize,
    declared: usize,
    /// The maximum number of bytes that may arrive.
    limit: usize,
}

impl BodyBuffer {
    /// Takes the length announced by the head and the body, and the limit in bytes.
    #[inline]
    pub(crate) fn announce(&mut self, head: &mut Parts, body: &SizeHint, limit: usize) {
        self.promised = content_length(head).unwrap_or_default();
        let hint = usize::try_from(body.lower()).unwrap_or(usize::MAX);
        self.declared = self.promised.max(hint);
        self.limit = lower_limit(limit, head, body);
    }

    /// Step 3: returns the length announced by the head or the body, and the limit, both in bytes.
    #[inline]
    pub(crate) fn announced(&self) -> (usize, usize) {
        (self.declared, self.limit)
    }

    /// Checks that this many more bytes may arrive.
    #[inline]
    pub(crate) fn check_more(&self, len: usize) -> Result<(), VerifyError> {
        check_length(self.len().saturating_add(len), self.limit)
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.bytes().len()
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        if self.joined.is_empty() {
            self.whole.as_deref().unwrap_or_default()
        } else {
            &self.joined
        }
    }

    #[inline]
    pub(crate) fn push(&mut self, data: Bytes) {
        // HTTP/2 often ends a body with an empty frame.
        if data.is_empty() {
            return;
        }
        if self.len() == 0 {
            self.whole = Some(data);
            return;
        }
        let len = self.len().saturating_add(data.len());
        if len > self.joined.capacity() {
            // Double the buffer, but never beyond the announced length or the limit: a client must
            // not get memory for a length that it only claims.
            let most = if self.declared >= len { self.declared } else { self.limit };
            let room = len.saturating_mul(2).max(FIRST_ROOM).min(most).max(len);
            self.joined.reserve_exact(room.saturating_sub(self.joined.len()));
        }
        if let Some(first) = self.whole.take() {
            self.joined.extend_from_slice(&first);
        }
        self.joined.extend_from_slice(&data);
    }

    /// Rejects a body that is shorter than its `Content-Length`.
    #[inline]
    pub(crate) fn finish(&self) -> Result<(), VerifyError> {
        if self.len() < self.promised {
            return Err(VerifyError::new(Step::Body, ErrorKind::BodyRead));
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn take(&mut self) -> Bytes {
        if self.joined.is_empty() {
            self.whole.take().unwrap_or_default()
        } else {
            std::mem::take(&mut self.joined).into()
        }
    }

    /// Returns the error for a failed body. If another limit caused the failure, the body is over
    /// the limit.
    pub(crate) fn broken(error: BoxError) -> VerifyError {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&*error);
        while let Some(inner) = cause {
            if inner.is::<LengthLimitError>() {
                return VerifyError::caused(Step::Length, ErrorKind::BodyTooLarge, error);
            }
            cause = inner.source();
        }
        VerifyError::caused(Step::Body, ErrorKind::BodyRead, error)
    }
}

/// Compares the announced length, and later the length received so far, with the limit (step 3).
#[inline]
pub(crate) fn check_length(len: usize, limit: usize) -> Result<(), VerifyError> {
    if len > limit {
        return Err(VerifyError::new(Step::Length, ErrorKind::BodyTooLarge));
    }
    Ok(())
}

/// Returns the length of the body announced by the head, in bytes.
#[inline]
pub(crate) fn content_length(head: &Parts) -> Option<usize> {
    let text = head.headers.get(CONTENT_LENGTH)?.to_str().ok()?;
    // A number that does not fit means a body that does not fit.
    Some(text.parse().unwrap_or(usize::MAX))
}
