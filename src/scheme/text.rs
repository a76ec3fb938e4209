use std::fmt;

use crate::mac::{Mac, Tag};

/// Where a format writes the text that is signed. It takes bytes and gives none back: every
/// candidate key is fed at once.
pub struct SignedText(Sink);

enum Sink {
    /// One for nearly everybody; more while keys are rotated.
    Macs {
        first: Mac,
        more: Vec<Mac>,
    },
    Record(Vec<u8>),
}

impl SignedText {
    pub(crate) fn new(first: Mac, more: Vec<Mac>) -> Self {
        Self(Sink::Macs { first, more })
    }

    /// Keeps the text instead, for those who ask why a signature does not match.
    pub(crate) fn record() -> Self {
        Self(Sink::Record(Vec::new()))
    }

    /// Takes in more of the text.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Sink::Macs { first, more } => {
                first.update(bytes);
                for mac in more {
                    mac.update(bytes);
                }
            }
            Sink::Record(text) => text.extend_from_slice(bytes),
        }
    }

    /// The tags of all candidates, in their order.
    pub(crate) fn finalize(self) -> impl Iterator<Item = Tag> {
        let (first, more) = match self.0 {
            Sink::Macs { first, more } => (Some(first), more),
            Sink::Record(_) => (None, Vec::new()),
        };
        first.into_iter().chain(more).map(Mac::finalize)
    }

    pub(crate) fn into_recorded(self) -> Vec<u8> {
        match self.0 {
            Sink::Macs { .. } => Vec::new(),
            Sink::Record(text) => text,
        }
    }
}

impl fmt::Debug for SignedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedText(..)")
    }
}
