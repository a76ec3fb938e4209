//! The JSON body of a rejection.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use tower_hmac::VerifyError;

/// Answers every rejected caller alike. The kind of the error is only for the log: it distinguishes
/// an unknown key ID from a wrong signature.
pub fn json(error: &VerifyError) -> Response {
    let public = error.public();
    (public.status(), Json(json!({ "error": public.as_str() }))).into_response()
}
