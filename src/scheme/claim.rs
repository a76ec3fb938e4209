use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::{HeaderName, HeaderValue};

use crate::crypto::FixedBytes;
use crate::key::KeyId;
use crate::scheme::covered_head::CoveredHead;
use crate::shown::Shown;

/// The maximum number of tags that one request may carry.
const MAX_TAGS: usize = 16;

/// The *claim* of a request's head: who signed it, with which tags, and when. Not yet verified.
///
/// See [`scheme`](crate::scheme#writing-your-own-scheme) for an example.
#[derive(Clone, Default)]
pub struct Claim {
    key_id: Option<KeyId>,
    first: Option<OfferedTag>,
    more: Vec<OfferedTag>,
    created: Option<i64>,
    expires: Option<i64>,
    not_before: Option<i64>,
    nonce: Option<Nonce>,
    message_id: Option<Arc<str>>,
    covered: Option<Arc<CoveredHead>>,
    memo: Option<Arc<dyn Any + Send + Sync>>,
}

/// A nonce. Stored inline if it is as short as usual, which saves each request an allocation.
#[derive(Clone)]
enum Nonce {
    Short(FixedBytes),
    Long(Box<[u8]>),
}

impl From<&[u8]> for Nonce {
    fn from(nonce: &[u8]) -> Self {
        FixedBytes::try_of(nonce).map_or_else(|| Self::Long(nonce.into()), Self::Short)
    }
}

/// One decoded tag from a request. Opaque in [`Debug`], because it may be valid.
///
/// See [`scheme`](crate::scheme#writing-your-own-scheme) for an example.
#[derive(Clone)]
pub struct OfferedTag(FixedBytes);

impl OfferedTag {
    /// Makes a tag from decoded bytes. Returns `None` if there are no bytes, or more than in the
    /// longest tag (64).
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() { None } else { FixedBytes::try_of(bytes).map(Self) }
    }

    /// Returns the length, in bytes.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // Never empty.
    pub fn len(&self) -> usize {
        self.0.as_bytes().len()
    }

    pub(crate) fn bytes(&self) -> &FixedBytes {
        &self.0
    }

    pub(crate) fn into_bytes(self) -> FixedBytes {
        self.0
    }
}

impl fmt::Debug for OfferedTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OfferedTag(..)")
    }
}

impl Claim {
    /// Makes a claim by the anonymous key, without a tag yet.
    #[must_use]
    #[inline]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a claim with one tag.
    #[must_use]
    #[inline]
    pub fn signed(signature: OfferedTag) -> Self {
        Self { first: Some(signature), ..Self::default() }
    }

    /// Adds a tag.
    ///
    /// # Errors
    ///
    /// Returns [`ClaimError::Malformed`] if the claim already has 16 tags.
    pub fn add_tag(mut self, signature: OfferedTag) -> Result<Self, ClaimError> {
        if self.first.is_none() {
            self.first = Some(signature);
        } else if self.tags().count() < MAX_TAGS {
            self.more.push(signature);
        } else {
            return Err(ClaimError::malformed("there are more than 16 signatures"));
        }
        Ok(self)
    }

    /// Sets the claimed key ID.
    #[must_use]
    #[inline]
    pub fn with_key_id(mut self, key_id: impl Into<Option<KeyId>>) -> Self {
        self.key_id = key_id.into();
        self
    }

    /// Sets the time of signing, in Unix seconds. The signing string must cover it.
    #[must_use]
    #[inline]
    pub fn with_created(mut self, unix_seconds: i64) -> Self {
        self.set_created(unix_seconds);
        self
    }

    /// Sets the time until which the signature is valid, in Unix seconds, inclusive. The signing
    /// string must cover it.
    #[must_use]
    #[inline]
    pub fn with_expires(mut self, unix_seconds: i64) -> Self {
        self.expires = Some(unix_seconds);
        self
    }

    /// Sets the time from which the signature is valid, in Unix seconds. The signing string must
    /// cover it.
    #[must_use]
    #[inline]
    pub fn with_not_before(mut self, unix_seconds: i64) -> Self {
        self.not_before = Some(unix_seconds);
        self
    }

