use std::sync::Arc;

use subtle::Choice;

use crate::crypto::Tag;
use crate::key::{Found, KeyEntry, KeySet, MAX_KEYS, Places, SecretKey};
use crate::replay::{Replay, ReplayClaim, ReplayGuard, ReplayKey, ReplayRequest};
use crate::scheme::SignedText;
use crate::verify::Verified;
use crate::verify::check::Case;
use crate::verify::error::{ErrorKind, VerifyError};
use crate::verify::verified::Facts;

/// The keys that a request is held against.
pub(crate) struct Candidates {
    /// Dummies where the name is unknown, so that it takes the path of a known one.
    keys: KeySet,
    is_known: bool,
    /// Those of the set that counted at the start. Theirs are the first MACs; the others are of
    /// dummies.
    counting: Places,
}

impl Candidates {
    #[inline]
    pub(crate) fn new(case: Case<'_>, found: Found) -> Self {
        let is_known = found.is_known;
        let keys = found.keys.unwrap_or_else(|| KeySet::dummies(case.max_keys()).clone());
        let counting = keys.counting(|| case.verifier.now());
        Self { keys, is_known, counting }
    }

    /// Starts one MAC a candidate: the keys that count now, then dummies up to the size of the
    /// store's largest set, so that all names cost the same.
    #[inline]
    pub(crate) fn start(&self, case: Case<'_>) -> SignedText {
        let count = self.counting.count().max(case.max_keys());
        let scheme = &case.format().scheme;
        let mac = |entry: &KeyEntry| scheme.key_mac(entry.key(), case.claim());
        let mut valid = self.keys.at(self.counting);
        match valid.next() {
            Some(only) if count == 1 => SignedText::new(mac(only), Box::default()),
            first => {
                let dummies = KeySet::dummies(MAX_KEYS).iter();
                let mut macs = first.into_iter().chain(valid).chain(dummies).map(mac).take(count);
                // There is at least one dummy; a key made here matches as little as it.
                let none = || mac(&SecretKey::generate(scheme.algorithm()).into());
                SignedText::new(macs.next().unwrap_or_else(none), macs.collect())
            }
        }
    }

    /// Writes what comes after the body and compares every candidate with every offered tag.
    #[inline]
    pub(crate) fn prove(
        &self,
        case: Case<'_>,
        text: &mut SignedText,
    ) -> Result<Proof, VerifyError> {
        let claim = case.claim();
        let after = case.format().scheme.after_body(case.head, claim, text);
        after.map_err(|error| case.no_text(error))?;
        let mut matched = None;
        let nonce = claim.nonce();
        // Room for all at once: where a tag lies must not make a difference in time.
        let room = if case.is_known_by_several_keys() { text.len() } else { 0 };
        let mut others = Vec::with_capacity(room);
        let mut places = self.counting.iter();
        for tag in text.finalize() {
            let mut equal = Choice::from(0);
            for offered in claim.tags() {
                equal |= tag.matches(offered.bytes());
            }
            match places.next() {
                Some(place) if bool::from(equal) && matched.is_none() => {
                    matched = Some((place, tag));
                }
                Some(place) if room > 0 => others.push((place, tag)),
                _ => {}
            }
        }
        // All of it for unknown names, too: they have dummies in these places.
        let still = self.keys.counting(|| case.verifier.now());
        let known = self.is_known & self.counting.meets(still);
        let matched = matched.filter(|(place, _)| known && still.contains(*place));
        let Some((key_index, tag)) = matched else {
            let kind = if known { ErrorKind::Mismatch } else { ErrorKind::UnknownKey };
            return Err(case.error(kind));
        };
        let entry = |place: u8| self.keys.iter().nth(place.into());
        let key_label = entry(key_index).and_then(|entry| entry.shared_label()).cloned();
        let replay_key = |place: u8, tag: &Tag| {
            let format = case.format();
            match (nonce, entry(place)) {
                (Some(nonce), Some(entry)) => format.replay_key_of_nonce(nonce, entry.key()),
                _ => format.replay_key_of_tag(tag),
            }
        };
        let mut replay_keys = Vec::new();
        if case.verifier.has_replay_guard() {
            replay_keys.push(replay_key(key_index, &tag));
            replay_keys.extend(others.iter().map(|(place, tag)| replay_key(*place, tag)));
            // In an order that does not depend on which of the tags was sent, so that the first
            // claim decides; each once, since a secret may be in the key set twice.
            replay_keys.sort_unstable();
            replay_keys.dedup();
        }
        Ok(Proof { key_index, key_label, replay_keys })
    }
}

/// A MAC has matched: the claim that it was made for is true.
pub(crate) struct Proof {
    key_index: u8,
    key_label: Option<Arc<str>>,
    /// What the request is remembered as. Where a request can carry several tags, it is one entry
    /// for each key that is valid now: it could come again with one of its tags alone.
    replay_keys: Vec<ReplayKey>,
}

impl Proof {
    #[inline]
    pub(crate) fn verified(self, case: Case<'_>) -> Verified {
        let (format, claim) = (case.format(), case.claim());
        Verified::new(Facts {
            key_id: claim.key_id().cloned(),
            scheme: format.name.clone(),
            algorithm: format.scheme.algorithm(),
            key_index: self.key_index,
            key_label: self.key_label,
            created: claim.created(),
            message_id: claim.shared_message_id().cloned(),
            covered: claim.covered().cloned(),
        })
    }

    /// What the request is remembered as.
    pub(crate) fn replay_keys(&self) -> &[ReplayKey] {
        &self.replay_keys
    }

    /// Claims the request under each of its replay keys.
    pub(crate) fn claim_once(
        &self,
        guard: &Arc<dyn ReplayGuard>,
        case: Case<'_>,
        keep_until: i64,
        now: i64,
    ) -> ReplayClaim {
        let created = case.claim().created();
        if let [only] = *self.replay_keys {
            let request = ReplayRequest::new(only, keep_until, now)
                .with_key_id(case.claim().key_id())
                .with_scheme(&case.format().name)
                .with_created(created);
            return guard.claim(&request);
        }
        let (guard, keys) = (guard.clone(), self.replay_keys.clone());
        let (key_id, scheme) = (case.claim().key_id().cloned(), case.format().name.clone());
        ReplayClaim::later(async move {
            for key in keys {
                let request = ReplayRequest::new(key, keep_until, now)
                    .with_key_id(key_id.as_ref())
                    .with_scheme(&scheme)
                    .with_created(created);
                match guard.claim(&request).await? {
                    Replay::Claimed => {}
                    refused => return Ok(refused),
                }
            }
            Ok(Replay::Claimed)
        })
    }
}
