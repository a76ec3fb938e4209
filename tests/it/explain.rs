//! `Verifier::explain`: for each likely cause, a request with exactly that mistake.

#[cfg(feature = "sigv4")]
mod aws;
mod bounds;
#[cfg(feature = "rfc9421")]
mod mistakes;
#[cfg(all(feature = "rfc9421", feature = "sha1"))]
mod shapes;
mod steps;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use http::request::Parts;
use http::{HeaderName, Request};
use serde_json::json;
use tower_hmac::clock::ManualClock;
use tower_hmac::crypto::{Mac, Tag};
use tower_hmac::explain::{Cause, Report};
use tower_hmac::key::KeyEntry;
use tower_hmac::replay::ReplayGuard;
use tower_hmac::replay::{Replay, ReplayClaim, ReplayRequest};
use tower_hmac::scheme::{Claim, ClaimError, Encoding, SignedText, Stamp};
use tower_hmac::{
    Algorithm, ConfigError, ErrorKind, FlaskHmac, KeyId, KeyMap, KeySet, Scheme, SecretKey,
    SignError, Signer, Verifier,
};

use crate::support::conformance_lines;
use crate::support::joints::{Covers, Joints};
use crate::timed::{Once, Timed};

const NOW: i64 = 1_700_000_000;
const KEY: &str = "a key of many words";

fn key(text: &str) -> SecretKey {
    SecretKey::new(text).unwrap()
}

/// Makes a tag over a text, in a header or in the query.
struct Probe {
    header: Option<HeaderName>,
    encoding: Encoding,
    text: fn(&Parts) -> String,
}

fn path(head: &Parts) -> String {
    format!("{}\n", head.uri.path())
}

impl Probe {
    fn new(encoding: Encoding) -> Self {
        Self { header: Some(HeaderName::from_static("x-probe")), encoding, text: path }
    }
}

impl Scheme for Probe {
    fn name(&self) -> &str {
        "probe"
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::Sha256
    }

    fn headers(&self) -> &[HeaderName] {
        self.header.as_slice()
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        let query = || head.uri.query()?.split('&').find_map(|pair| pair.strip_prefix("_s="));
        let value = match &self.header {
            Some(name) => head.headers.get(name).and_then(|value| value.to_str().ok()),
            None => query(),
        };
        let value = value.ok_or(ClaimError::Missing)?.replace("%2F", "/").replace("%3D", "=");
        let tag = self.encoding.decode_tag(value.replace("%2B", "+"), self.algorithm());
        tag.map(Claim::signed).ok_or(ClaimError::malformed("is no probe"))
    }

    fn before_body(
        &self,
        head: &Parts,
        _: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        text.update((self.text)(head).as_bytes());
        Ok(())
    }

    fn stamp(&self, _: &mut Parts, _: &Stamp<'_>) -> Result<Claim, SignError> {
        Ok(Claim::new())
    }

    fn attach(&self, head: &mut Parts, _: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        let value = self.encoding.encode(tags[0].as_bytes());
        head.headers.insert("x-probe", value.parse().unwrap());
        Ok(())
    }
}

fn tag(text: &[u8]) -> Vec<u8> {
    let mut mac = Mac::new(Algorithm::Sha256, &key(KEY));
    mac.update(text);
    mac.finalize().as_bytes().to_vec()
}

async fn explain(verifier: &Verifier, request: &Request<String>) -> Report {
    let (head, ()) = request.clone().map(|_| ()).into_parts();
    let report = verifier.explain(&head, request.body().as_bytes()).await;
    assert_tells_no_secret(&report, request);
    report
}

/// A report contains neither the key nor a tag.
fn assert_tells_no_secret(report: &Report, request: &Request<String>) {
    for shown in [report.to_string(), format!("{report:?}")] {
        assert!(!shown.contains(KEY), "{shown}");
        for name in ["signature", "authorization", "hmac", "x-signature", "x-probe", "x-timed"] {
            let value = request.headers().get(name).map(|value| value.to_str().unwrap());
            assert!(value.is_none_or(|value| !shown.contains(value)), "{shown}");
        }
    }
}

