//! The store for a single process.

use std::collections::BTreeMap;
use std::collections::hash_map::{Entry as Slot, HashMap};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::ConfigError;
use crate::once::{Acquired, Lease, OnceAnswer, OnceKey, OnceRequest, OnceStore};
use crate::replay::Callers;

/// The maximum number of expired entries that one call removes if there is room.
const SWEPT_A_CALL: usize = 8;
/// The maximum number of expired entries that are removed under one lock if there is none.
const SWEPT_A_STEP: usize = 64;

/// Remembers the messages of one process. A restart forgets them: what was handled before can be
/// handled again.
///
/// It never forgets a live entry. If it is full, messages are answered with 503.
///
/// As soon as two key IDs have sent messages, each may use an eighth of the capacity. A caller that
/// was the only one until then may have taken all of it. The others can have an eighth more
/// together, so no caller locks them out. This limit stays until a restart, even if the second key
/// ID sent a single test message. [`with_key_limit`](Self::with_key_limit) sets the limit
/// from the first message on. An entry takes up to 250 bytes.
///
/// ```
/// use tower_hmac::once::MemoryOnce;
///
/// let store = MemoryOnce::new(10_000)?.with_key_limit(5_000)?;
/// assert!(store.is_empty());
/// assert!(MemoryOnce::new(0).is_err());
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
pub struct MemoryOnce {
    capacity: usize,
    callers: Callers,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    known: HashMap<OnceKey, Entry>,
    /// The handled messages by the last second in which they are remembered, and by their number.
    handled: BTreeMap<(i64, u64), OnceKey>,
    /// The number of the latest lease.
    latest: u64,
    /// The second in which expired leases were last removed.
    searched: Option<i64>,
}

struct Entry {
    /// The number of the lease. No two leases share one.
    number: u64,
    is_done: bool,
    /// The last second of the lease, or of what is remembered.
    end: i64,
    /// The index in the counts of callers.
    caller: u32,
}

impl MemoryOnce {
    /// Remembers up to this many messages at a time.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if the capacity is 0.
    pub fn new(capacity: usize) -> Result<Self, ConfigError> {
        if capacity == 0 {
            return Err(ConfigError::invalid(
                "once capacity",
                "is 0: every message would be rejected",
            ));
        }
        Ok(Self { capacity, callers: Callers::new(capacity), entries: Mutex::default() })
    }

    /// Sets the maximum number of messages of one key ID. The anonymous key counts as one key ID.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if `messages` is 0.
    pub fn with_key_limit(mut self, messages: usize) -> Result<Self, ConfigError> {
        if messages == 0 {
            return Err(ConfigError::invalid(
                "once key limit",
                "is 0: every message would be rejected",
            ));
        }
        self.callers.set_limit(messages);
        Ok(self)
    }

