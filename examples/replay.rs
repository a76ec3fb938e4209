//! How to let each request through once.
//!
//!     cargo run --example replay
//!
//! A format with a time needs nothing but `with_replay_guard`. Flask-HMAC has none, so that its
//! tags are remembered for a time to be chosen, and *equal* requests are refused as well: every
//! GET without a body has the same tag. Here the body carries an order number, so that no two
//! honest requests are equal.

use std::sync::Arc;
use std::time::Duration;

use axum::{Router, body::Body, routing::post};
use http::{Request, StatusCode};
use tower::ServiceExt as _;
use tower_hmac::{BoxError, FlaskHmac, KeyMap, MemoryReplay, SecretKey, Signer, VerifyLayer};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // Requests a second times the retention in seconds. A service of several processes takes
    // `RedisReplay` (feature `redis`).
    let guard = Arc::new(MemoryReplay::new(100 * 3_600)?);
    let layer = VerifyLayer::new(FlaskHmac::new(), KeyMap::single(SecretKey::new("s3cr3tk3y")?))
        .dangerous_replay_by_tag(Duration::from_secs(3_600))
        .with_replay_guard(guard.clone())?;
    let app: Router = Router::new().route("/orders", post(|| async { "taken" })).layer(layer);

    let signer = Signer::new(FlaskHmac::new(), SecretKey::new("s3cr3tk3y")?);
    for (body, expected) in [
        (r#"{"order": 1}"#, StatusCode::OK),
        (r#"{"order": 1}"#, StatusCode::FORBIDDEN),
        (r#"{"order": 2}"#, StatusCode::OK),
    ] {
        let request = signer.sign(Request::post("/orders").body(body)?)?;
        let status = app.clone().oneshot(request.map(Body::from)).await?.status();
        println!("{body}: {status}");
        assert_eq!(status, expected);
    }
    // To be watched: at its capacity the guard forgets nothing, and answers 503.
    println!("{} of {} entries, {} refused", guard.len(), guard.capacity(), guard.full_count());
    Ok(())
}