fn probe_request(value: &str) -> Request<String> {
    Request::post("/path?query=1").header("x-probe", value).body("body".into()).unwrap()
}

async fn probed(encoding: Encoding, value: &str) -> Vec<Cause> {
    let verifier = Verifier::new(Probe::new(encoding), KeyMap::single(key(KEY)).unwrap()).unwrap();
    explain(&verifier, &probe_request(value)).await.likely().to_vec()
}

fn flask_verifier(keys: KeyMap) -> Verifier {
    Verifier::new(FlaskHmac::new(), keys).unwrap()
}

fn flask_request(key: SecretKey, signed_body: &str, sent_body: &str) -> Request<String> {
    let signer = Signer::new(FlaskHmac::new(), key);
    Request::post("/path")
        .header("signature", signer.signature(signed_body.as_bytes()))
        .body(sent_body.to_owned())
        .unwrap()
}

#[tokio::test]
async fn accepted_request_has_no_causes() {
    let verifier = flask_verifier(KeyMap::single(key(KEY)).unwrap());
    let report = explain(&verifier, &flask_request(key(KEY), "body", "body")).await;
    assert_eq!(report.outcome(), "accepted");
    assert_eq!(report.step(), None);
    assert_eq!(report.signed_text(), Some("body"));
    assert_eq!(report.likely(), []);
    assert!(report.error().is_none());
}

#[tokio::test]
async fn newline_at_the_end_of_the_body_is_named() {
    let verifier = flask_verifier(KeyMap::single(key(KEY)).unwrap());
    for (signed, sent, cause) in [
        ("body", "body\n", Cause::BodyNewlineCut),
        ("body", "body\r\n", Cause::BodyNewlineCut),
        ("body\n", "body", Cause::BodyNewlineAdded),
        ("body\r\n", "body", Cause::BodyNewlineAdded),
    ] {
        let report = explain(&verifier, &flask_request(key(KEY), signed, sent)).await;
        assert_eq!(report.likely(), [cause], "{signed:?} {sent:?}");
        assert_eq!((report.outcome(), report.step()), ("mismatch", Some("mac")));
    }
}

#[tokio::test]
async fn another_encoding_of_the_tag_is_named() {
    let signed = tag(b"/path\nbody");
    for (sent, sent_name, expected, expected_name) in [
        (Encoding::Hex, "hex", Encoding::Base64, "base64"),
        (Encoding::Base64, "base64", Encoding::Hex, "hex"),
        (Encoding::Base64Url, "url-safe base64", Encoding::Base64, "base64"),
        (Encoding::Hex, "hex", Encoding::Base64Url, "url-safe base64"),
        (Encoding::Base64UrlNoPad, "url-safe base64 without padding", Encoding::Base64, "base64"),
        (Encoding::Base64, "base64", Encoding::Base64UrlNoPad, "url-safe base64 without padding"),
    ] {
        let likely = probed(expected, &sent.encode(&signed)).await;
        let cause = Cause::Encoding { sent: sent_name, expected: expected_name };
        assert_eq!(likely, std::slice::from_ref(&cause));
        assert_eq!(cause.to_string(), format!("right with {sent_name} instead of {expected_name}"));
    }
    let upper = Encoding::Hex.encode(&signed).to_uppercase();
    let cause = Cause::Encoding { sent: "hex in upper case", expected: "hex" };
    assert_eq!(probed(Encoding::Hex, &upper).await, [cause]);
}

#[tokio::test]
async fn tag_that_is_encoded_twice_is_named() {
    let hex = Encoding::Hex.encode(&tag(b"/path\nbody"));
    let twice = Encoding::Base64.encode(hex.as_bytes());
    assert_eq!(probed(Encoding::Base64, &twice).await, [Cause::EncodedTwice]);
    assert_eq!(probed(Encoding::Hex, &twice).await, [Cause::EncodedTwice]);
    let thrice = Encoding::Base64.encode(twice.as_bytes());
    assert_eq!(probed(Encoding::Hex, &thrice).await, []);
}

