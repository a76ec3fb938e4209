//! A scheme that records the tags.

use std::sync::{Arc, Mutex};

use http::HeaderName;
use http::request::Parts;
use tower_hmac::crypto::{Digest, Mac, Tag};
use tower_hmac::scheme::Claim;
use tower_hmac::scheme::{ClaimError, Coverage, SignedText, Stamp, Window};
use tower_hmac::{Algorithm, Scheme, SecretKey, SignError};

/// Records each tag that the inner scheme computes.
#[derive(Clone, Debug)]
pub(super) struct Spy<S> {
    pub scheme: S,
    pub tags: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl<S: Scheme> Scheme for Spy<S> {
    fn name(&self) -> &str {
        self.scheme.name()
    }

    fn algorithm(&self) -> Algorithm {
        self.scheme.algorithm()
    }

    fn headers(&self) -> &[HeaderName] {
        self.scheme.headers()
    }

    fn window(&self) -> Window {
        self.scheme.window()
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        self.scheme.claim(head)
    }

    fn coverage(&self, head: &Parts, claim: &Claim) -> Result<Coverage, ClaimError> {
        self.scheme.coverage(head, claim)
    }

    fn before_body(
        &self,
        head: &Parts,
        claim: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        assert_eq!(format!("{text:?}"), "SignedText(..)");
        self.scheme.before_body(head, claim, text)
    }

    fn after_body(
        &self,
        head: &Parts,
        claim: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        self.scheme.after_body(head, claim, text)
    }

    fn derive(
        &self,
        head: &Parts,
        claim: &Claim,
        body: &[u8],
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        self.scheme.derive(head, claim, body, text)
    }

    fn derive_from_hash(
        &self,
        head: &Parts,
        claim: &Claim,
        hash: &Digest,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        self.scheme.derive_from_hash(head, claim, hash, text)
    }

    fn key_mac(&self, key: &SecretKey, claim: &Claim) -> Mac {
        self.scheme.key_mac(key, claim)
    }

    fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        assert!(format!("{stamp:?}").starts_with("Stamp { key_id: "));
        self.scheme.stamp(head, stamp)
    }

    fn attach(&self, head: &mut Parts, claim: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        self.tags.lock().unwrap().extend(tags.iter().map(|tag| tag.as_bytes().to_vec()));
        self.scheme.attach(head, claim, tags)
    }

    fn strip(&self, head: &mut Parts) {
        self.scheme.strip(head);
    }
}
