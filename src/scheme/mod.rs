//! Wire formats: where a signature travels and which bytes it covers.
//!
//! One file a format. Each implements [`Scheme`], which both halves use: the server to verify, the
//! client to sign. To write one of your own, implement its required methods:
//!
//! 1. [`claim`](Scheme::claim) reads the head and says who *claims* to have signed, with which
//!    tag. It compares nothing and knows no key.
//! 2. [`before_body`](Scheme::before_body) and [`after_body`](Scheme::after_body) write what
//!    stands before and after the body in the signed text.
//! 3. [`stamp`](Scheme::stamp) and [`attach`](Scheme::attach) do the same for the client: they
//!    write times, nonces and the tag into the head.
//!
//! Comparing, clocks, key stores and bodies are the [`Verifier`](crate::Verifier)'s.

pub(crate) mod civil;
mod claim;
mod flask_hmac;
mod flask_path;
#[cfg(feature = "sha1")]
mod fost;
#[cfg(feature = "sha1")]
mod fost_url;
pub(crate) mod header;
#[cfg(feature = "serde")]
mod json;
#[cfg(feature = "serde")]
mod json_members;
#[cfg(feature = "serde")]
mod json_text;
mod parts;
mod path;
pub(crate) mod percent;
#[cfg(feature = "rfc9421")]
mod rfc9421;
mod shared;
mod text;

use std::fmt;

use http::HeaderName;
use http::request::Parts;

pub(crate) use claim::Covered;
pub use claim::{Claim, ClaimError, Signature};
pub use flask_hmac::FlaskHmac;
pub use flask_path::FlaskHmacPath;
#[cfg(feature = "sha1")]
pub use fost::Fost;
#[cfg(feature = "sha1")]
pub use fost_url::FostUrl;
pub use header::Encoding;
#[cfg(feature = "serde")]
pub use json::JsonStrings;
#[cfg(feature = "serde")]
pub use json_text::JsonText;
pub use parts::{HeaderScheme, Part, TimeFormat};
#[cfg(feature = "rfc9421")]
pub use rfc9421::{MessageSignatures, Policy, StructuredType};
pub(crate) use text::Recorded;
pub use text::SignedText;

use crate::digest::Digest;
use crate::key::{KeyId, SecretKey};
use crate::mac::{Algorithm, Mac, Tag};
use crate::sign::SignError;

/// A wire format.
///
/// It never compares, never reads a clock, never awaits, and sees a key in
/// [`key_mac`](Self::key_mac) alone.
pub trait Scheme: Send + Sync {
    /// The name of the format, such as `flask-hmac`: what [`Verified::scheme`] tells.
    ///
    /// [`Verified::scheme`]: crate::Verified::scheme
    fn name(&self) -> &'static str;

    /// The hash under the HMAC. The server picks it, never the message.
    fn algorithm(&self) -> Algorithm;

    /// The headers that the format owns: exactly one value of each, stripped, marked sensitive.
    fn headers(&self) -> &[HeaderName];

    /// What the format says of time; [`Window::untimed`] unless it says otherwise.
    fn window(&self) -> Window {
        Window::untimed()
    }

    /// Reads what the head says.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Missing`] if no header or parameter of the format is there,
    /// [`ClaimError::Malformed`] if there is something that this format does not write.
    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError>;

    /// How the body is covered; [`Coverage::Signed`] unless it says otherwise.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Malformed`] if the head does not say so in the format's terms.
    fn coverage(&self, head: &Parts, claim: &Claim) -> Result<Coverage, ClaimError> {
        let _ = (head, claim);
        Ok(Coverage::Signed)
    }

