//! Why is my request rejected?
//!
//! A client signs almost correctly. The server's developer asks the verifier what is wrong. The
//! answer is only for the developer: clients never see more than the rejection.
//!
//!     cargo run --example explain

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use http::StatusCode;
use tower::ServiceExt as _;
use tower_hmac::extract::SharedVerifier;
use tower_hmac::{BoxError, FlaskHmac, KeyMap, SecretKey, Signer, VerifyError, VerifyLayer};

const BODY_LIMIT: usize = 1 << 20;

fn app() -> Result<Router, BoxError> {
    let keys = KeyMap::named([("aservice", "akey"), ("bservice", "bkey")])?;
    let verify = VerifyLayer::new(FlaskHmac::new(), keys)?;
    let verifier = verify.clone().shared();
    Ok(Router::new()
        .route("/order", post(async || "ordered"))
        .layer(verify)
        // This layer is outside, so that it sees the rejections.
        .layer(from_fn_with_state(verifier, explain)))
}

/// Keeps a copy of each request, and explains the rejected ones.
async fn explain(State(verifier): State<SharedVerifier>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let copy = Request::from_parts(head.clone(), Body::from(body.clone()));
    let response = next.run(copy).await;
    if response.extensions().get::<VerifyError>().is_some() {
        eprintln!("{}", verifier.verifier().explain(&head, &body).await);
    }
    response
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let app = app()?;
    let signed = |key: &str| -> Result<http::Request<&str>, BoxError> {
        let signer = Signer::new(FlaskHmac::new(), SecretKey::new(key)?).with_key_id("aservice")?;
        Ok(signer.sign(http::Request::post("/order").body(r#"{"order": 17}"#)?)?)
    };
    let right = signed("akey")?.map(Body::from);
    let with_newline = signed("akey")?.map(|body| Body::from(format!("{body}\n")));
    let with_another_key = signed("bkey")?.map(Body::from);
    let unsigned = http::Request::post("/order").body(Body::empty())?;
    for (what, request, expected) in [
        ("As it was signed", right, StatusCode::OK),
        ("With a newline from the end of a file", with_newline, StatusCode::FORBIDDEN),
        ("With the key of another key ID", with_another_key, StatusCode::FORBIDDEN),
        ("Not signed", unsigned, StatusCode::FORBIDDEN),
    ] {
        eprintln!("{what}:");
        let status = app.clone().oneshot(request).await?.status();
        eprintln!("{status}\n");
        assert_eq!(status, expected);
    }
    Ok(())
}
