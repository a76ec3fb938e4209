use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::ConfigError;
use crate::replay::shard::{Forgotten, Shard};
use crate::replay::{Replay, ReplayClaim, ReplayGuard, ReplayKey, ReplayRequest};

/// How many claims can go on at once. A power of two.
const SHARDS: usize = 16;
/// The most entries: their places are 32-bit numbers.
const MAX_CAPACITY: usize = 1 << 30;

/// A replay guard in the memory of one process. It never forgets a live entry: when it is full, it
/// says so, and the request is answered with 503.
///
/// It is for a service of one process. Behind a load balancer each process has its own, and a
/// request counts once *a process*; share a `RedisReplay` (feature `redis`) instead. A restart
/// forgets everything: for as long as the tolerance, requests from before can be replayed.
///
/// # Size
///
/// One entry a request, kept for as long as the request could be accepted again: with a tolerance
/// of 300 s on both sides at most 601 s, for an honest clock 300 s. So 100 requests a second need
/// room for 60,100 entries. An entry is 48 bytes; with the table that finds it, the room is
///
/// * 52 to 61 bytes an entry of the capacity from 100,000 entries on, and
/// * 64 KiB for the buckets of time, and a little for the spread over 16 shards.
///
/// All of it is allocated when the guard is made and never grows: a request allocates nothing.
/// (Most systems give the memory when it is first used.)
///
/// # Time
///
/// Claims take a time that does not depend on the number of entries. What has run out is swept
/// second by second, by the claims that come after; each entry pays for its own sweeping.
///
/// If the clock is set back, requests from the time whose entries have been swept cannot be told
/// from replays: their claims fail (503 and a warning) until the clock is there again.
///
/// ```
/// use std::sync::Arc;
/// use tower_hmac::MemoryReplay;
///
/// let guard = Arc::new(MemoryReplay::new(60_100)?);
/// // Give a clone of it to the layer, and watch the other.
/// assert_eq!((guard.len(), guard.capacity(), guard.full_count()), (0, 60_100, 0));
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
pub struct MemoryReplay {
    shards: Box<[Mutex<Shard>]>,
    /// Keys come from a hash, but a client that picks its nonces could look for equal low bits.
    hasher: RandomState,
    len: AtomicUsize,
    capacity: usize,
    full: AtomicU64,
}

impl MemoryReplay {
    /// Makes a guard with room for so many entries.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if there is room for none, or for more than 2^30.
    pub fn new(capacity: usize) -> Result<Self, ConfigError> {
        if capacity == 0 {
            return Err(ConfigError::invalid("replay capacity", "is 0: nothing would pass"));
        }
        if capacity > MAX_CAPACITY {
            return Err(ConfigError::invalid("replay capacity", "is over 2^30 entries"));
        }
        // Keys do not spread evenly: room for six standard deviations more than the mean.
        let mean = capacity.div_ceil(SHARDS);
        let room = mean.saturating_add(mean.isqrt().saturating_mul(6)).min(capacity);
        let hasher = RandomState::new();
        let shard = || Mutex::new(Shard::new(room, hasher.clone()));
        Ok(Self {
            shards: std::iter::repeat_with(shard).take(SHARDS).collect(),
            hasher,
            len: AtomicUsize::new(0),
            capacity,
            full: AtomicU64::new(0),
        })
    }

    /// The number of entries, those included that have run out and are not swept yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most entries that there can be.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How often there was no room. Above 0, the guard is too small for its requests.
    #[must_use]
    pub fn full_count(&self) -> u64 {
        self.full.load(Ordering::Relaxed)
    }

    fn try_claim(&self, key: ReplayKey, keep_until: i64, now: i64) -> Result<Replay, Forgotten> {
        let hash = self.hasher.hash_one(key);
        if let Some(answer) = self.claim_in_shard(key, hash, keep_until, now)? {
            return Ok(answer);
        }
        // Other shards may hold what has run out since they were last asked.
        for shard in &self.shards {
            self.sweep(&mut lock(shard), now);
        }
        let answer = self.claim_in_shard(key, hash, keep_until, now)?;
        Ok(answer.unwrap_or_else(|| {
            self.full.fetch_add(1, Ordering::Relaxed);
            Replay::Full
        }))
    }

    /// `None` if there is no room.
    fn claim_in_shard(
        &self,
        key: ReplayKey,
        hash: u64,
        keep_until: i64,
        now: i64,
    ) -> Result<Option<Replay>, Forgotten> {
        let place = usize::try_from(hash.rem_euclid(SHARDS as u64)).unwrap_or(0);
        let Some(shard) = self.shards.get(place) else { return Ok(None) };
        let shard = &mut *lock(shard);
        self.sweep(shard, now);
        shard.check_time(keep_until)?;
        if shard.contains(&key, hash) {
            return Ok(Some(Replay::Seen));
        }
        if !self.take_room() {
            return Ok(None);
        }
        if !shard.insert(key, hash, keep_until) {
            self.len.fetch_sub(1, Ordering::Relaxed);
            return Ok(None);
        }
        Ok(Some(Replay::Claimed))
    }

    fn take_room(&self) -> bool {
        let taken = |len: usize| len.checked_add(1).filter(|len| *len <= self.capacity);
        self.len.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
    }

    fn sweep(&self, shard: &mut Shard, now: i64) {
        self.len.fetch_sub(shard.sweep(now), Ordering::Relaxed);
    }
}

/// No code that holds the lock can panic; were it to, the shard would be as good as before.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ReplayGuard for MemoryReplay {
    fn claim(&self, request: &ReplayRequest<'_>) -> ReplayClaim {
        let answer = self.try_claim(*request.key(), request.keep_until(), request.now());
        let answer = answer.map_err(Into::into);
        #[cfg(feature = "metrics")]
        #[allow(clippy::cast_precision_loss)] // Capacities are far below 2^52.
        metrics::gauge!("tower_hmac_replay_entries").set(self.len() as f64);
        ReplayClaim::ready(answer)
    }
}

impl fmt::Debug for MemoryReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryReplay")
            .field("len", &self.len())
            .field("capacity", &self.capacity)
            .field("full_count", &self.full_count())
            .finish_non_exhaustive()
    }
}
