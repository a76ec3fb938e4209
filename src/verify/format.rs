use std::sync::Arc;

use http::request::Parts;

use crate::key::{KeySet, KeyStore};
use crate::scheme::Scheme;

/// A format with its own keys.
#[derive(Clone)]
pub(super) struct Format {
    pub(super) scheme: Arc<dyn Scheme>,
    pub(super) keys: Arc<dyn KeyStore>,
}

impl Format {
    pub(super) fn new(scheme: impl Scheme + 'static, keys: impl KeyStore + 'static) -> Self {
        KeySet::prepare_dummies(scheme.algorithm());
        keys.prepare(scheme.algorithm());
        Self { scheme: Arc::new(scheme), keys: Arc::new(keys) }
    }

    /// Whether the two read a header in common.
    pub(super) fn shares_header(&self, other: &Self) -> bool {
        self.scheme.headers().iter().any(|name| other.scheme.headers().contains(name))
    }

    /// Whether the two share a header, and all that the head has of ours is theirs, too.
    pub(super) fn is_within(&self, other: &Self, head: &Parts) -> bool {
        let theirs = other.scheme.headers();
        let mut ours = self.scheme.headers().iter();
        self.shares_header(other)
            && ours.all(|name| theirs.contains(name) || !head.headers.contains_key(name))
    }

    /// Whether no request can be well-formed for both: one format with tags of two lengths, or
    /// one that needs all headers of the other and more.
    pub(super) fn is_told_apart_from(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.scheme.headers(), other.scheme.headers());
        let one_format = self.scheme.name() == other.scheme.name();
        let tag_len = |format: &Self| format.scheme.algorithm().tag_len();
        if ours.is_empty() && theirs.is_empty() {
            return !one_format;
        }
        !self.shares_header(other)
            || (one_format && tag_len(self) != tag_len(other))
            || (ours.len() != theirs.len()
                && (ours.iter().all(|name| theirs.contains(name))
                    || theirs.iter().all(|name| ours.contains(name))))
    }
}
