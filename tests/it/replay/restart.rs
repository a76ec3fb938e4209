//! Requests signed before a guard's memory began.

use tower_hmac::VerifyLayer;
use tower_hmac::replay::ReplayClaim;

use super::*;

/// Sends each head once, and counts the outcomes.
async fn outcomes(verifier: &Verifier, heads: &[Parts]) -> HashMap<Option<ErrorKind>, usize> {
    let mut counts = HashMap::new();
    for head in heads {
        *counts.entry(kind(verifier.verify(head, b"").await)).or_default() += 1;
    }
    counts
}

/// A service after a start: the earlier memory is lost.
fn restarted(clock: &ManualClock, with: impl FnOnce(MemoryReplay) -> MemoryReplay) -> Verifier {
    verifier(clock, &Arc::new(with(MemoryReplay::new(2_000).unwrap())))
}

#[tokio::test]
async fn nothing_that_was_accepted_before_a_restart_is_accepted_after_it() {
    let clock = ManualClock::new(NOW);
    let signer = signer("aservice", "akey", &clock);
    let heads: Vec<Parts> = (0..500).map(|_| head(&signer, b"")).collect();
    let first = restarted(&clock, |guard| guard);
    assert_eq!(outcomes(&first, &heads).await, [(None, 500)].into());

    clock.advance(1);
    let second = restarted(&clock, |guard| guard);
    let unknown = Some(ErrorKind::ReplayUnknown);
    assert_eq!(outcomes(&second, &heads).await, [(unknown, 500)].into());
    // This holds until the last second of their window.
    clock.advance(299);
    assert_eq!(outcomes(&second, &heads).await, [(unknown, 500)].into());
}

#[tokio::test]
async fn a_request_signed_again_is_accepted_at_once() {
    let clock = ManualClock::new(NOW);
    let signer = signer("aservice", "akey", &clock);
    let old = head(&signer, b"");
    clock.advance(1);
    let verifier = restarted(&clock, |guard| guard);
    let error = verifier.verify(&old, b"").await.unwrap_err();
    assert_eq!((error.kind().as_str(), error.status().as_u16()), ("replay_unknown", 503));
    assert!(error.to_string().contains("signed before the replay guard's memory began"));
    // This includes the second in which the guard begins, since this clock stands still.
    let heads: Vec<Parts> = (0..500).map(|_| head(&signer, b"")).collect();
    assert_eq!(outcomes(&verifier, &heads).await, [(None, 500)].into());
    assert_eq!(outcomes(&verifier, &heads).await, [(Some(ErrorKind::Replayed), 500)].into());
}

/// An unknown request must not fill the guard.
#[tokio::test]
async fn an_unknown_request_takes_no_entry() {
    let clock = ManualClock::new(NOW);
    let old = head(&signer("aservice", "akey", &clock), b"");
    clock.advance(1);
    let guard = Arc::new(MemoryReplay::new(10).unwrap());
    let verifier = verifier(&clock, &guard);
    assert_eq!(kind(verifier.verify(&old, b"").await), Some(ErrorKind::ReplayUnknown));
    assert!(guard.is_empty());
}

#[tokio::test]
async fn the_order_of_guard_and_clock_makes_no_difference() {
    let clock = ManualClock::new(NOW);
    let keys = || KeyMap::named([("aservice", "akey")]).unwrap();
    let guard = || MemoryReplay::new(10).unwrap();
    let verifier = || Verifier::new(Stamped::new(), keys()).unwrap();
    let layer = || VerifyLayer::new(Stamped::new(), keys()).unwrap();
    let old = head(&signer("aservice", "akey", &ManualClock::new(NOW - 1)), b"");
    let new = head(&signer("aservice", "akey", &clock), b"");
    for verifier in [
        verifier().with_clock(clock.clone()).with_replay_guard(guard()).unwrap(),
        verifier().with_replay_guard(guard()).unwrap().with_clock(clock.clone()),
        layer()
            .with_clock(clock.clone())
            .with_replay_guard(guard())
            .unwrap()
            .shared()
            .verifier()
            .clone(),
        layer()
            .with_replay_guard(guard())
            .unwrap()
            .with_clock(clock.clone())
            .shared()
            .verifier()
            .clone(),
    ] {
        assert_eq!(kind(verifier.verify(&old, b"").await), Some(ErrorKind::ReplayUnknown));
        assert_eq!(kind(verifier.verify(&new, b"").await), None);
    }
}

