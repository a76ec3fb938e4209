use std::any::Any;
use std::fmt;
use std::sync::Arc;

use http::{HeaderName, HeaderValue};

use crate::crypto::Algorithm;
use crate::key::KeyId;
use crate::scheme::Covered;

/// What a request has *proven*. Only this crate makes one, after its last check.
///
/// It stands in the request's extensions, and is an extractor with feature `axum`. A handler that
/// takes it cannot be reached without the layer.
///
/// ```compile_fail
/// // There is no way to make one: no constructor, no public field, no `Default`.
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
    pub(super) covered: Option<Arc<Covered>>,
    pub(super) slot: Option<LayerSlot>,
}

/// What a layer leaves for the extractors inside it. The engine does not look into it.
#[derive(Clone)]
#[cfg_attr(not(feature = "axum"), allow(dead_code))] // Extractors read it.
pub(crate) struct LayerSlot {
    pub(crate) config: Arc<dyn Any + Send + Sync>,
    pub(crate) reject: &'static (dyn Any + Send + Sync),
}

impl Verified {
    /// Of a layer that checks nothing: no name, whatever the head claims.
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

    pub(crate) fn set_slot(&mut self, slot: LayerSlot) {
        self.slot = Some(slot);
    }

    #[cfg(feature = "axum")]
    pub(crate) fn slot(&self) -> Option<&LayerSlot> {
        self.slot.as_ref()
    }

    /// The name of the key that signed; `None` for the anonymous key, and where the layer is
    /// disarmed.
    ///
    /// To ask for one caller, use [`is_signed_by`](Self::is_signed_by); to match on several:
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

    /// Returns whether the key that signed has this key ID. `false` for the anonymous key and if the
    /// layer is disarmed.
    #[must_use]
    pub fn is_signed_by(&self, key_id: &str) -> bool {
        self.key_id.as_ref().is_some_and(|proven| proven == key_id)
    }

    /// The name of the format.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The name of the format, shared.
    #[cfg(any(feature = "axum", feature = "metrics"))]
    pub(crate) fn shared_scheme(&self) -> &Arc<str> {
        &self.scheme
    }

    /// The hash under the HMAC, which tells two algorithms of one format apart; `None` where the
    /// layer is disarmed.
    #[must_use]
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// Which key of the set signed: 0 is the newest. So one sees when an old key is idle.
    #[must_use]
    pub fn key_index(&self) -> usize {
        usize::from(self.key_index)
    }

    /// The label of the key that signed, if it has one.
    #[must_use]
    pub fn key_label(&self) -> Option<&str> {
        self.key_label.as_deref()
    }

    /// The time of signing in Unix seconds, if the format carries one.
    #[must_use]
    pub fn created(&self) -> Option<i64> {
        self.created
    }

    /// Returns the ID of the message, if the format carries one that is signed. It stays the same
    /// when the sender retries a delivery.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.message_id.as_deref()
    }

    /// The headers that the signature covers, with the values that were signed.
    pub fn signed_headers(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.covered.iter().flat_map(|covered| covered.headers()).map(|(name, value)| (name, value))
    }

    /// The components that the signature covers, in the format's own terms, such as `"@method"`.
    /// Empty for formats that do not list them.
    pub fn covered(&self) -> impl Iterator<Item = &str> {
        self.covered.iter().flat_map(|covered| covered.components()).map(AsRef::as_ref)
    }

    /// Whether the layer checks nothing (`dangerous_disarmed`).
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
