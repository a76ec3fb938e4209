//! What the replay guard in memory takes of it, counted by the allocator.
#![allow(missing_docs)]

use std::alloc::System;

use futures_util::FutureExt as _;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tower_hmac::replay::{Replay, ReplayKey};
use tower_hmac::{MemoryReplay, ReplayGuard as _};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Without the test harness, whose threads would allocate meanwhile.
fn main() {
    the_room_is_taken_when_the_guard_is_made_and_never_grows();
    println!("memory: 1 passed, 0 failed");
}

fn the_room_is_taken_when_the_guard_is_made_and_never_grows() {
    for capacity in [1_000, 10_000, 100_000, 123_000, 1_000_000] {
        let region = Region::new(ALLOCATOR);
        let guard = MemoryReplay::new(capacity).unwrap();
        let made = region.change();
        let bytes = made.bytes_allocated - made.bytes_deallocated;

        for number in 0..capacity + 10 {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_be_bytes());
            let claim = guard.claim(ReplayKey::from_bytes(key), 300, 0);
            let expected = if number < capacity { Replay::Claimed } else { Replay::Full };
            assert_eq!(claim.now_or_never().unwrap().unwrap(), expected);
        }
        let filled = region.change();
        assert_eq!(filled.allocations, made.allocations, "a claim allocated");
        assert_eq!(filled.reallocations, made.reallocations, "the room grew");

        // What the documentation of `MemoryReplay` says, in bytes.
        let fixed = 16 * 1024 * 4;
        let each = (bytes - fixed) / capacity;
        println!("{capacity} entries: {bytes} bytes, {each} each beside {fixed}");
        let most = if capacity >= 100_000 { 61 } else { 90 };
        assert!(each <= most, "{each} bytes an entry of {capacity}");
    }
}
