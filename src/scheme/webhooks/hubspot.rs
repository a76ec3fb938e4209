//! HubSpot's signature v3.

use http::HeaderName;
use http::request::Parts;

use crate::crypto::Algorithm;
use crate::error::ConfigError;
use crate::scheme::webhooks::provider::{ProviderRules, ProviderScheme};
use crate::scheme::{ClaimError, Coverage, PublicOrigin, SignedText, TimeFormat, shape};

static SIGNATURE: [HeaderName; 1] = [HeaderName::from_static("x-hubspot-signature-v3")];
const TIMESTAMP: HeaderName = HeaderName::from_static("x-hubspot-request-timestamp");
/// The escapes of a URI that are signed in decoded form.
const DECODED: [(&str, &str); 13] = [
    ("%3A", ":"),
    ("%2F", "/"),
    ("%3F", "?"),
    ("%40", "@"),
    ("%21", "!"),
    ("%24", "$"),
    ("%27", "'"),
    ("%28", "("),
    ("%29", ")"),
    ("%2A", "*"),
    ("%2C", ","),
    ("%3B", ";"),
    ("%3D", "="),
];

/// HubSpot: `X-HubSpot-Signature-v3: <base64>` over the method, the URI, the body and
/// `X-HubSpot-Request-Timestamp` ([HubSpot]). The tolerance is 300 s.
///
/// Give the origin registered with HubSpot, such as `https://example.com`, and the path prefix if a
/// proxy strips one.
///
/// **Covered:** method, URI, body and time (milliseconds). **Not covered:** the headers, and which
/// of `:/?@!$'()*,;=` are escaped in the URI. HubSpot signs them decoded, so `/a%2Fb` has the same
/// signature as `/a/b`. The parts have no delimiter. So a request is rejected if its URI contains a
/// brace or a bracket, or its body does not begin with one. HubSpot's signatures v1 and v2 are not
/// HMACs, and are not supported.
///
/// [HubSpot]: https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests
///
/// # Errors
///
/// Returns [`ConfigError`] if `public_origin` is not an origin.
pub fn hubspot(public_origin: &str) -> Result<HubSpot, ConfigError> {
    Ok(ProviderScheme {
        name: "hubspot",
        headers: &SIGNATURE,
        algorithm: Algorithm::Sha256,
        time: Some((TIMESTAMP, TimeFormat::UnixMillis)),
        tolerance: Some(300),
        rules: HubSpotRules { origin: PublicOrigin::parse(public_origin)? },
    })
}

/// The scheme of [`hubspot`].
pub type HubSpot = ProviderScheme<HubSpotRules>;

/// The signing rules: method, URI, body and time, without a delimiter.
#[derive(Clone, Debug)]
pub struct HubSpotRules {
    origin: PublicOrigin,
}

impl ProviderRules for HubSpotRules {
    /// The time has 13 digits and ends the text, so its start is known.
    fn check_time(&self, time: &str) -> Result<(), ClaimError> {
        if time.len() == 13 {
            return Ok(());
        }
        Err(shape::no_time(Some(&TIMESTAMP), "13 digits of Unix milliseconds", time))
    }

    /// The text is derived, since the body must be checked not to run into the URI.
    fn coverage(&self, _: &Parts) -> Result<Coverage, ClaimError> {
        Ok(Coverage::Derived)
    }

    fn before_body(&self, head: &Parts, text: &mut SignedText) -> Result<(), ClaimError> {
        let method = head.method.as_str();
        if !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(ClaimError::malformed("the method is not in upper case"));
        }
        let mut uri = self.origin.uri(head);
        if uri.contains(['{', '[', '}', ']']) {
            return Err(ClaimError::malformed("the URI contains a brace or a bracket"));
        }
        for (escape, character) in DECODED {
            uri = uri.replace(escape, character).replace(&escape.to_ascii_lowercase(), character);
        }
        text.part("method").update(method.as_bytes());
        text.part("url").update(uri.as_bytes());
        Ok(())
    }

    fn derive(&self, body: &[u8], text: &mut SignedText) -> Result<(), ClaimError> {
        match body.first() {
            None | Some(b'{' | b'[') => text.update(body),
            Some(_) => return Err(ClaimError::malformed("the body could run into the URI")),
        }
        Ok(())
    }
}
