//! How do I verify a request without the layer, like Flask-HMAC's `validate_signature`?
//!
//! For messages that do not arrive through HTTP routing: from a queue, in a test, in a proxy.

use http::Request;
use tower_hmac::{BoxError, ErrorKind, FlaskHmac, KeyMap, Verifier};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let keys = KeyMap::named([("aservice", "akey")])?;
    let verifier = Verifier::new(FlaskHmac::new(), keys)?;

    // This was made with: printf %s "aservice:$(printf %s '{"foo": "boo"}' |
    //   openssl dgst -sha256 -hmac akey -binary | openssl base64 -A)" | openssl base64 -A
    let signature = "YXNlcnZpY2U6Q3JJcFhCS0NiNjNNK0lsa0h0TmpmQWVHK3JWR3owNXpHVzhtV2VxZHdaUT0=";
    let (head, ()) = Request::post("/").header("Signature", signature).body(())?.into_parts();

    let verified = verifier.verify(&head, br#"{"foo": "boo"}"#).await?;
    println!("accepted: {:?} by {}", verified.key_id(), verified.scheme());
    assert_eq!(verified.key_id().map(tower_hmac::KeyId::as_str), Some("aservice"));

    let Err(error) = verifier.verify(&head, br#"{"foo": "bad"}"#).await else {
        return Err("a changed body was accepted".into());
    };
    println!("rejected: {error}");
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    Ok(())
}
