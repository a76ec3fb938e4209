//! A scheme of a verifier, with its keys.

use std::sync::Arc;

use http::request::Parts;

use crate::error::ConfigError;
use crate::key::{KeySet, KeyStore, SecretKey};
use crate::replay::ReplayKey;
use crate::scheme::{Claim, ClaimError, Scheme, Selector, Window};
#[cfg(feature = "sigv4")]
use crate::verify::derived::DerivedKeys;

/// A scheme with its own keys.
#[derive(Clone)]
pub(crate) struct SchemeEntry {
    /// The scheme's name, shared by errors, logs and metrics.
    pub(crate) name: Arc<str>,
    /// The maximum number of tags that one request can carry, from the scheme.
    pub(crate) max_tags: usize,
    pub(crate) window: Window,
    pub(crate) is_in_body: bool,
    pub(crate) scheme: Arc<dyn Scheme>,
    pub(crate) keys: Arc<dyn KeyStore>,
    /// `None` if the scheme derives no keys.
    #[cfg(feature = "sigv4")]
    pub(crate) derived: Option<Arc<DerivedKeys>>,
}

impl SchemeEntry {
    pub(crate) fn new(
        scheme: impl Scheme + 'static,
        keys: impl KeyStore + 'static,
    ) -> Result<Self, ConfigError> {
        check_keys(&scheme, &keys)?;
        KeySet::prepare_dummies(scheme.algorithm());
        keys.prepare(scheme.algorithm());
        Ok(Self {
            name: scheme.name().into(),
            max_tags: scheme.max_tags(),
            window: scheme.window(),
            is_in_body: scheme.is_in_body(),
            #[cfg(feature = "sigv4")]
            derived: scheme.derivation().map(|_| Arc::default()),
            scheme: Arc::new(scheme),
            keys: Arc::new(keys),
        })
    }

    /// Reads the request's claim in this scheme. `body` is only set if the head has no claim.
    #[inline]
    pub(crate) fn claim(&self, head: &Parts, body: Option<&[u8]>) -> Result<Claim, ClaimError> {
        match (self.is_in_body, body) {
            (false, _) => self.scheme.claim(head),
            (true, Some(body)) => self.scheme.claim_from_body(head, body),
            (true, None) => Err(ClaimError::Missing),
        }
    }

    /// Returns the replay key of a request with this nonce, under the secret that signed it. A
    /// nonce is unique within each covered selector.
    pub(crate) fn replay_key_of_nonce(&self, nonce: &[u8], key: &SecretKey) -> ReplayKey {
        ReplayKey::of_nonce(self.covered_selector(), nonce, key)
    }

    /// Returns the selector if the signature covers it. A label or prefix is not covered: a replay
    /// under another label is still a replay.
    fn covered_selector(&self) -> &str {
        match self.scheme.selector() {
            Some(Selector::Tag(tag)) => tag,
            _ => "",
        }
    }

    /// Returns whether the schemes share a header.
    pub(crate) fn shares_header(&self, other: &Self) -> bool {
        self.scheme.headers().iter().any(|name| other.scheme.headers().contains(name))
    }

    /// Returns whether the schemes share a header, and `other` reads everything in the head that
    /// belongs to this scheme.
    pub(crate) fn is_within(&self, other: &Self, head: &Parts) -> bool {
        let theirs = other.scheme.headers();
        let mut ours = self.scheme.headers().iter();
        self.shares_header(other)
            && ours.all(|name| theirs.contains(name) || !head.headers.contains_key(name))
    }

    /// Returns whether the selectors of both schemes exclude each other: a signature in a common
    /// header belongs to one scheme or the other, never to both.
    pub(crate) fn is_selected_apart_from(&self, other: &Self) -> bool {
        match (self.scheme.selector(), other.scheme.selector()) {
            (Some(ours), Some(theirs)) => ours.excludes(&theirs),
            _ => false,
        }
    }

    /// Returns whether no request is valid in both: because of their selectors, or because one
    /// needs all headers of the other and more.
    pub(crate) fn is_told_apart_from(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.scheme.headers(), other.scheme.headers());
        if ours.is_empty() && theirs.is_empty() {
            return self.name != other.name;
        }
        !self.shares_header(other)
            || self.is_selected_apart_from(other)
            || (ours.len() != theirs.len()
                && (ours.iter().all(|name| theirs.contains(name))
                    || theirs.iter().all(|name| ours.contains(name))))
    }
}

/// Rejects a combination of scheme and key store that would reject every request.
fn check_keys(scheme: &impl Scheme, keys: &impl KeyStore) -> Result<(), ConfigError> {
    let has_anonymous = keys.knows(None) != Some(false);
    let has_named = keys.has_named_keys() != Some(false);
    let why = match (has_anonymous, has_named) {
        (false, false) => return Err(ConfigError::NoKeys("key store".into())),
        (true, false) if scheme.requires_key_id() => {
            "requires a key ID, and the key store has only an anonymous key; `KeyMap::named` \
             takes keys with their IDs"
        }
        (false, true) if !scheme.carries_key_id() => {
            "carries no key ID, and the key store has only named keys; `KeyMap::single` takes an \
             anonymous key"
        }
        _ => return Ok(()),
    };
    Err(ConfigError::invalid("key store", format!("`{}` {why}", scheme.name())))
}
