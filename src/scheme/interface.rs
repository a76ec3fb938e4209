//! What each scheme implements, and both sides use.

use http::HeaderName;
use http::request::Parts;

#[cfg(feature = "sigv4")]
use super::KeyDerivation;
use super::{Claim, ClaimError, Coverage, Selector, SignError, SignedText, Stamp, Window};
use crate::crypto::{Algorithm, Digest, Mac, Tag};
use crate::error::ConfigError;
use crate::key::{KeyId, SecretKey};

/// A signature scheme.
///
/// A scheme never compares tags, reads a clock or awaits. It sees a key only in
/// [`key_mac`](Self::key_mac).
///
/// See [`scheme`](crate::scheme#writing-your-own-scheme) for an example.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a scheme",
    label = "expected a `Scheme`, such as `FlaskHmac::new()`",
    note = "constructors and settings that can fail return a `Result`: add `?`"
)]
pub trait Scheme: Send + Sync {
    /// Returns the name of the scheme, such as `flask-hmac`. [`Verified::scheme`] returns it, too.
    ///
    /// Called once, when the verifier is built.
    ///
    /// [`Verified::scheme`]: crate::Verified::scheme
    fn name(&self) -> &str;

    /// Returns the hash under the HMAC. The server chooses the hash, never the message.
    fn algorithm(&self) -> Algorithm;

    /// Returns the headers that belong to the scheme. Each must have exactly one value. The
    /// verifier marks these headers as sensitive, and can strip them.
    fn headers(&self) -> &[HeaderName];

