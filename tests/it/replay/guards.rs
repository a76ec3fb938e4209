//! The contract of a guard, checked with guards that keep it and guards that break it.

use std::collections::HashMap;
use std::sync::Mutex;

use tower_hmac::replay::ReplayClaim;
use tower_hmac::testing::check_replay_guard;

use super::*;

/// The mistakes that a custom guard can make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    None,
    ForgetsARestart,
    RacesBetweenThreads,
    RacesBetweenTasks,
    KnowsHalfOfTheKey,
    ForgetsEarly,
    RejectsTheFirstSecond,
    RejectsWithoutATime,
    MovesItsBeginning,
    ClaimsNothing,
    Fails,
}

/// A guard over a map that is lost on a restart.
struct Mapped {
    fault: Fault,
    map: Arc<Mutex<HashMap<Vec<u8>, i64>>>,
    begun: Mutex<i64>,
}

impl Mapped {
    fn new(fault: Fault) -> Self {
        Self { fault, map: Arc::default(), begun: Mutex::new(i64::MAX) }
    }

    fn decide(&self, request: &ReplayRequest<'_>) -> Option<Replay> {
        let begun = *self.begun.lock().unwrap();
        let first = if self.fault == Fault::RejectsTheFirstSecond { begun + 1 } else { begun };
        let knows = self.fault == Fault::ForgetsARestart;
        match request.created() {
            Some(created) if created < first && !knows => Some(Replay::Forgotten),
            None if self.fault == Fault::RejectsWithoutATime => Some(Replay::Forgotten),
            _ => None,
        }
    }
}

impl ReplayGuard for Mapped {
    fn claim(&self, request: &ReplayRequest<'_>) -> ReplayClaim {
        if let Some(answer) = self.decide(request) {
            return ReplayClaim::ready(Ok(answer));
        }
        let half = self.fault == Fault::KnowsHalfOfTheKey;
        let key = request.key().as_bytes()[..if half { 16 } else { 32 }].to_vec();
        let early = i64::from(self.fault == Fault::ForgetsEarly);
        let (keep_until, now) = (request.keep_until() - early, request.now());
        let seen = |map: &HashMap<Vec<u8>, i64>| map.get(&key).is_some_and(|kept| now <= *kept);
        match self.fault {
            Fault::Fails => ReplayClaim::ready(Err("the disk is full".into())),
            Fault::ClaimsNothing => ReplayClaim::ready(Ok(Replay::Full)),
            Fault::RacesBetweenThreads => {
                let is_seen = seen(&self.map.lock().unwrap());
                std::thread::sleep(Duration::from_millis(1));
                self.map.lock().unwrap().insert(key, keep_until);
                let answer = if is_seen { Replay::Seen } else { Replay::Claimed };
                ReplayClaim::ready(Ok(answer))
            }
            Fault::RacesBetweenTasks => {
                let map = self.map.clone();
                ReplayClaim::later(async move {
                    let is_seen = map.lock().unwrap().contains_key(&key);
                    tokio::task::yield_now().await;
                    map.lock().unwrap().insert(key, keep_until);
                    Ok(if is_seen { Replay::Seen } else { Replay::Claimed })
                })
            }
            _ => {
                let map = &mut *self.map.lock().unwrap();
                let is_seen = seen(map);
                map.insert(key, keep_until);
                let answer = if is_seen { Replay::Seen } else { Replay::Claimed };
                ReplayClaim::ready(Ok(answer))
            }
        }
    }

    fn begin(&self, now: i64) {
        let begun = &mut *self.begun.lock().unwrap();
        *begun = if self.fault == Fault::MovesItsBeginning { now } else { now.min(*begun) };
    }
}

#[tokio::test]
async fn each_way_to_break_the_contract_is_found() {
    for (fault, found) in [
        (Fault::None, None),
        (Fault::ForgetsARestart, Some("after it")),
        (Fault::RacesBetweenThreads, Some("expected exactly one")),
        (Fault::RacesBetweenTasks, Some("expected exactly one")),
        (Fault::KnowsHalfOfTheKey, Some("differ in one bit")),
        (Fault::ForgetsEarly, Some("before the end of `keep_until`")),
        (Fault::RejectsTheFirstSecond, Some("a new request is not claimed")),
        (Fault::RejectsWithoutATime, Some("without a time of creation")),
        (Fault::MovesItsBeginning, Some("after the guard began")),
        (Fault::ClaimsNothing, Some("a new request is not claimed")),
        (Fault::Fails, Some("the disk is full")),
    ] {
        let outcome = check_replay_guard(async || Mapped::new(fault)).await;
        let error = outcome.err().map(|error| error.to_string());
        match found {
            None => assert_eq!(error, None, "{fault:?}"),
            Some(found) => assert!(
                error.as_ref().is_some_and(|error| error.contains(found)),
                "{fault:?}: {error:?}"
            ),
        }
    }
}

#[tokio::test]
async fn the_memory_guard_keeps_the_contract() {
    let new = || MemoryReplay::new(1_000).unwrap();
    check_replay_guard(async || new()).await.unwrap();
    check_replay_guard(async || Arc::new(new())).await.unwrap();
    check_replay_guard(async || new().with_key_limit(100).unwrap()).await.unwrap();
    // The method's name warns of this loss.
    let error = check_replay_guard(async || new().with_unknown_accepted()).await.unwrap_err();
    assert!(error.to_string().contains("after it"), "{error}");
}

/// A guard that survives a restart knows earlier requests.
#[tokio::test]
async fn a_guard_that_survives_a_restart_keeps_the_contract() {
    struct Lasting(Arc<Mutex<HashSet<ReplayKey>>>);

    impl ReplayGuard for Lasting {
        fn claim(&self, request: &ReplayRequest<'_>) -> ReplayClaim {
            let is_new = self.0.lock().unwrap().insert(*request.key());
            ReplayClaim::ready(Ok(if is_new { Replay::Claimed } else { Replay::Seen }))
        }
    }

    let map = Arc::default();
    check_replay_guard(async || Lasting(Arc::clone(&map))).await.unwrap();
}
