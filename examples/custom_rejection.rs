//! How does an application customize its rejections?
//!
//! In Flask-HMAC, you override `abort()`. Here, a function of the error makes the response. It
//! never decides whether a request is rejected.

use axum::body::{Body, to_bytes};
use axum::response::IntoResponse as _;
use axum::routing::get;
use axum::{Json, Router};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use tower_hmac::{BoxError, FlaskHmac, KeyMap, VerifyLayer};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let keys = KeyMap::single("s3cr3tk3y")?;
    let layer = VerifyLayer::new(FlaskHmac::new(), keys)?.with_rejection_fn(|error| {
        // The public part of the error is the same for every rejected caller, so that a client does
        // not learn which check failed. `error.kind()` is for logs: it distinguishes an unknown key
        // ID from a wrong signature. The error is also in the response's extensions.
        let public = error.public();
        let status =
            if error.is_caller_rejected() { StatusCode::UNAUTHORIZED } else { public.status() };
        let body = Json(json!({"error": public.as_str(), "code": status.as_u16()}));
        (status, body).into_response()
    });
    let app = Router::new().route("/", get(|| async { "hello" })).layer(layer);

    let response = app.oneshot(Request::get("/").body(Body::empty())?).await?;
    println!("{}", response.status());
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let body: Value = serde_json::from_slice(&to_bytes(response.into_body(), 1024).await?)?;
    println!("{body}");
    assert_eq!(body, json!({"error": "rejected", "code": 401}));
    Ok(())
}
