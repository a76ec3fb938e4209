//! A change to a head that may make its signature match.

use http::request::Parts;
use http::{HeaderName, HeaderValue};

use crate::crypto::Algorithm;
use crate::explain::Cause;

pub(super) struct Edit {
    pub(super) cause: Cause,
    pub(super) place: Place,
    /// Whether the text is written from the original head, because the changed part was signed as
    /// sent.
    pub(super) signs_original: bool,
    /// The hash and the tag to compare instead of a placeholder: the presumed hash, and the tag as
    /// sent.
    pub(super) hash: Option<(Algorithm, Vec<u8>)>,
}

/// The place in a head that is changed.
pub(super) enum Place {
    Header(HeaderName, HeaderValue),
    Query(String),
}

impl Edit {
    /// Applies the change to a copy of the head.
    pub(super) fn apply(&self, copy: &mut Parts) -> Option<()> {
        match &self.place {
            Place::Header(name, value) => {
                copy.headers.insert(name, value.clone());
            }
            Place::Query(query) => {
                let target = format!("{}?{query}", copy.uri.path());
                let mut uri = copy.uri.clone().into_parts();
                uri.path_and_query = Some(target.parse().ok()?);
                copy.uri = uri.try_into().ok()?;
            }
        }
        Some(())
    }

    /// Reverts the change.
    pub(super) fn undo(&self, copy: &mut Parts, head: &Parts) {
        match &self.place {
            Place::Header(name, _) => {
                // Only change a header that occurs once, or not at all.
                match head.headers.get(name) {
                    Some(value) => copy.headers.insert(name, value.clone()),
                    None => copy.headers.remove(name),
                };
            }
            Place::Query(_) => copy.uri.clone_from(&head.uri),
        }
    }
}
