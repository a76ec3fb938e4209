//! How do I verify a webhook whose scheme this crate does not know?
//!
//! Describe it in parts. Here: `X-Signature: v1=<base64>` over `<X-Event-Id>.<X-Timestamp>.<body>`.
//!
//!     cargo run --example header_format

use http::Request;
use tower_hmac::clock::ManualClock;
use tower_hmac::scheme::{Encoding, Part, TimeFormat};
use tower_hmac::{BoxError, ErrorKind, HeaderScheme, KeyMap, SecretKey, Signer, Verifier};

fn webhook() -> Result<HeaderScheme, tower_hmac::ConfigError> {
    HeaderScheme::new("X-Signature")?
        .with_name("webhook")
        .with_prefix("v1=")?
        .with_encoding(Encoding::Base64)
        .with_parts([
            Part::header("X-Event-Id")?,
            Part::literal("."),
            Part::timestamp("X-Timestamp", TimeFormat::UnixSeconds)?,
            Part::literal("."),
            Part::Body,
        ])
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    // The clock is fixed, so that the example can use old requests.
    let clock = ManualClock::new(1_700_000_000);
    let key = || SecretKey::new("what the sender and we share");
    let verifier = Verifier::new(webhook()?, KeyMap::single(key()?)?)?.with_clock(clock.clone());

    // The sender uses the same scheme.
    let sender = Signer::new(webhook()?, key()?).with_clock(clock.clone());
    let event = Request::post("/hook").header("X-Event-Id", "evt_1").body("paid")?;
    let (head, body) = sender.sign(event)?.into_parts();

    let verified = verifier.verify(&head, body.as_bytes()).await?;
    assert_eq!(verified.scheme(), "webhook");
    assert_eq!(verified.created(), Some(1_700_000_000));
    let signed: Vec<_> = verified.signed_headers().map(|(name, _)| name.as_str()).collect();
    assert_eq!(signed, ["x-event-id", "x-timestamp"]);

    // Any other body, ID or time is rejected.
    let kind = |outcome: Result<_, tower_hmac::VerifyError>| outcome.map(drop).unwrap_err().kind();
    assert_eq!(kind(verifier.verify(&head, b"unpaid").await), ErrorKind::Mismatch);
    let mut other = head.clone();
    other.headers.insert("X-Event-Id", "evt_2".parse()?);
    assert_eq!(kind(verifier.verify(&other, body.as_bytes()).await), ErrorKind::Mismatch);
    clock.advance(301);
    assert_eq!(kind(verifier.verify(&head, body.as_bytes()).await), ErrorKind::Stale);

    // Parts that could run into each other are rejected while building.
    assert!(HeaderScheme::new("X-Signature")?.with_parts([Part::Path, Part::Body]).is_err());
    println!("the webhook is verified; changed and old ones are rejected");
    Ok(())
}
