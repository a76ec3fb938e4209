//! How is every route of an application protected, as by Flask's `before_request`?
//!
//! One layer around the router. It refuses unknown paths, too, before the router has told whether
//! they exist; here every refusal is 400.

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use http::{Request, StatusCode};
use tower::ServiceExt as _;
use tower_hmac::{BoxError, FlaskHmac, KeyMap, SecretKey, Signer, StatusRejection, VerifyLayer};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let key = || SecretKey::new("s3cr3tk3y");
    let layer = VerifyLayer::new(FlaskHmac::new(), KeyMap::single(key()?)?)?
        .with_rejection(StatusRejection::new(StatusCode::BAD_REQUEST)?);
    let app = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/echo", post(|body: String| async { body }))
        .layer(layer);

    let signer = Signer::new(FlaskHmac::new(), key()?);
    for (method, path, signed, expected) in [
        ("GET", "/", false, StatusCode::BAD_REQUEST),
        ("GET", "/", true, StatusCode::OK),
        ("POST", "/echo", false, StatusCode::BAD_REQUEST),
        ("POST", "/echo", true, StatusCode::OK),
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
