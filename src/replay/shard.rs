use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use crate::replay::ReplayKey;

/// The buckets of time, one a second: the wheel goes round in 17 minutes. A power of two.
const SECONDS: u16 = 1024;
/// The end of a list.
const END: u32 = u32::MAX;

/// The time of a claim lies before what has been swept, so that an entry for it may be gone.
#[derive(Debug, thiserror::Error)]
#[error("the clock went back to a time whose requests have been forgotten")]
pub(super) struct Forgotten;

/// A part of the guard's entries: a table to find them by key, and a wheel of seconds to find
/// those that have run out. Both are lists through the entries, so that a claim allocates nothing.
pub(super) struct Shard {
    entries: Vec<Entry>,
    room: usize,
    hasher: RandomState,
    /// The first entry of each list of the table. Its length is a power of two.
    table: Box<[u32]>,
    /// The first entry of each second, modulo the length of the wheel.
    wheel: Box<[u32]>,
    /// The first of the entries that are free to be used again, a list by `next_in_wheel`.
    free: u32,
    /// No entry that ran out before this second is there any more.
    swept: i64,
}

struct Entry {
    key: ReplayKey,
    keep_until: i64,
    next_in_table: u32,
    next_in_wheel: u32,
}

impl Shard {
    pub(super) fn new(room: usize, hasher: RandomState) -> Self {
        Self {
            entries: Vec::with_capacity(room),
            room,
            hasher,
            table: vec![END; room.next_power_of_two()].into(),
            wheel: vec![END; SECONDS.into()].into(),
            free: END,
            swept: i64::MIN,
        }
    }

    pub(super) fn check_time(&self, keep_until: i64) -> Result<(), Forgotten> {
        if keep_until < self.swept { Err(Forgotten) } else { Ok(()) }
    }

    pub(super) fn contains(&self, key: &ReplayKey, hash: u64) -> bool {
        let mut place = self.table.get(self.slot(hash)).copied().unwrap_or(END);
        while let Some(entry) = self.entry(place) {
            if entry.key == *key {
                return true;
            }
            place = entry.next_in_table;
        }
        false
    }

    /// Keeps an entry that is not there yet; `false` if there is no room for it.
    pub(super) fn insert(&mut self, key: ReplayKey, hash: u64, keep_until: i64) -> bool {
        let (slot, second) = (self.slot(hash), second(keep_until));
        let (Some(in_table), Some(in_wheel)) =
            (self.table.get_mut(slot), self.wheel.get_mut(second))
        else {
            return false;
        };
        let entry = Entry { key, keep_until, next_in_table: *in_table, next_in_wheel: *in_wheel };
        let place = self.free;
        if let Some(freed) = self.entries.get_mut(index(place)) {
            self.free = freed.next_in_wheel;
            *freed = entry;
            (*in_table, *in_wheel) = (place, place);
            return true;
        }
        match u32::try_from(self.entries.len()) {
            Ok(place) if self.entries.len() < self.room => {
                self.entries.push(entry);
                (*in_table, *in_wheel) = (place, place);
                true
            }
            _ => false,
        }
    }

    /// Forgets what has run out, and tells how many that were. Each second is looked at once; an
    /// entry that is kept for longer than the wheel takes is looked at once a round.
    pub(super) fn sweep(&mut self, now: i64) -> usize {
        let mut forgotten = 0_usize;
        if now <= self.swept {
            return 0;
        }
        let passed = now.abs_diff(self.swept).min(SECONDS.into());
        for back in 1..=passed {
            forgotten =
                forgotten.saturating_add(self.sweep_second(now.saturating_sub_unsigned(back), now));
        }
        self.swept = now;
        forgotten
    }

    fn sweep_second(&mut self, at: i64, now: i64) -> usize {
        let mut forgotten = 0_usize;
        let mut kept = END;
        let mut place = self.wheel.get(second(at)).copied().unwrap_or(END);
        while let Some(entry) = self.entry(place) {
            let next = entry.next_in_wheel;
            if entry.keep_until < now {
                self.unlink(place);
                self.free = self.relink(place, self.free);
                forgotten = forgotten.saturating_add(1);
            } else {
                kept = self.relink(place, kept);
            }
            place = next;
        }
        if let Some(first) = self.wheel.get_mut(second(at)) {
            *first = kept;
        }
        forgotten
    }

    /// Puts an entry before a list of the wheel, and gives the new beginning of the list.
    fn relink(&mut self, place: u32, before: u32) -> u32 {
        if let Some(entry) = self.entries.get_mut(index(place)) {
            entry.next_in_wheel = before;
        }
        place
    }

    /// Takes an entry out of its list of the table.
    fn unlink(&mut self, place: u32) {
        let Some(entry) = self.entry(place) else { return };
        let next = entry.next_in_table;
        let slot = self.slot(self.hasher.hash_one(entry.key));
        let Some(first) = self.table.get_mut(slot) else { return };
        if *first == place {
            *first = next;
            return;
        }
        let mut before = *first;
        while let Some(entry) = self.entries.get_mut(index(before)) {
            if entry.next_in_table == place {
                entry.next_in_table = next;
                return;
            }
            before = entry.next_in_table;
        }
    }

    fn entry(&self, place: u32) -> Option<&Entry> {
        self.entries.get(index(place))
    }

    /// The upper half of the hash; the lower one chose the shard.
    fn slot(&self, hash: u64) -> usize {
        usize::try_from(hash >> 32).unwrap_or(0) & self.table.len().saturating_sub(1)
    }
}

/// The place in the entries; past their end for [`END`].
fn index(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

/// The place of a second in the wheel.
fn second(unix_seconds: i64) -> usize {
    usize::try_from(unix_seconds.rem_euclid(SECONDS.into())).unwrap_or(0)
}
