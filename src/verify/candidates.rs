use std::collections::BTreeSet;
use std::sync::Arc;

use subtle::Choice;

use crate::key::{Found, KeyEntry, KeySet, MAX_KEYS, Places, SecretKey};
use crate::mac::Tag;
use crate::replay::{Replay, ReplayClaim, ReplayGuard, ReplayKey, Unique};
use crate::scheme::SignedText;
use crate::verify::Verified;
use crate::verify::check::Case;
use crate::verify::error::{ErrorKind, VerifyError};
use crate::verify::verified::Facts;

/// The keys that a request is held against.
pub(super) struct Candidates {
    /// Dummies where the name is unknown, so that it takes the path of a known one.
    keys: KeySet,
    is_known: bool,
    /// Those of the set that counted at the start. Theirs are the first MACs; the others are of
    /// dummies.
    counting: Places,
}

impl Candidates {
    #[inline]
    pub(super) fn new(case: Case<'_>, found: Found) -> Self {
        let is_known = found.is_known;
        let keys = found.keys.unwrap_or_else(|| KeySet::dummies(case.max_keys()).clone());
        let counting = keys.counting(|| case.verifier.now());
        Self { keys, is_known, counting }
    }

    /// Starts one MAC a candidate: the keys that count now, then dummies up to the size of the
    /// store's largest set, so that all names cost the same.
    #[inline]
    pub(super) fn start(&self, case: Case<'_>) -> SignedText {
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
    pub(super) fn prove(
        &self,
        case: Case<'_>,
        text: &mut SignedText,
    ) -> Result<Proof, VerifyError> {
        let claim = case.claim();
        let after = case.format().scheme.after_body(case.head, claim, text);
        after.map_err(|error| case.no_text(error))?;
        let mut matched = None;
        // Room for all at once: where a tag lies must not make a difference in time.
        let room = if text.len() > 1 && claim.nonce().is_none() { text.len() } else { 0 };
        let mut others = Vec::with_capacity(room);
        let mut places = self.counting.iter();
        for tag in text.finalize() {
            let mut equal = Choice::from(0);
            for offered in claim.signatures() {
                equal |= tag.matches(offered.bytes());
            }
            match places.next() {
                Some(place) if bool::from(equal) && matched.is_none() => {
                    matched = Some((place, tag));
                }
                Some(_) if room > 0 => others.push(tag),
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
        let entry = self.keys.iter().nth(key_index.into());
        let key_label = entry.and_then(|entry| entry.shared_label()).cloned();
        Ok(Proof { key_index, key_label, tag, others })
    }
}

/// A MAC has matched: the claim that it was made for is true.
pub(super) struct Proof {
    key_index: u8,
    key_label: Option<Arc<str>>,
    tag: Tag,
    /// The tags under the other keys that count now, where there is no nonce.
    others: Vec<Tag>,
}

impl Proof {
    #[inline]
    pub(super) fn verified(self, case: Case<'_>) -> Verified {
        let (scheme, claim) = (&case.format().scheme, case.claim());
        Verified::new(Facts {
            key_id: claim.key_id().cloned(),
            scheme: scheme.name(),
            algorithm: scheme.algorithm(),
            key_index: self.key_index,
            key_label: self.key_label,
            created: claim.created(),
            covered: claim.covered().cloned(),
        })
    }

    /// Claims the request under its nonce, or else under its tag with each key that counts now: a
    /// request that carries the tags of two keys would come again with one of them alone.
    pub(super) fn claim_once(
        &self,
        guard: &Arc<dyn ReplayGuard>,
        case: Case<'_>,
        keep_until: i64,
        now: i64,
    ) -> ReplayClaim {
        let nonce = case.claim().nonce();
        let unique = nonce.map_or(Unique::Tag(self.tag.as_bytes()), Unique::Nonce);
        let matched = replay_key(case, &unique);
        if self.others.is_empty() {
            return guard.claim(matched, keep_until, now);
        }
        let others = self.others.iter().map(|tag| replay_key(case, &Unique::Tag(tag.as_bytes())));
        // In an order that does not depend on which of the tags was sent, so that the first claim
        // decides; and a set, since a secret may be in the key set twice.
        let keys: BTreeSet<_> = others.chain([matched]).collect();
        let guard = guard.clone();
        ReplayClaim::later(async move {
            for key in keys {
                match guard.claim(key, keep_until, now).await? {
                    Replay::Claimed => {}
                    refused => return Ok(refused),
                }
            }
            Ok(Replay::Claimed)
        })
    }
}

fn replay_key(case: Case<'_>, unique: &Unique<'_>) -> ReplayKey {
    let key_id = match unique {
        Unique::Nonce(_) => case.claim().key_id(),
        // The tag is the key's own, and covers the name or does not: where two names share a
        // key, a request must not come again under the other one.
        Unique::Tag(_) => None,
    };
    ReplayKey::new(case.format().scheme.name(), key_id, unique)
}
