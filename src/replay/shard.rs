//! A shard of a `MemoryReplay`.

/// The slots of the wheel, one per second: a turn takes 17 minutes. A power of two.
const SECONDS: u16 = 1024;
/// The end of a list.
const END: u32 = u32::MAX;

/// A claim for a time that has already been swept: its entry may be gone.
#[derive(Debug, thiserror::Error)]
#[error("the clock went back to a time whose requests have been forgotten")]
pub(super) struct ClockWentBack;

/// The identity of an entry: 128 bits of a keyed hash.
pub(super) type Fingerprint = [u64; 2];

/// A shard of the guard's entries: a table to find them, and a wheel of seconds to find expired
/// ones. Both are lists through the entries, so that a claim allocates nothing.
pub(super) struct Shard {
    entries: Vec<Entry>,
    room: usize,
    /// The first entry of each list of the table. Its length is a power of two.
    table: Box<[u32]>,
    /// The first entry of each second, modulo the length of the wheel.
    wheel: Box<[u32]>,
    /// The first free entry, in a list linked by `next_in_wheel`.
    free: u32,
    /// An entry that expired before this second counts as removed.
    now: i64,
    /// The second to sweep next, and the last entry of its list that was kept.
    swept: i64,
    kept: u32,
}

struct Entry {
    fingerprint: Fingerprint,
    keep_until: i64,
    next_in_table: u32,
    next_in_wheel: u32,
    caller: u32,
}

impl Shard {
    pub(super) fn new(room: usize) -> Self {
        Self {
            entries: Vec::with_capacity(room),
            room,
            table: vec![END; room.next_power_of_two()].into(),
            wheel: vec![END; SECONDS.into()].into(),
            free: END,
            now: i64::MIN,
            swept: i64::MIN,
            kept: END,
        }
    }

    pub(super) fn check_time(&self, keep_until: i64) -> Result<(), ClockWentBack> {
        if keep_until < self.now { Err(ClockWentBack) } else { Ok(()) }
    }

    pub(super) fn contains(&self, fingerprint: Fingerprint) -> bool {
        let mut place = self.table.get(self.slot(fingerprint)).copied().unwrap_or(END);
        while let Some(entry) = self.entry(place) {
            if entry.fingerprint == fingerprint && entry.keep_until >= self.now {
                return true;
            }
            place = entry.next_in_table;
        }
        false
    }

    /// Adds an entry that is not present yet. Returns `false` if there is no room.
    pub(super) fn insert(
        &mut self,
        fingerprint: Fingerprint,
        keep_until: i64,
        caller: u32,
    ) -> bool {
        let (slot, second) = (self.slot(fingerprint), second(keep_until));
        let (Some(in_table), Some(in_wheel)) =
            (self.table.get_mut(slot), self.wheel.get_mut(second))
        else {
            return false;
        };
        let (next_in_table, next_in_wheel) = (*in_table, *in_wheel);
        let entry = Entry { fingerprint, keep_until, next_in_table, next_in_wheel, caller };
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

    /// Returns whether no entry that expired before this second is left.
    pub(super) fn is_swept(&self, now: i64) -> bool {
        now <= self.now && self.swept >= self.now
    }

    /// Removes expired entries, looking at `most` entries at most, and calls `gone` with their
    /// callers. Each second is looked at once. An entry kept for longer than one turn of the wheel
    /// is looked at once per turn.
    pub(super) fn sweep(&mut self, now: i64, most: usize, mut gone: impl FnMut(u32)) {
        self.now = self.now.max(now);
        let one_round_ago = self.now.saturating_sub(SECONDS.into());
        if self.swept < one_round_ago {
            (self.swept, self.kept) = (one_round_ago, END);
        }
        let mut left = most;
        while self.swept < self.now && left > 0 {
            let place = self.next_to_sweep();
            let Some(entry) = self.entry(place) else {
                (self.swept, self.kept) = (self.swept.saturating_add(1), END);
                continue;
            };
            left = left.saturating_sub(1);
            if entry.keep_until < self.now {
                gone(entry.caller);
                self.remove(place);
            } else {
                self.kept = place;
            }
        }
    }

    fn next_to_sweep(&self) -> u32 {
        match self.entry(self.kept) {
            Some(kept) => kept.next_in_wheel,
            None => self.wheel.get(second(self.swept)).copied().unwrap_or(END),
        }
    }

    /// Removes the entry to be swept next.
    fn remove(&mut self, place: u32) {
        self.remove_from_table(place);
        let free = self.free;
        let Some(entry) = self.entries.get_mut(index(place)) else { return };
        let next = std::mem::replace(&mut entry.next_in_wheel, free);
        self.free = place;
        if let Some(kept) = self.entries.get_mut(index(self.kept)) {
            kept.next_in_wheel = next;
        } else if let Some(first) = self.wheel.get_mut(second(self.swept)) {
            *first = next;
        }
    }

    fn remove_from_table(&mut self, place: u32) {
        let Some(entry) = self.entry(place) else { return };
        let next = entry.next_in_table;
        let slot = self.slot(entry.fingerprint);
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

    /// Uses the first hash; the second one chose the shard.
    fn slot(&self, [hash, _]: Fingerprint) -> usize {
        usize::try_from(hash >> 32).unwrap_or(0) & self.table.len().saturating_sub(1)
    }
}

/// Returns the index in the entries, past their end for [`END`].
fn index(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

/// Returns the slot of a second in the wheel.
fn second(unix_seconds: i64) -> usize {
    usize::try_from(unix_seconds.rem_euclid(SECONDS.into())).unwrap_or(0)
}
