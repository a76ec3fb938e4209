//! Timestamps, compared with the clock.

use std::time::Duration;

use super::*;

const PAST: i64 = 300;
const FUTURE: i64 = 60;
const FORMATS: [TimeFormat; 4] =
    [TimeFormat::UnixSeconds, TimeFormat::UnixMillis, TimeFormat::Rfc3339, TimeFormat::HttpDate];

fn timed(format: TimeFormat) -> HeaderScheme {
    let timestamp = Part::timestamp("X-Timestamp", format).unwrap();
    scheme().with_parts([timestamp, Part::literal("."), Part::Body]).unwrap()
}

fn verifier_at(now: i64, format: TimeFormat) -> Verifier {
    verifier(timed(format))
        .with_clock(ManualClock::new(now))
        .with_tolerance(Duration::from_secs(300), Duration::from_secs(60))
}

#[test]
fn the_tolerance_itself_is_accepted_and_one_second_more_is_not() {
    for format in FORMATS {
        let signed = signer(timed(format)).sign(Request::post("/").body("body").unwrap()).unwrap();
        let (signed, body) = signed.into_parts();
        let at = |now| verify(&verifier_at(now, format), &signed, body.as_bytes());
        for age in [-FUTURE, 1 - FUTURE, -1, 0, 1, PAST - 1, PAST] {
            assert_eq!(at(NOW + age).unwrap().created(), Some(NOW), "{format:?} {age}");
        }
        for age in [-FUTURE - 1, PAST + 1, PAST * 1000, NOW, -NOW, i64::MAX - NOW, i64::MIN + NOW] {
            let now = NOW.checked_add(age).unwrap();
            assert_eq!(at(now).unwrap_err(), ErrorKind::Stale, "{format:?} {age}");
        }
    }
}

#[test]
fn invalid_times_are_malformed() {
    let forty = "1".repeat(40);
    let texts = [
        "-9223372036854775808",
        "9223372036854775807",
        "+1",
        "01",
        "",
        &forty,
        "1e9",
        "1700000000.0",
        "1700000000,1700000000",
        "1700000000\t",
        "-1700000000",
        "١٧",
        "0x6553f100",
    ];
    for format in FORMATS {
        for now in [NOW, 0, i64::MIN, i64::MAX] {
            let verifier = verifier_at(now, format);
            for text in texts {
                let signed = head("POST", "/", &[("X-Signature", SOME_TAG), ("X-Timestamp", text)]);
                let kind = verify(&verifier, &signed, b"").unwrap_err();
                assert_eq!(kind, ErrorKind::Malformed, "{format:?} {text}");
            }
        }
    }
}

#[test]
fn the_largest_readable_times_are_stale_and_overflow_nothing() {
    for (format, text) in [
        (TimeFormat::UnixSeconds, "999999999999999999"),
        (TimeFormat::UnixMillis, "999999999999999999"),
        (TimeFormat::Rfc3339, "9999-12-31T23:59:59.999999999-23:59"),
        (TimeFormat::Rfc3339, "0000-01-01T00:00:00+23:59"),
        (TimeFormat::HttpDate, "Fri, 31 Dec 9999 23:59:59 GMT"),
        (TimeFormat::HttpDate, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (TimeFormat::UnixSeconds, "0"),
    ] {
        for now in [NOW, i64::MIN, i64::MAX] {
            let signed = head("POST", "/", &[("X-Signature", SOME_TAG), ("X-Timestamp", text)]);
            let kind = verify(&verifier_at(now, format), &signed, b"").unwrap_err();
            assert_eq!(kind, ErrorKind::Stale, "{format:?} {text}");
        }
    }
}

#[test]
fn a_time_that_cannot_be_written_is_not_signed() {
    for format in FORMATS {
        for now in [i64::MIN, -62_167_219_201, i64::MAX] {
            let signer = signer(timed(format)).with_clock(ManualClock::new(now));
            let error = signer.sign(Request::post("/").body("").unwrap()).unwrap_err();
            assert!(matches!(error, SignError::Request(_)), "{error:?}");
        }
    }
}

#[test]
fn the_signer_replaces_a_stale_time() {
    let request =
        Request::post("/").header("X-Timestamp", "1").header("X-Timestamp", "2").body("").unwrap();
    let (signed, _) = signer(timed(TimeFormat::UnixSeconds)).sign(request).unwrap().into_parts();
    assert!(verify(&verifier_at(NOW, TimeFormat::UnixSeconds), &signed, b"").is_ok());
}

#[test]
fn a_replay_guard_requires_a_scheme_with_a_time() {
    struct Forgetful;
    impl tower_hmac::replay::ReplayGuard for Forgetful {
        fn claim(
            &self,
            _: &tower_hmac::replay::ReplayRequest<'_>,
        ) -> tower_hmac::replay::ReplayClaim {
            tower_hmac::replay::ReplayClaim::ready(Ok(tower_hmac::replay::Replay::Claimed))
        }
    }
    assert!(verifier(timed(TimeFormat::UnixSeconds)).with_replay_guard(Forgetful).is_ok());
    let rejected = verifier(scheme()).with_replay_guard(Forgetful);
    assert_eq!(rejected.err(), Some(ConfigError::ReplayWithoutTime("header".into())));
}