    /// Returns the selector of this scheme's signatures among others in the same header. `None`
    /// unless overridden. [`Verifier::or`] accepts two schemes on one header if their selectors
    /// exclude each other.
    ///
    /// If every signature in the header has another label or tag, [`claim`](Self::claim) returns
    /// [`ClaimError::Missing`].
    ///
    /// [`Verifier::or`]: crate::Verifier::or
    fn selector(&self) -> Option<Selector<'_>> {
        None
    }

    /// Returns whether every claim has a key ID, so that the anonymous key can never sign. `false`
    /// unless overridden.
    ///
    /// With a key store that has only an anonymous key, such a scheme would reject every request.
    /// Building that verifier fails.
    fn requires_key_id(&self) -> bool {
        false
    }

    /// Returns whether a claim can have a key ID. `true` unless overridden.
    ///
    /// With a key store that has only named keys, a scheme that carries none would reject every
    /// request. Building that verifier fails.
    fn carries_key_id(&self) -> bool {
        true
    }

    /// Rejects a key ID that the scheme cannot carry. Accepts every key ID unless overridden.
    ///
    /// [`Signer::with_key_id`](crate::Signer::with_key_id) calls this, so that the mistake is found
    /// before the first request.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if no request can carry it.
    fn check_key_id(&self, key_id: &KeyId) -> Result<(), ConfigError> {
        let _ = key_id;
        Ok(())
    }

    /// Returns the time rules of the scheme. [`Window::untimed`] unless overridden. Called once,
    /// when the verifier is built.
    fn window(&self) -> Window {
        Window::untimed()
    }

    /// Reads the claim from the head.
    ///
    /// # Errors
    ///
    /// Returns [`ClaimError::Missing`] if the request has no header or parameter of the scheme, and
    /// [`ClaimError::Malformed`] if it contains something that this scheme does not write.
    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError>;

    /// Returns whether the signature is in the body. `false` unless overridden.
    ///
    /// If the head has no claim of another scheme ([`Verifier::or`](crate::Verifier::or)), the
    /// verifier then reads the body first, up to its limit, and calls
    /// [`claim_from_body`](Self::claim_from_body). So anybody can make it read that much, and an
    /// optional layer rejects an unsigned body over the limit. [`claim`](Self::claim) must return
    /// [`ClaimError::Missing`]. Called once, when the verifier is built.
    ///
    /// A [`Signer`](crate::Signer) does not change bodies, so it cannot sign with such a scheme.
    /// Return an error from [`stamp`](Self::stamp).
    fn is_in_body(&self) -> bool {
        false
    }

    /// Reads the claim from the body. Only called if [`is_in_body`](Self::is_in_body) returns
    /// `true`.
    ///
    /// A scheme with its signature in the body covers it with [`Coverage::Derived`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`claim`](Self::claim).
    fn claim_from_body(&self, head: &Parts, body: &[u8]) -> Result<Claim, ClaimError> {
        let _ = body;
        self.claim(head)
    }

    /// Returns how the body is covered. [`Coverage::Signed`] unless overridden.
    ///
    /// # Errors
    ///
    /// Returns [`ClaimError::Malformed`] if the head states the coverage in a form that this scheme
    /// does not write.
    fn coverage(&self, head: &Parts, claim: &Claim) -> Result<Coverage, ClaimError> {
        let _ = (head, claim);
        Ok(Coverage::Signed)
    }

    /// Writes the part of the signing string before the body.
    ///
    /// # Errors
    ///
    /// Returns [`ClaimError::Malformed`] if a covered part of the head is missing or ambiguous.
    fn before_body(
        &self,
        head: &Parts,
        claim: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError>;

    /// Writes the part of the signing string after the body. Writes nothing unless overridden.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`before_body`](Self::before_body).
    fn after_body(
        &self,
        head: &Parts,
        claim: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        let _ = (head, claim, text);
        Ok(())
    }

    /// Writes the part of the signing string that is made from the whole body. Only called for
    /// [`Coverage::Derived`], between `before_body` and `after_body`.
    ///
    /// # Errors
    ///
    /// Returns [`ClaimError::Malformed`] if the body has no such text.
    fn derive(
        &self,
        head: &Parts,
        claim: &Claim,
        body: &[u8],
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        let _ = (head, claim, body, text);
        Err(ClaimError::malformed("this scheme derives no text from the body"))
    }

    /// Writes the part of the signing string that is made from a hash of the body. Only called for
    /// [`Coverage::Hashed`], between `before_body` and `after_body`.
    ///
    /// # Errors
    ///
    /// Returns [`ClaimError::Malformed`] if there is no such text.
    fn derive_from_hash(
        &self,
        head: &Parts,
        claim: &Claim,
        hash: &Digest,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        let _ = (head, claim, hash, text);
        Err(ClaimError::malformed("this scheme derives no text from a hash of the body"))
    }

    /// Starts the HMAC under a key. Override this method to derive keys.
    fn key_mac(&self, key: &SecretKey, claim: &Claim) -> Mac {
        let _ = claim;
        Mac::new(self.algorithm(), key)
    }

    /// Returns how keys are derived, if many requests share one. [`key_mac`](Self::key_mac) must
    /// give the same MAC as [`Mac::new`] with the derived key.
    #[cfg(feature = "sigv4")]
    #[doc(hidden)]
    fn derivation(&self) -> Option<&dyn KeyDerivation> {
        None
    }

    /// Writes times, nonce and digests into the head of a request that is about to be signed.
    /// Returns the claim that a server would read from it, without the tag.
    ///
    /// # Errors
    ///
    /// Returns [`SignError`] if the scheme cannot carry this request or key ID.
    fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError>;

    /// Returns how many tags one request can carry, each made with its own key. 1 unless
    /// overridden. A claim with more is malformed, and building a signer with more keys fails.
    /// Called once, when the verifier is built.
    fn max_tags(&self) -> usize {
        1
    }

    /// Writes the tags into the head, in the order of the signer's keys, newest first. There are
    /// between one and [`max_tags`](Self::max_tags) of them.
    ///
    /// # Errors
    ///
    /// Returns [`SignError`] if they cannot be written into the head.
    fn attach(&self, head: &mut Parts, claim: &Claim, tags: &[Tag]) -> Result<(), SignError>;

    /// Returns whether the head already carries a signature that would collide with the signer's.
    /// By default, `true` unless [`claim`](Self::claim) returns [`ClaimError::Missing`].
    fn is_signed(&self, head: &Parts) -> bool {
        !matches!(self.claim(head), Err(ClaimError::Missing))
    }

    /// Removes the signature from the head. By default, removes the scheme's headers, but keeps
    /// signatures in them that belong to another [selector](Self::selector).
    fn strip(&self, head: &mut Parts) {
        for name in self.headers() {
            head.headers.remove(name);
        }
    }
}