    /// Sets the ID of the message, which stays the same when a delivery is retried. The signing
    /// string must cover it.
    ///
    /// It is not a nonce: a replay guard would reject the retry of a failed delivery. A layer that
    /// handles each delivery only once uses it.
    #[must_use]
    #[inline]
    pub fn with_message_id(mut self, id: impl Into<Arc<str>>) -> Self {
        self.set_message_id(id);
        self
    }

    /// Sets a value that no other request under this key has. The signing string must cover it. A
    /// replay guard identifies the request by this value, and is useless if an attacker can change
    /// it.
    #[must_use]
    #[inline]
    pub fn with_nonce(mut self, nonce: &[u8]) -> Self {
        self.nonce = Some(nonce.into());
        self
    }

    /// Sets the headers that the signature covers, as they were read.
    #[must_use]
    pub fn with_signed_headers(mut self, headers: Vec<(HeaderName, HeaderValue)>) -> Self {
        self.set_signed_headers(headers);
        self
    }

    /// Sets the names of the components that the signature covers, in the scheme's own terms.
    #[must_use]
    pub fn with_covered<I>(mut self, components: I) -> Self
    where
        I: IntoIterator<Item: Into<Cow<'static, str>>>,
    {
        let components = components.into_iter().map(Into::into).collect();
        Arc::make_mut(self.covered.get_or_insert_default()).components = components;
        self
    }

    /// Sets the components and the headers that the signature covers.
    #[cfg(any(feature = "rfc9421", feature = "sigv4"))]
    pub(crate) fn cover(&mut self, covered: CoveredHead) {
        self.covered = Some(Arc::new(covered));
    }

    /// Keeps data that the scheme has parsed, for use when the signing string is written.
    #[must_use]
    pub fn with_memo<T: Any + Send + Sync>(mut self, memo: T) -> Self {
        self.memo = Some(Arc::new(memo));
        self
    }

    /// Keeps data that was prepared for many requests.
    #[cfg(any(feature = "rfc9421", feature = "sigv4"))]
    pub(crate) fn keep_shared<T: Any + Send + Sync>(&mut self, memo: Arc<T>) {
        self.memo = Some(memo);
    }

    // These methods change the claim in place, because it is large and slow to move.

    #[cfg(feature = "rfc9421")]
    pub(crate) fn set_tag(&mut self, tag: OfferedTag) {
        self.first = Some(tag);
    }

    pub(crate) fn set_key_id(&mut self, key_id: KeyId) {
        self.key_id = Some(key_id);
    }

    pub(crate) fn set_created(&mut self, unix_seconds: i64) {
        self.created = Some(unix_seconds);
    }

    pub(crate) fn set_message_id(&mut self, id: impl Into<Arc<str>>) {
        self.message_id = Some(id.into());
    }

    pub(crate) fn set_signed_headers(&mut self, headers: Vec<(HeaderName, HeaderValue)>) {
        let components = self.covered.take().map(|covered| covered.components.clone());
        self.covered = Some(Arc::new(CoveredHead::new(components.unwrap_or_default(), headers)));
    }

    #[cfg(feature = "rfc9421")]
    pub(crate) fn set_times(&mut self, created: Option<i64>, expires: Option<i64>) {
        (self.created, self.expires) = (created, expires);
    }

    #[cfg(feature = "rfc9421")]
    pub(crate) fn set_nonce(&mut self, nonce: &[u8]) {
        self.nonce = Some(nonce.into());
    }

    /// Returns the claimed key ID, or `None` for the anonymous key.
    #[must_use]
    pub fn key_id(&self) -> Option<&KeyId> {
        self.key_id.as_ref()
    }

    /// Returns the tags of the request.
    pub fn tags(&self) -> impl Iterator<Item = &OfferedTag> {
        self.first.iter().chain(&self.more)
    }

    /// Returns the claimed time of signing, in Unix seconds.
    #[must_use]
    pub fn created(&self) -> Option<i64> {
        self.created
    }

    /// Returns the time until which the signature is valid, in Unix seconds.
    #[must_use]
    pub fn expires(&self) -> Option<i64> {
        self.expires
    }

