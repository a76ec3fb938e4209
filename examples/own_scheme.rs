//! How do I verify a scheme that cannot be composed of parts?
//!
//! Implement `Scheme`. Here: `Authorization: Acme id="..", ts="..", nonce="..", tag=".."`, signed over
//! id, time, nonce, method, target and body. `scheme::wire` reads and writes headers strictly; comparing
//! tags, reading the clock and looking up keys is the verifier's work.
//!
//!     cargo run --example own_scheme

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderName, Request};
use tower_hmac::clock::ManualClock;
use tower_hmac::crypto::Tag;
use tower_hmac::scheme::{Claim, ClaimError, Encoding, SignedText, Stamp, Window, wire};
use tower_hmac::{
    Algorithm, BoxError, ErrorKind, KeyId, KeyMap, MemoryReplay, Scheme, SecretKey, SignError,
    Signer, Verifier,
};

struct Acme;

static OWNED: [HeaderName; 1] = [AUTHORIZATION];

/// The nonce as it was sent; it is signed as text.
struct Nonce(String);

impl Scheme for Acme {
    fn name(&self) -> &'static str {
        "acme"
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::Sha256
    }

    fn headers(&self) -> &[HeaderName] {
        &OWNED
    }

    fn window(&self) -> Window {
        Window::timed()
    }

    /// Reads the claim. Nothing in it is proven yet.
    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        let malformed = |why| ClaimError::in_header(&AUTHORIZATION, why);
        let text = wire::credentials(head, &AUTHORIZATION, "Acme")?;
        let params = wire::auth_params(&AUTHORIZATION, text)?;
        if params.names().any(|name| !["id", "ts", "nonce", "tag"].contains(&name)) {
            return Err(malformed("has an unknown parameter"));
        }
        let param = |name| params.get(name).ok_or(malformed("lacks a parameter"));
        let tag = Encoding::Hex.decode_tag(param("tag")?, Algorithm::Sha256);
        let time = wire::unix_seconds(param("ts")?);
        let id = KeyId::new(param("id")?).map_err(|_| malformed("has an empty `id`"))?;
        let nonce = param("nonce")?;
        Ok(Claim::signed(tag.ok_or(malformed("has a `tag` that is not a tag"))?)
            .with_key_id(id)
            .with_created(time.ok_or(malformed("has a `ts` that is not a time"))?)
            .with_nonce(nonce.as_bytes())
            .with_memo(Nonce(nonce.to_owned())))
    }

    /// Writes one line per part. No value can contain a newline, so no two requests share a text.
    fn before_body(
        &self,
        head: &Parts,
        claim: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        let lost = || ClaimError::malformed("lacks a part");
        let id = claim.key_id().ok_or_else(lost)?.as_str();
        let time = claim.created().ok_or_else(lost)?;
        let Nonce(nonce) = claim.memo().ok_or_else(lost)?;
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        let lines = format!("{id}\n{time}\n{nonce}\n{}\n{target}\n", head.method);
        text.update(lines.as_bytes());
        Ok(())
    }

    fn stamp(&self, _: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        let id = stamp.key_id().ok_or(SignError::KeyId("is required"))?;
        let nonce = Encoding::Base64UrlNoPad.encode(stamp.nonce());
        Ok(Claim::new().with_key_id(id.clone()).with_created(stamp.now()).with_memo(Nonce(nonce)))
    }

    fn attach(&self, head: &mut Parts, claim: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        let lost = || SignError::Request("is not a claim of this scheme");
        let id = claim.key_id().and_then(|id| wire::quoted(id.as_str()));
        let id = id.ok_or(SignError::KeyId("cannot be quoted"))?;
        let time = claim.created().ok_or_else(lost)?;
        let Nonce(nonce) = claim.memo().ok_or_else(lost)?;
        let tag = Encoding::Hex.encode(wire::only_tag(tags)?.as_bytes());
        let text = format!(r#"Acme id={id}, ts="{time}", nonce="{nonce}", tag="{tag}""#);
        head.headers.insert(AUTHORIZATION, wire::sensitive(&AUTHORIZATION, &text)?);
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let clock = ManualClock::new(1_700_000_000);
    let key = || SecretKey::new("akey");
    let verifier = Verifier::new(Acme, KeyMap::named([("shop", key()?)])?)?
        .with_clock(clock.clone())
        .with_replay_guard(MemoryReplay::new(1000)?)?;
    let signer = Signer::new(Acme, key()?).with_key_id("shop")?.with_clock(clock.clone());

    // Computed by openssl over the six lines above, so that our own signer is not the only judge:
    // printf 'shop\n1700000000\nn1\nPOST\n/orders?draft=1\n{}' | openssl dgst -sha256 -hmac akey
    let tag = "957908e0ce0c094024d42a987e4422987e6f6b0e3b6aa476950ddf1737ac753f";
    let captured = format!(r#"Acme id="shop", ts="1700000000", nonce="n1", tag="{tag}""#);
    let other = Request::post("/orders?draft=1").header(AUTHORIZATION, captured).body("{}")?;
    let (head, body) = other.into_parts();
    println!("{:?}", verifier.verify(&head, body.as_bytes()).await?.key_id());

    let (head, body) = signer.sign(Request::post("/orders").body("{}")?)?.into_parts();
    verifier.verify(&head, body.as_bytes()).await?;
    let replayed = verifier.verify(&head, body.as_bytes()).await.unwrap_err();
    assert_eq!(replayed.kind(), ErrorKind::Replayed);

    let (mut head, body) = signer.sign(Request::post("/orders").body("{}")?)?.into_parts();
    head.uri = "/refunds".parse()?;
    let changed = verifier.verify(&head, body.as_bytes()).await.unwrap_err();
    assert_eq!(changed.kind(), ErrorKind::Mismatch);

    let (head, body) = signer.sign(Request::post("/orders").body("{}")?)?.into_parts();
    clock.advance(301);
    let late = verifier.verify(&head, body.as_bytes()).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Stale);
    Ok(())
}
