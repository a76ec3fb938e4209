//! The store of one process.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::error::ConfigError;
use crate::key::KeyId;
use crate::once::{Acquired, Lease, OnceAnswer, OnceKey, OnceRequest, OnceStore};

/// The most entries that have run out which one call removes.
const SWEPT_A_CALL: usize = 8;

/// The messages of one process. A restart forgets them: what was handled before can be handled
/// again.
///
/// It never forgets a live entry: when it is full, messages are answered with 503. One key ID can
/// take an eighth of the capacity, unless it is the only one so far or
/// [`with_key_limit`](Self::with_key_limit) says otherwise, so that no caller locks out the others.
/// An entry takes some 250 bytes.
pub struct MemoryOnce {
    capacity: usize,
    key_limit: Option<usize>,
    entries: Mutex<Entries>,
    owners: AtomicU64,
}

#[derive(Default)]
struct Entries {
    by_key: HashMap<OnceKey, Entry>,
    /// The same, by the last second of each.
    by_end: BTreeSet<(i64, OnceKey)>,
    by_caller: HashMap<Option<KeyId>, usize>,
}

struct Entry {
    /// The owner of the lease; `None` once the message is handled.
    owner: Option<[u8; 16]>,
    end: i64,
    caller: Option<KeyId>,
}

impl MemoryOnce {
    /// Remembers up to so many messages at a time.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the capacity is 0.
    pub fn new(capacity: usize) -> Result<Self, ConfigError> {
        if capacity == 0 {
            return Err(ConfigError::invalid("once capacity", "is 0: nothing would pass"));
        }
        Ok(Self { capacity, key_limit: None, entries: Mutex::default(), owners: AtomicU64::new(0) })
    }

    /// Sets the most messages of one key ID.
    #[must_use]
    pub fn with_key_limit(mut self, messages: usize) -> Self {
        self.key_limit = Some(messages);
        self
    }

    /// Returns the number of entries, those included that have run out and are not removed yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.with(|entries| entries.by_key.len())
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn with<T>(&self, f: impl FnOnce(&mut Entries) -> T) -> T {
        // No code that holds the lock can panic; were it to, the entries would be as good as before.
        f(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn has_room(&self, entries: &Entries, caller: Option<&KeyId>) -> bool {
        let of_caller = entries.by_caller.get(&caller.cloned()).copied().unwrap_or(0);
        let is_alone = of_caller == entries.by_key.len();
        let limit = match self.key_limit {
            Some(limit) => limit,
            None if is_alone => self.capacity,
            None => self.capacity.div_ceil(8),
        };
        entries.by_key.len() < self.capacity && of_caller < limit
    }

    fn owner(&self) -> [u8; 16] {
        u128::from(self.owners.fetch_add(1, Ordering::Relaxed)).to_be_bytes()
    }
}

impl Entries {
    fn insert(&mut self, key: OnceKey, entry: Entry) {
        self.by_end.insert((entry.end, key));
        let of_caller = self.by_caller.entry(entry.caller.clone()).or_default();
        *of_caller = of_caller.saturating_add(1);
        self.by_key.insert(key, entry);
    }

    fn remove(&mut self, key: &OnceKey) {
        let Some(entry) = self.by_key.remove(key) else { return };
        self.by_end.remove(&(entry.end, *key));
        if let Some(of_caller) = self.by_caller.get_mut(&entry.caller) {
            *of_caller = of_caller.saturating_sub(1);
            if *of_caller == 0 {
                self.by_caller.remove(&entry.caller);
            }
        }
    }

    fn sweep(&mut self, now: i64) {
        for _ in 0..SWEPT_A_CALL {
            match self.by_end.first() {
                Some((end, key)) if *end < now => {
                    let key = *key;
                    self.remove(&key);
                }
                _ => return,
            }
        }
    }

    /// The entry, if its lease is still this owner's, or has run out and nobody took it over.
    fn owned(&self, lease: &Lease) -> bool {
        self.by_key.get(lease.key()).is_none_or(|entry| entry.owner == Some(*lease.owner()))
    }
}

impl OnceStore for MemoryOnce {
    fn acquire(&self, request: &OnceRequest<'_>) -> OnceAnswer<Acquired> {
        let (key, now) = (*request.key(), request.now());
        let acquired = self.with(|entries| {
            entries.sweep(now);
            match entries.by_key.get(&key).filter(|entry| entry.end >= now) {
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
            // A lease of one second holds for the second that it was taken in.
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
            let caller = entries.by_key.get(&key).and_then(|entry| entry.caller.clone());
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
