//! A key for each day and service, derived from the long-lived one, as in AWS Signature Version 4:
//! the signing key is itself an HMAC.

use http::request::Parts;
use http::{HeaderName, Request};
use tower_hmac::clock::ManualClock;
use tower_hmac::crypto::{Mac, Tag};
use tower_hmac::scheme::{Claim, ClaimError, Encoding};
use tower_hmac::scheme::{SignedText, Stamp, Window, wire};
use tower_hmac::{Algorithm, KeyMap, Scheme, SecretKey, SignError, Signer, Verifier};

const TIME: HeaderName = HeaderName::from_static("x-time");
static HEADERS: [HeaderName; 1] = [HeaderName::from_static("x-signature")];

#[derive(Clone)]
struct Scoped(&'static str);

impl Scheme for Scoped {
    fn name(&self) -> &str {
        "scoped"
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::Sha256
    }

    fn headers(&self) -> &[HeaderName] {
        &HEADERS
    }

    fn window(&self) -> Window {
        Window::timed()
    }

    fn key_mac(&self, key: &SecretKey, claim: &Claim) -> Mac {
        let time = wire::to_rfc3339(claim.created().unwrap_or_default()).unwrap_or_default();
        let mut of_day = Mac::new(self.algorithm(), key);
        of_day.update(time.get(..10).unwrap_or_default().as_bytes());
        let mut of_service = Mac::new(self.algorithm(), &of_day.into_key());
        of_service.update(self.0.as_bytes());
        Mac::new(self.algorithm(), &of_service.into_key())
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        let text = wire::text(&HEADERS[0], wire::single(head, &HEADERS[0])?)?;
        let tag = Encoding::Hex.decode_tag(text, self.algorithm());
        let tag = tag.ok_or(ClaimError::in_header(&HEADERS[0], "is no tag"))?;
        let time = wire::rfc3339(wire::text(&TIME, wire::required(head, &TIME)?)?);
        let time = time.ok_or(ClaimError::in_header(&TIME, "is no time"))?;
        Ok(Claim::signed(tag).with_created(time))
    }

    fn before_body(
        &self,
        head: &Parts,
        _: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        text.update(wire::required(head, &TIME)?.as_bytes());
        text.update(b"\n");
        Ok(())
    }

    fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        let time = wire::to_rfc3339(stamp.now()).ok_or(SignError::Request("no such time"))?;
        head.headers.insert(TIME, wire::value(&TIME, &time)?);
        Ok(Claim::new().with_created(stamp.now()))
    }

    fn attach(&self, head: &mut Parts, _: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        let text = Encoding::Hex.encode(wire::only_tag(tags)?.as_bytes());
        head.headers.insert(HEADERS[0].clone(), wire::sensitive(&HEADERS[0], &text)?);
        Ok(())
    }
}

const NOW: i64 = 1_700_000_000;

fn key() -> SecretKey {
    SecretKey::new("a key of the tests").unwrap()
}

/// The tag was computed with Python's `hmac`, in the same steps.
#[tokio::test]
async fn a_key_of_another_service_verifies_nothing() {
    let signer = Signer::new(Scoped("orders"), key()).with_clock(ManualClock::new(NOW));
    let signed = signer.sign(Request::post("/").body("{}").unwrap()).unwrap();
    let tag = "0ee8fd5c3ad84abc6b3b88d72e40643857146ab02fea76ae7f6da752ca5811cc";
    assert_eq!(signed.headers()[&HEADERS[0]], tag);
    let (head, body) = signed.into_parts();
    let verifier = |service| {
        Verifier::new(Scoped(service), KeyMap::single(key()).unwrap())
            .unwrap()
            .with_clock(ManualClock::new(NOW))
    };
    assert!(verifier("orders").verify(&head, body.as_bytes()).await.is_ok());
    assert!(verifier("billing").verify(&head, body.as_bytes()).await.is_err());
}
