use std::future::poll_fn;
use std::pin::{Pin, pin};

use axum::body::Body;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::request::Parts;

use crate::layer::{Answer, Drain, Unsigned, reject_with};
use crate::verify::{ErrorKind, Step, Verified, VerifyError};

impl<S: Send + Sync> FromRequestParts<S> for Verified {
    /// The layer's own response.
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        match found(parts)? {
            Some(verified) => Ok(verified.clone()),
            None => Err(missing(parts).await),
        }
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Verified {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Response> {
        found(parts).map(Option::<&Self>::cloned)
    }
}

/// Returns the layer's result: the caller, or `None` for an unsigned request. Answers 500 without a
/// layer.
pub(super) fn found(parts: &Parts) -> Result<Option<&Verified>, Response> {
    if let Some(verified) = parts.extensions.get::<Verified>() {
        return Ok(Some(verified));
    }
    if parts.extensions.get::<Unsigned>().is_some() {
        return Ok(None);
    }
    #[cfg(feature = "tracing")]
    tracing::error!(
        path = %crate::shown::Shown(parts.uri.path()),
        "this route is not inside a VerifyLayer, so its extractor rejects every request"
    );
    Err(StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// Answers an unsigned request that an optional layer let through.
pub(super) fn missing(parts: &Parts) -> Answering {
    reject(parts, &VerifyError::new(Step::Claim, ErrorKind::Missing))
}

/// A response that may be delayed. Boxed, to keep the handler's future small.
pub(super) type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Answers with the layer's own rejection, or with a bare 403 if a layer in between changed the
/// response's body.
pub(super) fn reject(parts: &Parts, error: &VerifyError) -> Answering {
    let verified = parts.extensions.get::<Verified>();
    // Inside the layer, the body of a verified request has already been read.
    let drain = || if verified.is_some() { Drain::Done } else { Drain::unreachable(parts) };
    let unsigned = || parts.extensions.get::<Unsigned>().map(|unsigned| &unsigned.0);
    let slot = verified.and_then(Verified::slot).or_else(unsigned);
    let answer = slot.and_then(|slot| reject_with::<Body>(slot, error, parts, drain()));
    let mut answer = answer.unwrap_or_else(|| {
        #[cfg(feature = "tracing")]
        tracing::error!(
            "a layer between VerifyLayer and this route changes the response's body, so that the \
             layer's rejection cannot answer"
        );
        Answer::bare(error.clone(), parts, drain())
    });
    Box::pin(poll_fn(move |cx| answer.poll(cx, pin!(Body::empty()))))
}
