//! A scheme of a verifier, with its keys.

use std::sync::Arc;

use http::request::Parts;

use crate::crypto::Tag;
use crate::error::ConfigError;
use crate::key::{KeySet, KeyStore, SecretKey};
use crate::replay::ReplayKey;
use crate::scheme::{Claim, ClaimError, Scheme, Selector};

/// A scheme with its own keys.
#[derive(Clone)]
pub(crate) struct SchemeEntry {
    /// The scheme's own, kept so that all that is told of a request shares it.
    pub(crate) name: Arc<str>,
    /// The most tags that one request can carry; the scheme's own, too.
    pub(crate) max_tags: usize,
    pub(crate) scheme: Arc<dyn Scheme>,
    pub(crate) keys: Arc<dyn KeyStore>,
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
            scheme: Arc::new(scheme),
            keys: Arc::new(keys),
        })
    }

    /// What the request claims in this scheme; the body is there only after a head without a claim.
    #[inline]
    pub(crate) fn claim(&self, head: &Parts, body: Option<&[u8]>) -> Result<Claim, ClaimError> {
        match (self.scheme.is_in_body(), body) {
            (false, _) => self.scheme.claim(head),
            (true, Some(body)) => self.scheme.claim_from_body(head, body),
            (true, None) => Err(ClaimError::Missing),
        }
    }

    /// What a request with this tag is remembered as.
    pub(crate) fn replay_key_of_tag(&self, tag: &Tag) -> ReplayKey {
        ReplayKey::of_tag(&self.name, self.covered_selector(), tag)
    }

    /// What a request with this nonce is remembered as, under the secret that signed it.
    pub(crate) fn replay_key_of_nonce(&self, nonce: &[u8], key: &SecretKey) -> ReplayKey {
        ReplayKey::of_nonce(&self.name, self.covered_selector(), nonce, key)
    }

    /// A selector that the signature covers. A label or a prefix is not: a replay under another
    /// one is a replay.
    fn covered_selector(&self) -> &str {
        match self.scheme.selector() {
            Some(Selector::Tag(tag)) => tag,
            _ => "",
        }
    }

    /// Whether the two read a header in common.
    pub(crate) fn shares_header(&self, other: &Self) -> bool {
        self.scheme.headers().iter().any(|name| other.scheme.headers().contains(name))
    }

    /// Whether the two share a header, and all that the head has of ours is theirs, too.
    pub(crate) fn is_within(&self, other: &Self, head: &Parts) -> bool {
        let theirs = other.scheme.headers();
        let mut ours = self.scheme.headers().iter();
        self.shares_header(other)
            && ours.all(|name| theirs.contains(name) || !head.headers.contains_key(name))
    }

    /// Whether the selectors of the two exclude each other: what stands in a header that both
    /// read is one scheme's or the other's, never both.
    pub(crate) fn is_selected_apart_from(&self, other: &Self) -> bool {
        match (self.scheme.selector(), other.scheme.selector()) {
            (Some(ours), Some(theirs)) => ours.excludes(&theirs),
            _ => false,
        }
    }

    /// Whether no request can be well-formed for both: by what each scheme says of itself, or
    /// because one needs all headers of the other and more.
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

/// Finds a scheme and a key store that together reject every request.
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
