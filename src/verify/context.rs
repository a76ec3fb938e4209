//! The data that every step after the claim needs, and its errors.

use http::request::Parts;

use crate::error::BoxError;
use crate::key::MAX_KEYS;
use crate::scheme::{Claim, ClaimError};
use crate::verify::claim::Selected;
use crate::verify::error::{ErrorKind, VerifyError};
use crate::verify::scheme_entry::SchemeEntry;
use crate::verify::step::Step;
use crate::verify::verifier::Verifier;

/// A request and its claim, with the verifier that checks them.
#[derive(Clone, Copy)]
pub(crate) struct VerifyContext<'a> {
    pub(crate) verifier: &'a Verifier,
    pub(crate) head: &'a Parts,
    pub(crate) selected: &'a Selected,
}

impl<'a> VerifyContext<'a> {
    #[inline]
    pub(super) fn entry(&self) -> &'a SchemeEntry {
        self.verifier.entry(self.selected.index)
    }

    #[inline]
    pub(super) fn claim(&self) -> &'a Claim {
        &self.selected.claim
    }

    /// Returns the size of the largest set of keys that the store can return.
    pub(super) fn max_keys(&self) -> usize {
        self.entry().keys.max_keys().clamp(1, MAX_KEYS)
    }

    /// Adds the scheme and the claimed key ID to an error.
    pub(super) fn about(&self, error: VerifyError) -> VerifyError {
        error.in_scheme(&self.entry().name, Some(self.claim()))
    }

    pub(super) fn error(&self, step: Step, kind: ErrorKind) -> VerifyError {
        self.about(VerifyError::new(step, kind))
    }

    pub(super) fn malformed(&self, step: Step, error: ClaimError) -> VerifyError {
        self.about(VerifyError::unclaimed(step, error))
    }

    pub(super) fn store_failed(&self, step: Step, source: BoxError) -> VerifyError {
        self.about(VerifyError::caused(step, ErrorKind::StoreUnavailable, source))
    }
}
