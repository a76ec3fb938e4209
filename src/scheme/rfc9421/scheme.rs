use http::HeaderName;
use http::request::Parts;

use super::component::Component;
use super::verify::Reading;
use super::{MessageSignatures, SIGNATURE, digest};
use crate::mac::{Algorithm, Tag};
use crate::scheme::{Claim, ClaimError, Coverage, Scheme, SignedText, Stamp, Window, header};
use crate::sign::SignError;

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

    fn window(&self) -> Window {
        if self.policy.asks_for_created() { Window::timed() } else { Window::untimed() }
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        self.received(head)
    }

    /// A body without a covered digest is refused when its first byte arrives.
    fn coverage(&self, head: &Parts, claim: &Claim) -> Result<Coverage, ClaimError> {
        if reading(claim)?.covers_body() {
            Ok(Coverage::Digest(digest::read(head)?))
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
        let Reading { components, raw, outgoing } = reading(claim)?;
        let base = self.base(head, components, raw, *outgoing)?;
        if text.is_record() {
            write_parts(&base, components, text);
        } else {
            text.update(&base);
        }
        Ok(())
    }

    fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        self.stamped(head, stamp)
    }

    fn attach(&self, head: &mut Parts, _: &Claim, tag: &Tag) -> Result<(), SignError> {
        let value = header::sensitive(&SIGNATURE, &self.signature_field(tag))?;
        head.headers.insert(SIGNATURE, value);
        Ok(())
    }
}

/// Writes the base with a name for the value in each line, as its identifier has it.
fn write_parts(base: &[u8], components: &[Component], text: &mut SignedText) {
    let identifiers = components.iter().map(|component| &**component.identifier());
    let identifiers = identifiers.chain(["\"@signature-params\""]);
    for (line, identifier) in base.split_inclusive(|byte| *byte == b'\n').zip(identifiers) {
        let value = identifier.len().saturating_add(": ".len());
        let end = line.strip_suffix(b"\n").map_or(line.len(), <[u8]>::len);
        // With parameters it is its name as it stands there, without them the bare one.
        let bare = if identifier.contains(';') { identifier } else { identifier.trim_matches('"') };
        text.part("literal").update(line.get(..value).unwrap_or_default());
        text.part(bare).update(line.get(value..end).unwrap_or_default());
        text.part("literal").update(line.get(end..).unwrap_or_default());
    }
}

fn reading(claim: &Claim) -> Result<&Reading, ClaimError> {
    claim.memo().ok_or(ClaimError::malformed("this claim was made by another format"))
}
