//! Schemes with the time and the tags in one header.

use http::Request;
use tower_hmac::clock::ManualClock;
use tower_hmac::scheme::{Encoding, Part, TimeFormat};
use tower_hmac::webhooks::{ListScheme, stripe};
use tower_hmac::{ErrorKind, HeaderScheme, Signer};

use super::{head, key, verify_at};

const NOW: i64 = 1_533_204_620;

fn signed() -> String {
    let signer = Signer::new(stripe(), key("a secret")).with_clock(ManualClock::new(NOW));
    let request = signer.sign(Request::post("/").body("body").unwrap()).unwrap();
    request.headers()["stripe-signature"].to_str().unwrap().to_owned()
}

fn outcome(value: &str) -> Result<(), ErrorKind> {
    let head = head(&[("stripe-signature", value)]);
    verify_at(stripe(), key("a secret"), NOW, &head, b"body").map(drop)
}

#[test]
fn unknown_items_are_skipped_and_known_ones_are_strict() {
    let value = signed();
    let (time, tag) = value.split_once(',').unwrap();
    let zeros = format!("v1={}", "0".repeat(64));
    for (value, expected) in [
        (value.clone(), Ok(())),
        (format!("{tag},{time}"), Ok(())),
        (format!("{time},  {tag}"), Ok(())),
        (format!("{time},{zeros},{tag}"), Ok(())),
        (format!("{time},v0=not even hex,{tag},x="), Ok(())),
        (format!("{time},v0=a=b,{tag}"), Ok(())),
        (format!("{time},{zeros}"), Err(ErrorKind::Mismatch)),
        (time.to_owned(), Err(ErrorKind::Malformed)),
        (tag.to_owned(), Err(ErrorKind::Malformed)),
        (format!("{time},{time},{tag}"), Err(ErrorKind::Malformed)),
        (format!("{time},v1=00,{tag}"), Err(ErrorKind::Malformed)),
        (format!("{time},v1=,{tag}"), Err(ErrorKind::Malformed)),
        (format!("{time},{tag},"), Err(ErrorKind::Malformed)),
        (format!("{time},=x,{tag}"), Err(ErrorKind::Malformed)),
        (format!("{time},x,{tag}"), Err(ErrorKind::Malformed)),
        (format!("{time} ,{tag}"), Err(ErrorKind::Malformed)),
        (format!("{time};{tag}"), Err(ErrorKind::Malformed)),
        (value.replace("t=", "t=0"), Err(ErrorKind::Malformed)),
        (value.replace("t=", "t=+"), Err(ErrorKind::Malformed)),
        (value.replace("v1=", "V1="), Err(ErrorKind::Malformed)),
        (value.to_uppercase(), Err(ErrorKind::Malformed)),
        (String::new(), Err(ErrorKind::Malformed)),
    ] {
        assert_eq!(outcome(&value), expected, "{value}");
    }
}

#[test]
fn seventeen_tags_are_malformed() {
    let value = signed();
    let zeros = format!(",v1={}", "0".repeat(64));
    assert_eq!(outcome(&(value.clone() + &zeros.repeat(15))), Ok(()));
    assert_eq!(outcome(&(value + &zeros.repeat(16))), Err(ErrorKind::Malformed));
}

#[test]
fn the_time_is_signed_as_sent() {
    let scheme = || {
        ListScheme::new("X-Sig", "v1")
            .and_then(|scheme| scheme.with_time("t", TimeFormat::UnixMillis))
            .and_then(|scheme| scheme.with_parts([Part::Time, Part::literal("."), Part::Body]))
            .unwrap()
    };
    let mut mac = tower_hmac::crypto::Mac::new(tower_hmac::Algorithm::Sha256, &key("a secret"));
    mac.update(b"1533204620123.body");
    let tag = Encoding::Hex.encode(mac.finalize().as_bytes());
    let value = format!("t=1533204620123,v1={tag}");
    let verified = verify_at(scheme(), key("a secret"), NOW, &head(&[("x-sig", &value)]), b"body");
    assert_eq!(verified.unwrap().created(), Some(NOW));
    let other = value.replace("123,", "124,");
    let outcome = verify_at(scheme(), key("a secret"), NOW, &head(&[("x-sig", &other)]), b"body");
    assert_eq!(outcome.map(drop), Err(ErrorKind::Mismatch));
}

