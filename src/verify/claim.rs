//! Step 1: finds the scheme that signed a request, and reads the claim.

use http::request::Parts;

use crate::scheme::{Claim, ClaimError, Coverage};
use crate::verify::error::{ErrorKind, VerifyError};
use crate::verify::scheme_entry::SchemeEntry;
use crate::verify::verifier::Verifier;

/// The claim of a request, and its scheme.
pub(crate) struct Selected {
    /// The index of the scheme in the verifier.
    pub(super) index: usize,
    pub(super) claim: Claim,
    pub(super) coverage: Coverage,
}

impl Default for Selected {
    /// Makes a place for a claim that has not been read yet.
    fn default() -> Self {
        Self { index: 0, claim: Claim::new(), coverage: Coverage::Empty }
    }
}

impl Verifier {
    /// Runs steps 1 and 2, and writes the result to `selected`: a claim is large, and slow to move.
    /// `body` is set if [`reads_claim_from_body`](Self::reads_claim_from_body) returns `true`.
    #[inline]
    pub(super) fn select(
        &self,
        head: &Parts,
        body: Option<&[u8]>,
        selected: &mut Selected,
    ) -> Result<(), VerifyError> {
        if self.more.is_empty() {
            match self.first.claim(head, body) {
                Ok(claim) => selected.claim = claim,
                Err(error) => return Err(self.first_error(error)),
            }
        } else {
            (selected.index, selected.claim) = self.decide(head, body)?;
        }
        let Selected { index, claim, coverage } = selected;
        let SchemeEntry { name, scheme, max_tags, window, is_in_body, .. } = self.entry(*index);
        let rejected = |error: VerifyError| error.in_scheme(name, Some(claim));
        if claim.tags().nth(*max_tags).is_some() {
            return Err(rejected(
                ClaimError::malformed("has more tags than the scheme allows").into(),
            ));
        }
        self.check_window(*window, claim).map_err(rejected)?;
        *coverage = scheme.coverage(head, claim).map_err(|error| match error {
            // The request is signed: an optional layer must not treat it as unsigned.
            ClaimError::Missing => rejected(ClaimError::malformed("covers no body").into()),
            error => rejected(error.into()),
        })?;
        // Otherwise, a scheme that lists no digest would let every body pass.
        if matches!(coverage, Coverage::Digest(digests) if digests.is_empty()) {
            return Err(rejected(ClaimError::malformed("no digest of the body is covered").into()));
        }
        if body.is_some() && *is_in_body && !matches!(coverage, Coverage::Derived) {
            return Err(rejected(
                ClaimError::malformed("the signing string is not derived from the body").into(),
            ));
        }
        Ok(())
    }

    /// Finds the scheme of the head, and reads the claim (step 1).
    ///
    /// `body` is set if [`reads_claim_from_body`](Self::reads_claim_from_body) returns `true`.
    #[inline]
    pub(crate) fn read(
        &self,
        head: &Parts,
        body: Option<&[u8]>,
    ) -> Result<(usize, Claim), VerifyError> {
        if !self.more.is_empty() {
            return self.decide(head, body);
        }
        match self.first.claim(head, body) {
            Ok(claim) => Ok((0, claim)),
            Err(error) => Err(self.first_error(error)),
        }
    }

    /// Returns whether the claim can only be read once the body is complete. This is so if the head
    /// has no claim, and a scheme has its signature in the body.
    #[inline]
    pub(crate) fn reads_claim_from_body(&self, head: &Parts) -> bool {
        self.entries().any(|entry| entry.is_in_body)
            && matches!(self.read(head, None), Err(error) if error.kind() == ErrorKind::Missing)
    }

    fn first_error(&self, error: ClaimError) -> VerifyError {
        VerifyError::from(error).in_scheme(&self.first.name, None)
    }

    /// Selects one of several schemes: the only one that the request is signed with. Schemes that
    /// share a header may call each other's signatures malformed, unless there is a header that
    /// only the scheme with the malformed signature reads.
    fn decide(&self, head: &Parts, body: Option<&[u8]>) -> Result<(usize, Claim), VerifyError> {
        let mut decided: Option<(usize, Result<Claim, ClaimError>)> = None;
        for (place, format) in self.entries().enumerate() {
            let claim = match format.claim(head, body) {
                Err(ClaimError::Missing) => continue,
                claim => claim,
            };
            decided = Some(match decided.take() {
                None => (place, claim),
                Some((other, offered)) => {
                    let before = self.entry(other);
                    match (&offered, &claim) {
                        (Err(_), _) if before.is_within(format, head) => (place, claim),
                        (_, Err(_)) if format.is_within(before, head) => (other, offered),
                        (Err(_), _) if before.is_selected_apart_from(format) => (place, claim),
                        (_, Err(_)) if before.is_selected_apart_from(format) => (other, offered),
                        _ => {
                            let twice =
                                ClaimError::malformed("the request is signed with two schemes");
                            return Err(
                                VerifyError::from(twice).in_scheme(&self.entry(other).name, None)
                            );
                        }
                    }
                }
            });
        }
        match decided {
            None => Err(self.first_error(ClaimError::Missing)),
            Some((place, Ok(claim))) => Ok((place, claim)),
            Some((place, Err(error))) => {
                Err(VerifyError::from(error).in_scheme(&self.entry(place).name, None))
            }
        }
    }
}
