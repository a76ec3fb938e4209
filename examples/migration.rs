//! How does a fleet migrate from one scheme to another without downtime?
//!
//! From Flask-HMAC's scheme to one that covers method, path, query and time. The guide is
//! `docs/migration.md`.
//!
//!     cargo run --example migration

use std::collections::BTreeMap;

use http::Request;
use http::request::Parts;
use tower_hmac::scheme::{Part, TimeFormat};
use tower_hmac::{
    BoxError, ConfigError, FlaskHmac, HeaderScheme, KeyMap, Scheme, SecretKey, Signer, Verifier,
};

const BODY: &[u8] = br#"{"amount": 7}"#;

fn old() -> FlaskHmac {
    FlaskHmac::new()
}

fn new() -> Result<HeaderScheme, ConfigError> {
    let line = || Part::literal("\n");
    HeaderScheme::new("X-Signature")?
        .with_name("orders-v2")
        .with_key_id_header("X-Key-Id")?
        .with_parts([
            Part::timestamp("X-Timestamp", TimeFormat::UnixSeconds)?,
            line(),
            Part::Method,
            line(),
            Part::Path,
            line(),
            Part::Query,
            line(),
            Part::Body,
        ])
}

/// Each scheme has its own keys: a key for both would be as weak as the weaker scheme.
fn old_keys() -> Result<KeyMap, ConfigError> {
    KeyMap::named([("shop", "old key of shop"), ("depot", "old key of depot")])
}

fn new_keys() -> Result<KeyMap, ConfigError> {
    KeyMap::named([("shop", "new key of shop"), ("depot", "new key of depot")])
}

fn client(scheme: impl Scheme, name: &str, key: String) -> Result<Parts, BoxError> {
    let signer = Signer::new(scheme, SecretKey::new(key)?).with_key_id(name)?;
    let (head, _) = signer.sign(Request::post("/orders?urgent=1").body(BODY)?)?.into_parts();
    Ok(head)
}

fn old_client(name: &str) -> Result<Parts, BoxError> {
    client(old(), name, format!("old key of {name}"))
}

fn new_client(name: &str) -> Result<Parts, BoxError> {
    client(new()?, name, format!("new key of {name}"))
}

/// Serves all requests, and counts the callers that used each scheme. In production, use a metric.
async fn serve(
    server: &Verifier,
    requests: &[Parts],
) -> Result<BTreeMap<String, usize>, tower_hmac::VerifyError> {
    let mut schemes = BTreeMap::new();
    for head in requests {
        let verified = server.verify(head, BODY).await?;
        println!("  {} by {:?}", verified.scheme(), verified.key_id());
        *schemes.entry(verified.scheme().to_owned()).or_default() += 1;
    }
    Ok(schemes)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    println!("1. before: everybody signs in the old scheme");
    let server = Verifier::new(old(), old_keys()?)?;
    let fleet = [old_client("shop")?, old_client("depot")?];
    assert_eq!(serve(&server, &fleet).await?, [("flask-hmac".to_owned(), 2)].into());

    println!("2. servers first: they accept either scheme, and nothing changes for clients");
    let server = Verifier::new(old(), old_keys()?)?.or(new()?, new_keys()?)?;
    assert_eq!(serve(&server, &fleet).await?, [("flask-hmac".to_owned(), 2)].into());

    println!("3. clients next, one by one");
    let fleet = [new_client("shop")?, old_client("depot")?];
    assert_eq!(
        serve(&server, &fleet).await?,
        [("flask-hmac".to_owned(), 1), ("orders-v2".to_owned(), 1)].into()
    );

    // A request signed with both is rejected: it would be as weak as the weaker scheme.
    let mut both = old_client("shop")?;
    both.headers.extend(new_client("shop")?.headers);
    assert!(server.verify(&both, BODY).await.is_err());

    println!("4. nobody signs in the old scheme any more: remove it");
    let fleet = [new_client("shop")?, new_client("depot")?];
    assert_eq!(serve(&server, &fleet).await?, [("orders-v2".to_owned(), 2)].into());
    let server = Verifier::new(new()?, new_keys()?)?;
    assert_eq!(serve(&server, &fleet).await?, [("orders-v2".to_owned(), 2)].into());
    assert!(server.verify(&old_client("shop")?, BODY).await.is_err());
    Ok(())
}
