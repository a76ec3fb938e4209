use std::collections::BTreeSet;
use std::sync::Arc;

use subtle::Choice;

use crate::key::{KeySet, MAX_KEYS};
use crate::mac::Tag;
use crate::replay::{Replay, ReplayClaim, ReplayGuard, ReplayKey, Unique};
use crate::scheme::SignedText;
use crate::verify::Verified;
use crate::verify::check::Case;
use crate::verify::error::{ErrorKind, VerifyError};
use crate::verify::format::Format;
use crate::verify::verified::Facts;

/// The keys that a request is held against.
pub(super) struct Candidates {
    /// Dummies where the name is unknown, so that it takes the path of a known one.
    keys: KeySet,
    is_known: bool,
    /// The place of each candidate in the set; `None` for a dummy.
    places: [Option<u8>; MAX_KEYS],
}

impl Candidates {
    /// Starts one MAC a candidate: the keys that count now, then dummies up to the size of the
    /// store's largest set, so that all names cost the same.
    #[inline]
    pub(super) fn start(case: Case<'_>, found: Option<KeySet>) -> (Self, SignedText) {
        let Format { scheme, keys: store } = case.format();
        let most = store.max_keys().clamp(1, MAX_KEYS);
        let is_known = found.is_some();
        let keys = found.unwrap_or_else(|| KeySet::dummies(most).clone());
        let now = if keys.has_limits() { case.verifier.now() } else { 0 };
        let mut places = [None; MAX_KEYS];
        let valid = keys.valid_at(now);
        let dummies = KeySet::dummies(MAX_KEYS).iter().map(|dummy| (None, dummy));
        let valid_count = valid.clone().count();
        let mut macs = valid
            .map(|(place, entry)| (u8::try_from(place).ok(), entry))
            .chain(dummies)
            .take(valid_count.max(most))
            .zip(&mut places)
            .map(|((place, entry), candidate)| {
                *candidate = place;
                scheme.key_mac(entry.key(), case.claim())
            });
        // There is at least one dummy; a key made here matches as little as it.
        let first = macs.next();
        let more = macs.collect();
        let first = first.unwrap_or_else(|| {
            scheme.key_mac(&crate::SecretKey::generate(scheme.algorithm()), case.claim())
        });
        (Self { keys, is_known, places }, SignedText::new(first, more))
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
        after.map_err(|error| case.error(error))?;
        let mut matched = None;
        // On the stack: where a tag lies must not make a difference in time.
        let mut others = [const { None }; MAX_KEYS];
        for ((place, other), tag) in self.places.iter().zip(&mut others).zip(text.finalize()) {
            let equal = claim
                .signatures()
                .fold(Choice::from(0), |equal, offered| equal | tag.matches(offered.bytes()));
            match place {
                Some(place) if bool::from(equal) && matched.is_none() => {
                    matched = Some((*place, tag));
                }
                Some(_) if claim.nonce().is_none() => *other = Some(tag),
                _ => {}
            }
        }
        // All of it for unknown names, too: they have dummies in these places.
        let counts = self.places.iter().flatten().any(|place| self.counts(case, *place));
        let known = self.is_known & counts;
        let matched = matched.filter(|(place, _)| known && self.counts(case, *place));
        let Some((key_index, tag)) = matched else {
            let kind = if known { ErrorKind::Mismatch } else { ErrorKind::UnknownKey };
            return Err(case.error(kind));
        };
        let entry = self.keys.iter().nth(key_index.into());
        let key_label = entry.and_then(|entry| entry.shared_label()).cloned();
        let others = others.into_iter().flatten().collect();
        Ok(Proof { key_index, key_label, tag, others })
    }

    /// Whether the key at this place still counts: its time may have run out while the body came.
    fn counts(&self, case: Case<'_>, place: u8) -> bool {
        !self.keys.has_limits()
            || self.keys.valid_at(case.verifier.now()).any(|(valid, _)| valid == usize::from(place))
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
