//! A scheme with everything that a client must renew for each attempt: a time, a nonce, and a
//! signing string over method, target and body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use tower_hmac::crypto::Tag;
use tower_hmac::scheme::{Claim, ClaimError, Encoding, SignedText, Stamp, Window};
use tower_hmac::{Algorithm, KeyId, Scheme, SignError};

/// `X-Timed: <key id or nothing>:<created>:<nonce in base64>:<tag in base64>`
#[derive(Clone, Debug)]
pub struct Timed([HeaderName; 1]);

pub const HEADER: &str = "x-timed";

impl Timed {
    pub fn new() -> Self {
        Self([HeaderName::from_static(HEADER)])
    }
}

impl Scheme for Timed {
    fn name(&self) -> &str {
        "timed"
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::Sha256
    }

    fn headers(&self) -> &[HeaderName] {
        &self.0
    }

    fn window(&self) -> Window {
        Window::timed()
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        let value = head.headers.get(HEADER).ok_or(ClaimError::Missing)?;
        let claim = || {
            let mut fields = value.to_str().ok()?.split(':');
            let key_id = fields.next().and_then(|name| KeyId::new(name).ok());
            let created = fields.next()?.parse().ok()?;
            let nonce = STANDARD.decode(fields.next()?).ok()?;
            let tag = Encoding::Base64.decode_tag(fields.next()?, self.algorithm())?;
            let claim = Claim::signed(tag).with_key_id(key_id);
            Some(claim.with_created(created).with_nonce(&nonce))
        };
        claim().ok_or(ClaimError::malformed("is no timed signature"))
    }

    fn before_body(
        &self,
        head: &Parts,
        claim: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        let created = claim.created().unwrap_or_default();
        text.update(format!("{} {target}\n{created}\n", head.method).as_bytes());
        text.update(claim.nonce().unwrap_or_default());
        Ok(())
    }

    fn stamp(&self, _: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        let key_id = stamp.key_id().cloned();
        if key_id.as_ref().is_some_and(|id| id.as_str().contains(':')) {
            return Err(SignError::KeyId("a colon divides the fields"));
        }
        let claim = Claim::new().with_key_id(key_id);
        Ok(claim.with_created(stamp.now()).with_nonce(stamp.nonce()))
    }

    fn attach(&self, head: &mut Parts, claim: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        let value = format!(
            "{}:{}:{}:{}",
            claim.key_id().map_or("", KeyId::as_str),
            claim.created().unwrap_or_default(),
            STANDARD.encode(claim.nonce().unwrap_or_default()),
            STANDARD.encode(tags[0].as_bytes()),
        );
        // The value is not marked as sensitive here: the signer does that for every scheme.
        let value =
            HeaderValue::from_str(&value).map_err(|_| SignError::Request("no header value"))?;
        head.headers.insert(HEADER, value);
        Ok(())
    }
}

/// Claims each key once, and never forgets.
#[derive(Clone, Default)]
pub struct Once(std::sync::Arc<std::sync::Mutex<std::collections::HashSet<[u8; 32]>>>);

impl tower_hmac::replay::ReplayGuard for Once {
    fn claim(
        &self,
        request: &tower_hmac::replay::ReplayRequest<'_>,
    ) -> tower_hmac::replay::ReplayClaim {
        use tower_hmac::replay::{Replay, ReplayClaim};
        let first = self.0.lock().unwrap().insert(*request.key().as_bytes());
        ReplayClaim::ready(Ok(if first { Replay::Claimed } else { Replay::Seen }))
    }
}