#[tokio::test]
async fn another_encoding_within_the_named_form_is_named() {
    let verifier = flask_verifier(KeyMap::named([("aservice", KEY)]).unwrap());
    let hex = Encoding::Hex.encode(&tag(b"body"));
    let value = Encoding::Base64.encode(format!("aservice:{hex}").as_bytes());
    let request = Request::post("/").header("signature", value).body("body".into()).unwrap();
    let report = explain(&verifier, &request).await;
    assert_eq!(report.likely(), [Cause::Encoding { sent: "hex", expected: "base64" }]);
    assert_eq!((report.outcome(), report.step()), ("malformed", Some("claim")));
    assert_eq!(report.signed_text(), None);
}

#[tokio::test]
async fn another_encoding_in_the_query_is_named() {
    let probe = Probe { header: None, ..Probe::new(Encoding::Base64) };
    let verifier = Verifier::new(probe, KeyMap::single(key(KEY)).unwrap()).unwrap();
    let hex = Encoding::Hex.encode(&tag(b"/path\nbody"));
    let request = Request::post(format!("/path?a=b&_s={hex}&c=d")).body("body".into()).unwrap();
    let report = explain(&verifier, &request).await;
    assert_eq!(report.likely(), [Cause::Encoding { sent: "hex", expected: "base64" }]);
}

#[tokio::test]
async fn key_that_one_side_decodes_is_named() {
    for (text, decoded, encoding) in [
        ("c2VjcmV0IQ==", SecretKey::from_base64("c2VjcmV0IQ==").unwrap(), "base64"),
        ("00fe17", SecretKey::from_hex("00fe17").unwrap(), "hex"),
    ] {
        // The server decodes the key, but the client does not.
        let verifier = flask_verifier(KeyMap::single(decoded.clone()).unwrap());
        let report = explain(&verifier, &flask_request(key(text), "body", "body")).await;
        assert_eq!(report.likely(), [Cause::KeyAsText { encoding }]);
        // The client decodes the key, but the server does not.
        let verifier = flask_verifier(KeyMap::single(key(text)).unwrap());
        let report = explain(&verifier, &flask_request(decoded, "body", "body")).await;
        assert_eq!(report.likely(), [Cause::KeyDecoded { from: encoding }]);
        assert!(!report.to_string().contains(text));
    }
}

#[tokio::test]
async fn newline_at_the_end_of_a_key_is_named() {
    for (ours, theirs, cause) in
        [("key", "key\n", Cause::KeyNewlineAdded), ("key\n", "key", Cause::KeyNewlineCut)]
    {
        let verifier = flask_verifier(KeyMap::single(key(ours)).unwrap());
        let report = explain(&verifier, &flask_request(key(theirs), "body", "body")).await;
        assert_eq!(report.likely(), [cause]);
    }
}

/// Editors write one at the start of a file, and PowerShell into a pipe.
#[tokio::test]
async fn byte_order_mark_before_a_key_is_named() {
    for (ours, theirs, taken) in [
        ("\u{feff}kx-5520", "kx-5520", "the byte order mark before the key taken off"),
        ("kx-5520", "\u{feff}kx-5520", "a byte order mark before the key"),
    ] {
        let verifier = flask_verifier(KeyMap::single(key(ours)).unwrap());
        let report = explain(&verifier, &flask_request(key(theirs), "body", "body")).await;
        assert_eq!(report.likely(), [Cause::Key { taken }]);
    }
    let encoded = SecretKey::from_hex("\u{feff}00fe17").unwrap_err().to_string();
    assert!(encoded.contains("it begins with a byte order mark"), "{encoded}");
}

#[tokio::test]
async fn key_of_another_key_id_is_named() {
    let keys = KeyMap::named([("aservice", "akey"), ("bservice", "bkey")]).unwrap();
    let verifier = flask_verifier(keys.with_single(key("single")).unwrap());
    let named = |name: &str, text: &str| {
        let signer = Signer::new(FlaskHmac::new(), key(text)).with_key_id(name).unwrap();
        signer.sign(Request::post("/").body("body".to_owned()).unwrap()).unwrap()
    };
    let shown = [
        (named("aservice", "bkey"), "mismatch", "right with the key of \"bservice\""),
        (named("aservice", "single"), "mismatch", "right with the anonymous key"),
        (named("nobody", "akey"), "unknown_key", "right with the key of \"aservice\""),
    ];
    for (request, outcome, likely) in shown {
        let report = explain(&verifier, &request).await;
        assert_eq!(report.outcome(), outcome);
        let causes: Vec<_> = report.likely().iter().map(ToString::to_string).collect();
        assert_eq!(causes, [likely]);
    }
}

