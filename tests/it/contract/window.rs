//! Times against the clock: the edges, and numbers that cannot be.

use std::time::Duration;

use tower_hmac::scheme::Window;

use super::*;

/// A request signed with these very times; the tag is right.
fn at(created: Option<i64>, expires: Option<i64>) -> Request<Script> {
    let mut request = Request::post("/path?q=1").body(b"".as_slice()).unwrap();
    for (name, time) in [("x-created", created), ("x-expires", expires)] {
        if let Some(time) = time {
            request.headers_mut().insert(name, time.to_string().parse().unwrap());
        }
    }
    // An untimed scheme stamps nothing and signs the headers as they are.
    signer(Joints::new(Covers::Body)).sign(request).unwrap().map(Script::from)
}

fn layer_at(now: i64, window: Window) -> VerifyLayer {
    VerifyLayer::new(Joints::new(Covers::Body).with_window(window), keys())
        .unwrap()
        .with_tolerance(Duration::from_secs(300), Duration::from_secs(60))
        .with_clock(ManualClock::new(now))
}

#[tokio::test]
async fn the_tolerance_itself_is_accepted_and_a_second_more_is_not() {
    let layer = layer_at(NOW, Window::timed());
    for (age, expected) in [
        (299, None),
        (300, None),
        (301, Some(ErrorKind::Stale)),
        (0, None),
        (-59, None),
        (-60, None),
        (-61, Some(ErrorKind::Stale)),
    ] {
        assert_eq!(outcome(&layer, at(Some(NOW - age), None)).await, expected, "age {age}");
    }
}

#[tokio::test]
async fn a_format_may_refuse_the_tolerance_itself() {
    let layer = layer_at(NOW, Window::timed().excluding_edge());
    for (age, expected) in
        [(299, None), (300, Some(ErrorKind::Stale)), (-59, None), (-60, Some(ErrorKind::Stale))]
    {
        assert_eq!(outcome(&layer, at(Some(NOW - age), None)).await, expected, "age {age}");
    }
}

#[tokio::test]
async fn the_second_of_expiry_is_accepted_and_the_next_is_not() {
    let layer = layer_at(NOW, Window::timed());
    for (left, expected) in [(1, None), (0, None), (-1, Some(ErrorKind::Expired))] {
        assert_eq!(outcome(&layer, at(None, Some(NOW + left))).await, expected, "left {left}");
    }
}

#[tokio::test]
async fn a_lifetime_over_the_longest_is_refused() {
    let layer = layer_at(NOW, Window::timed().with_max_lifetime(600));
    for (left, expected) in [
        (599, None),
        (600, None),
        (601, Some(ErrorKind::Expired)),
        (i64::MAX - NOW, Some(ErrorKind::Expired)),
    ] {
        assert_eq!(outcome(&layer, at(None, Some(NOW + left))).await, expected, "left {left}");
    }
}

#[tokio::test]
async fn both_times_must_hold() {
    let layer = layer_at(NOW, Window::timed());
    assert_eq!(outcome(&layer, at(Some(NOW), Some(NOW))).await, None);
    let stale = at(Some(NOW - 301), Some(NOW + 10));
    assert_eq!(outcome(&layer, stale).await, Some(ErrorKind::Stale));
    let expired = at(Some(NOW - 10), Some(NOW - 1));
    assert_eq!(outcome(&layer, expired).await, Some(ErrorKind::Expired));
}

#[tokio::test]
async fn times_at_the_ends_of_their_range_are_refused_without_overflow() {
    for now in [i64::MIN, -1, 0, NOW, i64::MAX] {
        let layer = layer_at(now, Window::timed().with_max_lifetime(600));
        for time in [i64::MIN, i64::MAX, 0] {
            let near = time.abs_diff(now) <= 60;
            let created = outcome(&layer, at(Some(time), None)).await;
            assert_eq!(created, (!near).then_some(ErrorKind::Stale), "now {now}, created {time}");
            let expires = outcome(&layer, at(None, Some(time))).await;
            let ahead = time >= now && time.abs_diff(now) <= 600;
            assert_eq!(
                expires,
                (!ahead).then_some(ErrorKind::Expired),
                "now {now}, expires {time}"
            );
        }
    }
}

/// The longest tolerance is "for ever", not zero.
#[tokio::test]
async fn a_tolerance_without_end_takes_every_time() {
    let layer = layer_at(NOW, Window::timed()).with_tolerance(Duration::MAX, Duration::MAX);
    for time in [i64::MIN, 0, NOW, i64::MAX] {
        assert_eq!(outcome(&layer, at(Some(time), None)).await, None, "{time}");
    }
}

#[tokio::test]
async fn a_timed_format_refuses_a_claim_without_a_time() {
    let layer = layer_at(NOW, Window::timed());
    assert_eq!(outcome(&layer, at(None, None)).await, Some(ErrorKind::Malformed));
    let layer = layer_at(NOW, Window::untimed());
    assert_eq!(outcome(&layer, at(None, None)).await, None);
}

/// A time that is there counts, in a format that does not ask for one, too.
#[tokio::test]
async fn an_untimed_format_still_refuses_what_has_expired() {
    let layer = layer_at(NOW, Window::untimed());
    assert_eq!(outcome(&layer, at(Some(NOW - 301), None)).await, Some(ErrorKind::Stale));
    assert_eq!(outcome(&layer, at(None, Some(NOW - 1))).await, Some(ErrorKind::Expired));
}

#[tokio::test]
async fn a_guard_is_told_to_remember_for_as_long_as_a_request_could_count() {
    #[derive(Clone, Default)]
    struct Times(Arc<Mutex<Vec<(i64, i64)>>>);
    impl ReplayGuard for Times {
        fn claim(&self, request: &ReplayRequest<'_>) -> ReplayClaim {
            self.0.lock().unwrap().push((request.keep_until(), request.now()));
            ReplayClaim::ready(Ok(Replay::Claimed))
        }
    }
    let times = Times::default();
    let layer = layer_at(NOW, Window::timed()).with_replay_guard(times.clone()).unwrap();
    send(&layer, at(Some(NOW - 100), None)).await;
    send(&layer, at(Some(NOW + 60), None)).await;
    send(&layer, at(None, Some(NOW + 7))).await;
    let expected = [(NOW + 200, NOW), (NOW + 360, NOW), (NOW + 7, NOW)];
    assert_eq!(*times.0.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_request_at_the_edge_is_still_remembered_in_its_last_second() {
    let layer = layer_at(NOW, Window::timed()).with_replay_guard(Seen::default()).unwrap();
    assert_eq!(outcome(&layer, at(Some(NOW - 300), None)).await, None);
    assert_eq!(outcome(&layer, at(Some(NOW - 300), None)).await, Some(ErrorKind::Replayed));
}
