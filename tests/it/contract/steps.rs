//! The steps run in order.

use futures_util::poll;
use tower_hmac::scheme::Window;

use super::*;
use crate::support::script::Step;

/// All parts that the verifier asks, with a common log.
fn logged(covers: Covers) -> (VerifyLayer, Request<Script>, Log) {
    let log = Log::default();
    let scheme = Joints::new(covers).with_window(Window::timed()).with_nonce();
    let layer = VerifyLayer::new(scheme.clone().with_log(&log), Logged(keys(), log.clone()))
        .unwrap()
        .with_clock(Logged(ManualClock::new(NOW), log.clone()))
        .with_replay_guard(Seen(Arc::default(), log.clone()))
        .unwrap();
    let request = signed(scheme, b"").map(|_| Script::whole("").with_log(&log));
    // The guard gets the time when its memory begins.
    assert_eq!(log.taken(), ["clock"]);
    (layer, request, log)
}

#[tokio::test]
async fn each_step_runs_once_and_in_order() {
    let (layer, request, log) = logged(Covers::Body);
    let response = send_logged(&layer, request, &log).await;
    assert_eq!(rejection_kind(&response), None);
    let expected = [
        "claim",
        "clock",
        "coverage",
        "keys",
        "before body",
        "body",
        "body",
        "after body",
        "clock",
        "replay",
        "handler",
    ];
    assert_eq!(log.taken(), expected);
}

#[tokio::test]
async fn a_mac_over_the_head_is_checked_before_the_body_is_read() {
    for covers in [Covers::Digest, Covers::Nothing, Covers::Whatever] {
        let (layer, request, log) = logged(covers);
        let response = send_logged(&layer, request, &log).await;
        assert_eq!(rejection_kind(&response), None, "{covers:?}");
        let steps = log.taken();
        let place = |step| steps.iter().position(|taken| *taken == step).unwrap();
        assert!(place("after body") < place("body"), "{covers:?}: {steps:?}");
    }
}

#[tokio::test]
async fn a_wrong_mac_over_the_head_is_rejected_before_the_body_is_read() {
    for covers in [Covers::Digest, Covers::Nothing, Covers::Whatever] {
        for name in ["aservice", "nobody"] {
            let (layer, request, _) = logged(covers);
            let request = with_header(spoilt(request), "x-key", name).map(|_| Script::hanging());
            let request = over_http_2(request);
            let polls = request.body().polls();
            assert!(outcome(&layer, request).await.is_some(), "{covers:?}");
            assert_eq!(polls.load(std::sync::atomic::Ordering::SeqCst), 0, "{covers:?} {name}");
        }
    }
}

#[tokio::test]
async fn errors_in_the_head_are_rejected_before_keys_and_body_are_read() {
    let stale = NOW - 301;
    let cases = [
        ("x-tag", "zz".to_owned(), ErrorKind::Malformed),
        ("x-created", stale.to_string(), ErrorKind::Stale),
        ("content-length", "9000000000000000000".to_owned(), ErrorKind::BodyTooLarge),
    ];
    for (header, value, kind) in cases {
        let (layer, request, log) = logged(Covers::Body);
        let request = over_http_2(with_header(request, header, &value));
        let response = send_logged(&layer, request, &log).await;
        assert_eq!(rejection_kind(&response), Some(kind));
        let steps = log.taken();
        for later in ["keys", "body", "replay", "handler"] {
            assert!(!steps.contains(&later), "{kind:?}: {steps:?}");
        }
    }
}

#[tokio::test]
async fn the_guard_is_asked_after_every_other_check() {
    let (layer, request, log) = logged(Covers::Body);
    let response = send_logged(&layer.clone().only(["bservice"]).unwrap(), request, &log).await;
    assert_eq!(rejection_kind(&response), Some(ErrorKind::NotAllowed));
    assert!(!log.taken().contains(&"replay"));

    let (layer, request, log) = logged(Covers::Body);
    let response = send_logged(&layer, spoilt(request), &log).await;
    assert_eq!(rejection_kind(&response), Some(ErrorKind::Mismatch));
    assert!(!log.taken().contains(&"replay"));

    let (layer, request, log) = logged(Covers::Digest);
    let request = request.map(|_| whole(b"not what the digest says"));
    let response = send_logged(&layer, request, &log).await;
    assert_eq!(rejection_kind(&response), Some(ErrorKind::Mismatch));
    assert!(!log.taken().contains(&"replay"));
}