#[tokio::test]
async fn key_outside_its_validity_is_named() -> Result<(), ConfigError> {
    let old = KeyEntry::new(key(KEY)).with_not_after(NOW - 1);
    let keys = KeySet::new([KeyEntry::new(key("new")), old])?;
    let verifier = flask_verifier(KeyMap::single(keys).unwrap()).with_clock(ManualClock::new(NOW));
    let report = explain(&verifier, &flask_request(key(KEY), "body", "body")).await;
    assert_eq!(report.likely(), [Cause::KeyNotCurrent]);
    Ok(())
}

#[tokio::test]
async fn query_missing_from_the_signature_is_named() {
    let probe = || Probe { text: |head| head.uri.to_string(), ..Probe::new(Encoding::Hex) };
    let verifier = Verifier::new(probe(), KeyMap::single(key(KEY)).unwrap()).unwrap();
    let value = Encoding::Hex.encode(&tag(b"/pathbody"));
    let report = explain(&verifier, &probe_request(&value)).await;
    assert_eq!(report.likely(), [Cause::QueryDropped]);
    assert_eq!(report.signed_text(), Some("/path?query=1body"));
}

#[tokio::test]
async fn explain_restores_a_target_that_a_router_cut() {
    let probe = || Probe { text: |head| head.uri.to_string(), ..Probe::new(Encoding::Hex) };
    let verifier = Verifier::new(probe(), KeyMap::single(key(KEY)).unwrap()).unwrap();
    let value = Encoding::Hex.encode(&tag(b"/nested/pathbody"));
    let mut request = probe_request(&value);
    let original = "/nested/path?query=1".parse().unwrap();
    request.extensions_mut().insert(axum::extract::OriginalUri(original));
    let report = explain(&verifier, &request).await;
    assert_eq!(report.likely(), [Cause::QueryDropped]);
    assert_eq!(report.signed_text(), Some("/nested/path?query=1body"));
}

#[tokio::test]
async fn query_that_only_the_caller_signs_is_named() {
    let value = Encoding::Hex.encode(&tag(b"/path?query=1\nbody"));
    assert_eq!(probed(Encoding::Hex, &value).await, [Cause::QueryAdded]);
}

#[tokio::test]
async fn clock_that_is_off_is_named_with_the_seconds() {
    let verifier = Verifier::new(Timed::new(), KeyMap::single(key(KEY)).unwrap()).unwrap();
    let verifier = verifier.with_clock(ManualClock::new(NOW));
    for (then, cause, text) in [
        (
            NOW - 3600,
            Cause::Clock { seconds: -3600 },
            "clock off by 3600 seconds: the caller's is behind this one",
        ),
        (
            NOW + 301,
            Cause::Clock { seconds: 301 },
            "clock off by 301 seconds: the caller's is ahead of this one",
        ),
    ] {
        let signer = Signer::new(Timed::new(), key(KEY)).with_clock(ManualClock::new(then));
        let request = Request::get("/path").body(String::new()).unwrap();
        let report = explain(&verifier, &signer.sign(request).unwrap()).await;
        assert_eq!((report.outcome(), report.step()), ("stale", Some("window")));
        assert_eq!((report.created(), report.now()), (Some(then), NOW));
        assert_eq!(report.likely(), [cause]);
        assert_eq!(report.likely()[0].to_string(), text);
    }
}

