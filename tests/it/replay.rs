//! Replayed requests are rejected, with the memory guard.

mod callers;
mod guards;
mod once;
mod restart;

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use proptest::prelude::*;
use tokio::sync::oneshot;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_hmac::clock::ManualClock;
use tower_hmac::layer::VerifiedBody;
use tower_hmac::replay::ReplayGuard;
use tower_hmac::replay::{Replay, ReplayKey, ReplayRequest};
use tower_hmac::scheme::{Part, TimeFormat};
use tower_hmac::{
    ConfigError, ErrorKind, FlaskHmac, HeaderScheme, KeyMap, KeySet, MemoryReplay, SecretKey,
    Signer, Verified, Verifier, VerifyError, VerifyLayer,
};

use crate::stamped::{NOW, Stamped, head, signer};

fn verifier(clock: &ManualClock, guard: &Arc<MemoryReplay>) -> Verifier {
    let keys = KeyMap::named([("aservice", "akey"), ("bservice", "bkey")]).unwrap();
    Verifier::new(Stamped::new(), keys)
        .unwrap()
        .with_clock(clock.clone())
        .with_replay_guard(guard.clone())
        .unwrap()
}

fn kind(outcome: Result<Verified, VerifyError>) -> Option<ErrorKind> {
    outcome.err().map(|error| error.kind())
}

fn key(number: u64) -> ReplayKey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    ReplayKey::from_bytes(bytes)
}

