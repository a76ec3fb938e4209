//! The contract of a store, checked with the one in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tower_hmac::ConfigError;
use tower_hmac::once::{Acquired, MemoryOnce, OnceStore};

use super::contract::LEASE;
use super::{NOW, acquire, acquire_by, contract, lease, now};

fn store() -> MemoryOnce {
    MemoryOnce::new(100).unwrap()
}

struct Subject {
    store: MemoryOnce,
    now: i64,
}

impl contract::Subject for Subject {
    fn store(&self) -> &dyn OnceStore {
        &self.store
    }

    fn now(&self) -> i64 {
        self.now
    }

    fn pass(&mut self, seconds: i64) {
        self.now += seconds;
    }
}

crate::once_contract!(Some(Subject { store: MemoryOnce::new(10_000).unwrap(), now: NOW }));

#[test]
fn a_lease_holds_for_so_many_seconds() {
    let store = store();
    let _lease = lease(acquire(&store, "a", NOW));
    let retry_after = LEASE;
    assert_eq!(acquire(&store, "a", NOW), Acquired::Running { retry_after });
    let retry_after = Duration::from_secs(1);
    assert_eq!(acquire(&store, "a", NOW + 299), Acquired::Running { retry_after });
}

#[test]
fn a_handled_message_is_remembered_through_its_last_second() {
    let store = store();
    let lease = lease(acquire(&store, "a", NOW));
    assert!(now(store.complete(&lease, NOW + 1000, NOW)));
    assert_eq!(acquire(&store, "a", NOW + 1000), Acquired::Done);
    assert!(matches!(acquire(&store, "a", NOW + 1001), Acquired::New(_)));
}

#[test]
fn of_two_threads_at_the_same_moment_one_wins() {
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
