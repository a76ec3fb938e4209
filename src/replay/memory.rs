//! The guard for a service with a single process.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::ConfigError;
use crate::replay::callers::Callers;
use crate::replay::restart::{RestartPolicy, restart_settings};
use crate::replay::shard::{ClockWentBack, Fingerprint, Shard};
use crate::replay::{Replay, ReplayClaim, ReplayGuard, ReplayRequest};

/// How many claims can run concurrently. A power of two.
const SHARDS: usize = 16;
/// The maximum number of entries: their indices are 32-bit numbers.
const MAX_CAPACITY: usize = 1 << 30;
/// How many entries a claim looks at to remove expired ones, under one lock.
const SWEEP: usize = 64;
/// The guard's time before a verifier sets one.
const UNTOLD: i64 = i64::MAX;

/// A replay guard in the memory of one process.
///
/// It never forgets a live entry: if it is full, it reports that, and the request is answered with
/// 503.
///
/// Use it for a service with a single process. Behind a load balancer, each process has its own
/// guard, and a request is accepted once *per process*. Share a `RedisReplay` (feature `redis`)
/// instead. The same applies to a restart if the old process still serves requests.
///
/// # After a restart
///
/// A new guard knows nothing of earlier requests, so it rejects every request that was signed
/// before a verifier was built with it: 503, [`ReplayUnknown`](crate::ErrorKind::ReplayUnknown). A
/// client that signs again is accepted at once. Two gaps remain, and
/// [`with_restart_margin`](Self::with_restart_margin) closes both at a price:
///
/// * Times of signing are whole seconds. A request signed in the same second in which the guard
///   begins is let through, so that a starting service answers its first callers.
/// * A client whose clock is ahead signs in the guard's future. Its requests from that many seconds
///   before the restart can be replayed.
///
/// Links are signed long before they are used. A presigned URL from before a restart gets 503, even
/// if it was never used, until somebody makes a new one. [`with_unknown_accepted`] accepts it, once
/// after each restart.
///
/// This does not work for a scheme without a signed time of creation. Its requests from before a
/// restart can be replayed for as long as they are valid.
///
/// [`with_unknown_accepted`]: Self::with_unknown_accepted
///
/// # Callers
///
/// As soon as two key IDs have signed, each may use an eighth of the capacity. A caller that has
/// used up its share gets 503, and no other caller does. This limit stays until a restart, even if
/// the second key ID signed a single test request. So make the capacity at least eight times
/// what the busiest caller needs, or set [`with_key_limit`](Self::with_key_limit).
///
/// # Size
///
/// Each request takes one entry for as long as it could be accepted again. With a tolerance of 300
/// s on both sides, that is at most 601 s, and 300 s for an accurate clock. So 100 requests a
/// second need room for 60,100 entries. An entry is 40 bytes. With the table that finds it, and an
/// eighth more entries for callers after the first one has used up the capacity, the memory is
///
/// * 48 to 61 bytes per entry of the capacity from 100,000 entries on, and
/// * 64 KiB for the buckets of time, and a little for the spread over 16 shards.
///
/// All of it is allocated when the guard is made and never grows. A request allocates nothing,
/// except the first one of a key ID. (Most systems provide the memory when it is first used.)
///
/// # Time
///
/// The time of a claim does not depend on the number of entries. Expired entries are removed by
/// later claims, at most 64 entries per claim, unless there is no other room.
///
/// If the clock is set back to a time whose entries have been removed, requests cannot be
/// distinguished from replays. Their claims fail (503 and a warning) until the clock has caught up.
/// The clock must be right when a verifier is built: if it is behind then, requests from before a
/// restart count as new.
///
/// ```
/// use std::sync::Arc;
/// use tower_hmac::MemoryReplay;
///
/// let guard = Arc::new(MemoryReplay::new(60_100)?);
/// // Give a clone to the layer, and monitor this one.
/// assert_eq!((guard.len(), guard.capacity(), guard.full_count()), (0, 60_100, 0));
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
pub struct MemoryReplay {
    shards: Box<[Mutex<Shard>]>,
    /// Keys come from a hash, but a client that chooses its nonces could search for equal low bits.
    hashers: [RandomState; 2],
    callers: Callers,
    capacity: usize,
    full: AtomicU64,
    /// The earliest time that a verifier has set.
    begun: AtomicI64,
    restart: RestartPolicy,
}

