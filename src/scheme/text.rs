use std::fmt;

use crate::mac::{Mac, Tag};

/// Where a format writes the text that is signed. It takes bytes and gives none back: every
/// candidate key is fed at once.
pub struct SignedText(Sink);

enum Sink {
    /// One for nearly everybody; more while keys are rotated.
    Macs {
        first: Mac,
        more: Box<[Mac]>,
    },
    Record(Vec<u8>),
}

impl SignedText {
    #[inline]
    pub(crate) fn new(first: Mac, more: Box<[Mac]>) -> Self {
        Self(Sink::Macs { first, more })
    }

    /// Keeps the text instead, for those who ask why a signature does not match.
    pub(crate) fn record() -> Self {
        Self(Sink::Record(Vec::new()))
    }

    /// Takes in more of the text.
    #[inline]
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

    /// The number of candidates.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        match &self.0 {
            Sink::Macs { more, .. } => more.len().saturating_add(1),
            Sink::Record(_) => 0,
        }
    }

    /// The tags of all candidates, in their order. Once: the text is over.
    #[inline]
    pub(crate) fn finalize(&mut self) -> impl Iterator<Item = Tag> {
        let (first, more) = match &mut self.0 {
            Sink::Macs { first, more } => (Some(first), &mut **more),
            Sink::Record(_) => (None, [].as_mut_slice()),
        };
        first.into_iter().chain(more).map(Mac::finalize_in_place)
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
