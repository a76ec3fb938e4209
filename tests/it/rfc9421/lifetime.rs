//! Signatures that are valid for longer than the tolerance.

use std::time::Duration;

use http::Request;
use http::request::Parts;
use tower_hmac::clock::ManualClock;
use tower_hmac::{ErrorKind, MessageSignatures, Verifier};

use super::{
    BODY, NOW, assert_rejected, covered, parameters, request, sign, signer, verifier, verify_by,
};

const HOUR: i64 = 3600;

fn hourly() -> MessageSignatures {
    MessageSignatures::new().with_max_lifetime(Duration::from_secs(3600))
}

fn at(now: i64, scheme: MessageSignatures) -> Verifier {
    verifier(scheme).with_clock(ManualClock::new(now))
}

fn expiring(at: i64) -> Parts {
    let mut head = request();
    sign(&mut head, &format!("{}{};expires={at}", covered(), parameters()));
    head
}

#[test]
fn signature_is_valid_until_its_expiry() {
    let head = expiring(NOW + HOUR);
    for (now, kind) in [
        (NOW, None),
        (NOW + 301, None),
        (NOW + HOUR, None),
        (NOW + HOUR + 1, Some(ErrorKind::Expired)),
        (NOW - 300, Some(ErrorKind::Expired)),
        (NOW - 301, Some(ErrorKind::Stale)),
    ] {
        let result = verify_by(&at(now, hourly()), &head, BODY);
        match kind {
            None => assert!(result.is_ok(), "{now}"),
            Some(kind) => assert_rejected(result, kind, ""),
        }
    }
}

#[test]
fn lifetime_is_limited_by_the_tolerance_by_default() {
    let head = expiring(NOW + HOUR);
    assert!(verify_by(&at(NOW + 300, MessageSignatures::new()), &head, BODY).is_ok());
    let late = verify_by(&at(NOW + 301, MessageSignatures::new()), &head, BODY);
    assert_rejected(late, ErrorKind::Stale, "");
}

#[test]
fn signature_without_expiry_is_limited_by_the_tolerance() {
    let mut head = request();
    sign(&mut head, &(covered() + &parameters()));
    assert!(verify_by(&at(NOW + 300, hourly()), &head, BODY).is_ok());
    assert_rejected(verify_by(&at(NOW + 301, hourly()), &head, BODY), ErrorKind::Stale, "");
}

/// Shortly before its end, a signature for a year is valid for less than an hour.
#[test]
fn lifetime_over_the_maximum_is_rejected() {
    let head = expiring(NOW + HOUR + 1);
    for now in [NOW, NOW + HOUR] {
        assert_rejected(verify_by(&at(now, hourly()), &head, BODY), ErrorKind::Expired, "");
    }
}

#[test]
fn signer_and_verifier_agree_on_a_long_lifetime() {
    let signer = signer(hourly()).with_lifetime(Duration::from_secs(3600));
    let request = Request::post("http://example.com/").body(BODY).unwrap();
    let (head, body) = signer.sign(request).unwrap().into_parts();
    assert!(verify_by(&at(NOW + HOUR, hourly()), &head, body).is_ok());
    let late = verify_by(&at(NOW + HOUR + 1, hourly()), &head, body);
    assert_rejected(late, ErrorKind::Expired, "");
}

/// A guard must not forget a request that can still be accepted.
#[test]
fn replay_is_rejected_until_the_expiry() {
    let clock = ManualClock::new(NOW);
    let guard = tower_hmac::MemoryReplay::new(100).unwrap();
    let verifier = verifier(hourly()).with_clock(clock.clone()).with_replay_guard(guard).unwrap();
    let head = expiring(NOW + HOUR);
    assert!(verify_by(&verifier, &head, BODY).is_ok());
    for now in [NOW + 301, NOW + HOUR] {
        clock.set(now);
        assert_rejected(verify_by(&verifier, &head, BODY), ErrorKind::Replayed, "");
    }
}
