//! Twilio's signature over the URL and the parameters of a form.

use std::collections::BTreeSet;

use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderName, Uri};

use crate::crypto::Digest;
use crate::crypto::{Algorithm, Tag};
use crate::error::ConfigError;
use crate::scheme::tag_header::TagHeader;
use crate::scheme::webhooks::one_tag::without_key_id;
use crate::scheme::{
    Claim, ClaimError, Coverage, Encoding, PublicOrigin, Scheme, SignError, SignedText, Stamp, wire,
};

/// The query parameter that covers a body other than a form.
const BODY_DIGEST: &str = "bodySHA256";

/// Twilio: `X-Twilio-Signature: <base64>`, HMAC-SHA-1 over the URL and the sorted parameters of the
/// form. For any other body, over the URL alone, whose `bodySHA256` covers the body ([Twilio]).
///
/// Give the origin that Twilio calls, such as `https://example.com`, and the path prefix if a proxy
/// strips one. Give the port if Twilio signs one: some of its products sign
/// `https://example.com:443`, and Twilio's own libraries try both. Here, each origin is a separate
/// verifier.
///
/// **Covered:** the URL, and the names and values of a form or the digest of another body. **Not
/// covered:** the method, the headers and the time: a request can be replayed forever. Names and
/// values are signed without a delimiter: `{"a": "bc"}` has the same signature as `{"ab": "c"}`.
///
/// Webhook rules of Twilio can ask for HMAC-SHA-256 under another secret: those signatures are
/// rejected here.
///
/// [Twilio]: https://www.twilio.com/docs/usage/webhooks/webhooks-security
///
/// # Errors
///
/// Returns [`ConfigError`] if it is not an origin.
pub fn twilio(public_origin: &str) -> Result<Twilio, ConfigError> {
    let mut tags = TagHeader::base64("twilio", "x-twilio-signature");
    tags.algorithm = Algorithm::Sha1;
    Ok(Twilio { tags, origin: PublicOrigin::parse_with_port(public_origin)? })
}

/// The scheme of [`twilio`].
#[derive(Clone, Debug)]
pub struct Twilio {
    tags: TagHeader,
    origin: PublicOrigin,
}

impl Scheme for Twilio {
    fn name(&self) -> &str {
        &self.tags.scheme
    }

    fn algorithm(&self) -> Algorithm {
        self.tags.algorithm
    }

    fn headers(&self) -> &[HeaderName] {
        &self.tags.names
    }

    fn carries_key_id(&self) -> bool {
        false
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        self.tags.claim(head)
    }

    fn coverage(&self, head: &Parts, _: &Claim) -> Result<Coverage, ClaimError> {
        match (body_digest(&head.uri)?, is_form(head)) {
            (Some(digest), false) => Ok(Coverage::Digest(vec![digest.into()])),
            (Some(_), true) => Err(ClaimError::malformed("a form has a `bodySHA256`, too")),
            (None, true) => Ok(Coverage::Derived),
            (None, false) => Ok(Coverage::Empty),
        }
    }

    fn before_body(
        &self,
        head: &Parts,
        _: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        text.part("url").update(self.origin.uri(head).as_bytes());
        Ok(())
    }

    fn derive(
        &self,
        _: &Parts,
        _: &Claim,
        body: &[u8],
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        let form = std::str::from_utf8(body).map_err(|_| ClaimError::malformed("is no form"))?;
        // Sorted, without duplicates.
        let mut pairs = BTreeSet::new();
        for pair in wire::form_pairs(form) {
            pairs.insert(pair?);
        }
        for (name, value) in &pairs {
            text.update(name.as_bytes());
            text.update(value.as_bytes());
        }
        Ok(())
    }

    fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        without_key_id(stamp)?;
        if !is_form(head) && !stamp.body().is_empty() && body_digest(&head.uri)?.is_none() {
            let digest =
                Encoding::Hex.encode(Digest::of(Algorithm::Sha256, stamp.body()).as_bytes());
            let mut target = String::from(head.uri.path());
            target.push('?');
            if let Some(query) = head.uri.query().filter(|query| !query.is_empty()) {
                target.push_str(query);
                target.push('&');
            }
            for piece in [BODY_DIGEST, "=", &digest] {
                target.push_str(piece);
            }
            let mut parts = head.uri.clone().into_parts();
            parts.path_and_query = target.parse().ok();
            head.uri = Uri::from_parts(parts)
                .map_err(|_| SignError::Request("the target cannot take `bodySHA256`"))?;
        }
        Ok(Claim::new())
    }

    fn attach(&self, head: &mut Parts, _: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        self.tags.attach(head, tags)
    }
}

/// Returns whether the body is a form, whose parameters are signed.
fn is_form(head: &Parts) -> bool {
    let kind = head.headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    kind.eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

/// Returns the digest of the body from the query.
fn body_digest(uri: &Uri) -> Result<Option<Digest>, ClaimError> {
    let pieces = uri.query().unwrap_or_default().split('&');
    let mut values = pieces.filter_map(|piece| piece.strip_prefix(BODY_DIGEST)?.strip_prefix('='));
    let Some(value) = values.next() else { return Ok(None) };
    let malformed = || ClaimError::malformed("`bodySHA256` is no SHA-256, or is there twice");
    let mut bytes = [0; 32];
    let decoded =
        base16ct::lower::decode(value, &mut bytes).ok().filter(|_| values.next().is_none());
    let digest = Digest::received(Algorithm::Sha256, decoded.ok_or_else(malformed)?);
    digest.map(Some).ok_or_else(malformed)
}
