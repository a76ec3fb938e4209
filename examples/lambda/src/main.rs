//! A signed service in AWS Lambda, behind API Gateway or a function URL.
//!
//!     cargo lambda build --release
//!
//! `VerifyLayer` sees the request that `lambda_http` makes from an event. docs/lambda.md lists the
//! parts of a request that are lost in an event. The tests call the service with events, without
//! AWS.

#[cfg(test)]
mod tests;

use axum::Router;
use axum::routing::{get, post};
use tower_hmac::scheme::{Part, TimeFormat};
use tower_hmac::{BoxError, HeaderScheme, KeyMap, Verified, VerifyLayer};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    // Make the service once, for all events of this instance.
    let key = std::env::var("HMAC_KEY")?;
    lambda_http::run(app(KeyMap::named([("billing", key)])?)?).await
}

fn app(keys: KeyMap) -> Result<Router, BoxError> {
    Ok(Router::new()
        .route("/orders", post(async |caller: Verified| format!("{:?}", caller.key_id())))
        .route("/orders", get(async || "none yet"))
        .layer(VerifyLayer::new(scheme()?, keys)?))
}

/// `X-Signature: <hex>` over time, method, path, query and body.
fn scheme() -> Result<HeaderScheme, BoxError> {
    Ok(HeaderScheme::new("x-signature")?.with_key_id_header("x-key-id")?.with_parts([
        Part::timestamp("x-timestamp", TimeFormat::UnixSeconds)?,
        Part::literal("\n"),
        Part::Method,
        Part::literal("\n"),
        Part::Path,
        Part::literal("\n"),
        Part::Query,
        Part::literal("\n"),
        Part::Body,
    ])?)
}
