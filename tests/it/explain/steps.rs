//! Each rejection names the step that raised it.

use futures_util::FutureExt as _;
use tower_hmac::MessageSignatures;
use tower_hmac::scheme::Window;
use tower_hmac::verify::Step;

use super::*;

fn joints(covers: Covers) -> Joints {
    Joints::new(covers).with_window(Window::timed())
}

fn request(covers: Covers, body: &str) -> Request<String> {
    let signer = Signer::new(joints(covers), key(KEY)).with_clock(ManualClock::new(NOW));
    let request = Request::post("/path").header("x-key", "aservice").body(body.to_owned());
    signer.with_key_id("aservice").unwrap().sign(request.unwrap()).unwrap()
}

fn verifier(covers: Covers) -> Verifier {
    let keys = KeyMap::named([("aservice", KEY)]).unwrap();
    Verifier::new(joints(covers), keys).unwrap().with_clock(ManualClock::new(NOW))
}

/// Returns the error of a verification, and that of `explain` for the same request.
fn rejected(verifier: &Verifier, request: &Request<String>) -> (ErrorKind, Step) {
    let (head, ()) = request.clone().map(|_| ()).into_parts();
    let explained = explain(verifier, request).now_or_never().unwrap();
    let error = verifier.verify(&head, request.body().as_bytes()).now_or_never().unwrap();
    let error = error.expect_err("rejected");
    if error.step() != Step::Replay {
        assert_eq!(explained.step(), Some(error.step().as_str()), "{error}");
    }
    (error.kind(), error.step())
}

#[test]
fn rejection_names_its_step() {
    let with = |covers, name: &'static str, value: &'static str| {
        let mut request = request(covers, "body");
        request.headers_mut().insert(name, value.parse().unwrap());
        request
    };
    let without_time = {
        let mut request = request(Covers::Body, "body");
        request.headers_mut().remove("x-created");
        request
    };
    let other_body = |covers| request(covers, "body").map(|_| "another".to_owned());
    let unsigned = Request::post("/").body("body".to_owned()).unwrap();
    let plain = || verifier(Covers::Body);
    let late = plain().with_clock(ManualClock::new(NOW + 400));
    let table = [
        (plain(), unsigned, ErrorKind::Missing, Step::Claim),
        (plain(), with(Covers::Body, "x-tag", "00"), ErrorKind::Malformed, Step::Claim),
        (late, request(Covers::Body, "body"), ErrorKind::Stale, Step::Window),
        (plain(), without_time, ErrorKind::Malformed, Step::Window),
        (
            plain().with_body_limit(3),
            other_body(Covers::Body),
            ErrorKind::BodyTooLarge,
            Step::Length,
        ),
        (plain(), with(Covers::Body, "x-key", "nobody"), ErrorKind::UnknownKey, Step::Keys),
        (plain(), other_body(Covers::Body), ErrorKind::Mismatch, Step::Mac),
        (verifier(Covers::Digest), other_body(Covers::Digest), ErrorKind::Mismatch, Step::Digest),
        (
            verifier(Covers::Digest),
            with(Covers::Digest, "x-nonce", "00"),
            ErrorKind::Mismatch,
            Step::Mac,
        ),
        (
            verifier(Covers::Line),
            request(Covers::Line, "line").map(|_| "\n".to_owned()),
            ErrorKind::Malformed,
            Step::Mac,
        ),
        (
            verifier(Covers::Nothing),
            request(Covers::Nothing, "").map(|_| "body".to_owned()),
            ErrorKind::Malformed,
            Step::Body,
        ),
        (
            plain().only(["bservice"]).unwrap(),
            request(Covers::Body, "body"),
            ErrorKind::NotAllowed,
            Step::AllowList,
        ),
    ];
    for (verifier, request, kind, step) in table {
        assert_eq!(rejected(&verifier, &request), (kind, step));
    }

    let guarded = plain().with_replay_guard(Once::default()).unwrap();
    let request = request(Covers::Body, "body");
    let (head, ()) = request.clone().map(|_| ()).into_parts();
    guarded.verify(&head, b"body").now_or_never().unwrap().unwrap();
    assert_eq!(rejected(&guarded, &request), (ErrorKind::Replayed, Step::Replay));
}

#[test]
fn failing_store_is_named_by_its_step() {
    struct Fails;

    impl ReplayGuard for Fails {
        fn claim(&self, _: &ReplayRequest<'_>) -> ReplayClaim {
            ReplayClaim::ready(Err("the guard is away".into()))
        }
    }

    let failing = tower_hmac::key::key_fn(|_: Option<&KeyId>, _: &Parts| async {
        Err::<Option<SecretKey>, tower_hmac::BoxError>("the store is away".into())
    });
    let no_keys =
        Verifier::new(joints(Covers::Body), failing).unwrap().with_clock(ManualClock::new(NOW));
    let no_guard = verifier(Covers::Body).with_replay_guard(Fails).unwrap();
    for (verifier, step) in [(no_keys, Step::Keys), (no_guard, Step::Replay)] {
        let rejected = rejected(&verifier, &request(Covers::Body, "body"));
        assert_eq!(rejected, (ErrorKind::StoreUnavailable, step));
    }
}

#[test]
fn wrong_digest_says_that_the_signature_is_correct() {
    let request = request(Covers::Digest, "body").map(|_| "another".to_owned());
    let report = explain(&verifier(Covers::Digest), &request).now_or_never().unwrap();
    let first = "outcome: mismatch, at step \"digest\": the signature is right, but the body does \
                 not match its digest\n";
    assert!(report.to_string().starts_with(first), "{report}");
}

#[test]
fn uncovered_body_is_reported() {
    let scheme = MessageSignatures::new;
    let signer = Signer::new(scheme(), key(KEY)).with_key_id("aservice").unwrap();
    let request = Request::post("http://localhost/path").body(String::new()).unwrap();
    let request = signer.sign(request).unwrap().map(|_| "body".to_owned());
    let keys = KeyMap::named([("aservice", KEY)]).unwrap();
    let report = explain(&Verifier::new(scheme(), keys).unwrap(), &request).now_or_never().unwrap();
    assert_eq!((report.outcome(), report.step()), ("malformed", Some("body")));
    let text = report.to_string();
    assert!(text.contains("`content-digest` is not among the covered components"), "{text}");
    assert!(!text.contains("the scheme cannot sign a body"), "{text}");
}

#[test]
fn milliseconds_are_named_by_their_unit() {
    let sent_at = |now: i64| {
        let signer = Signer::new(Timed::new(), key(KEY)).with_clock(ManualClock::new(now));
        signer.sign(Request::get("/path").body(String::new()).unwrap()).unwrap()
    };
    let verifier = Verifier::new(Timed::new(), KeyMap::single(key(KEY)).unwrap()).unwrap();
    let verifier = verifier.with_clock(ManualClock::new(NOW));
    for (sent, then) in [("milliseconds", NOW * 1000 + 123), ("microseconds", NOW * 1_000_000)] {
        let report = explain(&verifier, &sent_at(then)).now_or_never().unwrap();
        assert_eq!(report.likely(), [Cause::TimeForm { sent, expected: "seconds" }]);
        let text = report.to_string();
        let line = format!("likely: the time is in {sent}, but the scheme expects seconds\n");
        assert!(text.contains(&line) && !text.contains("clock off"), "{text}");
    }
    let report = explain(&verifier, &sent_at(NOW / 1000)).now_or_never().unwrap();
    let cause = Cause::TimeForm { sent: "seconds", expected: "milliseconds" };
    assert_eq!(report.likely(), [cause]);
}
