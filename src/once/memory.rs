//! The store for a single process.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::error::ConfigError;
use crate::key::KeyId;
use crate::once::{Acquired, Lease, OnceAnswer, OnceKey, OnceRequest, OnceStore};

/// The most expired entries that one call removes.
const SWEPT_A_CALL: usize = 8;

/// Remembers the messages of one process. A restart forgets them: what was handled before can be
/// handled again.
///
/// It never forgets a live entry. If it is full, messages are answered with 503. One key ID may use
/// an eighth of the capacity, so that no caller locks out the others, unless it is the only one so
/// far or [`with_key_limit`](Self::with_key_limit) is set. An entry takes some 250 bytes.
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
    key_limit: Option<usize>,
    entries: Mutex<Entries>,
    owners: AtomicU64,
}

#[derive(Default)]
struct Entries {
    known: HashMap<OnceKey, Entry>,
    /// The same entries, ordered by their last second.
    ends: BTreeSet<(i64, OnceKey)>,
    callers: HashMap<Option<KeyId>, usize>,
}

struct Entry {
    /// The owner of the lease. `None` once the message is handled.
    owner: Option<[u8; 16]>,
    end: i64,
    caller: Option<KeyId>,
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
        Ok(Self { capacity, key_limit: None, entries: Mutex::default(), owners: AtomicU64::new(0) })
    }

    /// Sets the most messages of one key ID.
    #[must_use]
    pub fn with_key_limit(mut self, messages: usize) -> Self {
        self.key_limit = Some(messages);
        self
    }

    /// Returns the number of entries, including expired ones that are not removed yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.with(|entries| entries.known.len())
    }

    /// Returns whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn with<T>(&self, f: impl FnOnce(&mut Entries) -> T) -> T {
        // No code that holds the lock can panic. Even if it did, the entries would still be valid.
        f(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn has_room(&self, entries: &Entries, caller: Option<&KeyId>) -> bool {
        let of_caller = entries.callers.get(&caller.cloned()).copied().unwrap_or(0);
        let is_alone = of_caller == entries.known.len();
        let limit = match self.key_limit {
            Some(limit) => limit,
            None if is_alone => self.capacity,
            None => self.capacity.div_ceil(8),
        };
        entries.known.len() < self.capacity && of_caller < limit
    }

    fn owner(&self) -> [u8; 16] {
        u128::from(self.owners.fetch_add(1, Ordering::Relaxed)).to_be_bytes()
    }
}

impl Entries {
    fn insert(&mut self, key: OnceKey, entry: Entry) {
        self.ends.insert((entry.end, key));
        let of_caller = self.callers.entry(entry.caller.clone()).or_default();
        *of_caller = of_caller.saturating_add(1);
        self.known.insert(key, entry);
    }

    fn remove(&mut self, key: &OnceKey) {
        let Some(entry) = self.known.remove(key) else { return };
        self.ends.remove(&(entry.end, *key));
        if let Some(of_caller) = self.callers.get_mut(&entry.caller) {
            *of_caller = of_caller.saturating_sub(1);
            if *of_caller == 0 {
                self.callers.remove(&entry.caller);
            }
        }
    }

    fn sweep(&mut self, now: i64) {
        for _ in 0..SWEPT_A_CALL {
            match self.ends.first() {
                Some((end, key)) if *end < now => {
                    let key = *key;
                    self.remove(&key);
                }
                _ => return,
            }
        }
    }

    /// Returns the entry, if its lease is still this owner's, or has expired and nobody took it
    /// over.
    fn owned(&self, lease: &Lease) -> bool {
        self.known.get(lease.key()).is_none_or(|entry| entry.owner == Some(*lease.owner()))
    }
}

impl OnceStore for MemoryOnce {
    fn acquire(&self, request: &OnceRequest<'_>) -> OnceAnswer<Acquired> {
        let (key, now) = (*request.key(), request.now());
        let acquired = self.with(|entries| {
            entries.sweep(now);
            match entries.known.get(&key).filter(|entry| entry.end >= now) {
                Some(Entry { owner: None, .. }) => return Acquired::Done,
                Some(entry) => {
                    let retry_after =
                        Duration::from_secs(now.abs_diff(entry.end).saturating_add(1));
                    return Acquired::Running { retry_after };
                }
                None => entries.remove(&key),
            }
            if !self.has_room(entries, request.key_id()) {
                return Acquired::Full;
            }
            let owner = self.owner();
            // A lease of one second covers the second in which it was taken.
            let seconds = request.lease().as_secs().saturating_sub(1);
            let end = now.saturating_add_unsigned(seconds);
            entries
                .insert(key, Entry { owner: Some(owner), end, caller: request.key_id().cloned() });
            Acquired::New(Lease::new(key, owner))
        });
        OnceAnswer::ready(Ok(acquired))
    }

    fn complete(&self, lease: &Lease, keep_until: i64, _: i64) -> OnceAnswer<bool> {
        let key = *lease.key();
        let is_owned = self.with(|entries| {
            let is_owned = entries.owned(lease);
            let caller = entries.known.get(&key).and_then(|entry| entry.caller.clone());
            if is_owned {
                entries.remove(&key);
                entries.insert(key, Entry { owner: None, end: keep_until, caller });
            }
            is_owned
        });
        OnceAnswer::ready(Ok(is_owned))
    }

    fn release(&self, lease: &Lease) -> OnceAnswer<bool> {
        let is_owned = self.with(|entries| {
            let is_owned = entries.owned(lease);
            if is_owned {
                entries.remove(lease.key());
            }
            is_owned
        });
        OnceAnswer::ready(Ok(is_owned))
    }
}

impl fmt::Debug for MemoryOnce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryOnce")
            .field("len", &self.len())
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
