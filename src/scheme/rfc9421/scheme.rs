use http::HeaderName;
use http::request::Parts;

use super::known::Known;
use super::lines::Lines;
use super::target::Target;
use super::verify::Reading;
use super::{MessageSignatures, dictionary, digest};
use crate::crypto::{Algorithm, Tag};
use crate::scheme::SignError;
use crate::scheme::{
    Claim, ClaimError, Coverage, Scheme, Selector, SignedText, Stamp, Window, wire,
};

impl Scheme for MessageSignatures {
    fn name(&self) -> &'static str {
        "rfc9421"
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::Sha256
    }

    fn headers(&self) -> &[HeaderName] {
        &self.headers
    }

    fn selector(&self) -> Option<Selector<'_>> {
        let label = self.label.as_deref().map(Selector::Label);
        self.tag.as_deref().map(Selector::Tag).or(label)
    }

    fn requires_key_id(&self) -> bool {
        self.policy.asks_for_keyid()
    }

    fn window(&self) -> Window {
        let window =
            if self.policy.asks_for_created() { Window::timed() } else { Window::untimed() };
        match self.max_lifetime {
            Some(seconds) => window.aged_by_expiry().with_max_lifetime(seconds),
            None => window,
        }
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        self.received(head)
    }

    /// If no digest is covered, a body is rejected when its first byte arrives.
    fn coverage(&self, head: &Parts, claim: &Claim) -> Result<Coverage, ClaimError> {
        let covers_body = match claim.memo::<Known>() {
            Some(known) => known.covers_body(),
            None => reading(claim)?.covers_body(),
        };
        if covers_body {
            Ok(Coverage::Digest(digest::covered(head, claim)?))
        } else if self.policy.takes_unsigned_body() {
            Ok(Coverage::Unsigned)
        } else {
            Ok(Coverage::Uncovered(
                "there is a body, and `content-digest` is not among the covered components",
            ))
        }
    }

    fn before_body(
        &self,
        head: &Parts,
        claim: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        let target = self.target(head);
        if let Some(known) = claim.memo::<Known>() {
            let found = Lines::find(head).and_then(|l| Some((l, Known::parameters(&l)?)));
            let (lines, parameters) =
                found.ok_or(ClaimError::malformed("the claim was made from another head"))?;
            let target = Target { lines: Some(lines), ..target };
            return self.base(target, known.components(), parameters, text);
        }
        let Reading { components, parameters, outgoing } = reading(claim)?;
        let target = Target { outgoing: *outgoing, ..target };
        self.base(target, components, parameters.as_bytes(), text)
    }

    fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        self.stamped(head, stamp)
    }

    fn attach(&self, head: &mut Parts, _: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        self.attached(head, wire::only_tag(tags)?)
    }

    fn is_signed(&self, head: &Parts) -> bool {
        dictionary::has_label(head, self.signing_label())
            || (self.tag.is_some() && !self.own_labels(head).is_empty())
    }

    fn strip(&self, head: &mut Parts) {
        if self.selector().is_some() {
            dictionary::remove(head, &self.own_labels(head));
        } else {
            for name in &self.headers {
                head.headers.remove(name);
            }
        }
    }
}

fn reading(claim: &Claim) -> Result<&Reading, ClaimError> {
    claim.memo().ok_or(ClaimError::malformed("this claim was made by another scheme"))
}
