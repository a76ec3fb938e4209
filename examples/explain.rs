//! Why is my request refused?
//!
//! A client signs in a way that is nearly right. The server's developer asks the verifier what is
//! wrong. The answer is for the developer: clients only ever see the refusal.
//!
//!     cargo run --example explain

use http::Request;
use tower_hmac::{BoxError, FlaskHmac, KeyMap, SecretKey, Signer, Verifier};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let keys = KeyMap::named([("aservice", "akey"), ("bservice", "bkey")])?;
    let verifier = Verifier::new(FlaskHmac::new(), keys)?;

    let signer = Signer::new(FlaskHmac::new(), SecretKey::new("akey")?).with_key_id("aservice")?;
    let order = Request::post("/order").body(r#"{"order": 17}"#)?;
    let (head, body) = signer.sign(order)?.into_parts();

    println!("As it was signed:\n{}", verifier.explain(&head, body.as_bytes()).await);

    let with_newline = format!("{body}\n");
    let report = verifier.explain(&head, with_newline.as_bytes()).await;
    println!("With a newline that an editor put at the end of the file:\n{report}");

    let mixed_up =
        Signer::new(FlaskHmac::new(), SecretKey::new("bkey")?).with_key_id("aservice")?;
    let order = Request::post("/order").body(body)?;
    let (head, body) = mixed_up.sign(order)?.into_parts();
    let report = verifier.explain(&head, body.as_bytes()).await;
    println!("With the key of another service:\n{report}");
    Ok(())
}
