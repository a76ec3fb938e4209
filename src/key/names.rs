use std::hash::{BuildHasher as _, RandomState};
use std::hint::select_unpredictable;

use crate::key::{KeyId, KeySet};

/// The number of slots in a bucket: as many as fit into a cache line.
const SLOTS: usize = 5;
/// The number of entries that may move to their other bucket before the table grows.
const MOST_MOVES: usize = 256;

/// Keys by key ID. Finding a key ID takes as many steps as finding that it is unknown, so the
/// number of steps does not reveal which IDs exist. (In a map larger than the processor's caches,
/// reading a known ID from memory still shows in the timing.)
///
/// This is a cuckoo hash table (Pagh and Rodler, 2004). A key ID has two buckets, and both are
/// always searched to the end.
#[derive(Clone, Default)]
pub(crate) struct Names {
    hasher: RandomState,
    entries: Vec<(KeyId, KeySet)>,
    /// Empty, or a power of two in length.
    buckets: Vec<Bucket>,
}

/// Hashes of key IDs, 0 for an empty slot, and the indices of their entries.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Bucket {
    hashes: [u64; SLOTS],
    places: [u32; SLOTS],
}

impl Names {
    pub(crate) fn get(&self, id: &KeyId) -> Option<&KeySet> {
        let (is_there, place) = self.find(self.hash(id));
        let (name, keys) = self.entries.get(place as usize)?;
        // An unknown key ID is compared with itself, to take the same steps.
        let name = if is_there { name.as_str() } else { id.as_str() };
        let is_same = name == id.as_str();
        (is_there & is_same).then_some(keys)
    }

    /// Adds a key ID, and returns whether it is new.
    #[must_use]
    pub(crate) fn insert(&mut self, id: KeyId, keys: KeySet) -> bool {
        if self.get(&id).is_some() {
            return false;
        }
        self.entries.push((id, keys));
        let last = self.entries.len().saturating_sub(1);
        if !self.seat(last) {
            self.grow();
        }
        true
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(KeyId, KeySet)> {
        self.entries.iter()
    }

    #[cfg(feature = "sigv4")]
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut (KeyId, KeySet)> {
        self.entries.iter_mut()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn hash(&self, id: &KeyId) -> u64 {
        self.hasher.hash_one(id.as_str()).max(1)
    }

    /// Returns whether a hash is present, and the index of its entry. The index is 0 if it is not.
    fn find(&self, hash: u64) -> (bool, u32) {
        let (mut is_there, mut found) = (false, 0);
        for at in self.homes(hash) {
            let Some(bucket) = self.buckets.get(at) else { break };
            for (other, place) in bucket.hashes.iter().zip(&bucket.places) {
                let is_same = *other == hash;
                is_there |= is_same;
                // Branchless: a branch would reveal the slot.
                found = select_unpredictable(is_same, *place, found);
            }
        }
        (is_there, found)
    }

    /// Returns the two buckets of a hash.
    #[allow(clippy::cast_possible_truncation)] // The upper half is for the second bucket.
    fn homes(&self, hash: u64) -> [usize; 2] {
        let mask = self.buckets.len().wrapping_sub(1);
        [hash as usize & mask, (hash >> 32) as usize & mask]
    }

    /// Finds a slot for an entry. Returns `false` if there is none, or if another entry has the
    /// same hash.
    fn seat(&mut self, place: usize) -> bool {
        let (Some((id, _)), Ok(mut place)) = (self.entries.get(place), u32::try_from(place)) else {
            return false;
        };
        let mut hash = self.hash(id);
        if self.find(hash).0 {
            return false;
        }
        let mut from = None;
        for turn in 0..MOST_MOVES {
            let homes = self.homes(hash);
            for home in homes {
                let Some(bucket) = self.buckets.get_mut(home) else { return false };
                let mut slots = bucket.hashes.iter_mut().zip(&mut bucket.places);
                if let Some(free) = slots.find(|(other, _)| **other == 0) {
                    (*free.0, *free.1) = (hash, place);
                    return true;
                }
            }
            // Move another entry to its other bucket.
            let [first, second] = homes;
            let home = if from == Some(first) { second } else { first };
            let Some(bucket) = self.buckets.get_mut(home) else { return false };
            let mut slots = bucket.hashes.iter_mut().zip(&mut bucket.places);
            let Some(other) = slots.nth(turn % SLOTS) else { return false };
            std::mem::swap(other.0, &mut hash);
            std::mem::swap(other.1, &mut place);
            from = Some(home);
        }
        false
    }

    /// Rebuilds the table with twice the buckets and new hashes, until every entry has a slot.
    fn grow(&mut self) {
        loop {
            let count = self.buckets.len().saturating_mul(2).max(1);
            self.hasher = RandomState::new();
            // Never hold both tables at once.
            self.buckets = Vec::new();
            self.buckets = vec![Bucket::default(); count];
            if (0..self.entries.len()).all(|place| self.seat(place)) {
                return;
            }
        }
    }
}
