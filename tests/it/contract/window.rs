//! Times against the clock: limits and extreme numbers.

use std::time::Duration;

use tower_hmac::scheme::Window;

use super::*;

/// Makes a request signed with exactly these times, and a correct tag.
fn at(created: Option<i64>, expires: Option<i64>) -> Request<Script> {
    let times = [("x-created", created), ("x-expires", expires)];
    with_times(times.into_iter().filter_map(|(name, time)| Some((name, time?))))
}

fn with_times(times: impl IntoIterator<Item = (&'static str, i64)>) -> Request<Script> {
    let mut request = Request::post("/path?q=1").body(b"".as_slice()).unwrap();
    for (name, time) in times {
        request.headers_mut().insert(name, time.to_string().parse().unwrap());
    }
    // An untimed scheme stamps nothing, and signs the headers unchanged.
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
async fn a_scheme_can_exclude_the_tolerance_itself() {
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
async fn a_lifetime_over_the_maximum_is_rejected() {
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
async fn creation_and_expiry_are_both_checked() {
    let layer = layer_at(NOW, Window::timed());
    assert_eq!(outcome(&layer, at(Some(NOW), Some(NOW))).await, None);
    let stale = at(Some(NOW - 301), Some(NOW + 10));
    assert_eq!(outcome(&layer, stale).await, Some(ErrorKind::Stale));
    let expired = at(Some(NOW - 10), Some(NOW - 1));
    assert_eq!(outcome(&layer, expired).await, Some(ErrorKind::Expired));
}

#[tokio::test]
async fn extreme_times_are_rejected_without_overflow() {
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

/// The longest tolerance means "for ever", not zero.
#[tokio::test]
async fn an_infinite_tolerance_accepts_every_time() {
    let layer = layer_at(NOW, Window::timed()).with_tolerance(Duration::MAX, Duration::MAX);
    for time in [i64::MIN, 0, NOW, i64::MAX] {
        assert_eq!(outcome(&layer, at(Some(time), None)).await, None, "{time}");
    }
}

#[tokio::test]
async fn a_timed_scheme_rejects_a_claim_without_a_time() {
    let layer = layer_at(NOW, Window::timed());
    assert_eq!(outcome(&layer, at(None, None)).await, Some(ErrorKind::Malformed));
    let layer = layer_at(NOW, Window::untimed());
    assert_eq!(outcome(&layer, at(None, None)).await, None);
}

/// A time is checked even if the scheme does not require one.
#[tokio::test]
async fn an_untimed_scheme_still_rejects_expired_requests() {
    let layer = layer_at(NOW, Window::untimed());
    assert_eq!(outcome(&layer, at(Some(NOW - 301), None)).await, Some(ErrorKind::Stale));
    assert_eq!(outcome(&layer, at(None, Some(NOW - 1))).await, Some(ErrorKind::Expired));
}

#[tokio::test]
async fn a_guard_remembers_a_request_for_as_long_as_it_is_acceptable() {
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

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// The layer's own tolerance only applies if it is set.
fn of_scheme(window: Window, now: i64) -> VerifyLayer {
    VerifyLayer::new(Joints::new(Covers::Body).with_window(window), keys())
        .unwrap()
        .with_clock(ManualClock::new(now))
}

#[tokio::test]
async fn the_schemes_tolerance_applies_unless_the_verifier_sets_one() {
    let window = Window::timed().with_tolerance(60, 0);
    let at_age = |age: i64| at(Some(NOW - age), None);
    for (age, of_scheme_alone, of_verifier) in [
        (60, None, None),
        (61, Some(ErrorKind::Stale), None),
        (90, Some(ErrorKind::Stale), None),
        (91, Some(ErrorKind::Stale), Some(ErrorKind::Stale)),
        (0, None, None),
        (-1, Some(ErrorKind::Stale), None),
        (-5, Some(ErrorKind::Stale), None),
        (-6, Some(ErrorKind::Stale), Some(ErrorKind::Stale)),
    ] {
        let layer = of_scheme(window, NOW);
        assert_eq!(outcome(&layer, at_age(age)).await, of_scheme_alone, "age {age}");
        let layer = layer.with_tolerance(seconds(90), seconds(5));
        assert_eq!(outcome(&layer, at_age(age)).await, of_verifier, "age {age}");
    }
    // A smaller tolerance also overrides the scheme's.
    let layer = of_scheme(window, NOW).with_tolerance(seconds(10), seconds(0));
    assert_eq!(outcome(&layer, at_age(11)).await, Some(ErrorKind::Stale));
    // A scheme without a tolerance uses the default of 300 seconds.
    let layer = of_scheme(Window::timed(), NOW);
    assert_eq!(outcome(&layer, at_age(300)).await, None);
    assert_eq!(outcome(&layer, at_age(301)).await, Some(ErrorKind::Stale));
}

#[tokio::test]
async fn each_scheme_of_two_has_its_own_tolerance() {
    let scheme = |name, prefix, past| {
        Joints::named(name, prefix, Covers::Body)
            .with_window(Window::timed().with_tolerance(past, 0))
    };
    let layer = VerifyLayer::new(scheme("one", "x", 60), keys())
        .unwrap()
        .or(scheme("two", "y", 600), keys())
        .unwrap()
        .with_clock(ManualClock::new(NOW + 61));
    let outcome_of = async |scheme: Joints| outcome(&layer, signed(scheme, b"")).await;
    assert_eq!(outcome_of(scheme("one", "x", 60)).await, Some(ErrorKind::Stale));
    assert_eq!(outcome_of(scheme("two", "y", 600)).await, None);
}

/// A lifetime of a day is valid for a day, not only for the tolerance.
#[tokio::test]
async fn expiry_limits_the_age_if_the_scheme_says_so() {
    const DAY: i64 = 86_400;
    let window = Window::timed().with_tolerance(300, 60).aged_by_expiry();
    let request = || at(Some(NOW), Some(NOW + DAY));
    for (age, expected) in [
        (0, None),
        (301, None),
        (DAY - 1, None),
        (DAY, None),
        (DAY + 1, Some(ErrorKind::Expired)),
        (-60, None),
        (-61, Some(ErrorKind::Stale)),
    ] {
        let layer = of_scheme(window, NOW + age);
        assert_eq!(outcome(&layer, request()).await, expected, "age {age}");
    }
    // Without this setting, the same signature is limited by the tolerance.
    let layer = of_scheme(Window::timed().with_tolerance(300, 60), NOW + 301);
    assert_eq!(outcome(&layer, request()).await, Some(ErrorKind::Stale));
    // A claim that does not expire is limited by the tolerance.
    let layer = of_scheme(window, NOW + 301);
    assert_eq!(outcome(&layer, at(Some(NOW), None)).await, Some(ErrorKind::Stale));
    // The maximum lifetime limits the signer's lifetime.
    let layer = of_scheme(window.with_max_lifetime(3_600), NOW);
    assert_eq!(outcome(&layer, request()).await, Some(ErrorKind::Expired));
    assert_eq!(outcome(&layer, at(Some(NOW), Some(NOW + 3_600))).await, None);
}

/// A guard that forgot the request after the tolerance would accept it again.
#[tokio::test]
async fn a_request_limited_by_its_expiry_is_remembered_until_then() {
    let clock = ManualClock::new(NOW);
    let scheme = Joints::new(Covers::Body).with_window(Window::timed().aged_by_expiry());
    let layer = VerifyLayer::new(scheme, keys())
        .unwrap()
        .with_clock(clock.clone())
        .with_replay_guard(Seen::default())
        .unwrap();
    let request = || at(Some(NOW), Some(NOW + 86_400));
    assert_eq!(outcome(&layer, request()).await, None);
    for age in [301, 86_400] {
        clock.set(NOW + age);
        assert_eq!(outcome(&layer, request()).await, Some(ErrorKind::Replayed), "age {age}");
    }
    clock.set(NOW + 86_401);
    assert_eq!(outcome(&layer, request()).await, Some(ErrorKind::Expired));
}

#[tokio::test]
async fn a_claim_that_is_not_valid_yet_is_stale() {
    for (wait, expected) in [
        (-1, None),
        (0, None),
        (60, None),
        (61, Some(ErrorKind::Stale)),
        (i64::MAX - NOW, Some(ErrorKind::Stale)),
    ] {
        // The tolerance on the other side allows for both clocks.
        for window in [Window::timed(), Window::untimed()] {
            let layer = of_scheme(window.with_tolerance(300, 60), NOW);
            let request = with_times([("x-created", NOW), ("x-start", NOW + wait)]);
            assert_eq!(outcome(&layer, request).await, expected, "wait {wait}");
        }
        let layer = of_scheme(Window::untimed().with_tolerance(300, 60), NOW);
        let request = with_times([("x-start", NOW + wait)]);
        assert_eq!(outcome(&layer, request).await, expected, "wait {wait}, and no other time");
    }
    let layer = of_scheme(Window::untimed(), i64::MAX);
    assert_eq!(outcome(&layer, with_times([("x-start", i64::MAX)])).await, None);
    // This time does not limit the age.
    let layer = of_scheme(Window::timed(), NOW);
    let request = with_times([("x-start", NOW)]);
    assert_eq!(outcome(&layer, request).await, Some(ErrorKind::Malformed));
}

#[tokio::test]
async fn a_claim_that_is_not_valid_yet_is_rejected_before_its_body_is_read() {
    let layer = of_scheme(Window::untimed(), NOW).with_drain_limit(0);
    let request = with_times([("x-start", NOW + 301)]).map(|_| Script::hanging());
    assert_eq!(outcome(&layer, request).await, Some(ErrorKind::Stale));
}