/// Otherwise, a second route built later would forget the requests that the first one knows.
#[tokio::test]
async fn a_later_verifier_does_not_change_the_start() {
    let clock = ManualClock::new(NOW);
    let guard = Arc::new(MemoryReplay::new(10).unwrap());
    let first = verifier(&clock, &guard);
    let head = head(&signer("aservice", "akey", &clock), b"");
    clock.advance(100);
    let second = verifier(&clock, &guard);
    assert_eq!(kind(second.verify(&head, b"").await), None);
    assert_eq!(kind(first.verify(&head, b"").await), Some(ErrorKind::Replayed));
}

#[tokio::test]
async fn a_margin_closes_the_gap_of_the_first_second_and_of_clocks_that_are_ahead() {
    let clock = ManualClock::new(NOW);
    let at = |time| head(&signer("aservice", "akey", &ManualClock::new(time)), b"");
    // A fraction of a second is rounded up.
    for (margin, seconds) in [(0, 0), (1, 1), (999, 1), (1_000, 1), (1_001, 2), (30_000, 30)] {
        let margin = Duration::from_millis(margin);
        let verifier = restarted(&clock, |guard| guard.with_restart_margin(margin));
        let outcome = |time| verifier.verify(time, b"");
        let (last, first) = (at(NOW + seconds - 1), at(NOW + seconds));
        let unknown = Some(ErrorKind::ReplayUnknown);
        assert_eq!(kind(outcome(&last).await), unknown, "{margin:?}");
        assert_eq!(kind(outcome(&first).await), None, "{margin:?}");
    }
    let verifier = restarted(&clock, |guard| guard.with_restart_margin(Duration::MAX));
    assert_eq!(kind(verifier.verify(&at(NOW), b"").await), Some(ErrorKind::ReplayUnknown));
}

#[tokio::test]
async fn unknown_requests_are_accepted_only_if_configured() {
    let clock = ManualClock::new(NOW);
    let old = head(&signer("aservice", "akey", &clock), b"");
    clock.advance(1);
    let verifier = restarted(&clock, MemoryReplay::with_unknown_accepted);
    assert_eq!(kind(verifier.verify(&old, b"").await), None);
    assert_eq!(kind(verifier.verify(&old, b"").await), Some(ErrorKind::Replayed));
}

#[tokio::test]
async fn requests_without_a_creation_time_are_accepted_after_a_restart() {
    let clock = ManualClock::new(NOW);
    let signer = Signer::new(FlaskHmac::new(), SecretKey::new("akey").unwrap());
    let (head, _) = signer.sign(Request::new("order")).unwrap().into_parts();
    let verifier = Verifier::new(FlaskHmac::new(), KeyMap::single("akey").unwrap())
        .unwrap()
        .with_clock(clock)
        .dangerous_replay_by_tag(Duration::from_secs(60))
        .with_replay_guard(MemoryReplay::new(10).unwrap())
        .unwrap();
    assert_eq!(kind(verifier.verify(&head, b"order").await), None);

    let guard = MemoryReplay::new(10).unwrap();
    guard.begin(NOW);
    assert_eq!(ask(&guard, key(1), NOW + 300, NOW), Some(Replay::Claimed));
}

