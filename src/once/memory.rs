//! The store for a single process.

use std::collections::BTreeMap;
use std::collections::hash_map::{Entry as Slot, HashMap};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::{BoxError, ConfigError};
use crate::once::{Acquired, Lease, OnceAnswer, OnceKey, OnceRequest, OnceStore};
use crate::replay::Callers;

/// The most expired entries that one call removes.
const SWEPT_A_CALL: usize = 8;

/// Remembers the messages of one process. A restart forgets them: what was handled before can be
/// handled again.
///
/// It never forgets a live entry. If it is full, messages are answered with 503.
///
/// As soon as two key IDs have sent messages, each may use an eighth of the capacity. A caller that
/// was the only one until then may have taken all of it. The others can have an eighth more
/// together, so no caller locks them out. [`with_key_limit`](Self::with_key_limit) sets the limit
/// from the first message on. An entry takes some 250 bytes.
///
/// ```
/// use tower_hmac::once::MemoryOnce;
///
/// let store = MemoryOnce::new(10_000)?.with_key_limit(5_000);
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
    /// The same entries by their last second, and by their number within it.
    ends: BTreeMap<(i64, u64), OnceKey>,
    /// The number of the latest lease.
    latest: u64,
}

struct Entry {
    owner: Owner,
    is_done: bool,
    /// The last second of the lease, or of what is remembered.
    end: i64,
}

/// The owner of a lease: the token that outlives its entry.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Owner {
    /// The number of the lease. Never reused.
    number: u64,
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

    /// Sets the most messages of one key ID. The anonymous key counts as one key ID.
    #[must_use]
    pub fn with_key_limit(mut self, messages: usize) -> Self {
        self.callers.set_limit(messages);
        self
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

    /// Removes some of the entries that have expired.
    fn sweep(&self, entries: &mut Entries, now: i64) {
        for _ in 0..SWEPT_A_CALL {
            match entries.ends.first_entry() {
                Some(first) if first.key().0 < now => {
                    let key = first.remove();
                    self.forget(entries.known.remove(&key));
                }
                _ => return,
            }
        }
    }

    fn forget(&self, entry: Option<Entry>) {
        if let Some(entry) = entry {
            self.callers.leave(entry.owner.caller);
        }
    }
}

impl Entries {
    fn next_number(&mut self) -> u64 {
        self.latest = self.latest.wrapping_add(1);
        self.latest
    }
}

impl OnceStore for MemoryOnce {
    fn acquire(&self, request: &OnceRequest<'_>) -> OnceAnswer<Acquired> {
        let (key, now) = (*request.key(), request.now());
        // A lease of one second covers the second in which it was taken.
        let seconds = request.lease().as_secs().saturating_sub(1);
        let end = now.saturating_add_unsigned(seconds);
        let entries = &mut *self.lock();
        self.sweep(entries, now);
        let number = entries.next_number();
        let Entries { known, ends, .. } = entries;
        let acquired = match known.entry(key) {
            Slot::Occupied(slot) if slot.get().end >= now => slot.get().acquired(now),
            Slot::Occupied(mut slot) => {
                let entry = slot.get_mut();
                ends.remove(&(entry.end, entry.owner.number));
                let owner = Owner { number, ..entry.owner };
                *entry = Entry { owner, is_done: false, end };
                Acquired::New(Lease::new(key, owner.to_token()))
            }
            Slot::Vacant(slot) => match self.callers.enter(request.key_id()) {
                Some(caller) => {
                    let owner = Owner { number, caller };
                    slot.insert(Entry { owner, is_done: false, end });
                    Acquired::New(Lease::new(key, owner.to_token()))
                }
                None => Acquired::Full,
            },
        };
        if let Acquired::New(_) = acquired {
            ends.insert((end, number), key);
        }
        OnceAnswer::ready(Ok(acquired))
    }

    fn complete(&self, lease: &Lease, keep_until: i64, now: i64) -> OnceAnswer<bool> {
        let (key, owner) = (*lease.key(), Owner::of(lease));
        let entries = &mut *self.lock();
        match entries.known.get_mut(&key) {
            Some(entry) if entry.is_held_by(owner) => {
                entries.ends.remove(&(entry.end, owner.number));
                *entry = Entry { owner, is_done: true, end: keep_until };
            }
            Some(_) => return OnceAnswer::ready(Ok(false)),
            // The lease expired and was removed, and nobody has taken it over.
            None => {
                self.sweep(entries, now);
                if !self.callers.enter_again(owner.caller) {
                    return OnceAnswer::ready(Err(full()));
                }
                entries.known.insert(key, Entry { owner, is_done: true, end: keep_until });
            }
        }
        entries.ends.insert((keep_until, owner.number), key);
        OnceAnswer::ready(Ok(true))
    }

    fn release(&self, lease: &Lease) -> OnceAnswer<bool> {
        let (key, owner) = (*lease.key(), Owner::of(lease));
        let entries = &mut *self.lock();
        let is_owned = match entries.known.entry(key) {
            Slot::Occupied(slot) if slot.get().is_held_by(owner) => {
                let entry = slot.remove();
                entries.ends.remove(&(entry.end, owner.number));
                self.forget(Some(entry));
                true
            }
            Slot::Occupied(_) => false,
            // As with `complete`: the lease expired, and nobody has taken it over.
            Slot::Vacant(_) => true,
        };
        OnceAnswer::ready(Ok(is_owned))
    }
}

impl Entry {
    /// Returns what the caller of a message that is already known is told.
    fn acquired(&self, now: i64) -> Acquired {
        if self.is_done {
            return Acquired::Done;
        }
        let retry_after = Duration::from_secs(now.abs_diff(self.end).saturating_add(1));
        Acquired::Running { retry_after }
    }

    fn is_held_by(&self, owner: Owner) -> bool {
        !self.is_done && self.owner == owner
    }
}

impl Owner {
    fn of(lease: &Lease) -> Self {
        let token = u128::from_be_bytes(*lease.owner());
        #[allow(clippy::cast_possible_truncation)] // The parts that `to_token` has put together.
        Self { number: (token >> 64) as u64, caller: token as u32 }
    }

    fn to_token(self) -> [u8; 16] {
        (u128::from(self.number) << 64 | u128::from(self.caller)).to_be_bytes()
    }
}

fn full() -> BoxError {
    "the store is full, and the lease had expired".into()
}

impl fmt::Debug for MemoryOnce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryOnce")
            .field("len", &self.len())
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