/// The answer of a guard that answers immediately.
fn ask(guard: &MemoryReplay, key: ReplayKey, keep_until: i64, now: i64) -> Option<Replay> {
    use futures_util::FutureExt as _;
    guard
        .claim(&ReplayRequest::new(key, keep_until, now))
        .now_or_never()
        .expect("an answer at once")
        .ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_tasks_with_one_request_exactly_one_is_accepted() {
    let clock = ManualClock::new(NOW);
    let guard = Arc::new(MemoryReplay::new(2_000).unwrap());
    let verifier = Arc::new(verifier(&clock, &guard));
    let signer = signer("aservice", "akey", &clock);
    for round in 0..1_000 {
        let head = Arc::new(head(&signer, b"once"));
        let tasks = (0..64).map(|_| {
            let (verifier, head) = (verifier.clone(), head.clone());
            tokio::spawn(async move { kind(verifier.verify(&head, b"once").await) })
        });
        let mut accepted = 0;
        for task in tasks.collect::<Vec<_>>() {
            match task.await.unwrap() {
                None => accepted += 1,
                rejected => assert_eq!(rejected, Some(ErrorKind::Replayed)),
            }
        }
        assert_eq!(accepted, 1, "round {round}");
    }
    assert_eq!(guard.len(), 1_000);
}

#[tokio::test]
async fn a_full_guard_answers_503_and_forgets_nothing() {
    let clock = ManualClock::new(NOW);
    let guard = Arc::new(MemoryReplay::new(10_000).unwrap());
    let verifier = verifier(&clock, &guard);
    let signer = signer("aservice", "akey", &clock);
    let heads: Vec<Parts> = (0..10_000).map(|_| head(&signer, b"")).collect();
    for head in &heads {
        assert_eq!(kind(verifier.verify(head, b"").await), None);
    }
    assert_eq!(guard.len(), 10_000);

    let one_more = head(&signer, b"");
    for _ in 0..3 {
        let error = verifier.verify(&one_more, b"").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ReplayFull);
        assert_eq!(error.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(guard.full_count(), 3);

    // The entries also count in the last second of their life.
    clock.advance(300);
    for head in &heads {
        assert_eq!(kind(verifier.verify(head, b"").await), Some(ErrorKind::Replayed));
    }
    assert_eq!((guard.len(), guard.full_count()), (10_000, 3));

    // Expired entries then make room, whichever shards the next ones fall into.
    clock.advance(1);
    for _ in 0..10_000 {
        assert_eq!(kind(verifier.verify(&head(&signer, b""), b"").await), None);
    }
    assert_eq!((guard.len(), guard.full_count()), (10_000, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_million_rejected_requests_leave_the_size_unchanged() {
    let clock = ManualClock::new(NOW);
    let guard = Arc::new(MemoryReplay::new(1_000).unwrap());
    let verifier = verifier(&clock, &guard).only(["aservice"]).unwrap();
    let honest = signer("aservice", "akey", &clock);
    assert_eq!(kind(verifier.verify(&head(&honest, b""), b"").await), None);

    // A stranger could send each of these requests a quarter of a million times, but none of them
    // reaches the guard.
    let late = ManualClock::new(NOW - 301);
    let rejected = [
        (head(&signer("aservice", "a stranger's key", &clock), b""), ErrorKind::Mismatch),
        (head(&signer("nobody", "akey", &clock), b""), ErrorKind::UnknownKey),
        (head(&signer("aservice", "akey", &late), b""), ErrorKind::Stale),
        (head(&signer("bservice", "bkey", &clock), b""), ErrorKind::NotAllowed),
    ];
    let verifier = Arc::new(verifier);
    let strangers = rejected.map(|(head, expected)| {
        let verifier = verifier.clone();
        tokio::spawn(async move {
            for _ in 0..250_000 {
                assert_eq!(kind(verifier.verify(&head, b"").await), Some(expected));
            }
        })
    });
    for stranger in strangers {
        stranger.await.unwrap();
    }
    assert_eq!(guard.len(), 1);
}

#[test]
fn concurrent_claims_of_a_key_succeed_once() {
    const KEYS: u64 = 20_000;
    let guard = MemoryReplay::new(30_000).unwrap();
    let claimed: Vec<AtomicUsize> = (0..KEYS).map(|_| AtomicUsize::new(0)).collect();
    let clock = AtomicI64::new(NOW);
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            let (guard, claimed, clock) = (&guard, &claimed, &clock);
            scope.spawn(move || {
                // Every thread uses another order, so that they meet at different keys.
                for step in 0..KEYS {
                    let number = (step.wrapping_mul(2 * thread + 1).wrapping_add(thread)) % KEYS;
                    // Time advances meanwhile, and a thread may be a little behind.
                    let now = clock.fetch_add(i64::from(step % 64 == 0), Ordering::Relaxed);
                    if ask(guard, key(number), NOW + 100_000, now) == Some(Replay::Claimed) {
                        claimed[usize::try_from(number).unwrap()].fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert!(claimed.iter().all(|claims| claims.load(Ordering::Relaxed) == 1));
    assert_eq!(guard.len(), usize::try_from(KEYS).unwrap());
}

#[test]
fn concurrent_claims_never_exceed_the_capacity() {
    let guard = MemoryReplay::new(100).unwrap();
    let claimed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            let (guard, claimed) = (&guard, &claimed);
            scope.spawn(move || {
                for step in 0..1_000 {
                    if ask(guard, key(thread * 1_000 + step), NOW, NOW) == Some(Replay::Claimed) {
                        claimed.fetch_add(1, Ordering::Relaxed);
                    }
                    assert!(guard.len() <= 100);
                }
            });
        }
    });
    assert_eq!((claimed.into_inner(), guard.len()), (100, 100));
    assert_eq!(guard.full_count(), 8_000 - 100);
}

proptest! {
    /// Whatever the clock does, no request is accepted twice. If it never goes back, each is
    /// accepted once.
    #[test]
    fn a_request_is_accepted_at_most_once_at_any_time(
        steps in prop::collection::vec((0_usize..12, -400_i64..700), 1..150),
        goes_back in any::<bool>(),
    ) {
        let clock = ManualClock::new(NOW);
        let guard = Arc::new(MemoryReplay::new(100).unwrap());
        let verifier = verifier(&clock, &guard);
        let signer = signer("aservice", "akey", &clock);
        let mut requests: Vec<(Parts, i64)> = Vec::new();
        let mut passed = HashSet::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for (pick, tick) in steps {
            let tick = if goes_back { tick } else { tick.max(0) / 4 };
            clock.advance(tick);
            let now = tower_hmac::clock::Clock::unix_now(&clock);
            requests.push((head(&signer, b""), now));
            // Old and new requests are equally likely.
            let place = if pick < 6 { requests.len() - 1 } else { pick * requests.len() / 12 };
            let (head, created) = &requests[place];
            let outcome = runtime.block_on(verifier.verify(head, b""));
            if outcome.is_ok() {
                prop_assert!(passed.insert(place), "request {place} passed twice");
            } else if !goes_back && now.abs_diff(*created) <= 300 {
                prop_assert!(passed.contains(&place), "request {place} was rejected at first");
            }
        }
    }

    /// Compares with a plain map that forgets nothing.
    #[test]
    fn the_guard_agrees_with_a_map(
        claims in prop::collection::vec((0_u64..40, 0_i64..3_000, 0_i64..200), 1..300),
    ) {
        let guard = MemoryReplay::new(1_000).unwrap();
        let mut map: HashMap<u64, i64> = HashMap::new();
        let mut now = NOW;
        for (number, keep, tick) in claims {
            now += tick;
            let live = map.get(&number).is_some_and(|until| now <= *until);
            let answer = ask(&guard, key(number), now + keep, now);
            prop_assert_eq!(answer, Some(if live { Replay::Seen } else { Replay::Claimed }));
            if !live {
                map.insert(number, now + keep);
            }
            let live = map.values().filter(|until| now <= **until).count();
            prop_assert!(guard.len() >= live);
        }
    }
}

#[test]
fn a_claim_from_a_time_that_was_swept_fails() {
    let guard = MemoryReplay::new(10_000).unwrap();
    assert_eq!(ask(&guard, key(1), NOW, NOW), Some(Replay::Claimed));
    // Continue until all shards have seen the later time: one of 16 is missed once in 10^28 runs.
    for number in 100..1_100 {
        ask(&guard, key(number), NOW + 500, NOW + 1);
    }
    assert_eq!(ask(&guard, key(1), NOW, NOW), None);
    // Entries kept beyond that time are claimed and found as before.
    assert_eq!(ask(&guard, key(2), NOW + 1, NOW), Some(Replay::Claimed));
    assert_eq!(ask(&guard, key(2), NOW + 1, NOW), Some(Replay::Seen));
}

/// This also applies to a time longer than one turn of the wheel of seconds.
#[test]
fn an_entry_is_kept_through_its_last_second_and_no_longer() {
    for quiet in [1, 1_023, 1_024, 1_025, 2_048, 100_000] {
        let last = NOW + quiet;
        let guard = MemoryReplay::new(100).unwrap();
        assert_eq!(ask(&guard, key(1), last, NOW), Some(Replay::Claimed));
        assert_eq!(ask(&guard, key(1), last, last), Some(Replay::Seen), "after {quiet} s");
        assert_eq!(ask(&guard, key(1), last + 9, last + 1), Some(Replay::Claimed));
        assert_eq!(guard.len(), 1);
    }
}

/// Entries of one hash slot form a list.
#[test]
fn removing_an_entry_keeps_all_others() {
    let guard = MemoryReplay::new(1_000).unwrap();
    let keep = |number: u64| if number.is_multiple_of(2) { NOW + 10 } else { NOW + 1_000 };
    for number in 0..800 {
        assert_eq!(ask(&guard, key(number), keep(number), NOW), Some(Replay::Claimed));
    }
    for number in (1..800).step_by(2) {
        assert_eq!(ask(&guard, key(number), keep(number), NOW + 11), Some(Replay::Seen));
    }
    for number in (0..800).step_by(2) {
        assert_eq!(ask(&guard, key(number), NOW + 20, NOW + 11), Some(Replay::Claimed));
    }
    assert_eq!(guard.len(), 800);
}

#[test]
fn extreme_times_are_remembered() {
    let guard = MemoryReplay::new(100).unwrap();
    assert_eq!(ask(&guard, key(1), i64::MAX, i64::MIN), Some(Replay::Claimed));
    for now in [i64::MIN, -1, 0, NOW, NOW + 1_000_000, i64::MAX - 1, i64::MAX] {
        assert_eq!(ask(&guard, key(1), i64::MAX, now), Some(Replay::Seen));
    }
}

#[test]
fn keys_are_distinguished_by_every_byte() {
    let guard = MemoryReplay::new(100).unwrap();
    for place in 0..32 {
        let mut bytes = [0; 32];
        bytes[place] = 1;
        assert_eq!(ask(&guard, ReplayKey::from_bytes(bytes), NOW, NOW), Some(Replay::Claimed));
    }
    assert_eq!(guard.len(), 32);
}

#[test]
fn a_guard_without_capacity_is_a_config_error() {
    assert!(matches!(MemoryReplay::new(0), Err(ConfigError::Invalid { .. })));
    assert!(matches!(MemoryReplay::new(usize::MAX), Err(ConfigError::Invalid { .. })));
    assert_eq!(MemoryReplay::new(5).unwrap().capacity(), 5);
}

#[tokio::test]
async fn one_nonce_with_two_key_ids_is_two_requests() {
    let clock = ManualClock::new(NOW);
    let guard = Arc::new(MemoryReplay::new(100).unwrap());
    let verifier = verifier(&clock, &guard);
    let nonce = || tower_hmac::testing::FixedNonce([7; 24]);
    let one = head(&signer("aservice", "akey", &clock).with_nonce_source(nonce()), b"");
    let other = head(&signer("bservice", "bkey", &clock).with_nonce_source(nonce()), b"");
    assert_eq!(kind(verifier.verify(&one, b"").await), None);
    assert_eq!(kind(verifier.verify(&other, b"").await), None);
    // The same nonce with another body is still a replay.
    let again = head(&signer("aservice", "akey", &clock).with_nonce_source(nonce()), b"more");
    assert_eq!(kind(verifier.verify(&again, b"more").await), Some(ErrorKind::Replayed));
}

#[tokio::test]
async fn a_request_from_a_clock_ahead_is_remembered_to_the_end_of_its_window() {
    let clock = ManualClock::new(NOW);
    let guard = Arc::new(MemoryReplay::new(100).unwrap());
    let verifier = verifier(&clock, &guard);
    let ahead = head(&signer("aservice", "akey", &ManualClock::new(NOW + 300)), b"");
    assert_eq!(kind(verifier.verify(&ahead, b"").await), None);
    for now in NOW..=NOW + 600 {
        clock.set(now);
        assert_eq!(kind(verifier.verify(&ahead, b"").await), Some(ErrorKind::Replayed));
    }
    clock.set(NOW + 601);
    assert_eq!(kind(verifier.verify(&ahead, b"").await), Some(ErrorKind::Stale));
}

#[tokio::test]
async fn a_tag_is_remembered_for_the_retention_and_no_longer() {
    let clock = ManualClock::new(NOW);
    let guard = Arc::new(MemoryReplay::new(100).unwrap());
    let verifier = Verifier::new(FlaskHmac::new(), KeyMap::single("akey").unwrap())
        .unwrap()
        .with_clock(clock.clone())
        .dangerous_replay_by_tag(Duration::from_secs(60))
        .with_replay_guard(guard)
        .unwrap();
    let signer = Signer::new(FlaskHmac::new(), SecretKey::new("akey").unwrap());
    let (head, _) = signer.sign(Request::new("order")).unwrap().into_parts();
    for (now, expected) in
        [(0, None), (0, Some(ErrorKind::Replayed)), (60, Some(ErrorKind::Replayed)), (61, None)]
    {
        clock.set(NOW + now);
        assert_eq!(kind(verifier.verify(&head, b"order").await), expected, "after {now} s");
    }
}

/// Both copies arrive in time, and their bodies end after it: a guard that has forgotten the first
/// would accept the second.
#[tokio::test]
async fn a_body_that_arrives_after_the_window_is_stale() {
    let clock = ManualClock::new(NOW);
    let guard = Arc::new(MemoryReplay::new(100).unwrap());
    let layer = VerifyLayer::from(verifier(&clock, &guard));
    let service = layer.layer(service_fn(|_: Request<VerifiedBody<Body>>| async {
        Ok::<_, Infallible>(Response::new(Body::empty()))
    }));
    let head = head(&signer("aservice", "akey", &clock), b"slow");

    clock.set(NOW + 299);
    let mut waiting = Vec::new();
    for _ in 0..2 {
        let (sender, receiver) = oneshot::channel::<Bytes>();
        let body = Body::from_stream(futures_util::stream::once(receiver));
        let mut call = Box::pin(service.clone().oneshot(Request::from_parts(head.clone(), body)));
        assert!(futures_util::poll!(&mut call).is_pending());
        waiting.push((sender, call));
    }
    for (late, (sender, call)) in [301, 1_000].into_iter().zip(waiting) {
        clock.set(NOW + late);
        sender.send("slow".into()).unwrap();
        let response = call.await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        let error = response.extensions().get::<VerifyError>().unwrap();
        assert_eq!(error.kind(), ErrorKind::Stale);
    }
    assert!(guard.is_empty());
}

#[test]
fn a_guard_for_a_scheme_without_a_time_is_a_config_error() {
    let keys = KeyMap::single("akey").unwrap();
    let guard = MemoryReplay::new(100).unwrap();
    let error =
        VerifyLayer::new(FlaskHmac::new(), keys).unwrap().with_replay_guard(guard).unwrap_err();
    assert_eq!(error, ConfigError::ReplayWithoutTime("flask-hmac".into()));
}

#[tokio::test]
async fn a_replay_under_another_key_id_of_the_same_key_is_rejected() {
    let scheme = HeaderScheme::new("X-Signature")
        .unwrap()
        .with_key_id_header("X-Key-Id")
        .unwrap()
        .with_parts([Part::timestamp("X-Timestamp", TimeFormat::UnixSeconds).unwrap()])
        .unwrap();
    let clock = ManualClock::new(NOW);
    let keys = KeyMap::named([("a", "shared"), ("b", "shared")]).unwrap();
    let verifier = Verifier::new(scheme.clone(), keys)
        .unwrap()
        .with_clock(clock.clone())
        .with_replay_guard(MemoryReplay::new(100).unwrap())
        .unwrap();
    let signer = Signer::new(scheme, SecretKey::new("shared").unwrap()).with_clock(clock);
    let signer = signer.with_key_id("a").unwrap();
    let mut head = signer.sign(Request::get("/").body("").unwrap()).unwrap().into_parts().0;
    assert_eq!(kind(verifier.verify(&head, b"").await), None);
    head.headers.insert("x-key-id", "b".parse().unwrap());
    assert_eq!(kind(verifier.verify(&head, b"").await), Some(ErrorKind::Replayed));
}

/// Both schemes sign the same text: a captured request only needs other header names.
#[tokio::test]
async fn a_request_does_not_come_again_in_another_scheme_with_the_same_key() {
    use tower_hmac::webhooks::StandardWebhooks;
    let clock = ManualClock::new(NOW);
    let keys = || KeyMap::single("shared").unwrap();
    let verifier = Verifier::new(StandardWebhooks::new(), keys())
        .unwrap()
        .or(StandardWebhooks::svix(), keys())
        .unwrap()
        .with_clock(clock.clone())
        .with_replay_guard(MemoryReplay::new(100).unwrap())
        .unwrap();
    let signer = Signer::new(StandardWebhooks::new(), SecretKey::new("shared").unwrap());
    let signer = signer.with_clock(clock);
    let head = signer.sign(Request::post("/").body("event").unwrap()).unwrap().into_parts().0;
    assert_eq!(kind(verifier.verify(&head, b"event").await), None);
    let mut renamed = Request::post("/").body(()).unwrap().into_parts().0;
    for part in ["id", "timestamp", "signature"] {
        let value = head.headers[format!("webhook-{part}")].clone();
        let name: http::HeaderName = format!("svix-{part}").parse().unwrap();
        renamed.headers.insert(name, value);
    }
    assert_eq!(kind(verifier.verify(&renamed, b"event").await), Some(ErrorKind::Replayed));
}

#[tokio::test]
async fn a_nonce_takes_one_entry_for_any_number_of_keys() {
    let clock = ManualClock::new(NOW);
    let guard = Arc::new(MemoryReplay::new(100).unwrap());
    let key = |text| SecretKey::new(text).unwrap();
    let keys = KeySet::new([key("new"), key("old")]).unwrap();
    let verifier = Verifier::new(Stamped::new(), KeyMap::single(keys).unwrap())
        .unwrap()
        .with_clock(clock.clone())
        .with_replay_guard(guard.clone())
        .unwrap();
    assert_eq!(kind(verifier.verify(&head(&signer("", "old", &clock), b""), b"").await), None);
    assert_eq!(guard.len(), 1);
    assert!(!guard.is_empty());
}

/// A peer that rotates its keys signs with both: `v1=<tag> v1=<tag>` over time and body.
fn by_two_keys() -> (Verifier, Arc<MemoryReplay>, Parts, [String; 2]) {
    let scheme = HeaderScheme::new("X-Signature")
        .unwrap()
        .with_prefix("v1=")
        .unwrap()
        .with_list_separator(" ")
        .unwrap()
        .with_parts([
            Part::timestamp("X-Timestamp", TimeFormat::UnixSeconds).unwrap(),
            Part::literal("."),
            Part::Body,
        ])
        .unwrap();
    let clock = ManualClock::new(NOW);
    let key = |text| SecretKey::new(text).unwrap();
    let sign = |text| {
        let signer = Signer::new(scheme.clone(), key(text)).with_clock(clock.clone());
        signer.sign(Request::post("/").body("once").unwrap()).unwrap().into_parts().0
    };
    let (head, old) = (sign("new"), sign("old"));
    let tag = |head: &Parts| head.headers["x-signature"].to_str().unwrap().to_owned();
    let tags = [tag(&head), tag(&old)];
    let guard = Arc::new(MemoryReplay::new(100).unwrap());
    // The old key occurs twice, as if two settings contained it.
    let keys = KeySet::new([key("new"), key("old"), key("old")]).unwrap();
    let verifier = Verifier::new(scheme, KeyMap::single(keys).unwrap())
        .unwrap()
        .with_clock(clock)
        .with_replay_guard(guard.clone())
        .unwrap();
    (verifier, guard, head, tags)
}

#[tokio::test]
async fn a_replay_with_one_of_two_tags_is_rejected() {
    let [new, old] = by_two_keys().3;
    let both = format!("{new} {old}");
    for first in [&both, &new, &old] {
        let (verifier, guard, mut head, _) = by_two_keys();
        head.headers.insert("x-signature", first.parse().unwrap());
        assert_eq!(kind(verifier.verify(&head, b"once").await), None);
        for again in [&both, &new, &old] {
            head.headers.insert("x-signature", again.parse().unwrap());
            let outcome = kind(verifier.verify(&head, b"once").await);
            assert_eq!(outcome, Some(ErrorKind::Replayed), "{first}, then {again}");
        }
        assert_eq!(guard.len(), 2);
    }
}

/// The receiver accepts the new key only after the request was accepted, and then no longer the old
/// one.
#[cfg(feature = "reload")]
#[tokio::test]
async fn a_tag_of_a_key_that_becomes_valid_later_is_remembered() {
    let (scheme, clock) = (tower_hmac::webhooks::StandardWebhooks::new, ManualClock::new(NOW));
    let key = |text| SecretKey::new(text).unwrap();
    let signer = Signer::new(scheme(), key("a-later-key")).add_key(key("an-earlier-key")).unwrap();
    let signed = signer.with_clock(clock.clone()).sign(Request::post("/").body("once").unwrap());
    let (head, _) = signed.unwrap().into_parts();

    let map = |text| KeyMap::single(key(text)).unwrap();
    let keys = tower_hmac::key::SharedKeys::new(map("an-earlier-key")).unwrap();
    let verifier = Verifier::new(scheme(), keys.clone())
        .unwrap()
        .with_clock(clock)
        .with_replay_guard(MemoryReplay::new(100).unwrap())
        .unwrap();
    assert_eq!(kind(verifier.verify(&head, b"once").await), None);
    keys.replace(map("a-later-key")).unwrap();
    assert_eq!(kind(verifier.verify(&head, b"once").await), Some(ErrorKind::Replayed));
}