    /// Returns the number of entries, including expired ones that are not removed yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.callers.len()
    }

    /// Returns whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// No code that holds the lock can panic. Even if it did, the entries would still be valid.
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes an attempt, which returns `None` if there is no room. Then removes expired entries and
    /// tries again, until there are none. The lock is released between the steps, so that other
    /// messages can proceed.
    fn with_room<T>(&self, now: i64, attempt: impl Fn(&mut Entries) -> Option<T>) -> Option<T> {
        {
            let entries = &mut *self.lock();
            self.sweep(entries, now, SWEPT_A_CALL);
            let mut answer = attempt(entries);
            if answer.is_none() && self.remove_expired_leases(entries, now) {
                answer = attempt(entries);
            }
            if answer.is_some() {
                return answer;
            }
        }
        loop {
            let entries = &mut *self.lock();
            if !self.sweep(entries, now, SWEPT_A_STEP) {
                return None;
            }
            let answer = attempt(entries);
            if answer.is_some() {
                return answer;
            }
        }
    }

    /// Forgets some of the handled messages whose time is over. Returns `false` if there were none.
    fn sweep(&self, entries: &mut Entries, now: i64, most: usize) -> bool {
        for swept in 0..most {
            match entries.handled.first_entry() {
                Some(first) if first.key().0 < now => {
                    if let Some(entry) = entries.known.remove(&first.remove()) {
                        self.callers.leave(entry.caller);
                    }
                }
                _ => return swept > 0,
            }
        }
        true
    }

    /// Removes all expired leases, at most once a second. A lease ends with its handler, so they
    /// are few, and not kept in order. Returns `false` if it was done in this second.
    fn remove_expired_leases(&self, entries: &mut Entries, now: i64) -> bool {
        if entries.searched == Some(now) {
            return false;
        }
        entries.searched = Some(now);
        let mut leave = self.callers.leaving();
        entries.known.retain(|_, entry| {
            let is_kept = entry.is_done || entry.end >= now;
            if !is_kept {
                leave(entry.caller);
            }
            is_kept
        });
        true
    }

    /// Returns `None` if there is no room.
    fn try_acquire(&self, entries: &mut Entries, request: &OnceRequest<'_>) -> Option<Acquired> {
        let (key, now) = (*request.key(), request.now());
        // The lease may have been taken late in its first second, so it includes the last one.
        let end = now.saturating_add_unsigned(request.lease().as_secs());
        let number = entries.latest.wrapping_add(1);
        let caller = match entries.known.entry(key) {
            Slot::Occupied(slot) if slot.get().end >= now => {
                return Some(slot.get().acquired(now));
            }
            Slot::Occupied(mut slot) => {
                let entry = slot.get_mut();
                entries.handled.remove(&(entry.end, entry.number));
                let caller = entry.caller;
                *entry = Entry { number, is_done: false, end, caller };
                caller
            }
            Slot::Vacant(slot) => {
                let caller = self.callers.enter(request.key_id())?;
                slot.insert(Entry { number, is_done: false, end, caller });
                caller
            }
        };
        entries.latest = number;
        Some(Acquired::New(Lease::new(key, token(number, caller))))
    }

    /// Returns `None` if the entry was removed and there is no room for it now. An entry is removed
    /// if its lease expired, or if a later owner released the message.
    fn try_complete(&self, entries: &mut Entries, lease: &Lease, keep_until: i64) -> Option<bool> {
        let (number, caller) = read_token(lease.owner());
        let done = Entry { number, is_done: true, end: keep_until, caller };
        match entries.known.entry(*lease.key()) {
            Slot::Occupied(mut slot) if slot.get().is_of(lease) => {
                let former = slot.insert(done);
                entries.handled.remove(&(former.end, former.number));
            }
            Slot::Occupied(_) => return Some(false),
            Slot::Vacant(slot) => {
                self.callers.enter_again(caller)?;
                slot.insert(done);
            }
        }
        entries.handled.insert((keep_until, number), *lease.key());
        Some(true)
    }
}

impl OnceStore for MemoryOnce {
    fn acquire(&self, request: &OnceRequest<'_>) -> OnceAnswer<Acquired> {
        let acquired = self.with_room(request.now(), |entries| self.try_acquire(entries, request));
        OnceAnswer::ready(Ok(acquired.unwrap_or(Acquired::Full)))
    }

    fn complete(&self, lease: &Lease, keep_until: i64, now: i64) -> OnceAnswer<bool> {
        let is_owned = self.with_room(now, |entries| self.try_complete(entries, lease, keep_until));
        OnceAnswer::ready(is_owned.ok_or_else(|| {
            "the lease expired, and there is no room to record that the message was handled".into()
        }))
    }

    fn release(&self, lease: &Lease) -> OnceAnswer<bool> {
        let Entries { known, .. } = &mut *self.lock();
        let is_owned = match known.entry(*lease.key()) {
            Slot::Occupied(slot) if !slot.get().is_done && slot.get().is_of(lease) => {
                self.callers.leave(slot.remove().caller);
                true
            }
            Slot::Occupied(_) => false,
            Slot::Vacant(_) => true,
        };
        OnceAnswer::ready(Ok(is_owned))
    }
}

impl Entry {
    /// Returns the answer for a known message.
    fn acquired(&self, now: i64) -> Acquired {
        if self.is_done {
            return Acquired::Done;
        }
        let retry_after = Duration::from_secs(now.abs_diff(self.end).saturating_add(1));
        Acquired::Running { retry_after }
    }

    fn is_of(&self, lease: &Lease) -> bool {
        *lease.owner() == token(self.number, self.caller)
    }
}

/// Returns the token of a lease. It never leaves the process. The caller is part of it, so that a
/// message can be completed after its entry was removed.
fn token(number: u64, caller: u32) -> [u8; 16] {
    (u128::from(number) << 32 | u128::from(caller)).to_be_bytes()
}

/// Returns the number of the lease, and the caller.
fn read_token(token: &[u8; 16]) -> (u64, u32) {
    let token = u128::from_be_bytes(*token);
    let caller = u32::try_from(token & u128::from(u32::MAX)).unwrap_or_default();
    (u64::try_from(token >> 32).unwrap_or_default(), caller)
}

impl fmt::Debug for MemoryOnce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryOnce")
            .field("len", &self.len())
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
