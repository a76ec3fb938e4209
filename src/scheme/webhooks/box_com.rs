//! Box: two headers for two keys.

use http::HeaderName;
use http::request::Parts;

use crate::crypto::{Algorithm, Tag};
use crate::scheme::webhooks::one_tag::without_key_id;
use crate::scheme::{
    Claim, ClaimError, Encoding, Scheme, SignError, SignedText, Stamp, TimeFormat, Window, shape,
    wire,
};

static SIGNATURES: [HeaderName; 2] = [
    HeaderName::from_static("box-signature-primary"),
    HeaderName::from_static("box-signature-secondary"),
];
const TIMESTAMP: HeaderName = HeaderName::from_static("box-delivery-timestamp");
const TOLERANCE: u64 = 600;

/// Box: `BOX-SIGNATURE-PRIMARY` and `BOX-SIGNATURE-SECONDARY: <base64>` over the body and
/// `BOX-DELIVERY-TIMESTAMP` ([Box]). The tolerance is 600 s.
///
/// **Covered:** the body and the time (RFC 3339). **Not covered:** the rest of the head, including
/// `BOX-DELIVERY-ID`. Either signature is enough: put both keys into a [`KeySet`](crate::KeySet).
///
/// [Box]: https://developer.box.com/guides/webhooks/v2/signatures-v2/
#[must_use]
pub fn r#box() -> BoxWebhooks {
    BoxWebhooks(())
}

/// The scheme of [`box`](fn@box).
#[derive(Clone, Debug)]
pub struct BoxWebhooks(());

impl BoxWebhooks {
    fn created(head: &Parts) -> Result<(&str, i64), ClaimError> {
        let text = wire::text(&TIMESTAMP, wire::required(head, &TIMESTAMP)?)?;
        let created = wire::rfc3339(text);
        let expected = TimeFormat::Rfc3339.expected();
        Ok((text, created.ok_or_else(|| shape::no_time(Some(&TIMESTAMP), expected, text))?))
    }
}

impl Scheme for BoxWebhooks {
    fn name(&self) -> &'static str {
        "box"
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::Sha256
    }

    fn headers(&self) -> &[HeaderName] {
        &SIGNATURES
    }

    fn max_tags(&self) -> usize {
        SIGNATURES.len()
    }

    fn window(&self) -> Window {
        Window::timed().with_tolerance(TOLERANCE, TOLERANCE)
    }

    fn carries_key_id(&self) -> bool {
        false
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        let mut claim = Claim::new();
        for name in &SIGNATURES {
            let value = match wire::single(head, name) {
                Err(ClaimError::Missing) => continue,
                value => value?,
            };
            let text = wire::text(name, value)?;
            let tag = Encoding::Base64.decode_tag(text, Algorithm::Sha256);
            let no_tag = || shape::no_tag(Some(name), Encoding::Base64, Algorithm::Sha256, text);
            claim = claim.add_tag(tag.ok_or_else(no_tag)?)?;
        }
        if claim.tags().next().is_none() {
            return Err(ClaimError::Missing);
        }
        Ok(claim.with_created(Self::created(head)?.1))
    }

    fn before_body(&self, _: &Parts, _: &Claim, _: &mut SignedText) -> Result<(), ClaimError> {
        Ok(())
    }

    fn after_body(&self, head: &Parts, _: &Claim, text: &mut SignedText) -> Result<(), ClaimError> {
        text.part("time").update(Self::created(head)?.0.as_bytes());
        Ok(())
    }

    fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        without_key_id(stamp)?;
        let time = wire::to_rfc3339(stamp.now());
        let time = time.ok_or(SignError::Request("the time is not in the years 0 to 9999"))?;
        head.headers.insert(TIMESTAMP, wire::value(&TIMESTAMP, &time)?);
        Ok(Claim::new().with_created(stamp.now()))
    }

    fn attach(&self, head: &mut Parts, _: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        for (name, tag) in SIGNATURES.iter().zip(tags) {
            let text = Encoding::Base64.encode(tag.as_bytes());
            head.headers.insert(name, wire::sensitive(name, &text)?);
        }
        Ok(())
    }
}
