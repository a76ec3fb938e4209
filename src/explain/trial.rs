//! One request, checked again with changed signing strings, bodies and keys.

use std::cell::Cell;

use http::request::Parts;

use crate::crypto::FixedBytes;
use crate::crypto::{Algorithm, Mac, Tag};
use crate::explain::text::Assembled;
use crate::key::{KeyEntry, KeySet, SecretKey};
use crate::scheme::{BodyDigest, Claim, ClaimError, Coverage, Scheme};

/// The longest body that is changed, in bytes.
pub(super) const MOST_BODY: usize = 2 * 1024 * 1024;

/// The remaining budget of signing strings, keys and bytes.
#[derive(Clone, Copy)]
pub(super) struct Budget {
    pub(super) tries: usize,
    pub(super) bytes: usize,
}

/// A claim, its signing string, and the keys of the claimed key ID.
pub(super) struct Trial<'a> {
    pub(super) scheme: &'a dyn Scheme,
    /// The head from which the text is written.
    pub(super) head: &'a Parts,
    pub(super) body: &'a [u8],
    pub(super) claim: &'a Claim,
    pub(super) text: Assembled<'a>,
    coverage: Coverage,
    keys: Option<KeySet>,
    /// The time at which keys must be valid.
    now: i64,
    budget: Cell<Budget>,
}

impl<'a> Trial<'a> {
    pub(super) fn new(
        scheme: &'a dyn Scheme,
        (head, body): (&'a Parts, &'a [u8]),
        claim: &'a Claim,
        keys: Option<KeySet>,
        now: i64,
        budget: Budget,
    ) -> Result<Self, ClaimError> {
        let coverage = scheme.coverage(head, claim)?;
        let text = Assembled::new(scheme, head, claim, &coverage, body)?;
        let budget = Cell::new(budget);
        Ok(Self { scheme, head, body, claim, text, coverage, keys, now, budget })
    }

    /// Sets how many bytes may be hashed from now on.
    pub(super) fn allow_bytes(&self, bytes: usize) {
        self.budget.set(Budget { bytes, ..self.budget.get() });
    }

    pub(super) fn allow(&self, budget: Budget) {
        self.budget.set(budget);
    }

    /// Returns the remaining budget.
    pub(super) fn budget(&self) -> Budget {
        self.budget.get()
    }

    /// Returns whether the unchanged text can be tried once more.
    pub(super) fn has_room(&self) -> bool {
        let len = self.text.pieces().iter().map(|piece| piece.len()).fold(0, usize::saturating_add);
        self.budget.get().bytes >= len
    }

    /// Returns the keys of the claimed key ID, valid now or not.
    pub(super) fn keys(&self) -> impl Iterator<Item = &KeyEntry> {
        self.keys.iter().flat_map(KeySet::iter)
    }

    /// Returns the keys of the claimed key ID that are not valid now.
    pub(super) fn keys_not_current(&self) -> impl Iterator<Item = &KeyEntry> {
        self.keys().filter(|entry| !entry.is_valid_at(self.now))
    }

    /// Returns whether the unchanged request matches.
    pub(super) fn is_right(&self) -> bool {
        self.holds(self.body)
    }

    /// Returns whether the request matches with this body.
    pub(super) fn holds(&self, body: &[u8]) -> bool {
        match &self.coverage {
            Coverage::Signed => self.fits(&self.text.around(body)),
            Coverage::Derived | Coverage::Hashed(_) => {
                let coverage = &self.coverage;
                // Parsing a body costs more than hashing it.
                self.spends(body.len().saturating_mul(4))
                    && Assembled::new(self.scheme, self.head, self.claim, coverage, body)
                        .is_ok_and(|text| self.fits(&text.pieces()))
            }
            Coverage::Digest(digests) => {
                let of = |digest: &BodyDigest| {
                    let mut hasher = digest.hasher();
                    hasher.update(body);
                    digest.matches(hasher)
                };
                self.spends(body.len().saturating_mul(digests.len()))
                    && digests.iter().all(of)
                    && self.fits(&self.text.pieces())
            }
            Coverage::Empty | Coverage::Uncovered(_) if !body.is_empty() => false,
            _ => self.fits(&self.text.pieces()),
        }
    }