    /// Returns the time from which the signature is valid, in Unix seconds.
    #[must_use]
    pub fn not_before(&self) -> Option<i64> {
        self.not_before
    }

    /// Returns whether any part of the claim depends on the time.
    pub(crate) fn has_times(&self) -> bool {
        self.created.is_some() || self.expires.is_some() || self.not_before.is_some()
    }

    /// Returns the claimed ID of the message.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.message_id.as_deref()
    }

    pub(crate) fn shared_message_id(&self) -> Option<&Arc<str>> {
        self.message_id.as_ref()
    }

    /// Returns the nonce: a value that no other request under this key has.
    #[must_use]
    pub fn nonce(&self) -> Option<&[u8]> {
        self.nonce.as_ref().map(|nonce| match nonce {
            Nonce::Short(nonce) => nonce.as_bytes(),
            Nonce::Long(nonce) => nonce,
        })
    }

    /// Returns the data kept with [`with_memo`](Self::with_memo), if it has this type.
    #[must_use]
    pub fn memo<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.memo.as_deref()?.downcast_ref()
    }

    pub(crate) fn covered(&self) -> Option<&Arc<CoveredHead>> {
        self.covered.as_ref()
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("key_id", &self.key_id)
            .field("created", &self.created)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// The reason why a head has no valid claim of a scheme.
///
/// Names headers, never their values.
///
/// See [`scheme`](crate::scheme#writing-your-own-scheme) for an example.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// The request has no header or parameter of the scheme.
    #[error("the request is not signed")]
    Missing,
    /// The request contains something that this scheme does not write.
    #[error("{}{why}", .header.as_ref().map(before_why).unwrap_or_default())]
    Malformed {
        /// The header concerned.
        header: Option<HeaderName>,
        /// A description of the mistake, without any value.
        why: &'static str,
    },
    /// The request contains something that differs from what this scheme writes.
    #[error("{}expected {expected}, found {found}", .header.as_ref().map(before_why).unwrap_or_default())]
    Unexpected {
        /// The header concerned.
        header: Option<HeaderName>,
        /// The form that the scheme writes there.
        expected: Cow<'static, str>,
        /// The shape of what was found, such as `a number with a fraction`, never its content.
        found: Cow<'static, str>,
    },
}

impl ClaimError {
    /// Makes an error for something that this scheme does not write.
    #[must_use]
    pub const fn malformed(why: &'static str) -> Self {
        Self::Malformed { header: None, why }
    }

    /// Makes a malformed-header error.
    #[must_use]
    pub fn in_header(name: &HeaderName, why: &'static str) -> Self {
        Self::Malformed { header: Some(name.clone()), why }
    }

    /// Makes an error from what the scheme writes in a header or elsewhere, and the shape of what
    /// was found instead. The error never repeats a value, which may be a valid tag.
    ///
    /// ```
    /// use http::HeaderName;
    /// use tower_hmac::scheme::ClaimError;
    ///
    /// const TIME: HeaderName = HeaderName::from_static("x-time");
    ///
    /// let error = ClaimError::unexpected(&TIME, "Unix seconds", "a number with a fraction");
    /// let text = "header `x-time`: expected Unix seconds, found a number with a fraction";
    /// assert_eq!(error.to_string(), text);
    /// ```
    #[must_use]
    pub fn unexpected<'h>(
        name: impl Into<Option<&'h HeaderName>>,
        expected: impl Into<Cow<'static, str>>,
        found: impl Into<Cow<'static, str>>,
    ) -> Self {
        let header = name.into().cloned();
        Self::Unexpected { header, expected: expected.into(), found: found.into() }
    }
}

/// A client may have chosen the name of the header.
fn before_why(name: &HeaderName) -> String {
    format!("header `{}`: ", Shown(name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A replay guard would take two nonces for one if their ends were lost.
    #[test]
    fn nonce_of_any_length_is_kept_whole() {
        for len in [0, 1, 63, 64, 65, 255, 256, 257, 8192] {
            let nonce = vec![b'n'; len];
            assert_eq!(Claim::new().with_nonce(&nonce).nonce(), Some(&*nonce), "{len}");
        }
    }
}
