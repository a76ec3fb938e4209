use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::request::Parts;

use crate::verify::{ErrorKind, Handle, Unsigned, Verified, VerifyError, refused};

impl<S: Send + Sync> FromRequestParts<S> for Verified {
    /// The layer's own answer.
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        found(parts).and_then(|verified| verified.cloned().ok_or_else(|| missing(parts)))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Verified {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Response> {
        found(parts).map(Option::<&Self>::cloned)
    }
}

/// What the layer left: who signed, or that nobody did. 500 where there is no layer.
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
        "no VerifyLayer stands before this route, so that its extractor refuses everything"
    );
    Err(StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// The answer to an unsigned request, where an optional layer let it through to here.
pub(super) fn missing(parts: &Parts) -> Response {
    refuse(parts, VerifyError::new(ErrorKind::Missing))
}

/// The layer's own rejection; a bare 403 where a layer in between changed the response's body.
pub(super) fn refuse(parts: &Parts, error: VerifyError) -> Response {
    refused(&error);
    let verified = parts.extensions.get::<Verified>().and_then(Verified::handle);
    let unsigned = || parts.extensions.get::<Unsigned>().map(|unsigned| &unsigned.0);
    let response = verified
        .or_else(unsigned)
        .and_then(|handle: &Handle| handle.reject::<axum::body::Body>(&error, parts));
    let mut response = response.unwrap_or_else(|| {
        #[cfg(feature = "tracing")]
        tracing::error!(
            "a layer between VerifyLayer and this route changes the response's body, so that the \
             layer's rejection cannot answer"
        );
        StatusCode::FORBIDDEN.into_response()
    });
    response.extensions_mut().insert(error);
    response
}
