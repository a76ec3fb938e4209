//! Step 1: which scheme a request is in, and what it claims.

use http::request::Parts;

use crate::scheme::{Claim, ClaimError, Coverage};
use crate::verify::error::{ErrorKind, VerifyError};
use crate::verify::scheme_entry::SchemeEntry;
use crate::verify::verifier::Verifier;

/// What a request claims, and the scheme that it is in.
pub(crate) struct Selected {
    /// Of the scheme in the verifier.
    pub(super) index: usize,
    pub(super) claim: Claim,
    pub(super) coverage: Coverage,
}

impl Verifier {
    /// Steps 1 and 2. The body is given where [`reads_claim_from_body`](Self::reads_claim_from_body)
    /// says so.
    #[inline]
    pub(super) fn select(
        &self,
        head: &Parts,
        body: Option<&[u8]>,
    ) -> Result<Selected, VerifyError> {
        let (index, claim) = self.read(head, body)?;
        let SchemeEntry { name, scheme, max_tags, .. } = self.entry(index);
        let refused = |error: VerifyError| error.in_scheme(name, Some(&claim));
        if claim.tags().nth(*max_tags).is_some() {
            return Err(refused(ClaimError::malformed("more tags than the format has").into()));
        }
        self.check_window(scheme.window(), &claim).map_err(refused)?;
        let coverage = scheme.coverage(head, &claim).map_err(|error| match error {
            // It is signed: an optional layer must not let it through as if it were not.
            ClaimError::Missing => refused(ClaimError::malformed("covers no body").into()),
            error => refused(error.into()),
        })?;
        // A format that lists no digest would let every body pass.
        if matches!(&coverage, Coverage::Digest(digests) if digests.is_empty()) {
            return Err(refused(ClaimError::malformed("no digest of the body is covered").into()));
        }
        if body.is_some() && scheme.is_in_body() && !matches!(coverage, Coverage::Derived) {
            return Err(refused(
                ClaimError::malformed("the text is not derived from the body").into(),
            ));
        }
        Ok(Selected { index, claim, coverage })
    }

    /// Step 1: the format that the head is in, and what it says.
    ///
    /// The body is given where [`reads_claim_from_body`](Self::reads_claim_from_body) says so.
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

    /// Whether the claim can only be read once the body is there: the head has none, and a
    /// signature of some format stands in the body.
    #[inline]
    pub(crate) fn reads_claim_from_body(&self, head: &Parts) -> bool {
        self.entries().any(|entry| entry.scheme.is_in_body())
            && matches!(self.read(head, None), Err(error) if error.kind() == ErrorKind::Missing)
    }

    fn first_error(&self, error: ClaimError) -> VerifyError {
        VerifyError::from(error).in_scheme(&self.first.name, None)
    }

    /// Which of several formats a request is in: the first that is not missing, and the others
    /// must be missing. Formats that share a header may call each other's signatures malformed,
    /// but not where there is a header that only the one with the malformed signature reads.
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
                                ClaimError::malformed("the request is signed in two formats");
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