/// A link has no time of creation, but a time from which it is valid.
#[cfg(feature = "sigv4")]
#[tokio::test]
async fn a_link_that_was_used_before_a_restart_does_not_work_after_it() {
    const KEY_ID: &str = "AKIDEXAMPLE";
    let clock = ManualClock::new(NOW);
    let scheme = || tower_hmac::scheme::AwsSigV4::new("us-east-1", "service").unwrap().presigned();
    let link = |lifetime| {
        let secret = SecretKey::new("akeyforlinks").unwrap();
        let signer = Signer::new(scheme(), secret).with_key_id(KEY_ID).unwrap();
        let signer = signer.with_clock(clock.clone()).with_lifetime(Duration::from_secs(lifetime));
        let uri = signer.sign_url("http://www.example.com/a").unwrap();
        let request = Request::get(uri).header("host", "www.example.com");
        request.body(()).unwrap().into_parts().0
    };
    let started = || {
        let keys = KeyMap::named([(KEY_ID, "akeyforlinks")]).unwrap();
        let verifier = Verifier::new(scheme(), keys).unwrap().with_clock(clock.clone());
        verifier.with_replay_guard(MemoryReplay::new(10).unwrap()).unwrap()
    };
    let old = link(7 * 24 * 3600);
    let first = started();
    assert_eq!(kind(first.verify(&old, b"").await), None);
    assert_eq!(kind(first.verify(&old, b"").await), Some(ErrorKind::Replayed));

    clock.advance(1);
    let second = started();
    assert_eq!(kind(second.verify(&old, b"").await), Some(ErrorKind::ReplayUnknown));
    let new = link(60);
    assert_eq!(kind(second.verify(&new, b"").await), None);
    assert_eq!(kind(second.verify(&new, b"").await), Some(ErrorKind::Replayed));
}

/// A custom guard in a verifier gets the signed time.
#[tokio::test]
async fn a_custom_guard_gets_the_time_and_the_caller() {
    #[derive(Default)]
    struct Notes(std::sync::Mutex<Vec<String>>);

    impl ReplayGuard for Notes {
        fn claim(&self, request: &ReplayRequest<'_>) -> ReplayClaim {
            self.0.lock().unwrap().push(format!("{request:?}"));
            ReplayClaim::ready(Ok(Replay::Forgotten))
        }

        fn begin(&self, now: i64) {
            self.0.lock().unwrap().push(format!("begin {now}"));
        }
    }

    let notes = Arc::new(Notes::default());
    let clock = ManualClock::new(NOW);
    let keys = KeyMap::named([("aservice", "akey")]).unwrap();
    let verifier = Verifier::new(Stamped::new(), keys)
        .unwrap()
        .with_clock(clock.clone())
        .with_replay_guard(notes.clone())
        .unwrap();
    let head = head(&signer("aservice", "akey", &ManualClock::new(NOW - 7)), b"");
    assert_eq!(kind(verifier.verify(&head, b"").await), Some(ErrorKind::ReplayUnknown));
    let notes = notes.0.lock().unwrap();
    assert_eq!(notes[0], format!("begin {NOW}"));
    for part in [
        "key_id: Some(\"aservice\")".to_owned(),
        "scheme: \"stamped\"".to_owned(),
        format!("created: Some({})", NOW - 7),
        format!("keep_until: {}", NOW + 293),
        format!("now: {NOW}"),
    ] {
        assert!(notes[1].contains(&part), "{part} in {}", notes[1]);
    }
    assert_eq!(notes.len(), 2);
}

/// Otherwise, a time before 1970 or at the end of the range would overflow.
#[test]
fn a_guard_can_start_at_any_time() {
    for begun in [i64::MIN, -1, 0, i64::MAX - 1] {
        let guard = MemoryReplay::new(10).unwrap().with_restart_margin(Duration::MAX);
        guard.begin(begun);
        let request = ReplayRequest::new(key(1), i64::MAX, begun).with_created(begun);
        let claim = guard.claim(&request);
        let answer = futures_util::FutureExt::now_or_never(claim).unwrap().unwrap();
        assert_eq!(answer, Replay::Forgotten, "{begun}");
    }
}
