//! The contract of a store, checked with the memory store.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use futures_util::FutureExt as _;
use tower_hmac::once::{Acquired, Lease, MemoryOnce, OnceKey, OnceRequest, OnceStore};
use tower_hmac::{ConfigError, KeyId};

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
fn a_lease_lasts_its_length_even_if_it_begins_late_in_a_second() {
    let store = store();
    let _lease = lease(acquire(&store, "a", NOW));
    let retry_after = LEASE + Duration::from_secs(1);
    assert_eq!(acquire(&store, "a", NOW), Acquired::Running { retry_after });
    let retry_after = Duration::from_secs(1);
    assert_eq!(acquire(&store, "a", NOW + 300), Acquired::Running { retry_after });
    assert!(matches!(acquire(&store, "a", NOW + 301), Acquired::New(_)));
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
fn of_concurrent_threads_exactly_one_gets_the_lease() {
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
fn a_full_store_forgets_no_live_entry() {
    let store = MemoryOnce::new(2).unwrap();
    let _one = lease(acquire(&store, "a", NOW));
    let two = lease(acquire(&store, "b", NOW));
    assert_eq!(acquire(&store, "c", NOW), Acquired::Full);
    assert!(matches!(acquire(&store, "a", NOW), Acquired::Running { .. }));
    assert!(now(store.complete(&two, NOW + 1000, NOW)));
    assert_eq!(acquire(&store, "c", NOW), Acquired::Full);
    assert!(matches!(acquire(&store, "c", NOW + 301), Acquired::New(_)));
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
fn a_caller_that_took_all_room_alone_leaves_some_for_the_others() {
    let store = MemoryOnce::new(80).unwrap();
    let taken = |caller: &str, most: usize| {
        let messages = (0..most).map(|message| message.to_string());
        messages
            .filter(|message| matches!(acquire_by(&store, caller, message), Acquired::New(_)))
            .count()
    };
    assert_eq!(taken("loud", 100), 80);
    assert_eq!(taken("quiet", 100), 10);
    assert_eq!(acquire_by(&store, "third", "1"), Acquired::Full);
    assert_eq!(store.len(), 90);
}

#[test]
fn a_limit_for_each_key_id_holds_for_the_first_one() {
    let store = MemoryOnce::new(80).unwrap().with_key_limit(3).unwrap();
    assert!(MemoryOnce::new(80).unwrap().with_key_limit(0).is_err());
    for (message, is_new) in [("1", true), ("2", true), ("3", true), ("4", false)] {
        let acquired = acquire_by(&store, "loud", message);
        assert_eq!(matches!(acquired, Acquired::New(_)), is_new, "{message}: {acquired:?}");
    }
}

#[test]
fn expired_leases_give_way_when_their_room_is_needed() {
    let store = MemoryOnce::new(2).unwrap();
    let slow = lease(acquire(&store, "slow", NOW));
    let slower = lease(acquire(&store, "slower", NOW));
    let later = NOW + 301;
    assert!(now(store.complete(&slow, later + 1000, later)));
    let _new = lease(acquire(&store, "a", later));
    assert_eq!(acquire(&store, "b", later), Acquired::Full);
    assert_eq!(store.len(), 2);
    let completed = store.complete(&slower, later + 1000, later).now_or_never().unwrap();
    assert!(completed.unwrap_err().to_string().contains("no room"));
    assert_eq!(store.len(), 2);
    assert_eq!(acquire(&store, "slow", later), Acquired::Done);
}

#[test]
fn handled_messages_are_forgotten_when_their_time_is_over() {
    let store = store();
    for n in 0..20 {
        let lease = lease(acquire(&store, &n.to_string(), NOW));
        assert!(now(store.complete(&lease, NOW + 1000 - n, NOW)));
    }
    // Each call removes some of the expired entries.
    let sweep = |at: i64| (0..20).for_each(|_| release(&store, &lease(acquire(&store, "x", at))));
    sweep(NOW + 981);
    assert_eq!(store.len(), 20);
    sweep(NOW + 991);
    assert_eq!(store.len(), 10);
    sweep(NOW + 1001);
    assert!(store.is_empty());
}

#[test]
fn a_store_full_of_expired_messages_has_room_for_any_caller() {
    let store = MemoryOnce::new(800).unwrap();
    for (caller, keep) in [("first", 1000), ("second", 1001)] {
        for message in 0..100 {
            let lease = lease(acquire_by(&store, caller, &message.to_string()));
            assert!(now(store.complete(&lease, NOW + keep, NOW)));
        }
    }
    let second = KeyId::new("second").unwrap();
    let request = |at| {
        let key = OnceKey::new("scheme", Some(&second), "new");
        let request = OnceRequest::new(key, Some(&second), LEASE, at);
        now(store.acquire(&request))
    };
    assert_eq!(request(NOW + 1001), Acquired::Full);
    // The entries of the first caller expired earlier.
    assert!(matches!(request(NOW + 1002), Acquired::New(_)));
}

fn release(store: &MemoryOnce, lease: &Lease) {
    assert!(now(store.release(lease)));
}
