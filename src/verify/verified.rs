use std::any::Any;
use std::fmt;
use std::sync::Arc;

use http::{HeaderName, HeaderValue};

use crate::crypto::Algorithm;
use crate::key::KeyId;
use crate::scheme::CoveredHead;

/// The facts that a request has *proven*. Only this crate can make a `Verified`, after the last
/// check.
///
/// The layer stores it in the request's extensions. With feature `axum`, it is also an extractor: a
/// handler that takes it cannot be reached without the layer.
///
/// ```compile_fail
/// // It cannot be made elsewhere: it has no constructor, public field or `Default`.
/// let forged = tower_hmac::Verified::default();
/// ```
///
/// ```compile_fail,E0451
/// fn forge(real: tower_hmac::Verified) -> tower_hmac::Verified {
///     tower_hmac::Verified { key_id: None, ..real }
/// }
/// ```
#[derive(Clone)]
pub struct Verified {
    pub(super) key_id: Option<KeyId>,
    pub(super) scheme: Arc<str>,
    pub(super) algorithm: Option<Algorithm>,
    pub(super) key_index: u8,
    pub(super) disarmed: bool,
    pub(super) key_label: Option<Arc<str>>,
    pub(super) created: Option<i64>,
    pub(super) message_id: Option<Arc<str>>,
    pub(super) covered: Option<Arc<CoveredHead>>,
    pub(super) slot: Option<LayerSlot>,
}

/// Data of a layer for the extractors inside it. The engine never reads it.
#[derive(Clone)]
#[cfg_attr(not(feature = "axum"), allow(dead_code))] // Extractors read it.
pub(crate) struct LayerSlot {
    pub(crate) config: Arc<dyn Any + Send + Sync>,
    pub(crate) reject: &'static (dyn Any + Send + Sync),
}

impl Verified {
    /// Makes a `Verified` for a disarmed layer. It has no key ID, whatever the head claims.
    pub(crate) fn disarmed(scheme: Arc<str>) -> Self {
        Self {
            key_id: None,
            scheme,
            algorithm: None,
            key_index: 0,
            key_label: None,
            created: None,
            message_id: None,
            covered: None,
            disarmed: true,
            slot: None,
        }
    }

    #[inline]
    pub(crate) fn set_slot(&mut self, slot: LayerSlot) {
        self.slot = Some(slot);
    }

    #[cfg(feature = "axum")]
    pub(crate) fn slot(&self) -> Option<&LayerSlot> {
        self.slot.as_ref()
    }

    /// Returns the key ID of the key that signed. `None` if it was the anonymous key, or if the
    /// layer is disarmed.
    ///
    /// To check for one caller, use [`is_signed_by`](Self::is_signed_by). To match on several:
    ///
    /// ```
    /// use tower_hmac::{KeyId, Verified};
    ///
    /// fn discount(caller: &Verified) -> u32 {
    ///     match caller.key_id().map(KeyId::as_str) {
    ///         Some("aservice" | "bservice") => 10,
    ///         Some(_) => 5,
    ///         None => 0,
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn key_id(&self) -> Option<&KeyId> {
        self.key_id.as_ref()
    }

    /// Returns whether the key that signed has this key ID. `false` for the anonymous key and if
    /// the layer is disarmed.
    #[must_use]
    pub fn is_signed_by(&self, key_id: &str) -> bool {
        self.key_id.as_ref().is_some_and(|proven| proven == key_id)
    }

    /// Returns the name of the scheme.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Returns the name of the scheme as a shared string.
    #[cfg(any(feature = "axum", feature = "metrics"))]
    pub(crate) fn shared_scheme(&self) -> &Arc<str> {
        &self.scheme
    }

    /// Returns the hash under the HMAC, which distinguishes two algorithms of one scheme. `None` if
    /// the layer is disarmed.
    #[must_use]
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// Returns which key of the set signed: 0 is the newest. Use it to see when an old key is no
    /// longer used.
    #[must_use]
    pub fn key_index(&self) -> usize {
        usize::from(self.key_index)
    }

    /// Returns the label of the key that signed, if it has one.
    #[must_use]
    pub fn key_label(&self) -> Option<&str> {
        self.key_label.as_deref()
    }

    /// Returns the time of signing in Unix seconds, if the scheme carries one.
    #[must_use]
    pub fn created(&self) -> Option<i64> {
        self.created
    }

    /// Returns the ID of the message, if the scheme signs one. It stays the same when the sender
    /// retries a delivery.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.message_id.as_deref()
    }

    /// Returns the headers that the signature covers, with their signed values.
    pub fn signed_headers(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.covered.iter().flat_map(|covered| covered.headers()).map(|(name, value)| (name, value))
    }

    /// Returns the components that the signature covers, in the scheme's own terms, such as
    /// `"@method"`. Empty for schemes that do not list them.
    pub fn covered(&self) -> impl Iterator<Item = &str> {
        self.covered.iter().flat_map(|covered| covered.components()).map(AsRef::as_ref)
    }

    /// Returns whether the layer checks nothing (`dangerous_disarmed`).
    #[must_use]
    pub fn is_disarmed(&self) -> bool {
        self.disarmed
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("key_id", &self.key_id)
            .field("scheme", &self.scheme)
            .field("algorithm", &self.algorithm)
            .field("key_index", &self.key_index)
            .field("key_label", &self.key_label)
            .field("created", &self.created)
            .field("disarmed", &self.disarmed)
            .finish_non_exhaustive()
    }
}
