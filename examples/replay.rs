//! How do I reject replayed requests?
//!
//!     cargo run --example replay
//!
//! A scheme with a time only needs `with_replay_guard`: a request is remembered for as long as its
//! time is accepted. Flask-HMAC has no time. So you choose how long its tags are remembered, and
//! *equal* requests are rejected as well: every GET without a body has the same tag. Here each body
//! contains an order number, so no two legitimate requests are equal.

use std::sync::Arc;
use std::time::Duration;

use axum::{Router, body::Body, routing::post};
use http::{Request, StatusCode};
use tower::ServiceExt as _;
use tower_hmac::scheme::{Part, TimeFormat};
use tower_hmac::{
    BoxError, FlaskHmac, HeaderScheme, KeyMap, MemoryReplay, Scheme, SecretKey, Signer, VerifyLayer,
};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let keys = || KeyMap::single("s3cr3tk3y");
    // There must be room for all requests in the ten minutes for which one may be accepted. A
    // service of several processes uses `RedisReplay` (feature `redis`).
    let guard = Arc::new(MemoryReplay::new(100 * 600)?);

    // Most webhooks sign `time.body`.
    let time = Part::timestamp("x-timestamp", TimeFormat::UnixSeconds)?;
    let timed =
        HeaderScheme::new("x-signature")?.with_parts([time, Part::literal("."), Part::Body])?;
    let layer = VerifyLayer::new(timed.clone(), keys()?)?.with_replay_guard(guard.clone())?;
    send_orders(layer, timed).await?;

    let layer = VerifyLayer::new(FlaskHmac::new(), keys()?)?
        .dangerous_replay_by_tag(Duration::from_secs(600))
        .with_replay_guard(guard.clone())?;
    send_orders(layer, FlaskHmac::new()).await?;

    // Monitor this number: a full guard forgets nothing, and answers 503.
    println!("{} of {} entries, {} rejected", guard.len(), guard.capacity(), guard.full_count());
    Ok(())
}

/// Sends the first order twice, and then the second.
async fn send_orders(layer: VerifyLayer, scheme: impl Scheme) -> Result<(), BoxError> {
    println!("{}", scheme.name());
    let app: Router = Router::new().route("/orders", post(|| async { "taken" })).layer(layer);
    let signer = Signer::new(scheme, SecretKey::new("s3cr3tk3y")?);
    let first = signer.sign(Request::post("/orders").body(r#"{"order": 1}"#)?)?;
    let second = signer.sign(Request::post("/orders").body(r#"{"order": 2}"#)?)?;
    for (request, expected) in
        [(first.clone(), StatusCode::OK), (first, StatusCode::FORBIDDEN), (second, StatusCode::OK)]
    {
        let body = *request.body();
        let status = app.clone().oneshot(request.map(Body::from)).await?.status();
        println!("  {body}: {status}");
        assert_eq!(status, expected);
    }
    Ok(())
}
