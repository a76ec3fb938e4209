//! Limits on the capacity that one caller can take from others.

use super::*;

fn keys(names: usize) -> KeyMap {
    KeyMap::named((0..names).map(|name| (format!("service-{name}"), format!("key {name}"))))
        .unwrap()
}

fn shared(clock: &ManualClock, names: usize, guard: &Arc<MemoryReplay>) -> Verifier {
    Verifier::new(Stamped::new(), keys(names))
        .unwrap()
        .with_clock(clock.clone())
        .with_replay_guard(guard.clone())
        .unwrap()
}

/// Returns how many of these requests of a caller are accepted. The others get 503.
async fn accepted(verifier: &Verifier, clock: &ManualClock, name: usize, count: usize) -> usize {
    let signer = signer(&format!("service-{name}"), &format!("key {name}"), clock);
    let mut accepted = 0;
    for _ in 0..count {
        match verifier.verify(&head(&signer, b""), b"").await {
            Ok(_) => accepted += 1,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::ReplayFull);
                assert_eq!(error.status(), StatusCode::SERVICE_UNAVAILABLE);
            }
        }
    }
    accepted
}

#[tokio::test]
async fn a_caller_who_fills_the_guard_leaves_room_for_another() {
    let clock = ManualClock::new(NOW);
    let guard = Arc::new(MemoryReplay::new(1_000).unwrap());
    let verifier = shared(&clock, 2, &guard);
    assert_eq!(accepted(&verifier, &clock, 0, 1_200).await, 1_000);
    assert_eq!(accepted(&verifier, &clock, 1, 1).await, 1);
    assert_eq!(accepted(&verifier, &clock, 1, 200).await, 124);
    // No live entry was forgotten to make room.
    assert_eq!(guard.len(), 1_125);
}

#[tokio::test]
async fn of_two_callers_each_has_an_eighth() {
    let clock = ManualClock::new(NOW);
    let guard = Arc::new(MemoryReplay::new(1_000).unwrap());
    let verifier = shared(&clock, 8, &guard);
    assert_eq!(accepted(&verifier, &clock, 0, 1).await, 1);
    assert_eq!(accepted(&verifier, &clock, 1, 1).await, 1);
    assert_eq!(accepted(&verifier, &clock, 0, 1_200).await, 124);
    for name in 1..8 {
        assert_eq!(accepted(&verifier, &clock, name, 60).await, 60);
    }
    assert_eq!(guard.full_count(), 1_076);
}

#[tokio::test]
async fn a_configured_limit_applies_from_the_first_request() {
    let clock = ManualClock::new(NOW);
    let guard = MemoryReplay::new(1_000).unwrap().with_key_limit(400).unwrap();
    let guard = Arc::new(guard);
    let verifier = shared(&clock, 3, &guard);
    assert_eq!(accepted(&verifier, &clock, 0, 500).await, 400);
    assert_eq!(accepted(&verifier, &clock, 1, 500).await, 400);
    assert_eq!(accepted(&verifier, &clock, 2, 500).await, 200);
    assert_eq!(guard.len(), 1_000);
    assert!(MemoryReplay::new(1_000).unwrap().with_key_limit(0).is_err());
}

#[tokio::test]
async fn a_caller_has_room_again_when_its_entries_expire() {
    let clock = ManualClock::new(NOW);
    let guard = Arc::new(MemoryReplay::new(80_000).unwrap());
    let verifier = shared(&clock, 2, &guard);
    assert_eq!(accepted(&verifier, &clock, 1, 1).await, 1);
    assert_eq!(accepted(&verifier, &clock, 0, 10_001).await, 10_000);
    clock.advance(301);
    // The expired entries are in all shards, and each claim removes only a few of them.
    assert_eq!(accepted(&verifier, &clock, 0, 10_000).await, 10_000);
    assert_eq!(accepted(&verifier, &clock, 0, 1).await, 0);
}

#[test]
fn the_anonymous_key_is_a_caller_like_others() {
    let guard = MemoryReplay::new(800).unwrap();
    let name = tower_hmac::KeyId::new("named").unwrap();
    let claim = |number, key_id| {
        let request = ReplayRequest::new(key(number), NOW, NOW).with_key_id(key_id);
        futures_util::FutureExt::now_or_never(guard.claim(&request)).unwrap().unwrap()
    };
    assert_eq!(claim(0, None), Replay::Claimed);
    assert_eq!(claim(1, Some(&name)), Replay::Claimed);
    let anonymous = (2..500).filter(|number| claim(*number, None) == Replay::Claimed).count();
    let named = (500..999).filter(|number| claim(*number, Some(&name)) == Replay::Claimed).count();
    assert_eq!((anonymous, named), (99, 99));
}

/// Key IDs come and go if there are tenants.
#[test]
fn key_ids_without_entries_are_not_counted() {
    let guard = MemoryReplay::new(8).unwrap();
    let mut claimed = 0;
    for number in 0..10_000 {
        let name = tower_hmac::KeyId::new(format!("tenant {number}")).unwrap();
        let now = NOW + i64::try_from(number).unwrap();
        for turn in [0, 1] {
            let key = key(2 * number + turn);
            let request = ReplayRequest::new(key, now, now).with_key_id(&name);
            let answer = futures_util::FutureExt::now_or_never(guard.claim(&request));
            match answer.unwrap().unwrap() {
                Replay::Claimed => claimed += 1,
                // The first tenant was the only one; each of the others has one entry of eight.
                answer => assert_eq!(answer, Replay::Full),
            }
        }
    }
    assert_eq!(claimed, 10_001);
}

#[test]
fn concurrent_callers_stay_within_their_limits() {
    let guard = MemoryReplay::new(10_000).unwrap().with_key_limit(500).unwrap();
    let claimed: Vec<AtomicUsize> = (0..8).map(|_| AtomicUsize::new(0)).collect();
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            let (guard, claimed) = (&guard, &claimed);
            scope.spawn(move || {
                for step in 0..8_000 {
                    let caller = (step + thread) % 8;
                    let name = tower_hmac::KeyId::new(format!("caller {caller}")).unwrap();
                    let request = ReplayRequest::new(key(thread << 32 | step), NOW, NOW);
                    let claim = guard.claim(&request.with_key_id(&name));
                    let answer = futures_util::FutureExt::now_or_never(claim).unwrap().unwrap();
                    if answer == Replay::Claimed {
                        claimed[usize::try_from(caller).unwrap()].fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    for count in claimed {
        assert_eq!(count.into_inner(), 500);
    }
    assert_eq!(guard.len(), 4_000);
}
