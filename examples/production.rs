//! Which other layers does a production service need?
//!
//!     cargo run --example production --features reload
//!
//! A deadline for the whole request, a limit for bodies that stall, a body limit, replay
//! protection, and keys that can be replaced while requests are served.
//!
//! A client with a key can start a request and send its body as slowly as the server allows. A
//! request is verified with the keys that were in use when its head arrived. So the deadline is
//! also the longest time for which a replaced key is still accepted.

use std::time::Duration;

use axum::body::Body;
use axum::{Router, routing::post};
use futures_util::stream::{self, StreamExt as _};
use http::{Request, StatusCode};
use tokio::time::{Instant, sleep};
use tower::ServiceExt as _;
use tower_hmac::key::SharedKeys;
use tower_hmac::scheme::{Part, TimeFormat};
use tower_hmac::{
    BoxError, HeaderScheme, KeyMap, MemoryReplay, SecretKey, Signer, Verified, VerifyLayer,
};
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};
use tower_http::trace::TraceLayer;

/// The time from the head of a request to its response: body, verification and handler.
const DEADLINE: Duration = Duration::from_secs(30);
/// The maximum pause between two pieces of a body. Not enough on its own: a body with one byte
/// every 9 s never ends.
const IDLE: Duration = Duration::from_secs(10);
const BODY_LIMIT: usize = 1 << 20;

fn app(keys: SharedKeys) -> Result<Router, BoxError> {
    let verify = VerifyLayer::new(scheme()?, keys)?
        .with_body_limit(BODY_LIMIT)
        .with_tolerance(Duration::from_secs(300), Duration::from_secs(60))
        // There must be room for all requests in the six minutes for which one may be accepted.
        .with_replay_guard(MemoryReplay::new(100 * 360)?)?;
    Ok(Router::new()
        .route("/orders", post(async |caller: Verified| format!("{:?}", caller.key_id())))
        // The layer added last is the outermost.
        .layer(verify)
        .layer(RequestBodyTimeoutLayer::new(IDLE))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, DEADLINE))
        .layer(TraceLayer::new_for_http()))
}

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

/// Checks the limits on a paused clock, so that this takes no time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    tokio::time::pause();
    let keys = || SharedKeys::new(KeyMap::named([("shop", "the old key")])?);

    // The request starts with the old key, which is replaced after 10 s, and ends after 21 s:
    // accepted.
    let shared = keys()?;
    let app = app(shared.clone())?;
    let replaced = async {
        sleep(Duration::from_secs(10)).await;
        shared.replace(KeyMap::named([("shop", "the new key")])?)
    };
    let (finished, replaced) =
        tokio::join!(send(&app, "the old key", "in time", Duration::from_secs(3)), replaced);
    replaced?;
    assert_eq!(finished?, (StatusCode::OK, 21));
    // Requests that start after the replacement are rejected.
    let after = send(&app, "the old key", "after", Duration::ZERO).await?;
    assert_eq!(after.0, StatusCode::FORBIDDEN);

    // The deadline ends a body that never stalls and never ends.
    let slow = send(&app, "the new key", "a long body, byte by byte", IDLE / 2).await?;
    println!("a slow body: {} after {} s", slow.0, slow.1);
    assert_eq!(slow, (StatusCode::REQUEST_TIMEOUT, DEADLINE.as_secs()));

    // A body that stalls is ended sooner.
    let stalled = send(&app, "the new key", "stalled", IDLE * 2).await?;
    println!("a stalled body: {} after {} s", stalled.0, stalled.1);
    assert_eq!(stalled, (StatusCode::BAD_REQUEST, IDLE.as_secs()));
    Ok(())
}

/// Sends a signed request byte by byte, with a pause before each. Returns the status and the
/// duration in seconds.
async fn send(
    app: &Router,
    key: &str,
    body: &'static str,
    pause: Duration,
) -> Result<(StatusCode, u64), BoxError> {
    let signer = Signer::new(scheme()?, SecretKey::new(key)?).with_key_id("shop")?;
    let signed = signer.sign(Request::post("/orders").body(body)?)?;
    let bytes = stream::iter(body.as_bytes().chunks(1)).then(move |byte| async move {
        sleep(pause).await;
        Ok::<_, BoxError>(byte)
    });
    let start = Instant::now();
    let response = app.clone().oneshot(signed.map(|_| Body::from_stream(bytes))).await?;
    Ok((response.status(), start.elapsed().as_secs()))
}