    /// Returns whether the body matters, and is short enough to change.
    pub(super) fn is_about_body(&self) -> bool {
        !matches!(self.coverage, Coverage::Unsigned) && self.body.len() <= MOST_BODY
    }

    /// Returns whether the text contains the body, or something made from it.
    pub(super) fn signs_body(&self) -> bool {
        matches!(self.coverage, Coverage::Signed | Coverage::Derived | Coverage::Hashed(_))
    }

    /// Returns whether the text contains the raw body.
    pub(super) fn signs_raw_body(&self) -> bool {
        matches!(self.coverage, Coverage::Signed)
    }

    /// Returns whether a body is rejected.
    pub(super) fn rejects_body(&self) -> bool {
        self.coverage.rejects_body().is_some()
    }

    /// Returns whether a tag of the request matches this text, under a currently valid key of the
    /// key ID.
    pub(super) fn fits(&self, text: &[&[u8]]) -> bool {
        self.tries()
            && self.current_keys().any(|key| {
                let mac = self.scheme.key_mac(key, self.claim);
                self.is_tag_of(mac, text)
            })
    }

    /// Returns whether a tag matches the unchanged text, with MACs made by `mac`.
    #[cfg(feature = "sigv4")]
    pub(super) fn fits_mac(&self, mac: &dyn Fn(&SecretKey) -> Mac) -> bool {
        let text = self.text.pieces();
        self.tries() && self.current_keys().any(|key| self.is_tag_of(mac(key), &text))
    }

    /// Returns whether a tag matches the unchanged text under another key.
    pub(super) fn fits_under(&self, key: &SecretKey) -> bool {
        let mac = || self.scheme.key_mac(key, self.claim);
        self.tries() && self.is_tag_of(mac(), &self.text.pieces())
    }

    /// Returns whether a tag matches the unchanged text under one of these keys that is valid now.
    pub(super) fn fits_under_any(&self, keys: &KeySet) -> bool {
        let mut valid = keys.iter().filter(|entry| entry.is_valid_at(self.now));
        valid.any(|entry| self.fits_under(entry.key()))
    }

    /// Returns whether this tag matches the unchanged text with another hash.
    pub(super) fn fits_hash(&self, algorithm: Algorithm, tag: &[u8]) -> bool {
        let Some(offered) = FixedBytes::try_of(tag) else { return false };
        let text = self.text.pieces();
        self.tries()
            && self.current_keys().any(|key| {
                let tag = self.tag(Mac::new(algorithm, key), &text);
                tag.is_some_and(|tag| tag.matches(&offered).into())
            })
    }

    fn current_keys(&self) -> impl Iterator<Item = &SecretKey> {
        self.keys().filter(|entry| entry.is_valid_at(self.now)).map(KeyEntry::key)
    }

    fn is_tag_of(&self, mac: Mac, text: &[&[u8]]) -> bool {
        self.tag(mac, text)
            .is_some_and(|tag| self.claim.tags().any(|offered| tag.matches(offered.bytes()).into()))
    }

    /// Returns the tag of a string, if the budget allows.
    fn tag(&self, mut mac: Mac, text: &[&[u8]]) -> Option<Tag> {
        let len = text.iter().map(|piece| piece.len()).fold(0, usize::saturating_add);
        if !self.spends(len) {
            return None;
        }
        for piece in text {
            mac.update(piece);
        }
        Some(mac.finalize())
    }

    pub(super) fn spends(&self, bytes: usize) -> bool {
        let Budget { tries, bytes: left } = self.budget.get();
        let Some(left) = left.checked_sub(bytes) else { return false };
        self.budget.set(Budget { tries, bytes: left });
        true
    }

    fn tries(&self) -> bool {
        let Budget { tries, bytes } = self.budget.get();
        let Some(tries) = tries.checked_sub(1) else { return false };
        self.budget.set(Budget { tries, bytes });
        true
    }
}
