use std::sync::Arc;

use http::HeaderName;
use http::request::Parts;

use crate::crypto::Digest;
use crate::crypto::{Algorithm, Mac, Tag};
use crate::error::ConfigError;
use crate::key::{KeyId, SecretKey};
#[cfg(feature = "sigv4")]
use crate::scheme::KeyDerivation;
use crate::scheme::SignError;
use crate::scheme::{Claim, ClaimError, Coverage, Scheme, Selector, SignedText, Stamp, Window};

/// A shared scheme, or one chosen at run time.
///
/// Forwards every method: a default implementation here would change the scheme.
impl<S: Scheme + ?Sized> Scheme for Arc<S> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn algorithm(&self) -> Algorithm {
        (**self).algorithm()
    }

    fn headers(&self) -> &[HeaderName] {
        (**self).headers()
    }

    fn selector(&self) -> Option<Selector<'_>> {
        (**self).selector()
    }

    fn requires_key_id(&self) -> bool {
        (**self).requires_key_id()
    }

    fn carries_key_id(&self) -> bool {
        (**self).carries_key_id()
    }

    fn check_key_id(&self, key_id: &KeyId) -> Result<(), ConfigError> {
        (**self).check_key_id(key_id)
    }

    fn window(&self) -> Window {
        (**self).window()
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        (**self).claim(head)
    }

    fn is_in_body(&self) -> bool {
        (**self).is_in_body()
    }

    fn claim_from_body(&self, head: &Parts, body: &[u8]) -> Result<Claim, ClaimError> {
        (**self).claim_from_body(head, body)
    }

    fn coverage(&self, head: &Parts, claim: &Claim) -> Result<Coverage, ClaimError> {
        (**self).coverage(head, claim)
    }

    fn before_body(
        &self,
        head: &Parts,
        claim: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        (**self).before_body(head, claim, text)
    }

    fn after_body(
        &self,
        head: &Parts,
        claim: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        (**self).after_body(head, claim, text)
    }

    fn derive(
        &self,
        head: &Parts,
        claim: &Claim,
        body: &[u8],
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        (**self).derive(head, claim, body, text)
    }

    fn derive_from_hash(
        &self,
        head: &Parts,
        claim: &Claim,
        hash: &Digest,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        (**self).derive_from_hash(head, claim, hash, text)
    }

    fn max_tags(&self) -> usize {
        (**self).max_tags()
    }

    fn key_mac(&self, key: &SecretKey, claim: &Claim) -> Mac {
        (**self).key_mac(key, claim)
    }

    #[cfg(feature = "sigv4")]
    fn derivation(&self) -> Option<&dyn KeyDerivation> {
        (**self).derivation()
    }

    fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        (**self).stamp(head, stamp)
    }

    fn attach(&self, head: &mut Parts, claim: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        (**self).attach(head, claim, tags)
    }

    fn is_signed(&self, head: &Parts) -> bool {
        (**self).is_signed(head)
    }

    fn strip(&self, head: &mut Parts) {
        (**self).strip(head);
    }
}
