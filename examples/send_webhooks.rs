//! How do I send Standard Webhooks with two secrets during a rotation?
//!
//!     cargo run --all-features --example send_webhooks

use http::Request;
use tower_hmac::webhooks::{StandardWebhooks, message_id};
use tower_hmac::{BoxError, KeyMap, SecretKey, Signer, Verifier};

const NEW: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OLD: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let signer = Signer::new(StandardWebhooks::new(), SecretKey::from_whsec(NEW)?)
        .add_key(SecretKey::from_whsec(OLD)?)?;

    let body = r#"{"type": "user.created", "data": {"id": 7}}"#;
    let mut message = Request::post("https://example.com/hook").body(body)?;
    message_id(message.headers_mut());

    // The second attempt has a new time and new signatures, but the same ID.
    for attempt in 1..=2 {
        let (head, body) = signer.sign(message.clone())?.into_parts();
        println!("attempt {attempt}: {:?}", head.headers["webhook-id"]);
        assert_eq!(head.headers["webhook-id"], message.headers()["webhook-id"]);
        // A receiver verifies with whichever secret it has.
        for secret in [NEW, OLD] {
            let keys = KeyMap::single(SecretKey::from_whsec(secret)?)?;
            let receiver = Verifier::new(StandardWebhooks::new(), keys)?;
            receiver.verify(&head, body.as_bytes()).await?;
        }
    }
    Ok(())
}
