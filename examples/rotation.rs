//! How do I rotate a key without rejecting anybody, and see when the old key is unused?
//!
//!     cargo run --example rotation
//!
//! 1. The server accepts the new key together with the old one, which gets an expiry date.
//! 2. The clients switch, one by one.
//! 3. The labels in the log show who still signs with the old key. Then it is removed.
//!
//! Newest first, at most 8 keys per key ID. Every request costs as many MACs as the largest set has
//! keys, so that timing does not reveal the number of keys. Remove old keys.

use axum::{Router, body::Body, routing::post};
use http::{Request, StatusCode};
use tower::ServiceExt as _;
use tower_hmac::clock::ManualClock;
use tower_hmac::key::KeyEntry;
use tower_hmac::{BoxError, FlaskHmac, KeyMap, KeySet, SecretKey, Signer, Verified, VerifyLayer};

/// 2026-12-01T00:00:00Z.
const LAST_SECOND: i64 = 1_796_083_200;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let keys = KeySet::new([
        KeyEntry::new(SecretKey::new("the new key")?).with_label("2026-11"),
        KeyEntry::new(SecretKey::new("the old key")?)
            .with_label("2026-05")
            .with_not_after(LAST_SECOND),
    ])?;
    // Omit the clock in production. The default is the system's.
    let clock = ManualClock::new(LAST_SECOND);
    let layer = VerifyLayer::new(FlaskHmac::new(), KeyMap::named([("aservice", keys)])?)?
        .with_clock(clock.clone());
    let app: Router = Router::new()
        .route(
            "/",
            post(|caller: Verified| async move {
                // A label is public. Count it: the old key is unused when its count no longer
                // grows.
                println!("{:?} signed with key {:?}", caller.key_id(), caller.key_label());
            }),
        )
        .layer(layer);

    let send = async |key: &str| -> Result<StatusCode, BoxError> {
        let signer = Signer::new(FlaskHmac::new(), SecretKey::new(key)?).with_key_id("aservice")?;
        let request = signer.sign(Request::post("/").body("an order")?)?;
        Ok(app.clone().oneshot(request.map(Body::from)).await?.status())
    };
    assert_eq!(send("the new key").await?, StatusCode::OK);
    assert_eq!(send("the old key").await?, StatusCode::OK);
    clock.advance(1);
    assert_eq!(send("the new key").await?, StatusCode::OK);
    assert_eq!(send("the old key").await?, StatusCode::FORBIDDEN);
    println!("one second later the old key is rejected");
    Ok(())
}
