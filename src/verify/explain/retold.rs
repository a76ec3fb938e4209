use std::sync::Arc;

use http::HeaderName;
use http::request::Parts;

use crate::key::SecretKey;
use crate::mac::{Algorithm, Mac, Tag};
use crate::scheme::SignError;
use crate::scheme::{Claim, ClaimError, Coverage, Scheme, SignedText, Stamp, Window};

/// A format whose signed text is this one.
pub(super) struct Retold {
    pub(super) scheme: Arc<dyn Scheme>,
    pub(super) text: Vec<u8>,
}

impl Scheme for Retold {
    fn coverage(&self, _: &Parts, _: &Claim) -> Result<Coverage, ClaimError> {
        Ok(Coverage::Derived)
    }

    fn before_body(&self, _: &Parts, _: &Claim, _: &mut SignedText) -> Result<(), ClaimError> {
        Ok(())
    }

    fn derive(
        &self,
        _: &Parts,
        _: &Claim,
        _: &[u8],
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        text.update(&self.text);
        Ok(())
    }

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

    fn key_mac(&self, key: &SecretKey, claim: &Claim) -> Mac {
        self.scheme.key_mac(key, claim)
    }

    fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        self.scheme.stamp(head, stamp)
    }

    fn attach(&self, head: &mut Parts, claim: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        self.scheme.attach(head, claim, tags)
    }
}
