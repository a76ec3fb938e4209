//! HubSpot's signature v3.

use http::HeaderName;
use http::request::Parts;

use crate::crypto::{Algorithm, Tag};
use crate::error::ConfigError;
use crate::scheme::tag_header::TagHeader;
use crate::scheme::webhooks::one_tag::without_key_id;
use crate::scheme::{
    Claim, ClaimError, Coverage, PublicOrigin, Scheme, SignError, SignedText, Stamp, Window, shape,
    wire,
};

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
/// **Covered:** method, URI, body and time (milliseconds). **Not covered:** the headers. The parts
/// have no delimiter. So a request is rejected if its URI contains a brace or a bracket, or its
/// body does not begin with one. HubSpot's signatures v1 and v2 are not HMACs, and are not
/// supported.
///
/// [HubSpot]: https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests
///
/// # Errors
///
/// Returns [`ConfigError`] if it is not an origin.
pub fn hubspot(public_origin: &str) -> Result<HubSpot, ConfigError> {
    let mut tags = TagHeader::base64("hubspot", "x-hubspot-signature-v3");
    tags.tolerance = Some((300, 300));
    Ok(HubSpot { tags, origin: PublicOrigin::parse(public_origin)? })
}

/// The scheme of [`hubspot`].
#[derive(Clone, Debug)]
pub struct HubSpot {
    tags: TagHeader,
    origin: PublicOrigin,
}

impl HubSpot {
    fn uri(&self, head: &Parts) -> Result<String, ClaimError> {
        let mut uri = self.origin.uri(head);
        if uri.contains(['{', '[', '}', ']']) {
            return Err(ClaimError::malformed("the URI holds a brace or a bracket"));
        }
        for (escape, character) in DECODED {
            uri = uri.replace(escape, character).replace(&escape.to_ascii_lowercase(), character);
        }
        Ok(uri)
    }

    /// 13 digits, at the end of the text: so the start of the time is known.
    fn created(head: &Parts) -> Result<(&str, i64), ClaimError> {
        let text = wire::text(&TIMESTAMP, wire::required(head, &TIMESTAMP)?)?;
        let created = wire::unix_millis(text).filter(|_| text.len() == 13);
        let expected = "13 digits of Unix milliseconds";
        Ok((text, created.ok_or_else(|| shape::no_time(Some(&TIMESTAMP), expected, text))?))
    }
}

impl Scheme for HubSpot {
    fn name(&self) -> &str {
        &self.tags.scheme
    }

    fn algorithm(&self) -> Algorithm {
        self.tags.algorithm
    }

    fn headers(&self) -> &[HeaderName] {
        &self.tags.names
    }

    fn window(&self) -> Window {
        self.tags.window(true)
    }

    fn carries_key_id(&self) -> bool {
        false
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        Ok(self.tags.claim(head)?.with_created(Self::created(head)?.1))
    }

    /// Derived, since the body must be checked: it must not run into the URI.
    fn coverage(&self, _: &Parts, _: &Claim) -> Result<Coverage, ClaimError> {
        Ok(Coverage::Derived)
    }

    fn before_body(
        &self,
        head: &Parts,
        _: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        let method = head.method.as_str();
        if !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(ClaimError::malformed("the method is not in upper case"));
        }
        text.part("method").update(method.as_bytes());
        text.part("url").update(self.uri(head)?.as_bytes());
        Ok(())
    }

    fn derive(
        &self,
        _: &Parts,
        _: &Claim,
        body: &[u8],
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        match body.first() {
            None | Some(b'{' | b'[') => text.update(body),
            Some(_) => return Err(ClaimError::malformed("the body could run into the URI")),
        }
        Ok(())
    }

    fn after_body(&self, head: &Parts, _: &Claim, text: &mut SignedText) -> Result<(), ClaimError> {
        text.part("time").update(Self::created(head)?.0.as_bytes());
        Ok(())
    }

    fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        without_key_id(stamp)?;
        let time = stamp.now().saturating_mul(1000).to_string();
        head.headers.insert(TIMESTAMP, wire::value(&TIMESTAMP, &time)?);
        Ok(Claim::new().with_created(Self::created(head)?.1))
    }

    fn attach(&self, head: &mut Parts, _: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        self.tags.attach(head, tags)
    }
}
