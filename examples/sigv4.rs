//! How do I verify requests from AWS SDKs and `curl --aws-sigv4`, and make presigned links?
//!
//! With an address as its argument, it serves your client there:
//!
//! ```text
//! cargo run --features sigv4 --example sigv4 -- 127.0.0.1:8080
//! curl --aws-sigv4 aws:amz:eu-central-1:orders --user AKIDEXAMPLE:only-for-this-example \
//!     http://127.0.0.1:8080/orders
//! ```

use std::time::Duration;

use axum::body::Body;
use axum::extract::Path;
use axum::{Router, routing::get};
use http::{Request, StatusCode};
use tower::ServiceExt as _;
use tower_hmac::layer::AwsRejection;
use tower_hmac::scheme::AwsSigV4;
use tower_hmac::{BoxError, KeyMap, SecretKey, Signer, Verified, VerifyLayer};

const SECRET: &str = "only-for-this-example";

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // The region and the service that your clients are configured with.
    let scheme = AwsSigV4::new("eu-central-1", "orders")?;
    let keys = KeyMap::named([("AKIDEXAMPLE", SECRET)])?;

    // Requests signed in their headers, and presigned links, with the same keys.
    let layer = VerifyLayer::new(scheme.clone(), keys.clone())?
        .or(scheme.presigned(), keys)?
        .with_rejection(AwsRejection::json());
    let app = Router::new()
        .route("/orders", get(async |caller: Verified| format!("for {:?}\n", caller.key_id())))
        .route("/orders/{name}", get(async |Path(name): Path<String>| name))
        .layer(layer);
    if let Some(address) = std::env::args().nth(1) {
        let listener = tokio::net::TcpListener::bind(address).await?;
        return Ok(axum::serve(listener, app).await?);
    }

    let signer = Signer::new(scheme.clone(), SecretKey::new(SECRET)?).with_key_id("AKIDEXAMPLE")?;
    let request = || Request::get("http://localhost/orders?size=9&page=1").body(Vec::new());
    let status = async |request: Request<Vec<u8>>| {
        Ok::<_, BoxError>(app.clone().oneshot(request.map(Body::from)).await?.status())
    };
    assert_eq!(status(signer.sign(request()?)?).await?, StatusCode::OK);
    println!("signed in its headers: accepted");
    assert_eq!(status(request()?).await?, StatusCode::FORBIDDEN);
    println!("not signed: rejected");

    let links = Signer::new(scheme.presigned(), SecretKey::new(SECRET)?)
        .with_key_id("AKIDEXAMPLE")?
        .with_lifetime(Duration::from_secs(3600));
    let link = links.sign_url("http://localhost/orders/7.pdf")?;
    println!("{link}");
    assert_eq!(status(Request::get(&link).body(Vec::new())?).await?, StatusCode::OK);
    let other = link.to_string().replace("7.pdf", "8.pdf");
    assert_eq!(status(Request::get(other).body(Vec::new())?).await?, StatusCode::FORBIDDEN);
    println!("a link for another order: rejected");
    Ok(())
}