    /// Writes what stands before the body in the signed text.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Malformed`] if a covered part of the head is missing or ambiguous.
    fn before_body(
        &self,
        head: &Parts,
        claim: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError>;

    /// Writes what stands after the body; nothing unless it says otherwise.
    ///
    /// # Errors
    ///
    /// As [`before_body`](Self::before_body).
    fn after_body(
        &self,
        head: &Parts,
        claim: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        let _ = (head, claim, text);
        Ok(())
    }

    /// Writes the part of the text that is made from the whole body. Called for
    /// [`Coverage::Derived`] alone, between `before_body` and `after_body`.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Malformed`] if the body has no such text.
    fn derive(
        &self,
        head: &Parts,
        claim: &Claim,
        body: &[u8],
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        let _ = (head, claim, body, text);
        Err(ClaimError::malformed("this format derives no text from the body"))
    }

    /// Starts the HMAC under a key; formats that derive keys override it.
    fn key_mac(&self, key: &SecretKey, claim: &Claim) -> Mac {
        let _ = claim;
        Mac::new(self.algorithm(), key)
    }

    /// Writes times, nonce and digests into the head of a request that is about to be signed, and
    /// says what a server would read from it, the tag excepted.
    ///
    /// # Errors
    ///
    /// [`SignError`] if the format cannot carry this request or key id.
    fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError>;

    /// Writes the tag into the head.
    ///
    /// # Errors
    ///
    /// [`SignError`] if the head cannot take it.
    fn attach(&self, head: &mut Parts, claim: &Claim, tag: &Tag) -> Result<(), SignError>;

    /// Takes the signature out of the head; by default the headers that the format owns.
    fn strip(&self, head: &mut Parts) {
        for name in self.headers() {
            head.headers.remove(name);
        }
    }
}

/// How a format covers the body.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Coverage {
    /// The raw body stands in the signed text, between what comes before and after it.
    Signed,
    /// The signed text covers plain digests that the head carries; the body must match every one
    /// of them, and there is at least one. The MAC is checked before the body is read.
    Digest(Vec<Digest>),
    /// The signed text is made from the whole body by [`Scheme::derive`]. Parts of the body that
    /// the text leaves out can be changed by anybody.
    Derived,
    /// The format signs no body: a request that has one is refused.
    Empty,
    /// The format can sign a body, and this signature does not: a request that has one is refused
    /// for this reason.
    Uncovered(&'static str),
    /// The format signs no body, and whatever comes is let through to the handler. Whoever sees
    /// one signed head can send any body with it.
    Unsigned,
}

impl Coverage {
    /// Why a body is refused, if none may be there.
    pub(crate) fn refuses_body(&self) -> Option<&'static str> {
        match self {
            Self::Empty => Some("the format signs no body, and there is one"),
            Self::Uncovered(why) => Some(why),
            Self::Signed | Self::Digest(_) | Self::Derived | Self::Unsigned => None,
        }
    }
}

/// What a format says of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    timed: bool,
    excludes_edge: bool,
    max_lifetime: Option<u64>,
}

impl Window {
    /// The format carries no time: a signature is good for ever.
    #[must_use]
    pub const fn untimed() -> Self {
        Self { timed: false, excludes_edge: false, max_lifetime: None }
    }

    /// Every claim carries a time of creation or of expiry. One without is refused.
    #[must_use]
    pub const fn timed() -> Self {
        Self { timed: true, excludes_edge: false, max_lifetime: None }
    }

    /// An age of just the tolerance is refused, where it is accepted otherwise.
    #[must_use]
    pub const fn excluding_edge(mut self) -> Self {
        self.excludes_edge = true;
        self
    }

    /// A claim that expires later than so many seconds from now is refused.
    #[must_use]
    pub const fn with_max_lifetime(mut self, seconds: u64) -> Self {
        self.max_lifetime = Some(seconds);
        self
    }

    /// Whether every claim carries a time.
    #[must_use]
    pub const fn is_timed(&self) -> bool {
        self.timed
    }

    pub(crate) const fn excludes_edge(&self) -> bool {
        self.excludes_edge
    }

    pub(crate) const fn max_lifetime(&self) -> Option<u64> {
        self.max_lifetime
    }
}

/// What a signer gives a format to write into a request.
#[derive(Clone, Copy)]
pub struct Stamp<'a> {
    pub(crate) body: &'a [u8],
    pub(crate) key_id: Option<&'a KeyId>,
    pub(crate) now: i64,
    pub(crate) nonce: &'a [u8],
    pub(crate) lifetime: Option<u64>,
}

impl<'a> Stamp<'a> {
    /// The body to be sent.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// The name of the key; `None` for the anonymous one.
    #[must_use]
    pub fn key_id(&self) -> Option<&'a KeyId> {
        self.key_id
    }

    /// The time of signing, in Unix seconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.now
    }

    /// Bytes that no other request has: 24 from the signer's source.
    #[must_use]
    pub fn nonce(&self) -> &'a [u8] {
        self.nonce
    }

    /// How long the signature is to hold, in seconds, for formats that carry an expiry.
    #[must_use]
    pub fn lifetime(&self) -> Option<u64> {
        self.lifetime
    }

    /// The time of expiry, in Unix seconds, if there is a lifetime.
    #[must_use]
    pub fn expires(&self) -> Option<i64> {
        self.lifetime.map(|lifetime| self.now.saturating_add_unsigned(lifetime))
    }
}

impl fmt::Debug for Stamp<'_> {
    /// Without the body, which is the application's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stamp")
            .field("key_id", &self.key_id)
            .field("now", &self.now)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}