#[tokio::test]
async fn clock_is_named_with_other_causes() {
    let verifier = Verifier::new(Timed::new(), KeyMap::single(key(KEY)).unwrap()).unwrap();
    let verifier = verifier.with_clock(ManualClock::new(NOW));
    let signer = Signer::new(Timed::new(), key(KEY)).with_clock(ManualClock::new(NOW - 400));
    let mut request = signer.sign(Request::post("/").body("body".to_owned()).unwrap()).unwrap();
    *request.body_mut() = "body\n".into();
    let report = explain(&verifier, &request).await;
    assert_eq!(report.likely(), [Cause::Clock { seconds: -400 }, Cause::BodyNewlineCut]);

    *request.body_mut() = "another body".into();
    let report = explain(&verifier, &request).await;
    assert_eq!(report.likely(), [], "the clock alone would not make it right");
}

#[tokio::test]
async fn no_cause_is_named_if_none_fits() {
    let verifier = flask_verifier(KeyMap::single(key(KEY)).unwrap());
    let report = explain(&verifier, &flask_request(key("unrelated"), "body", "body")).await;
    assert_eq!(report.likely(), []);
    assert!(report.to_string().contains("no known cause"));

    let unsigned = Request::post("/").body("body".to_owned()).unwrap();
    let report = explain(&verifier, &unsigned).await;
    assert_eq!((report.outcome(), report.step()), ("missing", Some("claim")));
    assert_eq!(report.likely(), []);
}

#[tokio::test]
async fn report_has_one_line_for_each_fact() {
    let verifier = flask_verifier(KeyMap::single(key(KEY)).unwrap());
    let unsigned = Request::post("/").body("body".to_owned()).unwrap();
    let table = [
        (flask_request(key(KEY), "body", "body"), "outcome: accepted\n", ""),
        (
            flask_request(key("unrelated"), "body", "body"),
            "outcome: mismatch, at step \"mac\": the signature does not match\n",
            "likely: no known cause; compare the client's text with this one\n",
        ),
        (
            flask_request(key(KEY), "body\n", "body"),
            "outcome: mismatch, at step \"mac\": the signature does not match\n",
            "likely: right with a newline added to the body\n",
        ),
    ];
    for (request, outcome, likely) in table {
        let claim = "scheme: flask-hmac\nkey ID: none, the anonymous key\nsigned text: \"body\"\n";
        let report = explain(&verifier, &request).await;
        assert_eq!(report.to_string(), format!("{outcome}{claim}{likely}"));
        assert_eq!(
            report.error().map_or("accepted", |error| error.kind().as_str()),
            report.outcome()
        );
    }
    let report = explain(&verifier, &unsigned).await;
    assert_eq!(
        report.to_string(),
        "outcome: missing, at step \"claim\": the request is not signed\n"
    );
}

#[cfg(feature = "sha1")]
#[tokio::test]
async fn expiry_is_reported() {
    let signer =
        Signer::new(tower_hmac::scheme::FostUrl::new(), key(KEY)).with_key_id("aservice").unwrap();
    let signer = signer.with_lifetime(Duration::from_secs(60)).with_clock(ManualClock::new(NOW));
    let link = signer.sign_url("http://www.example.com/a").unwrap();
    let request = Request::get(link.path_and_query().unwrap().as_str());
    let request = request.header("host", "www.example.com").body(String::new()).unwrap();
    let keys = KeyMap::named([("aservice", KEY)]).unwrap();
    let verifier = Verifier::new(tower_hmac::scheme::FostUrl::new(), keys).unwrap();
    let report = explain(&verifier.with_clock(ManualClock::new(NOW + 61)), &request).await;
    assert_eq!((report.outcome(), report.expires()), ("expired", Some(NOW + 60)));
    let line = format!("expires: {}, and now it is {}\n", NOW + 60, NOW + 61);
    assert!(report.to_string().contains(&line), "{report}");
}