#[test]
fn an_ambiguous_list_scheme_is_a_config_error() {
    let list = || ListScheme::new("X-Sig", "v1").unwrap();
    assert!(ListScheme::new("X Sig", "v1").is_err());
    for name in ["", "v=1", "v 1", "v,1"] {
        assert!(ListScheme::new("X-Sig", name).is_err(), "{name:?}");
        assert!(list().with_time(name, TimeFormat::UnixSeconds).is_err(), "{name:?}");
    }
    assert!(list().with_time("v1", TimeFormat::UnixSeconds).is_err());
    for separator in ['=', '+', '/', '-', '_', '.', ' ', 'a', '0', 'é'] {
        assert!(list().with_separator(separator).is_err(), "{separator:?}");
    }
    assert!(list().with_parts([Part::Time, Part::literal("."), Part::Body]).is_err());
    let timed = || list().with_time("t", TimeFormat::UnixSeconds).unwrap();
    assert!(timed().with_parts([Part::Body]).is_err(), "the time is not signed");
    assert!(timed().with_parts([Part::Time, Part::Body]).is_err(), "digits run into the body");
    let own = Part::header("x-sig").unwrap();
    let parts = [Part::Time, Part::literal("."), own, Part::literal("."), Part::Body];
    assert!(timed().with_parts(parts).is_err(), "its own header");
    let in_header = HeaderScheme::new("X-Sig").unwrap();
    assert!(in_header.with_parts([Part::Time, Part::literal("."), Part::Body]).is_err());
}

/// A time that is not signed could be moved by anybody who has seen a request.
#[test]
fn the_time_of_a_list_is_always_signed() {
    let list = || ListScheme::new("X-Sig", "v1").unwrap();
    let timed = list().with_time("t", TimeFormat::UnixSeconds).unwrap();
    let signer = Signer::new(timed.clone(), key("a secret")).with_clock(ManualClock::new(NOW));
    let request = signer.sign(Request::post("/").body("body").unwrap()).unwrap();
    let value = request.headers()["x-sig"].to_str().unwrap();
    let at = |now: i64, value: &str| {
        let head = head(&[("x-sig", value)]);
        verify_at(timed.clone(), key("a secret"), now, &head, b"body").map(drop)
    };
    assert_eq!(at(NOW, value), Ok(()));
    let moved = value.replace(&NOW.to_string(), &(NOW + 9_000).to_string());
    assert_eq!(at(NOW + 9_000, &moved), Err(ErrorKind::Mismatch));

    let parts = [Part::Method, Part::literal("."), Part::Body];
    let unsigned = list().with_parts(parts).unwrap();
    assert!(unsigned.with_time("t", TimeFormat::UnixSeconds).is_err(), "the time is not signed");
    let undivided = list().with_time("t", TimeFormat::Rfc3339).unwrap();
    let undivided = undivided.with_parts([Part::Time, Part::Body]).unwrap();
    assert!(undivided.with_time("t", TimeFormat::UnixSeconds).is_err(), "digits run into the body");
}

/// Over HTTP/2, the host is `:authority`, and there is no `Host`.
#[test]
fn a_list_can_sign_the_host_of_either_version() {
    let end = || Part::literal("\n");
    let parts = [Part::Time, end(), Part::header("host").unwrap(), end(), Part::Body];
    let list = ListScheme::new("X-Sig", "v1").unwrap();
    let list = list.with_time("t", TimeFormat::UnixSeconds).unwrap().with_parts(parts).unwrap();
    let signer = Signer::new(list.clone(), key("a secret")).with_clock(ManualClock::new(NOW));
    let request = Request::post("http://example.com/").body("body").unwrap();
    let (head, body) = signer.sign(request).unwrap().into_parts();
    let mut by_header = head.clone();
    by_header.uri = "/".parse().unwrap();
    by_header.headers.insert("host", "example.com".parse().unwrap());
    let mut moved = by_header.clone();
    moved.headers.insert("host", "example.org".parse().unwrap());
    for (head, expected) in [(head, Ok(())), (by_header, Ok(())), (moved, Err(ErrorKind::Mismatch))]
    {
        let outcome = verify_at(list.clone(), key("a secret"), NOW, &head, body.as_bytes());
        assert_eq!(outcome.map(drop), expected, "{head:?}");
    }
}

#[test]
fn an_rfc_3339_time_can_need_no_delimiter() {
    let time = || Part::timestamp("X-Time", TimeFormat::Rfc3339).unwrap();
    let id = || Part::header("X-Id").unwrap();
    let with = |parts: Vec<Part>| HeaderScheme::new("X-Sig").unwrap().with_parts(parts);
    assert!(with(vec![time(), Part::Body]).is_ok());
    assert!(with(vec![Part::Body, time()]).is_ok());
    assert!(with(vec![id(), time(), Part::Body]).is_ok());
    assert!(with(vec![time(), id(), Part::Body]).is_err(), "the id runs into the body");
    assert!(with(vec![Part::Body, time(), id()]).is_err(), "the id runs into the time");
    let seconds = Part::timestamp("X-Time", TimeFormat::UnixSeconds).unwrap();
    assert!(with(vec![seconds, Part::Body]).is_err());

    // An ID that contains a time could pass for an ID, a time and the beginning of the body.
    let scheme = with(vec![id(), time(), Part::Body]).unwrap();
    let signer = Signer::new(scheme, key("a secret"));
    let with_id = |id: &str| Request::post("/").header("x-id", id).body("").unwrap();
    assert!(signer.sign(with_id("e76c6bd4-55c9-4987")).is_ok());
    assert!(signer.sign(with_id("a2020-01-01T00:00:00Z")).is_err());
}