impl MemoryReplay {
    /// Makes a guard with room for this many entries.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if the capacity is 0, or more than 2^30.
    pub fn new(capacity: usize) -> Result<Self, ConfigError> {
        if capacity == 0 {
            return Err(ConfigError::invalid(
                "replay capacity",
                "is 0: every request would be rejected",
            ));
        }
        if capacity > MAX_CAPACITY {
            return Err(ConfigError::invalid("replay capacity", "is over 2^30 entries"));
        }
        // Keys do not spread evenly, so leave room for six standard deviations above the mean.
        let most = capacity.saturating_add(Callers::reserve(capacity));
        let mean = most.div_ceil(SHARDS);
        let room = mean.saturating_add(mean.isqrt().saturating_mul(6)).min(most);
        let shard = || Mutex::new(Shard::new(room));
        Ok(Self {
            shards: std::iter::repeat_with(shard).take(SHARDS).collect(),
            hashers: [RandomState::new(), RandomState::new()],
            callers: Callers::new(capacity),
            capacity,
            full: AtomicU64::new(0),
            begun: AtomicI64::new(UNTOLD),
            restart: RestartPolicy::default(),
        })
    }

    /// Sets how many entries each key ID may have, from the first request on. The anonymous key
    /// counts as one key ID. By default, the limit is the capacity while there is one key ID, and
    /// an eighth of it as soon as there are two.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if `entries` is 0.
    pub fn with_key_limit(mut self, entries: usize) -> Result<Self, ConfigError> {
        if entries == 0 {
            return Err(ConfigError::invalid(
                "replay key limit",
                "is 0: every request would be rejected",
            ));
        }
        self.callers.set_limit(entries);
        Ok(self)
    }

    restart_settings!("Self#after-a-restart");

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

    /// Returns the capacity that the guard was made with. If one caller has taken all of it, others
    /// can have an eighth more together.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Returns how often there was no room, for one caller or for all. If it is above 0, the guard
    /// is too small for its requests.
    #[must_use]
    pub fn full_count(&self) -> u64 {
        self.full.load(Ordering::Relaxed)
    }

    fn try_claim(&self, request: &ReplayRequest<'_>) -> Result<Replay, ClockWentBack> {
        let begun = self.begun.load(Ordering::Relaxed);
        if begun != UNTOLD && self.restart.may_have_forgotten(request.created(), begun) {
            return Ok(Replay::Forgotten);
        }
        let fingerprint = self.hashers.each_ref().map(|hasher| hasher.hash_one(request.key()));
        if let Some(answer) = self.claim_in_shard(fingerprint, request)? {
            return Ok(answer);
        }
        // Expired entries may take up the room, in other shards, too. The lock is released between
        // the steps, so that other claims can proceed.
        for shard in &self.shards {
            while self.sweep(&mut lock(shard), request.now()) {
                if let Some(answer) = self.claim_in_shard(fingerprint, request)? {
                    return Ok(answer);
                }
            }
        }
        self.full.fetch_add(1, Ordering::Relaxed);
        Ok(Replay::Full)
    }

    /// Returns `None` if there is no room.
    fn claim_in_shard(
        &self,
        fingerprint: Fingerprint,
        request: &ReplayRequest<'_>,
    ) -> Result<Option<Replay>, ClockWentBack> {
        let [_, hash] = fingerprint;
        let place = usize::try_from(hash.rem_euclid(SHARDS as u64)).unwrap_or(0);
        let Some(shard) = self.shards.get(place) else { return Ok(None) };
        let shard = &mut *lock(shard);
        self.sweep(shard, request.now());
        shard.check_time(request.keep_until())?;
        if shard.contains(fingerprint) {
            return Ok(Some(Replay::Seen));
        }
        let Some(caller) = self.callers.enter(request.key_id()) else { return Ok(None) };
        if !shard.insert(fingerprint, request.keep_until(), caller) {
            self.callers.leave(caller);
            return Ok(None);
        }
        Ok(Some(Replay::Claimed))
    }

    /// Removes some expired entries. Returns `false` if there was nothing left to look at.
    fn sweep(&self, shard: &mut Shard, now: i64) -> bool {
        let is_due = !shard.is_swept(now);
        if is_due {
            shard.sweep(now, SWEEP, self.callers.leaving());
        }
        is_due
    }
}

/// No code that holds the lock can panic. Even if it did, the shard would still be valid.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ReplayGuard for MemoryReplay {
    fn claim(&self, request: &ReplayRequest<'_>) -> ReplayClaim {
        let answer = self.try_claim(request).map_err(Into::into);
        #[cfg(feature = "metrics")]
        #[allow(clippy::cast_precision_loss)] // Capacities are far below 2^52.
        metrics::gauge!("tower_hmac_replay_entries").set(self.len() as f64);
        ReplayClaim::ready(answer)
    }

    fn begin(&self, now: i64) {
        self.begun.fetch_min(now, Ordering::Relaxed);
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