#[tokio::test]
async fn replay_guard_is_not_asked() {
    struct Never;

    impl ReplayGuard for Never {
        fn claim(&self, _: &ReplayRequest<'_>) -> ReplayClaim {
            ReplayClaim::ready(Err::<Replay, _>("the guard was asked".into()))
        }
    }

    let verifier = || Verifier::new(Timed::new(), KeyMap::single(key(KEY)).unwrap()).unwrap();
    let signer = Signer::new(Timed::new(), key(KEY));
    let request = signer.sign(Request::post("/").body("body".to_owned()).unwrap()).unwrap();
    let report = explain(&verifier().with_replay_guard(Never).unwrap(), &request).await;
    assert_eq!(report.outcome(), "accepted");
    assert!(report.to_string().contains("the replay guard was not asked"));

    // The request can still be sent.
    let verifier = verifier().with_replay_guard(Once::default()).unwrap();
    explain(&verifier, &request).await;
    let (head, body) = request.into_parts();
    verifier.verify(&head, body.as_bytes()).await.unwrap();
    let again = verifier.verify(&head, body.as_bytes()).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Replayed);
}

#[tokio::test]
async fn disarmed_verifier_is_explained_as_if_armed() {
    let verifier = flask_verifier(KeyMap::single(key(KEY)).unwrap()).dangerous_disarmed(true);
    let report = explain(&verifier, &flask_request(key("unrelated"), "body", "body")).await;
    assert_eq!(report.outcome(), "mismatch");
}

#[tokio::test]
async fn second_scheme_is_explained_with_its_own_keys() {
    let verifier = flask_verifier(KeyMap::single(key("another")).unwrap());
    let verifier =
        verifier.or(Probe::new(Encoding::Hex), KeyMap::single(key(KEY)).unwrap()).unwrap();
    let value = Encoding::Hex.encode(&tag(b"/path?query=1\nbody"));
    let report = explain(&verifier, &probe_request(&value)).await;
    assert_eq!(report.scheme(), Some("probe"));
    assert_eq!(report.likely(), [Cause::QueryAdded]);
    let value = Encoding::Base64.encode(&tag(b"/path\nbody"));
    let report = explain(&verifier, &probe_request(&value)).await;
    assert_eq!(report.likely(), [Cause::Encoding { sent: "base64", expected: "hex" }]);
}

#[tokio::test]
async fn long_body_is_shortened_and_bytes_are_shown() {
    let verifier = flask_verifier(KeyMap::single(key(KEY)).unwrap());
    let long = format!("begin{}end\n", "-".repeat(100_000));
    let report = explain(&verifier, &flask_request(key(KEY), "", &long)).await;
    let text = report.signed_text().unwrap();
    assert!(text.starts_with("begin--") && text.ends_with("--end\n"), "{text}");
    assert!(text.contains("[... 99689 bytes ...]"), "{text}");
    assert!(text.len() < 500);

    for (size, is_whole) in [(300, true), (512, true), (513, false)] {
        let body = "-".repeat(size);
        let report = explain(&verifier, &flask_request(key(KEY), "", &body)).await;
        assert_eq!(report.signed_text() == Some(&body), is_whole, "{size}");
    }

    let (head, _) = flask_request(key(KEY), "", "").into_parts();
    let report = verifier.explain(&head, b"a\xff\n").await;
    assert_eq!(report.signed_text(), Some("a\\xff\n"));
}

#[cfg(feature = "serde")]
#[tokio::test]
async fn report_serializes_to_json() {
    let verifier = flask_verifier(KeyMap::single(key(KEY)).unwrap());
    let json = |report: Report| serde_json::to_string(&report).unwrap();
    let report = explain(&verifier, &flask_request(key(KEY), "body", "body\n")).await;
    let expected = concat!(
        r#"{"outcome":"mismatch","step":"mac","signed_text":"body\n","#,
        r#""likely":["right with the body's last newline cut off"]}"#,
    );
    assert_eq!(json(report), expected);
    let report = explain(&verifier, &flask_request(key(KEY), "", "")).await;
    let expected = r#"{"outcome":"accepted","step":null,"signed_text":"","likely":[]}"#;
    assert_eq!(json(report), expected);
}

/// A signed request of a scheme, and the position of its tag: in which header (in the target, if
/// there is none), after which text, and in which encoding.
struct Subject {
    scheme: Arc<dyn Scheme>,
    request: Request<String>,
    tag: (&'static str, &'static str, Encoding),
}

