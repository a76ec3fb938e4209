//! The contract of a store, over the one in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tower_hmac::ConfigError;
use tower_hmac::once::{Acquired, MemoryOnce, OnceStore as _};

use super::{LEASE, NOW, acquire, acquire_by, lease, now};

fn store() -> MemoryOnce {
    MemoryOnce::new(100).unwrap()
}

#[test]
fn a_message_that_is_being_handled_is_not_given_to_another() {
    let store = store();
    let _lease = lease(acquire(&store, "a", NOW));
    let retry_after = LEASE;
    assert_eq!(acquire(&store, "a", NOW), Acquired::Running { retry_after });
    let retry_after = Duration::from_secs(1);
    assert_eq!(acquire(&store, "a", NOW + 299), Acquired::Running { retry_after });
    assert!(matches!(acquire(&store, "b", NOW), Acquired::New(_)));
}

#[test]
fn a_message_that_was_handled_is_done_until_its_retention_is_over() {
    let store = store();
    let lease = lease(acquire(&store, "a", NOW));
    assert!(now(store.complete(&lease, NOW + 1000, NOW)));
    assert_eq!(acquire(&store, "a", NOW + 1000), Acquired::Done);
    assert!(matches!(acquire(&store, "a", NOW + 1001), Acquired::New(_)));
}

#[test]
fn a_message_that_was_given_back_is_new_at_once() {
    let store = store();
    let lease = lease(acquire(&store, "a", NOW));
    assert!(now(store.release(&lease)));
    assert!(matches!(acquire(&store, "a", NOW), Acquired::New(_)));
}

#[test]
fn a_lease_that_has_run_out_is_taken_over_and_its_former_owner_changes_nothing() {
    let store = store();
    let former = lease(acquire(&store, "a", NOW));
    let owner = lease(acquire(&store, "a", NOW + 300));
    assert!(!now(store.complete(&former, NOW + 1000, NOW + 301)));
    assert!(!now(store.release(&former)));
    assert!(matches!(acquire(&store, "a", NOW + 301), Acquired::Running { .. }));
    assert!(now(store.complete(&owner, NOW + 1000, NOW + 302)));
    assert!(!now(store.release(&former)));
    assert_eq!(acquire(&store, "a", NOW + 303), Acquired::Done);
}

#[test]
fn a_slow_owner_whom_nobody_replaced_completes() {
    let store = store();
    let slow = lease(acquire(&store, "a", NOW));
    // Removes what has run out.
    let _other = acquire(&store, "b", NOW + 400);
    assert!(now(store.complete(&slow, NOW + 1000, NOW + 400)));
    assert_eq!(acquire(&store, "a", NOW + 401), Acquired::Done);
}

#[test]
fn of_two_callers_at_the_same_moment_one_wins() {
    for round in 0..1000 {
        let store = Arc::new(store());
        let wins = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (store, wins) = (store.clone(), wins.clone());
                thread::spawn(move || {
                    if matches!(acquire(&store, "a", NOW), Acquired::New(_)) {
                        wins.fetch_add(1, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(wins.load(Ordering::SeqCst), 1, "round {round}");
    }
}

#[test]
fn a_full_store_forgets_nothing_that_is_live() {
    let store = MemoryOnce::new(2).unwrap();
    let _one = lease(acquire(&store, "a", NOW));
    let two = lease(acquire(&store, "b", NOW));
    assert_eq!(acquire(&store, "c", NOW), Acquired::Full);
    assert!(matches!(acquire(&store, "a", NOW), Acquired::Running { .. }));
    assert!(now(store.complete(&two, NOW + 1000, NOW)));
    assert_eq!(acquire(&store, "c", NOW), Acquired::Full);
    assert!(matches!(acquire(&store, "c", NOW + 300), Acquired::New(_)));
    assert_eq!(store.len(), 2);
    assert!(matches!(MemoryOnce::new(0), Err(ConfigError::Invalid { .. })));
}

#[test]
fn one_caller_does_not_lock_out_the_others() {
    let store = MemoryOnce::new(80).unwrap();
    assert!(matches!(acquire_by(&store, "quiet", "0"), Acquired::New(_)));
    let loud = (0..80).filter(|message| {
        matches!(acquire_by(&store, "loud", &message.to_string()), Acquired::New(_))
    });
    assert_eq!(loud.count(), 10);
    assert!(matches!(acquire_by(&store, "quiet", "1"), Acquired::New(_)));
}

#[test]
fn two_callers_with_the_same_id_do_not_meet() {
    let store = store();
    assert!(matches!(acquire_by(&store, "a", "1"), Acquired::New(_)));
    assert!(matches!(acquire_by(&store, "b", "1"), Acquired::New(_)));
    assert!(matches!(acquire(&store, "1", NOW), Acquired::New(_)));
}
