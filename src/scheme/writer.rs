//! Writes the signed text of a request whose body is complete. The engine itself writes it piece by
//! piece.

use http::request::Parts;

use crate::crypto::Digest;
use crate::scheme::{Claim, ClaimError, Coverage, Scheme, SignedText};

/// Writes the whole text, as a server would.
pub(crate) fn write_text(
    scheme: &(impl Scheme + ?Sized),
    head: &Parts,
    claim: &Claim,
    body: &[u8],
    text: &mut SignedText,
) -> Result<(), ClaimError> {
    let coverage = scheme.coverage(head, claim)?;
    scheme.before_body(head, claim, text)?;
    if let Some(why) = coverage.rejects_body().filter(|_| !body.is_empty()) {
        return Err(ClaimError::malformed(why));
    }
    write_body(scheme, head, claim, (&coverage, body), text)?;
    scheme.after_body(head, claim, text)
}

/// Writes the part of the text that depends on the body.
pub(crate) fn write_body(
    scheme: &(impl Scheme + ?Sized),
    head: &Parts,
    claim: &Claim,
    (coverage, body): (&Coverage, &[u8]),
    text: &mut SignedText,
) -> Result<(), ClaimError> {
    match coverage {
        Coverage::Signed => text.update(body),
        Coverage::Derived => scheme.derive(head, claim, body, text)?,
        Coverage::Hashed(algorithm) => {
            scheme.derive_from_hash(head, claim, &Digest::of(*algorithm, body), text)?;
        }
        Coverage::Digest(_) | Coverage::Empty | Coverage::Uncovered(_) | Coverage::Unsigned => {}
    }
    Ok(())
}