fn subject(
    scheme: impl Scheme + 'static,
    key_id: Option<&str>,
    target: &str,
    tag: (&'static str, &'static str, Encoding),
) -> Subject {
    let scheme: Arc<dyn Scheme> = Arc::new(scheme);
    let mut signer = Signer::new(scheme.clone(), key(KEY))
        .with_clock(ManualClock::new(NOW))
        .with_lifetime(Duration::from_secs(60));
    if let Some(key_id) = key_id {
        signer = signer.with_key_id(key_id).unwrap();
    }
    let uri = format!("http://localhost{target}");
    let request = match target.contains('?') {
        true => Request::get(uri).body(String::new()),
        false => Request::post(uri).body("body".to_owned()),
    };
    Subject { scheme, request: signer.sign(request.unwrap()).unwrap(), tag }
}

/// The unchanged schemes: none of them has code for `explain`.
fn subjects() -> Vec<Subject> {
    use tower_hmac::scheme::{FlaskHmacPath, Fost, FostUrl};
    use tower_hmac::{HeaderScheme, MessageSignatures};

    let sha256 = HeaderScheme::new("x-signature").unwrap().with_prefix("sha256=").unwrap();
    let in_authorization = ("authorization", ":", Encoding::Base64);
    let in_dictionary = ("signature", "=:", Encoding::Base64);
    let (get, post) = ("/path?query=1", "/path");
    vec![
        subject(FlaskHmac::new(), None, post, ("signature", "", Encoding::Base64)),
        subject(FlaskHmacPath::new(), None, get, ("hmac", "", Encoding::Base64UrlNoPad)),
        subject(Fost::new(), Some("mine"), post, in_authorization),
        subject(Fost::new(), Some("mine"), get, in_authorization),
        subject(FostUrl::new(), Some("mine"), get, ("", "_s=", Encoding::Base64)),
        subject(sha256, None, post, ("x-signature", "sha256=", Encoding::Hex)),
        subject(MessageSignatures::new(), Some("mine"), post, in_dictionary),
        subject(MessageSignatures::new(), Some("mine"), get, in_dictionary),
    ]
}

impl Subject {
    fn verifier(&self, mine: &str, yours: &str) -> Verifier {
        let keys = KeyMap::single(key(mine)).unwrap().with_key("mine", mine).unwrap();
        let keys = keys.with_key("yours", yours).unwrap();
        Verifier::new(self.scheme.clone(), keys).unwrap().with_clock(ManualClock::new(NOW))
    }

    /// Returns the request with its tag in an encoding that the scheme does not use.
    fn in_another_encoding(&self) -> Request<String> {
        let (header, before, encoding) = self.tag;
        let mut request = self.request.clone();
        let old = match header {
            "" => request.uri().to_string(),
            _ => request.headers()[header].to_str().unwrap().to_owned(),
        };
        let start = old.find(before).unwrap() + before.len();
        let end = old[start..].find([':', '&']).map_or(old.len(), |len| start + len);
        let plain = old[start..end].replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
        let tag = encoding.decode_tag(&plain, self.scheme.algorithm());
        assert!(tag.is_some(), "{plain}");
        let engine = match encoding {
            Encoding::Base64 => base64::engine::general_purpose::STANDARD,
            _ => base64::engine::general_purpose::URL_SAFE_NO_PAD,
        };
        let recoded = match encoding {
            Encoding::Hex => {
                let digits = plain.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap());
                let bytes: Vec<_> =
                    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
                Encoding::Base64.encode(&bytes)
            }
            _ => Encoding::Hex.encode(&engine.decode(&plain).unwrap()),
        };
        let new = format!("{}{recoded}{}", &old[..start], &old[end..]);
        match header {
            "" => *request.uri_mut() = new.parse().unwrap(),
            _ => drop(request.headers_mut().insert(header, new.parse().unwrap())),
        }
        request
    }
}

