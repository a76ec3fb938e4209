//! Schemes of providers that a list of parts cannot describe.

use http::HeaderName;
use http::request::Parts;

use crate::crypto::{Algorithm, Tag};
use crate::scheme::{
    Claim, ClaimError, Coverage, Encoding, Scheme, SignError, SignedText, Stamp, TimeFormat,
    Window, shape, wire,
};

/// The scheme of one provider: usually tags in separate headers, in base64, and no key ID. Made by
/// a function such as [`hubspot`](fn@super::hubspot).
#[derive(Clone, Debug)]
pub struct ProviderScheme<R> {
    pub(super) name: &'static str,
    /// Each has a tag. If there are several, one is enough.
    pub(super) headers: &'static [HeaderName],
    pub(super) algorithm: Algorithm,
    /// The header with the time, which ends the signing string.
    pub(super) time: Option<(HeaderName, TimeFormat)>,
    /// In seconds, on both sides. `None` without a signed time.
    pub(super) tolerance: Option<u64>,
    pub(super) rules: R,
}

/// The parts of a scheme that differ between providers.
pub trait ProviderRules: Sized + Send + Sync {
    /// Whether the signature is in the body.
    const IS_IN_BODY: bool = false;

    /// Reads the tags.
    fn claim(scheme: &ProviderScheme<Self>, head: &Parts) -> Result<Claim, ClaimError> {
        scheme.claim_from_headers(head)
    }

    /// Reads the tags, if they are in the body.
    fn claim_from_body(&self, _: &[u8]) -> Result<Claim, ClaimError> {
        Err(ClaimError::Missing)
    }

    /// Rejects a time that the format allows but the provider never sends.
    fn check_time(&self, _: &str) -> Result<(), ClaimError> {
        Ok(())
    }

    /// Returns how the body is covered.
    fn coverage(&self, _: &Parts) -> Result<Coverage, ClaimError> {
        Ok(Coverage::Signed)
    }

    /// Writes the signed text that comes before the body.
    fn before_body(&self, _: &Parts, _: &mut SignedText) -> Result<(), ClaimError> {
        Ok(())
    }

    /// Writes the text made from the body, for [`Coverage::Derived`].
    fn derive(&self, body: &[u8], text: &mut SignedText) -> Result<(), ClaimError> {
        text.update(body);
        Ok(())
    }

    /// Removes a signature that is not in the headers.
    fn strip(&self, _: &mut Parts) {}

    /// Adds other headers that a client must send, or returns an error if only the provider can
    /// sign.
    fn prepare(&self, _: &mut Parts, _: &Stamp<'_>) -> Result<(), SignError> {
        Ok(())
    }
}

impl<R: ProviderRules> ProviderScheme<R> {
    fn claim_from_headers(&self, head: &Parts) -> Result<Claim, ClaimError> {
        let mut claim = Claim::new();
        for name in self.headers {
            let value = match wire::single(head, name) {
                Err(ClaimError::Missing) => continue,
                value => wire::text(name, value?)?,
            };
            let tag = shape::read_tag(name, Encoding::Base64, self.algorithm, value)?;
            claim = claim.add_tag(tag)?;
        }
        if claim.tags().next().is_none() { Err(ClaimError::Missing) } else { Ok(claim) }
    }

    /// Returns the time as sent and as a number, if the scheme has a time header.
    fn time<'h>(&self, head: &'h Parts) -> Result<Option<(&'h str, i64)>, ClaimError> {
        let Some((name, format)) = &self.time else { return Ok(None) };
        let (text, time) = format.read_header(head, name)?;
        self.rules.check_time(text)?;
        Ok(Some((text, time)))
    }

    fn with_time(&self, claim: Claim, head: &Parts) -> Result<Claim, ClaimError> {
        Ok(match self.time(head)? {
            Some((_, created)) => claim.with_created(created),
            None => claim,
        })
    }
}

impl<R: ProviderRules> Scheme for ProviderScheme<R> {
    fn name(&self) -> &str {
        self.name
    }

    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn headers(&self) -> &[HeaderName] {
        self.headers
    }

    fn max_tags(&self) -> usize {
        self.headers.len().max(1)
    }

    fn window(&self) -> Window {
        self.tolerance
            .map_or(Window::untimed(), |seconds| Window::timed().with_tolerance(seconds, seconds))
    }

    fn carries_key_id(&self) -> bool {
        false
    }

    fn is_in_body(&self) -> bool {
        R::IS_IN_BODY
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        self.with_time(R::claim(self, head)?, head)
    }

    fn claim_from_body(&self, _: &Parts, body: &[u8]) -> Result<Claim, ClaimError> {
        self.rules.claim_from_body(body)
    }

    fn coverage(&self, head: &Parts, _: &Claim) -> Result<Coverage, ClaimError> {
        self.rules.coverage(head)
    }

    fn before_body(
        &self,
        head: &Parts,
        _: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        self.rules.before_body(head, text)
    }

    fn derive(
        &self,
        _: &Parts,
        _: &Claim,
        body: &[u8],
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        self.rules.derive(body, text)
    }

    fn after_body(&self, head: &Parts, _: &Claim, text: &mut SignedText) -> Result<(), ClaimError> {
        if let Some((time, _)) = self.time(head)? {
            text.part("time").update(time.as_bytes());
        }
        Ok(())
    }

    fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        stamp.without_key_id()?;
        self.rules.prepare(head, stamp)?;
        if let Some((name, format)) = &self.time {
            format.write_header(head, name, stamp.now())?;
        }
        Ok(self.with_time(Claim::new(), head)?)
    }

    fn strip(&self, head: &mut Parts) {
        for name in self.headers {
            head.headers.remove(name);
        }
        self.rules.strip(head);
    }

    fn attach(&self, head: &mut Parts, _: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        if tags.is_empty() || tags.len() > self.headers.len() {
            return Err(SignError::Request("the number of tags does not fit the headers"));
        }
        for (name, tag) in self.headers.iter().zip(tags) {
            let text = Encoding::Base64.encode(tag.as_bytes());
            head.headers.insert(name, wire::sensitive(name, &text)?);
        }
        Ok(())
    }
}
