//! Twilio's signature over the URL and the parameters of a form.

use std::collections::BTreeSet;

use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderName, Uri};

use crate::crypto::{Algorithm, Digest};
use crate::error::ConfigError;
use crate::scheme::webhooks::provider::{ProviderRules, ProviderScheme};
use crate::scheme::{
    ClaimError, Coverage, Encoding, PublicOrigin, SignError, SignedText, Stamp, target, wire,
};

static SIGNATURE: [HeaderName; 1] = [HeaderName::from_static("x-twilio-signature")];

/// The query parameter that covers a body other than a form.
const BODY_DIGEST: &str = "bodySHA256";

/// The maximum number of parameters of a form. Twilio sends fewer than a hundred. Sorting all those of
/// a body such as `a&b&c` would take many times its length.
const MAX_PARAMETERS: usize = 4096;

/// Twilio: `X-Twilio-Signature: <base64>`, HMAC-SHA-1 over the URL and the sorted parameters of the
/// form. For any other body, the signature covers only the URL, whose `bodySHA256` covers the body
/// ([Twilio]).
///
/// Give the origin that Twilio calls, such as `https://example.com`, and the path prefix if a proxy
/// strips one. Give the port if Twilio signs one: some of its products sign
/// `https://example.com:443`, and Twilio's own libraries try both. Here, each origin needs a
/// separate verifier.
///
/// **Covered:** the URL, and the names and values of a form or the digest of another body. **Not
/// covered:** the method, the headers and the time: a request can be replayed forever. Names and
/// values are signed without a delimiter: `{"a": "bc"}` has the same signature as `{"ab": "c"}`. So
/// does a request without a form whose URL has `abc` at its end. A form with more than 4,096
/// parameters is rejected.
///
/// Twilio's webhook rules can require HMAC-SHA-256 under another secret. Those signatures are
/// rejected here.
///
/// [Twilio]: https://www.twilio.com/docs/usage/webhooks/webhooks-security
///
/// # Errors
///
/// Returns [`ConfigError`] if `public_origin` is not an origin.
pub fn twilio(public_origin: &str) -> Result<Twilio, ConfigError> {
    Ok(ProviderScheme {
        name: "twilio",
        headers: &SIGNATURE,
        algorithm: Algorithm::Sha1,
        time: None,
        tolerance: None,
        rules: TwilioRules { origin: PublicOrigin::parse_with_port(public_origin)? },
    })
}

/// The scheme of [`twilio`].
pub type Twilio = ProviderScheme<TwilioRules>;

/// The signing rules: the URL, and the parameters of a form.
#[derive(Clone, Debug)]
pub struct TwilioRules {
    origin: PublicOrigin,
}

impl ProviderRules for TwilioRules {
    fn coverage(&self, head: &Parts) -> Result<Coverage, ClaimError> {
        match (body_digest(&head.uri)?, is_form(head)) {
            (Some(digest), false) => Ok(Coverage::Digest(vec![digest.into()])),
            (Some(_), true) => Err(ClaimError::malformed("a form has a `bodySHA256`, too")),
            (None, true) => Ok(Coverage::Derived),
            (None, false) => Ok(Coverage::Empty),
        }
    }

    fn before_body(&self, head: &Parts, text: &mut SignedText) -> Result<(), ClaimError> {
        text.part("url").update(self.origin.uri(head).as_bytes());
        Ok(())
    }

    fn derive(&self, body: &[u8], text: &mut SignedText) -> Result<(), ClaimError> {
        let form = std::str::from_utf8(body)
            .map_err(|_| ClaimError::malformed("the body is not a form"))?;
        // Sort the parameters, and drop duplicates.
        let mut pairs = BTreeSet::new();
        for pair in wire::form_pairs(form) {
            pairs.insert(pair?);
            if pairs.len() > MAX_PARAMETERS {
                return Err(ClaimError::malformed("the form has more than 4,096 parameters"));
            }
        }
        for (name, value) in &pairs {
            text.update(name.as_bytes());
            text.update(value.as_bytes());
        }
        Ok(())
    }

    fn prepare(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<(), SignError> {
        let sent = body_digest(&head.uri)?;
        if is_form(head) || stamp.body().is_empty() && sent.is_none() {
            return Ok(());
        }
        let digest = Digest::of(Algorithm::Sha256, stamp.body());
        if let Some(sent) = sent {
            let why = "`bodySHA256` belongs to another body";
            return if digest.matches(&sent) { Ok(()) } else { Err(SignError::Request(why)) };
        }
        let digest = Encoding::Hex.encode(digest.as_bytes());
        let query = match head.uri.query() {
            None | Some("") => format!("{BODY_DIGEST}={digest}"),
            Some(query) => format!("{query}&{BODY_DIGEST}={digest}"),
        };
        head.uri = target::with_query(&head.uri, &query)
            .ok_or(SignError::Request("the target cannot take `bodySHA256`"))?;
        Ok(())
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
    let malformed = || ClaimError::malformed("`bodySHA256` is not a SHA-256, or occurs twice");
    let mut bytes = [0; 32];
    let decoded =
        base16ct::lower::decode(value, &mut bytes).ok().filter(|_| values.next().is_none());
    let digest = Digest::received(Algorithm::Sha256, decoded.ok_or_else(malformed)?);
    digest.map(Some).ok_or_else(malformed)
}