#[tokio::test]
async fn every_scheme_is_explained() {
    for subject in subjects() {
        let Subject { request, .. } = &subject;
        let verifier = subject.verifier(KEY, "another key");
        let report = explain(&verifier, request).await;
        let name = report.scheme().unwrap();
        assert_eq!(report.outcome(), "accepted", "{name}: {report}");

        let mut with_newline = request.clone();
        with_newline.body_mut().push('\n');
        let report = explain(&verifier, &with_newline).await;
        assert_eq!(report.likely(), [Cause::BodyNewlineCut], "{name}: {report}");

        let report = explain(&verifier, &subject.in_another_encoding()).await;
        assert_eq!(report.likely().len(), 1, "{name}: {report}");
        assert!(matches!(report.likely()[0], Cause::Encoding { .. }), "{name}: {report}");

        let mixed_up = subject.verifier("another key", KEY);
        let report = explain(&mixed_up, request).await;
        assert_eq!(report.likely(), [Cause::OtherKey(Some(KeyId::new("yours").unwrap()))]);

        if report.created().is_some() {
            let late = subject.verifier(KEY, "other").with_clock(ManualClock::new(NOW + 3600));
            let report = explain(&late, request).await;
            assert_eq!(report.likely(), [Cause::Clock { seconds: -3600 }], "{name}: {report}");
        }
    }
}

#[test]
fn conformance_program_explains() {
    let config = json!({"app_config": {"HMAC_KEYS": {"aservice": "akey", "bservice": "bkey"}}});
    let line =
        json!({"method": "POST", "url": "/", "body_base64": "Ym9keQ==", "key_id": "aservice"});
    let signed = conformance_lines("sign", &config, &[line]).remove(0);
    let received = |body: &str| {
        let body = Encoding::Base64.encode(body.as_bytes());
        let headers = signed["headers"].clone();
        json!({"method": "POST", "url": "/", "headers": headers, "body_base64": body})
    };
    let lines = [received("body"), received("body\n"), json!({"method": "GET", "url": "/"})];
    let reports = conformance_lines("explain", &config, &lines);
    let expected = [
        json!({"outcome": "accepted", "step": null, "signed_text": "body", "likely": []}),
        json!({
            "outcome": "mismatch",
            "step": "mac",
            "signed_text": "body\n",
            "likely": ["right with the body's last newline cut off"],
        }),
        json!({"outcome": "missing", "step": "claim", "signed_text": null, "likely": []}),
    ];
    assert_eq!(reports, expected);
}

#[tokio::test]
async fn explaining_can_be_spawned() {
    let subject = subjects().remove(0);
    let verifier = subject.verifier(KEY, "other");
    let (head, body) = subject.request.into_parts();
    let report =
        tokio::spawn(async move { verifier.explain(&head, body.as_bytes()).await }).await.unwrap();
    assert_eq!(report.outcome(), "accepted");
}

#[tokio::test]
async fn explain_uses_the_target_as_first_received() {
    let probe = Probe { text: |head| head.uri.to_string(), ..Probe::new(Encoding::Hex) };
    let verifier = Verifier::new(probe, KeyMap::single(key(KEY)).unwrap()).unwrap();
    let explain_cut = async |signed: &[u8]| {
        let mut request = probe_request(&Encoding::Hex.encode(&tag(signed)));
        let original = "/api/path?query=1".parse().unwrap();
        request.extensions_mut().insert(axum::extract::OriginalUri(original));
        explain(&verifier, &request).await
    };
    let report = explain_cut(b"/api/path?query=1body").await;
    assert_eq!(report.outcome(), "accepted");
    let report = explain_cut(b"/api/pathbody").await;
    assert_eq!(report.signed_text(), Some("/api/path?query=1body"));
    assert_eq!(report.likely(), [Cause::QueryDropped]);
}

#[test]
fn explain_counts_nothing() {
    let recorder = metrics_util::debugging::DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let verifier = flask_verifier(KeyMap::single(key(KEY)).unwrap());
    let request = flask_request(key("unrelated"), "body", "body");
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(explain(&verifier, &request));
        assert!(snapshotter.snapshot().into_vec().is_empty());
        let (head, body) = request.clone().into_parts();
        let _ = runtime.block_on(verifier.verify(&head, body.as_bytes()));
        assert!(!snapshotter.snapshot().into_vec().is_empty(), "the recorder works");
    });
}
