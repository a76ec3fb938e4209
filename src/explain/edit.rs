//! A change of a head that may make its signature right.

use http::request::Parts;
use http::{HeaderName, HeaderValue};

use crate::crypto::Algorithm;
use crate::explain::Cause;

pub(super) struct Edit {
    pub(super) cause: Cause,
    pub(super) place: Place,
    /// The text is written from the head as it came: what is changed was signed as it was sent.
    pub(super) signs_original: bool,
    /// What the tag is compared with in the place of a stand-in: the hash that it is taken for,
    /// and the tag as it was sent.
    pub(super) hash: Option<(Algorithm, Vec<u8>)>,
}

/// Where a head is changed.
pub(super) enum Place {
    Header(HeaderName, HeaderValue),
    Query(String),
}

impl Edit {
    /// Makes the change in a copy of the head.
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

    /// Takes it back.
    pub(super) fn undo(&self, copy: &mut Parts, head: &Parts) {
        match &self.place {
            Place::Header(name, _) => {
                // Only a header that is there once, or not at all, is changed.
                match head.headers.get(name) {
                    Some(value) => copy.headers.insert(name, value.clone()),
                    None => copy.headers.remove(name),
                };
            }
            Place::Query(_) => copy.uri.clone_from(&head.uri),
        }
    }
}
