//! A test scheme with a time and a nonce that counts the MACs it starts.
//!
//! `x-stamped: name,created,nonce,tag`; the tag covers the time, the nonce and the body.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::request::Parts;
use http::{HeaderName, HeaderValue, Request};
use tower_hmac::clock::ManualClock;
use tower_hmac::crypto::{Mac, Tag};
use tower_hmac::scheme::Claim;
use tower_hmac::scheme::{ClaimError, Encoding, Stamp, Window};
use tower_hmac::{Algorithm, KeyId, Scheme, SecretKey, SignError, Signer};

pub const NOW: i64 = 1_700_000_000;

#[derive(Clone, Debug)]
pub struct Stamped {
    headers: [HeaderName; 1],
    macs: Arc<AtomicUsize>,
}

impl Stamped {
    pub fn new() -> Self {
        Self { headers: [HeaderName::from_static("x-stamped")], macs: Arc::default() }
    }

    /// Returns the number of MACs started since the last call.
    pub fn take_macs(&self) -> usize {
        self.macs.swap(0, Ordering::SeqCst)
    }
}

impl Scheme for Stamped {
    fn name(&self) -> &'static str {
        "stamped"
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::Sha256
    }

    fn headers(&self) -> &[HeaderName] {
        &self.headers
    }

    fn window(&self) -> Window {
        Window::timed()
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        let [name] = &self.headers;
        let malformed = || ClaimError::in_header(name, "is not name,created,nonce,tag");
        let value = head.headers.get(name).ok_or(ClaimError::Missing)?;
        let value = value.to_str().map_err(|_| malformed())?;
        let [id, created, nonce, tag] =
            value.split(',').collect::<Vec<_>>().try_into().map_err(|_| malformed())?;
        let tag = Encoding::Base64.decode_tag(tag, Algorithm::Sha256).ok_or_else(malformed)?;
        Ok(Claim::signed(tag)
            .with_key_id(KeyId::new(id).ok())
            .with_created(created.parse().map_err(|_| malformed())?)
            .with_nonce(nonce.as_bytes()))
    }

    fn before_body(
        &self,
        _: &Parts,
        claim: &Claim,
        text: &mut tower_hmac::scheme::SignedText,
    ) -> Result<(), ClaimError> {
        assert_eq!(format!("{text:?}"), "SignedText(..)");
        text.update(claim.created().unwrap_or_default().to_string().as_bytes());
        text.update(b"\n");
        text.update(claim.nonce().unwrap_or_default());
        text.update(b"\n");
        Ok(())
    }

    fn key_mac(&self, key: &SecretKey, _: &Claim) -> Mac {
        self.macs.fetch_add(1, Ordering::SeqCst);
        Mac::new(Algorithm::Sha256, key)
    }

    fn stamp(&self, _: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        assert!(format!("{stamp:?}").starts_with("Stamp { key_id: "));
        let nonce = base16ct::lower::encode_string(stamp.nonce());
        Ok(Claim::new()
            .with_key_id(stamp.key_id().cloned())
            .with_created(stamp.now())
            .with_nonce(nonce.as_bytes()))
    }

    fn attach(&self, head: &mut Parts, claim: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        let [name] = &self.headers;
        let value = format!(
            "{},{},{},{}",
            claim.key_id().map_or("", KeyId::as_str),
            claim.created().unwrap_or_default(),
            std::str::from_utf8(claim.nonce().unwrap_or_default()).unwrap(),
            Encoding::Base64.encode(tags[0].as_bytes()),
        );
        head.headers.insert(name.clone(), HeaderValue::from_str(&value).unwrap());
        Ok(())
    }
}

/// Makes a signer with a clock, and a random nonce for each request.
pub fn signer(name: &str, key: &str, clock: &ManualClock) -> Signer<Stamped> {
    let signer =
        Signer::new(Stamped::new(), SecretKey::new(key).unwrap()).with_clock(clock.clone());
    if name.is_empty() { signer } else { signer.with_key_id(name).unwrap() }
}

/// Returns the head of a signed request for this body.
pub fn head(signer: &Signer<Stamped>, body: &[u8]) -> Parts {
    let (mut head, ()) = Request::post("/").body(()).unwrap().into_parts();
    signer.sign_head(&mut head, body).unwrap();
    head
}
