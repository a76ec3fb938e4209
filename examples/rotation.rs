//! How to change a key without refusing anybody, and how to see when the old one is idle.
//!
//!     cargo run --example rotation
//!
//! 1. The server takes the new key beside the old one, with a day on which the old one ends.
//! 2. The clients change over, one by one.
//! 3. The labels in the log show who still signs with the old key. Then it is taken out.
//!
//! Newest first, at most 8 keys a name. Every request costs as many MACs as the largest set has
//! keys, so that nobody can count them from outside: take old keys out.

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
    // A service leaves the clock out, and has the system's.
    let clock = ManualClock::new(LAST_SECOND);
    let layer = VerifyLayer::new(FlaskHmac::new(), KeyMap::named([("aservice", keys)])?)?
        .with_clock(clock.clone());
    let app: Router = Router::new()
        .route(
            "/",
            post(|caller: Verified| async move {
                // A label is public: count it, and the old key is idle when its count stands still.
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
    println!("one second later the old key is refused");
    Ok(())
}
