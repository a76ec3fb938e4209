//! The scheme made of parts.

mod clock;
mod config;
#[cfg(feature = "serde")]
mod json;
mod properties;

use base64::Engine as _;
use futures_util::FutureExt as _;
use http::Request;
use http::request::Parts;
use tower_hmac::clock::ManualClock;
use tower_hmac::scheme::{ClaimError, Encoding, Part, TimeFormat};
use tower_hmac::{
    ConfigError, ErrorKind, HeaderScheme, KeyMap, KeySet, Scheme as _, SecretKey, SignError,
    Signer, Verified, Verifier,
};

const NOW: i64 = 1_700_000_000;
/// A well-formed tag that is wrong for every request.
const SOME_TAG: &str = "0000000000000000000000000000000000000000000000000000000000000000";

fn key() -> SecretKey {
    SecretKey::new("a key of the tests").unwrap()
}

fn verifier(scheme: HeaderScheme) -> Verifier {
    Verifier::new(scheme, KeyMap::single(key()).unwrap()).unwrap().with_clock(ManualClock::new(NOW))
}

fn signer(scheme: HeaderScheme) -> Signer<HeaderScheme> {
    Signer::new(scheme, key()).with_clock(ManualClock::new(NOW))
}

fn head(method: &str, target: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn verify(verifier: &Verifier, head: &Parts, body: &[u8]) -> Result<Verified, ErrorKind> {
    let outcome = verifier.verify(head, body).now_or_never().expect("a map answers at once");
    outcome.map_err(|error| error.kind())
}

fn scheme() -> HeaderScheme {
    HeaderScheme::new("X-Signature").unwrap()
}

fn timestamp() -> Part {
    Part::timestamp("X-Timestamp", TimeFormat::UnixSeconds).unwrap()
}

fn header(name: &str) -> Part {
    Part::header(name).unwrap()
}

/// GitHub's documented example.
#[test]
fn the_signature_of_another_system_with_a_prefix() {
    let scheme = HeaderScheme::new("X-Hub-Signature-256").unwrap().with_prefix("sha256=").unwrap();
    let keys = KeyMap::single("It's a Secret to Everybody").unwrap();
    let verifier = Verifier::new(scheme, keys).unwrap();
    let tag = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let signed = head("POST", "/", &[("X-Hub-Signature-256", tag)]);
    assert!(verify(&verifier, &signed, b"Hello, World!").is_ok());
    assert_eq!(verify(&verifier, &signed, b"Hello, World?").unwrap_err(), ErrorKind::Mismatch);
}

/// Slack's documented example.
#[test]
fn the_signature_of_another_system_over_version_time_and_body() {
    let scheme = HeaderScheme::new("X-Slack-Signature")
        .unwrap()
        .with_prefix("v0=")
        .unwrap()
        .with_parts([
            Part::literal("v0:"),
            Part::timestamp("X-Slack-Request-Timestamp", TimeFormat::UnixSeconds).unwrap(),
            Part::literal(":"),
            Part::Body,
        ])
        .unwrap();
    let keys = KeyMap::single("8f742231b10e8888abcd99yyyzzz85a5").unwrap();
    let verifier = Verifier::new(scheme, keys).unwrap().with_clock(ManualClock::new(1_531_420_618));
    let tag = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    let body = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&\
        channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&\
        command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands\
        %2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&\
        trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let at = |time| {
        head("POST", "/", &[("X-Slack-Signature", tag), ("X-Slack-Request-Timestamp", time)])
    };
    let verified = verify(&verifier, &at("1531420618"), body).unwrap();
    assert_eq!(verified.created(), Some(1_531_420_618));
    assert_eq!(verify(&verifier, &at("1531420619"), body).unwrap_err(), ErrorKind::Mismatch);
}

/// The example of Standard Webhooks: id, time and body, and a list of tags.
#[test]
fn the_signature_of_another_system_in_a_list() {
    let scheme = HeaderScheme::new("webhook-signature")
        .unwrap()
        .with_prefix("v1,")
        .unwrap()
        .with_encoding(Encoding::Base64)
        .with_list_separator(" ")
        .unwrap()
        .with_parts([
            header("webhook-id"),
            Part::literal("."),
            Part::timestamp("webhook-timestamp", TimeFormat::UnixSeconds).unwrap(),
            Part::literal("."),
            Part::Body,
        ])
        .unwrap();
    let key = SecretKey::from_base64("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let verifier = Verifier::new(scheme, KeyMap::single(key).unwrap())
        .unwrap()
        .with_clock(ManualClock::new(1_614_265_330));
    let right = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    let wrong = format!("v1,{}", base64::engine::general_purpose::STANDARD.encode([7; 32]));
    let send = |tags: &str| {
        let signed = head(
            "POST",
            "/",
            &[
                ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
                ("webhook-timestamp", "1614265330"),
                ("webhook-signature", tags),
            ],
        );
        verify(&verifier, &signed, br#"{"test": 2432232314}"#)
    };
    let verified = send(right).unwrap();
    let covered: Vec<_> = verified.signed_headers().map(|(name, _)| name.as_str()).collect();
    assert_eq!(covered, ["webhook-id", "webhook-timestamp"]);
    assert!(send(&format!("{wrong} {right}")).is_ok());
    assert!(send(&format!("{right} {wrong}")).is_ok());
    assert_eq!(send(&wrong).unwrap_err(), ErrorKind::Mismatch);
    // Entries of other versions, such as the asymmetric one, are skipped; one of ours is required.
    let asymmetric = format!("v1a,{}", base64::engine::general_purpose::STANDARD.encode([7; 64]));
    for others in ["v2,MzJsNDk4MzI0", &asymmetric] {
        assert!(send(&format!("{right} {others}")).is_ok(), "{others}");
        assert!(send(&format!("{others} {right}")).is_ok(), "{others}");
        let alone = send(others).unwrap_err();
        assert_eq!(alone, ErrorKind::Malformed, "{others}");
    }
    // Our entries are parsed strictly, at any position.
    for ours in ["v1,", "v1,AAAA", "v1"] {
        let outcome = send(&format!("{right} {ours}")).unwrap_err();
        assert_eq!(outcome, ErrorKind::Malformed, "{ours}");
    }
    let sixteen = format!("{}{right}", format!("{wrong} ").repeat(15));
    assert!(send(&sixteen).is_ok());
    assert_eq!(send(&format!("{wrong} {sixteen}")).unwrap_err(), ErrorKind::Malformed);
    for list in ["", " ", &format!("{right} "), &format!(" {right}"), &format!("{right}  {wrong}")]
    {
        assert_eq!(send(list).unwrap_err(), ErrorKind::Malformed, "{list:?}");
    }
}

#[test]
fn every_encoding_is_read_back_in_one_spelling() {
    let all = [Encoding::Hex, Encoding::Base64, Encoding::Base64Url, Encoding::Base64UrlNoPad];
    for encoding in all {
        let scheme = scheme().with_encoding(encoding);
        let signed = signer(scheme.clone()).sign(Request::post("/").body("body").unwrap()).unwrap();
        let tag = signed.headers()["x-signature"].to_str().unwrap().to_owned();
        let verifier = verifier(scheme);
        let send =
            |tag: &str| verify(&verifier, &head("POST", "/", &[("X-Signature", tag)]), b"body");
        assert!(send(&tag).is_ok());
        assert!(send(&tag.to_ascii_uppercase()).is_err());
        for other in [
            format!("{tag}="),
            format!("{tag} "),
            format!("sha256={tag}"),
            tag[1..].to_owned(),
            tag.trim_end_matches('=')[..42].to_owned(),
            String::new(),
        ] {
            assert_eq!(send(&other).unwrap_err(), ErrorKind::Malformed, "{encoding:?} {other}");
        }
    }
}

/// A value may contain the delimiter if it is only next to a time, which never contains one.
#[test]
fn a_header_next_to_a_time_may_contain_the_delimiter() {
    let parts = [header("X-Covered"), Part::literal("."), timestamp()];
    let scheme = || scheme().with_parts(parts.clone()).unwrap().dangerous_unsigned_body();
    let mut head = head("GET", "/", &[("x-covered", "a.b")]);
    signer(scheme()).sign_head(&mut head, b"").unwrap();
    assert!(verify(&verifier(scheme()), &head, b"").is_ok());
}

/// `a.b` and `c` would share a text with `a` and `b.c`.
#[test]
fn a_value_with_the_delimiter_is_neither_signed_nor_verified() {
    let parts = [header("X-First"), Part::literal("."), header("X-Second")];
    let scheme = || scheme().with_parts(parts.clone()).unwrap().dangerous_unsigned_body();
    let mut ambiguous = head("GET", "/", &[("x-first", "a.b"), ("x-second", "c")]);
    let error = signer(scheme()).sign_head(&mut ambiguous, b"").unwrap_err();
    assert!(error.to_string().contains("the delimiter"), "{error}");

    let mut right = head("GET", "/", &[("x-first", "a"), ("x-second", "b.c")]);
    signer(scheme()).sign_head(&mut right, b"").unwrap();
    assert!(verify(&verifier(scheme()), &right, b"").is_ok());
    for (name, value) in [("x-first", "a.b"), ("x-second", "c")] {
        right.headers.insert(name, value.parse().unwrap());
    }
    assert_eq!(verify(&verifier(scheme()), &right, b"").unwrap_err(), ErrorKind::Malformed);
}

#[test]
fn a_request_without_the_header_is_missing_and_with_two_malformed() {
    let verifier = verifier(scheme());
    let unsigned = head("POST", "/", &[]);
    assert_eq!(verify(&verifier, &unsigned, b"").unwrap_err(), ErrorKind::Missing);
    let twice = head("POST", "/", &[("X-Signature", SOME_TAG), ("X-Signature", SOME_TAG)]);
    assert_eq!(verify(&verifier, &twice, b"").unwrap_err(), ErrorKind::Malformed);
}

#[test]
fn an_authorization_of_another_kind_is_missing() {
    let scheme = HeaderScheme::new("Authorization").unwrap().with_prefix("HMAC ").unwrap();
    let verifier = verifier(scheme);
    let send = |value: &str| {
        verify(&verifier, &head("GET", "/", &[("Authorization", value)]), b"").unwrap_err()
    };
    assert_eq!(send("Bearer 123"), ErrorKind::Missing);
    assert_eq!(send("HMAC 123"), ErrorKind::Malformed);
    assert_eq!(send(&format!("HMAC {SOME_TAG}")), ErrorKind::Mismatch);
}

#[test]
fn an_authorization_of_another_kind_is_left_alone() {
    let scheme = HeaderScheme::new("Authorization").unwrap().with_prefix("HMAC ").unwrap();
    let bearer = Request::post("/").header("Authorization", "Bearer 123").body("").unwrap();
    let (mut parts, _) = bearer.clone().into_parts();
    assert_eq!(signer(scheme.clone()).sign(bearer.clone()).unwrap_err(), SignError::AlreadySigned);
    let replacing = signer(scheme.clone()).replace_signature();
    assert_eq!(replacing.sign(bearer).unwrap_err(), SignError::AlreadySigned);

    scheme.strip(&mut parts);
    assert!(parts.headers.contains_key("authorization"));
    let signed = signer(scheme.clone()).sign(Request::post("/").body("").unwrap()).unwrap();
    assert!(replacing.sign(signed.clone()).is_ok());
    let (mut parts, _) = signed.into_parts();
    scheme.strip(&mut parts);
    assert!(!parts.headers.contains_key("authorization"));
}

#[test]
fn a_covered_header_must_be_there_exactly_once() {
    let scheme = scheme()
        .with_parts([
            timestamp(),
            Part::literal("\n"),
            header("X-Tenant"),
            Part::literal("\n"),
            Part::Body,
        ])
        .unwrap();
    let verifier = verifier(scheme.clone());
    let now = NOW.to_string();
    let all = [("X-Signature", SOME_TAG), ("X-Timestamp", &now), ("X-Tenant", "a")];
    assert_eq!(verify(&verifier, &head("GET", "/", &all), b"").unwrap_err(), ErrorKind::Mismatch);
    for one in [1, 2] {
        let without: Vec<_> =
            (0..3).filter(|place| *place != one).map(|place| all[place]).collect();
        let without = head("GET", "/", &without);
        assert_eq!(verify(&verifier, &without, b"").unwrap_err(), ErrorKind::Malformed);
        let twice = head("GET", "/", &[all[0], all[1], all[2], all[one]]);
        assert_eq!(verify(&verifier, &twice, b"").unwrap_err(), ErrorKind::Malformed);
    }
    let unsigned = Request::get("/").body("").unwrap();
    let error = signer(scheme).sign(unsigned).unwrap_err();
    assert_eq!(error, SignError::in_header(&"x-tenant".parse().unwrap(), "is missing"));
}

#[test]
fn the_key_id_comes_only_from_its_header() {
    let scheme = scheme().with_key_id_header("X-Key-Id").unwrap();
    let keys = KeyMap::named([("a", "key of a"), ("b", "key of b")]).unwrap();
    let verifier = Verifier::new(scheme.clone(), keys.with_single(key()).unwrap()).unwrap();
    let of_a = Signer::new(scheme.clone(), SecretKey::new("key of a").unwrap());
    let request = || Request::post("/").body("body").unwrap();
    assert!(matches!(of_a.sign(request()), Err(SignError::KeyId(_))));

    let signed = of_a.with_key_id("a").unwrap().sign(request()).unwrap();
    let (mut signed, body) = signed.into_parts();
    let verified = verify(&verifier, &signed, body.as_bytes()).unwrap();
    assert_eq!(verified.key_id().unwrap(), "a");

    let mut as_id = |ids: &[&str]| {
        signed.headers.remove("x-key-id");
        for id in ids {
            signed.headers.append("x-key-id", id.parse().unwrap());
        }
        verify(&verifier, &signed, body.as_bytes()).unwrap_err()
    };
    assert_eq!(as_id(&["b"]), ErrorKind::Mismatch);
    assert_eq!(as_id(&["nobody"]), ErrorKind::UnknownKey);
    assert_eq!(as_id(&[]), ErrorKind::Malformed);
    assert_eq!(as_id(&[""]), ErrorKind::Malformed);
    assert_eq!(as_id(&["é"]), ErrorKind::Malformed);
    assert_eq!(as_id(&["a", "a"]), ErrorKind::Malformed);
}

#[test]
fn a_key_id_that_would_change_in_transit_is_not_signed() {
    let scheme = scheme().with_key_id_header("X-Key-Id").unwrap();
    let spaces = "begins or ends with whitespace";
    let bytes = "is not ASCII text";
    for (id, why) in
        [(" a", spaces), ("a ", spaces), ("a\n", bytes), ("é", bytes), ("a\u{a0}", bytes)]
    {
        let signer = signer(scheme.clone()).with_key_id(id).unwrap();
        let error = signer.sign(Request::post("/").body("").unwrap()).unwrap_err();
        assert_eq!(error, SignError::in_header(&"x-key-id".parse().unwrap(), why), "{id:?}");
    }
}

#[test]
fn a_scheme_without_key_ids_rejects_a_signer_with_one() {
    let signer = signer(scheme()).with_key_id("a").unwrap();
    let error = signer.sign(Request::post("/").body("").unwrap()).unwrap_err();
    assert!(matches!(error, SignError::KeyId(_)));
}

#[test]
fn a_body_outside_the_parts_is_rejected() {
    let scheme = scheme().with_parts([Part::Method, Part::literal(" "), Part::Path]).unwrap();
    let signed = signer(scheme.clone()).sign(Request::post("/a").body("").unwrap()).unwrap();
    let (signed, _) = signed.into_parts();
    let strict = verifier(scheme.clone());
    assert!(verify(&strict, &signed, b"").is_ok());
    assert_eq!(verify(&strict, &signed, b"smuggled").unwrap_err(), ErrorKind::Malformed);
    let error = signer(scheme.clone()).sign(Request::post("/a").body("body").unwrap());
    assert!(matches!(error, Err(SignError::Request(_))));

    let lax = scheme.dangerous_unsigned_body();
    assert!(verify(&verifier(lax.clone()), &signed, b"smuggled").is_ok());
    assert!(signer(lax).sign(Request::post("/a").body("body").unwrap()).is_ok());
}

#[test]
fn allowing_unsigned_bodies_keeps_signed_bodies_covered() {
    let scheme = scheme().dangerous_unsigned_body();
    let signed = signer(scheme.clone()).sign(Request::post("/").body("body").unwrap()).unwrap();
    let (signed, _) = signed.into_parts();
    let verifier = verifier(scheme);
    assert!(verify(&verifier, &signed, b"body").is_ok());
    assert_eq!(verify(&verifier, &signed, b"other").unwrap_err(), ErrorKind::Mismatch);
}

#[test]
fn a_bare_question_mark_is_rejected_if_the_query_is_signed() {
    let scheme = scheme()
        .with_parts([Part::Path, Part::literal("?"), Part::Query, Part::literal("\n"), Part::Body])
        .unwrap();
    assert!(signer(scheme.clone()).sign(Request::get("/a").body("").unwrap()).is_ok());
    assert!(signer(scheme.clone()).sign(Request::get("/a?").body("").unwrap()).is_err());
    let bare = head("GET", "/a?", &[("X-Signature", SOME_TAG)]);
    assert_eq!(verify(&verifier(scheme), &bare, b"").unwrap_err(), ErrorKind::Malformed);
}

#[test]
fn a_retired_key_still_verifies_during_rotation() {
    let keys = KeySet::new([SecretKey::new("the next key").unwrap(), key()]).unwrap();
    let verifier = Verifier::new(scheme(), KeyMap::single(keys).unwrap()).unwrap();
    let signed = signer(scheme()).sign(Request::post("/").body("body").unwrap()).unwrap();
    let (signed, body) = signed.into_parts();
    assert_eq!(verify(&verifier, &signed, body.as_bytes()).unwrap().key_index(), 1);
}

#[test]
fn the_text_may_be_derived_from_head_and_body() {
    let scheme = scheme()
        .with_parts([timestamp(), Part::literal("."), Part::Body])
        .unwrap()
        .dangerous_derived_text(|head, body| {
            let text = std::str::from_utf8(body).map_err(|_| ClaimError::malformed("no text"))?;
            Ok(format!("{}:{}", head.method, text.trim()))
        })
        .unwrap();
    let (signed, _) = signer(scheme.clone())
        .sign(Request::post("/").body(" body ").unwrap())
        .unwrap()
        .into_parts();
    let text = tower_hmac::testing::signed_text(&scheme, &signed, b"body\n").unwrap();
    assert_eq!(text, b"1700000000.POST:body");
    let verifier = verifier(scheme);
    assert!(verify(&verifier, &signed, b"body").is_ok());
    assert_eq!(verify(&verifier, &signed, b"other").unwrap_err(), ErrorKind::Mismatch);
    assert_eq!(verify(&verifier, &signed, b"\xff").unwrap_err(), ErrorKind::Malformed);
}

#[test]
fn debug_shows_no_key_and_no_tag() {
    let (signed, _) =
        signer(scheme()).sign(Request::post("/").body("body").unwrap()).unwrap().into_parts();
    let tag = signed.headers["x-signature"].to_str().unwrap();
    let debug = format!("{:?} {:?} {signed:?}", scheme(), signer(scheme()));
    assert!(!debug.contains(tag) && !debug.contains("a key of the tests"));
}
