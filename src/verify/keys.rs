//! Steps 4 and 6: the keys that may have made the tags, and the one that did.

use std::sync::Arc;

use subtle::Choice;

use crate::crypto::{Mac, Tag};
use crate::key::{Found, KeyEntry, KeySet, MAX_KEYS, Places, SecretKey};
use crate::replay::ReplayKey;
use crate::scheme::SignedText;
use crate::verify::context::VerifyContext;
use crate::verify::error::{ErrorKind, VerifyError};
use crate::verify::step::Step;
use crate::verify::verified::Verified;

/// The keys that may have made the tags of a request.
pub(super) struct CandidateKeys {
    /// Dummies if the key ID is unknown, so that it takes the same path as a known one.
    keys: KeySet,
    is_known: bool,
    is_derived: bool,
    /// The keys of the set that were valid at the start. They have the first MACs; the others are
    /// for dummies.
    valid: Places,
    /// How the request is remembered. If a request can carry several tags, this is one entry for
    /// each currently valid key: it could be replayed with only one of its tags.
    replay_keys: Vec<ReplayKey>,
}

impl CandidateKeys {
    #[inline]
    pub(super) fn new(context: VerifyContext<'_>, found: Found) -> Self {
        let Found { is_known, is_derived, .. } = found;
        let keys = found.keys.unwrap_or_else(|| KeySet::dummies(context.max_keys()).clone());
        let valid = keys.counting(|| context.verifier.now());
        Self { keys, is_known, is_derived, valid, replay_keys: Vec::new() }
    }

    /// Starts one MAC per candidate: the currently valid keys, then dummies up to the size of the
    /// store's largest set, so that all key IDs cost the same.
    #[inline]
    pub(super) fn start(&self, context: VerifyContext<'_>) -> SignedText {
        let count = self.valid.count().max(context.max_keys());
        let scheme = &context.entry().scheme;
        let mac = |entry: &KeyEntry| {
            if self.is_derived {
                Mac::new(scheme.algorithm(), entry.key())
            } else {
                scheme.key_mac(entry.key(), context.claim())
            }
        };
        let mut entries = self.keys.at(self.valid);
        match entries.next() {
            Some(only) if count == 1 => SignedText::new(mac(only), Box::default()),
            first => {
                let mut dummies = KeySet::dummies(MAX_KEYS).iter();
                // There is always a dummy. A key generated here would not match either.
                let none = || mac(&SecretKey::generate(scheme.algorithm()).into());
                let mut next = || entries.next().or_else(|| dummies.next()).map_or_else(none, mac);
                let first = first.map_or_else(&mut next, mac);
                SignedText::new(first, (1..count).map(|_| next()).collect())
            }
        }
    }

    /// Writes what comes after the body, and compares every candidate with every tag of the
    /// request. Returns the position of the key that matched.
    #[inline]
    pub(super) fn compare(
        &mut self,
        context: VerifyContext<'_>,
        text: &mut SignedText,
    ) -> Result<u8, VerifyError> {
        let after = context.entry().scheme.after_body(context.head, context.claim(), text);
        after.map_err(|error| context.malformed(Step::Mac, error))?;
        let (matched, tags) = self.find(context, text);
        // All of it for unknown key IDs, too: they have dummies in these positions.
        let still = self.keys.counting(|| context.verifier.now());
        let known = self.is_known & self.valid.meets(still);
        let Some(index) = matched.filter(|place| known && still.contains(*place)) else {
            // One path for both: timing must not reveal an unknown key ID.
            let (step, kind) = if known {
                (Step::Mac, ErrorKind::Mismatch)
            } else {
                (Step::Keys, ErrorKind::UnknownKey)
            };
            return Err(context.error(step, kind));
        };
        if context.verifier.has_replay_guard() {
            self.replay_keys = self.replay_keys(context, index, &tags);
        }
        Ok(index)
    }

    /// Takes the key at a position that [`compare`](Self::compare) returned.
    #[inline]
    pub(super) fn take_matched(&mut self, index: u8) -> MatchedKey {
        let label = self.entry(index).and_then(KeyEntry::shared_label).cloned();
        MatchedKey { index, label, replay_keys: std::mem::take(&mut self.replay_keys) }
    }

    /// Compares the tag of every candidate with every offered tag, with no early end. Returns the
    /// position of the first that matches, and all tags if there is a replay guard.
    #[inline]
    fn find(
        &self,
        context: VerifyContext<'_>,
        text: &mut SignedText,
    ) -> (Option<u8>, Vec<PlacedTag>) {
        let mut matched = None;
        // Allocate for all at once: the position of a tag must not affect the time.
        let room = if context.verifier.has_replay_guard() { text.len() } else { 0 };
        let mut tags = Vec::with_capacity(room);
        let mut places = self.valid.iter();
        text.finalize(|tag| {
            let mut equal = Choice::from(0);
            for offered in context.claim().tags() {
                equal |= tag.matches(offered.bytes());
            }
            let place = places.next();
            if bool::from(equal) && matched.is_none() {
                matched = place;
            }
            // Those of dummies, too: the number of keys of a key ID must not affect the time.
            if room > 0 {
                tags.push((place, tag));
            }
        });
        (matched, tags)
    }

    /// How the request is remembered: one entry for the key that matched, or for every valid key if
    /// a request can carry several tags.
    fn replay_keys(
        &self,
        context: VerifyContext<'_>,
        matched: u8,
        tags: &[PlacedTag],
    ) -> Vec<ReplayKey> {
        let (scheme, nonce) = (context.entry(), context.claim().nonce());
        // A tag of a key that is not valid here yet could make the request new once it is.
        let has_several = scheme.max_tags > 1;
        let offered = context.claim().tags().filter(|_| nonce.is_none() && has_several);
        let offered = offered.map(|tag| ReplayKey::of_tag(tag.bytes().as_bytes()));
        let computed = tags.iter().filter_map(|(place, tag)| {
            let place = place.filter(|place| *place == matched || has_several)?;
            Some(match (nonce, self.entry(place)) {
                (Some(nonce), Some(entry)) => scheme.replay_key_of_nonce(nonce, entry.key()),
                _ => ReplayKey::of_tag(tag.as_bytes()),
            })
        });
        let mut keys: Vec<_> = computed.chain(offered).collect();
        // Sorted, so that the order does not depend on which of the tags was sent, and the first
        // claim decides. Each once, since a secret may be in the key set twice.
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    fn entry(&self, place: u8) -> Option<&KeyEntry> {
        self.keys.iter().nth(place.into())
    }
}

/// A tag, and the position of its key in the key set. `None` for a dummy's tag.
type PlacedTag = (Option<u8>, Tag);

/// The key that made a tag of the request. What the request claims is true.
pub(crate) struct MatchedKey {
    index: u8,
    label: Option<Arc<str>>,
    /// How the request is remembered.
    pub(super) replay_keys: Vec<ReplayKey>,
}

impl MatchedKey {
    #[inline]
    pub(super) fn verified(&self, context: VerifyContext<'_>) -> Verified {
        let (entry, claim) = (context.entry(), context.claim());
        Verified {
            key_id: claim.key_id().cloned(),
            scheme: entry.name.clone(),
            algorithm: Some(entry.scheme.algorithm()),
            key_index: self.index,
            disarmed: false,
            key_label: self.label.clone(),
            created: claim.created(),
            message_id: claim.shared_message_id().cloned(),
            covered: claim.covered().cloned(),
            slot: None,
        }
    }
}