#[tokio::test]
async fn a_wrong_tag_and_an_unknown_key_id_wait_for_the_body() {
    for name in ["aservice", "nobody"] {
        let layer = VerifyLayer::new(Joints::new(Covers::Body), keys()).unwrap();
        let request =
            with_header(spoilt(signed(Joints::new(Covers::Body), b"body")), "x-key", name);
        let withheld = request
            .map(|_| Script::of([Step::Data(Bytes::from_static(b"bod")), Step::Wait, Step::Hang]));
        let mut answer = Box::pin(send(&layer, withheld));
        for _ in 0..10 {
            assert!(poll!(&mut answer).is_pending(), "{name} was answered early");
        }
    }
}

#[tokio::test]
async fn a_wrong_tag_and_an_unknown_key_id_are_answered_at_the_same_poll() {
    let mut polls_until_answer = Vec::new();
    for name in ["aservice", "nobody"] {
        let layer = VerifyLayer::new(Joints::new(Covers::Body), keys()).unwrap();
        let request = with_header(spoilt(signed(Joints::new(Covers::Body), b"ab")), "x-key", name);
        let slow = request.map(|_| {
            Script::of([
                Step::Wait,
                Step::Data(Bytes::from_static(b"a")),
                Step::Wait,
                Step::Data(Bytes::from_static(b"b")),
            ])
        });
        let mut answer = Box::pin(send(&layer, slow));
        let mut polls = 1;
        while poll!(&mut answer).is_pending() {
            polls += 1;
        }
        polls_until_answer.push(polls);
    }
    assert_eq!(polls_until_answer, [3, 3]);
}

#[tokio::test]
async fn no_rejected_request_reaches_the_handler() {
    for header in ["x-tag", "x-key", "x-created", "x-nonce"] {
        let (layer, request, log) = logged(Covers::Body);
        let response = send_logged(&layer, with_header(request, header, "1"), &log).await;
        assert!(rejection_kind(&response).is_some(), "{header}");
        assert!(!log.taken().contains(&"handler"), "{header}");
    }
}

/// Otherwise, requests held open until they expire could all be claimed, because a guard need not
/// remember expired requests.
#[tokio::test]
async fn a_request_that_expires_while_its_body_arrives_is_not_claimed() {
    let scheme = Joints::new(Covers::Body).with_window(Window::timed());
    let clock = ManualClock::new(NOW);
    let seen = Seen::default();
    let layer = VerifyLayer::new(scheme.clone(), keys())
        .unwrap()
        .with_clock(clock.clone())
        .with_replay_guard(seen.clone())
        .unwrap();
    let held = || signed(scheme.clone(), b"").map(|_| Script::of([Step::Wait]));
    let mut one = Box::pin(send(&layer, held()));
    let mut two = Box::pin(send(&layer, held()));
    assert!(poll!(&mut one).is_pending());
    assert!(poll!(&mut two).is_pending());
    clock.advance(301);
    assert_eq!(rejection_kind(&one.await), Some(ErrorKind::Stale));
    assert_eq!(rejection_kind(&two.await), Some(ErrorKind::Stale));
}

/// Otherwise, a request could be signed once and finished a month later.
#[tokio::test]
async fn the_window_is_checked_again_after_the_body_without_a_guard() {
    let scheme = Joints::new(Covers::Body).with_window(Window::timed());
    let clock = ManualClock::new(NOW);
    let layer = VerifyLayer::new(scheme.clone(), keys()).unwrap().with_clock(clock.clone());
    let request = signed(scheme, b"").map(|_| Script::of([Step::Wait]));
    let mut answer = Box::pin(send(&layer, request));
    assert!(poll!(&mut answer).is_pending());
    clock.advance(301);
    assert_eq!(rejection_kind(&answer.await), Some(ErrorKind::Stale));
}

/// Some bodies panic if they are polled again.
#[tokio::test]
async fn a_body_that_has_ended_is_not_polled_again_while_the_guard_is_asked() {
    struct Slow;
    impl ReplayGuard for Slow {
        fn claim(&self, _: &ReplayRequest<'_>) -> ReplayClaim {
            ReplayClaim::later(async {
                tokio::task::yield_now().await;
                Ok(Replay::Claimed)
            })
        }
    }
    let scheme = Joints::new(Covers::Body).with_window(Window::timed()).with_nonce();
    let layer = VerifyLayer::new(scheme.clone(), keys()).unwrap().with_clock(ManualClock::new(NOW));
    let layer = layer.with_replay_guard(Slow).unwrap();
    let request = signed(scheme, b"body");
    let polls = request.body().polls();
    assert_eq!(outcome(&layer, request).await, None);
    assert_eq!(polls.load(std::sync::atomic::Ordering::SeqCst), 2);
}
