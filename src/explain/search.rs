//! Tries mistakes, in a fixed order and within a budget.

use http::request::Parts;

#[cfg(feature = "sigv4")]
use crate::explain::aws;
use crate::explain::edit::Edit;
use crate::explain::keys::Others;
use crate::explain::trial::{Budget, Trial};
use crate::explain::{Cause, base, body, keys, tag, target, time};
use crate::key::{KeyId, KeyQuery, KeySet};
use crate::scheme::Claim;
use crate::verify::{ErrorKind, SchemeEntry, Verifier, VerifyError};

/// The maximum number of MACs that are computed, not counting the keys of other key IDs.
const MOST_TRIES: usize = 200;
/// The maximum number of bytes hashed for each kind of mistake: a body of 2 MiB is explained in a
/// second.
const MOST_BYTES: usize = 48 * 1024 * 1024;
/// The maximum number of key IDs that the key store is asked for.
const MOST_LOOKUPS: usize = 4;

/// The result of a search.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) likely: Vec<Cause>,
    pub(super) others: Others,
}

/// A rejected request.
#[derive(Clone, Copy)]
pub(super) struct Rejected<'a> {
    pub(super) verifier: &'a Verifier,
    pub(super) head: &'a Parts,
    pub(super) body: &'a [u8],
    pub(super) error: &'a VerifyError,
}

impl Rejected<'_> {
    /// Returns the mistakes that, once corrected, make the signature match.
    pub(super) async fn likely(self, read: Option<&(usize, Claim)>) -> Outcome {
        if let Some((place, claim)) = read {
            let entry = self.verifier.entry(*place);
            let keys = lookup(entry, claim, self.head).await;
            let outcome = self.of_claim(entry, claim, keys);
            if !outcome.likely.is_empty() {
                return outcome;
            }
            let likely = self.of_edits(read.is_none()).await;
            return Outcome { likely, ..outcome };
        }
        Outcome { likely: self.of_edits(true).await, others: Others::default() }
    }

    /// Tries the mistakes of a request whose claim was read.
    fn of_claim(self, entry: &SchemeEntry, claim: &Claim, keys: Option<KeySet>) -> Outcome {
        let is_late = matches!(self.error.kind(), ErrorKind::Stale | ErrorKind::Expired);
        let then = claim.created().or(claim.expires()).filter(|_| is_late);
        let clock = then.map(|then| time::cause(then, self.verifier.now()));
        // Try everything else at the time that the request claims.
        let now = then.unwrap_or_else(|| self.verifier.now());
        let budget = Budget { tries: MOST_TRIES, bytes: MOST_BYTES };
        let scheme = &*entry.scheme;
        let Ok(trial) = Trial::new(scheme, (self.head, self.body), claim, keys, now, budget) else {
            return Outcome::default();
        };
        if clock.is_some() && trial.is_right() {
            return Outcome { likely: clock.into_iter().collect(), others: Others::default() };
        }
        let (mut likely, mut others) = (Vec::new(), Others::default());
        if trial.fits(&trial.text.pieces()) {
            // The remaining mistakes concern bodies that the text itself does not contain.
            likely.extend(body::find(&trial));
        } else {
            likely.extend(of_text(&trial));
            if likely.is_empty() {
                trial.allow(Budget { tries: usize::MAX, bytes: MOST_BYTES });
                (likely, others) = keys::find_others(&trial, &*entry.keys);
            }
        }
        if !likely.is_empty() {
            likely.splice(0..0, clock);
        }
        Outcome { likely, others }
    }

    /// Tries mistakes in the form of a tag or a time.
    async fn of_edits(self, is_unread: bool) -> Vec<Cause> {
        let mut copy = self.head.clone();
        let mut budget = Budget { tries: MOST_TRIES, bytes: MOST_BYTES };
        for entry in self.verifier.entries() {
            let scheme = &*entry.scheme;
            let mut edits = tag::edits(scheme, self.head);
            if is_unread {
                edits.extend(time::edits(scheme, self.head));
            }
            let mut known: Vec<(Option<KeyId>, Option<KeySet>)> = Vec::new();
            for edit in edits {
                let read = edit.apply(&mut copy).and_then(|()| scheme.claim(&copy).ok());
                if let Some(claim) = &read {
                    let is_known = known.iter().any(|(id, _)| id.as_ref() == claim.key_id());
                    if !is_known && known.len() < MOST_LOOKUPS {
                        let keys = lookup(entry, claim, &copy).await;
                        known.push((claim.key_id().cloned(), keys));
                    }
                    let keys = known.iter().find(|(id, _)| id.as_ref() == claim.key_id());
                    let keys = keys.and_then(|(_, keys)| keys.clone());
                    if self.is_right_with(&edit, &copy, entry, (claim, keys), &mut budget) {
                        return self.with_clock(entry, claim, edit.cause);
                    }
                }
                edit.undo(&mut copy, self.head);
            }
        }
        Vec::new()
    }

    fn is_right_with(
        self,
        edit: &Edit,
        copy: &Parts,
        entry: &SchemeEntry,
        (claim, keys): (&Claim, Option<KeySet>),
        budget: &mut Budget,
    ) -> bool {
        let now = claim.created().unwrap_or_else(|| self.verifier.now());
        let original = edit.signs_original.then_some(self.head);
        original.into_iter().chain([copy]).any(|head| {
            let request = (head, self.body);
            let trial = Trial::new(&*entry.scheme, request, claim, keys.clone(), now, *budget);
            let Ok(trial) = trial else { return false };
            let is_right = match &edit.hash {
                Some((algorithm, tag)) => trial.fits_hash(*algorithm, tag),
                None => trial.is_right(),
            };
            *budget = trial.budget();
            is_right
        })
    }

    /// Returns a cause, preceded by the cause for a wrong clock, if there is one.
    fn with_clock(self, entry: &SchemeEntry, claim: &Claim, cause: Cause) -> Vec<Cause> {
        let now = self.verifier.now();
        let is_late = self.verifier.is_outside_of_window(entry.window, claim);
        let then = claim.created().or(claim.expires()).filter(|_| is_late);
        then.map(|then| time::cause(then, now)).into_iter().chain([cause]).collect()
    }
}

/// Tries other strings that may have been signed, and other readings of the key.
fn of_text(trial: &Trial<'_>) -> Option<Cause> {
    let kinds = [
        keys::find_not_current,
        body::find_signed,
        base::find,
        target::find,
        #[cfg(feature = "sigv4")]
        aws::find,
        keys::find_reading,
        tag::find_hash,
    ];
    kinds.iter().find_map(|find: &fn(&Trial<'_>) -> Option<Cause>| {
        trial.allow_bytes(MOST_BYTES);
        find(trial)
    })
}

/// Returns the keys of the claimed key ID, or `None` if the store fails.
async fn lookup(entry: &SchemeEntry, claim: &Claim, head: &Parts) -> Option<KeySet> {
    entry.keys.lookup(&KeyQuery::new(claim.key_id(), head)).await.ok().flatten()
}
