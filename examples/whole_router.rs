//! How do I protect every route of an application, like Flask's `before_request`?
//!
//! Put one layer around the router, and add it last: axum does not apply it to routes and fallbacks
//! added afterwards. Unknown paths are rejected, too, before the router reveals whether they exist.
//! Here, every rejection is 400.

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use http::{Request, StatusCode};
use tower::ServiceExt as _;
use tower_hmac::layer::StatusRejection;
use tower_hmac::{BoxError, FlaskHmac, KeyMap, SecretKey, Signer, VerifyLayer};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let key = || SecretKey::new("s3cr3tk3y");
    let layer = VerifyLayer::new(FlaskHmac::new(), KeyMap::single(key()?)?)?
        .with_rejection(StatusRejection::new(StatusCode::BAD_REQUEST)?);
    let app = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/echo", post(|body: String| async { body }))
        .nest("/api", Router::new().route("/items", get(|| async { "items" })))
        .fallback(|| async { (StatusCode::NOT_FOUND, "nothing here") })
        // Add the layer last, so that it covers all of the above.
        .layer(layer);

    let signer = Signer::new(FlaskHmac::new(), key()?);
    for (method, path, signed, expected) in [
        ("GET", "/", false, StatusCode::BAD_REQUEST),
        ("GET", "/", true, StatusCode::OK),
        ("POST", "/echo", false, StatusCode::BAD_REQUEST),
        ("POST", "/echo", true, StatusCode::OK),
        ("GET", "/api/items", false, StatusCode::BAD_REQUEST),
        ("GET", "/api/items", true, StatusCode::OK),
        ("GET", "/api/nowhere", false, StatusCode::BAD_REQUEST),
        ("GET", "/nowhere", false, StatusCode::BAD_REQUEST),
        ("GET", "/nowhere", true, StatusCode::NOT_FOUND),
    ] {
        let mut request = Request::builder().method(method).uri(path).body("a body")?;
        if signed {
            request = signer.sign(request)?;
        }
        let status = app.clone().oneshot(request.map(Body::from)).await?.status();
        println!("{method} {path}, {}: {status}", if signed { "signed" } else { "unsigned" });
        assert_eq!(status, expected);
    }
    Ok(())
}
