//! Counts the entries of each caller.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use crate::key::KeyId;

/// The index of the anonymous key.
const ANONYMOUS: u32 = 0;
/// The initial capacity for key IDs.
const FIRST_NAMES: usize = 64;

/// Counts the entries of each caller, and of all together. The key IDs are proven ones.
pub(crate) struct Callers {
    table: RwLock<Table>,
    all: AtomicUsize,
    capacity: usize,
    limit: Option<usize>,
    has_anonymous: AtomicBool,
}

struct Table {
    places: HashMap<KeyId, u32>,
    /// The number of entries by index.
    counts: Vec<AtomicU32>,
    free: Vec<u32>,
    /// With more key IDs than this, those without an entry are removed.
    most_names: usize,
    has_removed: bool,
}

impl Callers {
    pub(crate) fn new(capacity: usize) -> Self {
        let mut counts = Vec::with_capacity(FIRST_NAMES);
        counts.push(AtomicU32::new(0));
        let table = Table {
            places: HashMap::with_capacity(FIRST_NAMES),
            counts,
            free: Vec::new(),
            most_names: capacity.saturating_mul(4).max(FIRST_NAMES),
            has_removed: false,
        };
        Self {
            table: RwLock::new(table),
            all: AtomicUsize::new(0),
            capacity,
            limit: None,
            has_anonymous: AtomicBool::new(false),
        }
    }

    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = Some(limit);
    }

    /// How many entries callers may have beyond the capacity, together: a caller that was the only
    /// one so far may use all of it.
    pub(crate) fn reserve(capacity: usize) -> usize {
        capacity.div_ceil(8)
    }

    /// Returns the number of entries.
    pub(crate) fn len(&self) -> usize {
        self.all.load(Ordering::Relaxed)
    }

    /// Adds one to the count, and returns the caller's index. `None` if the caller, or the guard,
    /// has no room.
    pub(crate) fn enter(&self, key_id: Option<&KeyId>) -> Option<u32> {
        let Some(key_id) = key_id else {
            self.has_anonymous.store(true, Ordering::Relaxed);
            return self.count(&self.read(), ANONYMOUS);
        };
        let table = self.read();
        if let Some(place) = table.places.get(key_id) {
            return self.count(&table, *place);
        }
        drop(table);
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let place = table.place(key_id)?;
        self.count(&table, place)
    }

    /// Like [`enter`](Self::enter), for a caller whose index is known. If its key ID was removed
    /// since, the entry may count for another one.
    pub(crate) fn enter_again(&self, place: u32) -> Option<u32> {
        self.count(&self.read(), place)
    }

    /// Subtracts one from this caller's count.
    pub(crate) fn leave(&self, place: u32) {
        self.leaving()(place);
    }

    /// Does the same for many entries, under one lock.
    pub(crate) fn leaving(&self) -> impl FnMut(u32) {
        let table = self.read();
        move |place| {
            if let Some(own) = table.counts.get(index(place)) {
                own.fetch_sub(1, Ordering::Relaxed);
                self.all.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    fn count(&self, table: &Table, place: u32) -> Option<u32> {
        let names = table.places.len();
        let is_one_of_several =
            table.has_removed || names > usize::from(!self.has_anonymous.load(Ordering::Relaxed));
        let (limit, capacity) = match self.limit {
            Some(limit) => (limit, self.capacity),
            None if is_one_of_several => {
                let reserve = Self::reserve(self.capacity);
                (reserve, self.capacity.saturating_add(reserve))
            }
            None => (self.capacity, self.capacity),
        };
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let own = table.counts.get(index(place))?;
        let one_more = |count: u32| count.checked_add(1).filter(|count| *count <= limit);
        own.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        let one_more = |count: usize| count.checked_add(1).filter(|count| *count <= capacity);
        if self.all.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_err() {
            own.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(place)
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Returns the index of a key ID, adding it if it is new.
    fn place(&mut self, key_id: &KeyId) -> Option<u32> {
        if let Some(place) = self.places.get(key_id) {
            return Some(*place);
        }
        if self.places.len() >= self.most_names {
            self.remove_names_without_entries();
        }
        let place = if let Some(place) = self.free.pop() {
            place
        } else {
            let place = u32::try_from(self.counts.len()).ok()?;
            self.counts.push(AtomicU32::new(0));
            place
        };
        self.places.insert(key_id.clone(), place);
        Some(place)
    }

    /// No key ID can get an entry in the meantime: the table is borrowed exclusively.
    fn remove_names_without_entries(&mut self) {
        self.has_removed = true;
        let Self { places, counts, free, .. } = self;
        places.retain(|_, place| {
            let count = counts.get_mut(index(*place)).map(|count| *count.get_mut());
            if count == Some(0) {
                free.push(*place);
            }
            count != Some(0)
        });
    }
}

fn index(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}
