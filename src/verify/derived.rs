//! Step 4 for a scheme that derives its keys: the derived keys of a whole map, for one day.
//!
//! A cache that is filled key by key would reveal which key IDs exist or are in use. So the first
//! request of a day derives the keys of *all* key IDs, whether its own is known or not. The day is
//! that of the verifier's clock. For any other day, each request has its own key derived, or a
//! dummy, as it has for a store that is too large or cannot be listed.

use std::sync::{Arc, Mutex};

use arc_swap::ArcSwapOption;

use crate::key::map::KeyMap;
use crate::key::{Found, KeyId, KeySet, KeyStore as _};
use crate::verify::context::VerifyContext;

/// The most keys that are derived at once. They take less than a millisecond.
const MOST_KEYS: usize = 500;

/// The derived keys of a scheme and its store.
#[derive(Default)]
pub(crate) struct DerivedKeys {
    table: ArcSwapOption<Table>,
    /// Held while a table is made. Nobody waits for it.
    making: Mutex<()>,
}

/// The keys derived from a map for one day. They are wiped when the last request that uses them is
/// done, after the table was replaced.
struct Table {
    /// The version of the map. A replaced map has another one, so none of its key IDs is looked up
    /// here, new or unknown.
    version: Arc<()>,
    day: String,
    /// The derived keys for each scope.
    scopes: Vec<KeyMap>,
}

impl VerifyContext<'_> {
    /// Looks up the claimed key ID among derived keys. Returns `None` if a key must be derived for
    /// this request alone, which never depends on its key ID.
    // Not inlined: the steps of schemes that derive no keys should stay together.
    #[inline(never)]
    pub(super) fn look_up_derived(self, derived: &DerivedKeys) -> Option<Found> {
        let entry = self.entry();
        let derivation = entry.scheme.derivation()?;
        let scope = derivation.scope_of(self.claim())?;
        let mut found = None;
        entry.keys.with_map(&mut |map| {
            let key_id = self.claim().key_id();
            let is_right = |table: &&Arc<Table>| table.is_for(map, scope.day);
            found = match derived.table.load().as_ref().filter(is_right) {
                Some(table) => table.find(key_id, scope.place),
                None => self
                    .derive_all(derived, map, scope.day)
                    .and_then(|table| table.find(key_id, scope.place)),
            };
        });
        found
    }

    /// Derives the keys of a map for the day of the clock, and keeps them. Returns `None` instead of
    /// waiting if another request is deriving keys.
    fn derive_all(self, derived: &DerivedKeys, map: &KeyMap, day: &str) -> Option<Arc<Table>> {
        let scheme = &self.entry().scheme;
        let derivation = scheme.derivation()?;
        let count = map.most_keys().saturating_mul(derivation.scope_count());
        if count > MOST_KEYS {
            // Wipe the keys of a smaller map that was replaced: no later table does.
            if derived.table.load().is_some() {
                derived.table.store(None);
            }
            return None;
        }
        if derivation.day_of(self.verifier.now())? != day {
            return None;
        }
        let _making = derived.making.try_lock().ok()?;
        let made = derived.table.load_full().filter(|table| table.is_for(map, day));
        let table = made.unwrap_or_else(|| {
            let of_scope = |scope: String| {
                map.map_keys(scheme.algorithm(), |secret| derivation.derive(secret, &scope))
            };
            let scopes = derivation.scopes_on(day).into_iter().map(of_scope).collect();
            Arc::new(Table { version: map.version().clone(), day: day.into(), scopes })
        });
        derived.table.store(Some(table.clone()));
        Some(table)
    }
}

impl Table {
    fn is_for(&self, map: &KeyMap, day: &str) -> bool {
        Arc::ptr_eq(&self.version, map.version()) && self.day == day
    }

    /// Looks up a key ID. For a scope that this side does not accept, finds dummies in the same
    /// steps.
    fn find(&self, key_id: Option<&KeyId>, place: Option<usize>) -> Option<Found> {
        let map = self.scopes.get(place.unwrap_or(0))?;
        let found = map.find(key_id);
        let dummies = || Some(KeySet::dummies(map.max_keys()).clone());
        let keys = if place.is_some() { found.keys } else { dummies() };
        Some(Found { keys, is_derived: true, ..found })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
