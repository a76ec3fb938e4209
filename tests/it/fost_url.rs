//! FOST URLs.
#![cfg(feature = "sha1")]
#![allow(clippy::similar_names)] // signer, signed

mod properties;

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::OriginalUri;
use axum::routing::get;
use futures_util::FutureExt as _;
use http::{HeaderValue, Request, StatusCode, Uri};
use serde::Deserialize;
use std::collections::BTreeMap;
use tower::ServiceExt as _;
use tower_hmac::clock::ManualClock;
use tower_hmac::crypto::Mac;
use tower_hmac::replay::ReplayGuard;
use tower_hmac::replay::{Replay, ReplayClaim, ReplayKey, ReplayRequest};
use tower_hmac::scheme::FostUrl;
use tower_hmac::testing::signed_text;
use tower_hmac::{
    Algorithm, ErrorKind, KeyMap, SecretKey, SignError, Signer, Verified, Verifier, VerifyLayer,
};

use crate::support::twice;

const NOW: i64 = 1_303_874_797;
const HOST: &str = "www.example.com";

fn verifier(scheme: FostUrl) -> Verifier {
    let keys = KeyMap::named([("key-value", "secret-value"), ("a/b c+ä", "other")]).unwrap();
    Verifier::new(scheme, keys).unwrap().with_clock(ManualClock::new(NOW))
}

fn signer() -> Signer<FostUrl> {
    Signer::new(FostUrl::new(), SecretKey::new("secret-value").unwrap())
        .with_key_id("key-value")
        .unwrap()
        .with_lifetime(Duration::from_secs(60))
        .with_clock(ManualClock::new(NOW))
}

fn checked(verifier: Verifier, request: &Request<String>) -> Result<Verified, ErrorKind> {
    twice::checked(verifier, request).map_err(|error| error.kind())
}

fn verify(request: &Request<String>) -> Result<Verified, ErrorKind> {
    checked(verifier(FostUrl::new()), request)
}

fn fetch(target: impl AsRef<str>) -> Request<String> {
    Request::get(target.as_ref()).header("Host", HOST).body(String::new()).unwrap()
}

fn sha1(document: &str) -> String {
    let mut mac = Mac::new(Algorithm::Sha1, &SecretKey::new("secret-value").unwrap());
    mac.update(document.as_bytes());
    tower_hmac::scheme::Encoding::Base64.encode(mac.finalize().as_bytes())
}

/// Makes the three parameters for a document, without this crate's scheme.
fn parameters(document: &str, expires: &str) -> String {
    let tag = sha1(document).replace('+', "%2B").replace('=', "%3D");
    format!("_k=key-value&_e={expires}&_s={tag}")
}

fn is(kind: ErrorKind) -> impl Fn(ErrorKind) -> bool {
    move |other| kind == other
}

#[derive(Deserialize)]
struct Vectors {
    urls: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    secret: String,
    key: String,
    host: String,
    path: String,
    query: String,
    expires: String,
    document: String,
    signature: String,
    params: BTreeMap<String, String>,
    want: String,
}

impl Vector {
    fn all() -> Vec<Self> {
        let text = include_str!("../vectors/fost.json");
        serde_json::from_str::<Vectors>(text).unwrap().urls
    }

    fn expires(&self) -> i64 {
        self.expires.parse().unwrap()
    }

    /// The target with its parameters, before or after the rest.
    fn target(&self, first: bool, escape: impl Fn(&str) -> String) -> String {
        let ours: Vec<_> =
            self.params.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
        let ours = ours.join("&");
        let mut pieces = vec![ours.as_str(), self.query.as_str()];
        if !first {
            pieces.reverse();
        }
        pieces.retain(|piece| !piece.is_empty());
        format!("{}?{}", self.path, pieces.join("&"))
    }

    fn verified(&self, request: &Request<String>, now: i64) -> Result<Verified, ErrorKind> {
        let keys = KeyMap::named([(self.key.as_str(), self.secret.as_str())]).unwrap();
        let verifier =
            Verifier::new(FostUrl::new(), keys).unwrap().with_clock(ManualClock::new(now));
        checked(verifier, request)
    }
}

#[test]
fn published_vectors_are_verified_as_published() {
    let upper = |text: &str| text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let lower = |text: &str| text.replace('+', "%2b").replace('/', "%2f").replace('=', "%3d");
    let least = |text: &str| text.replace('+', "%2B");
    for vector in Vector::all() {
        assert_eq!(vector.want, "accept", "no other kind is there yet");
        for first in [true, false] {
            for target in [
                vector.target(first, upper),
                vector.target(first, lower),
                vector.target(first, least),
            ] {
                let request = Request::get(&target).header("Host", &vector.host);
                let request = request.body(String::new()).unwrap();
                let verified = vector.verified(&request, vector.expires() - 10).unwrap();
                assert_eq!(verified.key_id().unwrap(), &vector.key.as_str(), "{}", vector.name);
                assert_eq!(verified.scheme(), "fost-url");

                let text = signed_text(&FostUrl::new(), &request.into_parts().0, b"").unwrap();
                assert_eq!(String::from_utf8(text).unwrap(), vector.document, "{target}");
            }
        }
    }
}

#[test]
fn links_work_in_their_last_second_and_not_after_it() {
    for vector in Vector::all() {
        let target = vector.target(true, |text| text.replace('+', "%2B"));
        let request =
            Request::get(target).header("Host", &vector.host).body(String::new()).unwrap();
        for (now, accepted) in [(-1, true), (0, true), (1, false)] {
            let outcome = vector.verified(&request, vector.expires() + now);
            assert_eq!(outcome.is_ok(), accepted, "{now} s");
            assert!(accepted || outcome.is_err_and(is(ErrorKind::Expired)));
        }
        assert!(vector.verified(&request, i64::MIN).is_ok());
        assert!(vector.verified(&request, i64::MAX).is_err());
    }
}

#[test]
fn vectors_are_signed_as_published() {
    for vector in Vector::all() {
        let signer = Signer::new(FostUrl::new(), SecretKey::new(vector.secret.as_str()).unwrap())
            .with_key_id(vector.key.as_str())
            .unwrap()
            .with_lifetime(Duration::from_secs(100))
            .with_clock(ManualClock::new(vector.expires() - 100));
        let mark = if vector.query.is_empty() { "" } else { "?" };
        let url = format!("https://{}{}{mark}{}", vector.host, vector.path, vector.query);
        let signed = signer.sign_url(url).unwrap().to_string();
        let escaped = vector.signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        let ours = format!("_k={}&_e={}&_s={escaped}", vector.key, vector.expires);
        let rest = vector.query.clone() + if mark.is_empty() { "" } else { "&" };
        assert_eq!(signed, format!("https://{}{}?{rest}{ours}", vector.host, vector.path));
    }
}

#[test]
fn the_signer_writes_what_python_computes() {
    let url = "http://www.example.com:8080/caf%C3%A9%201?q=v&t=c#part";
    let signed = signer().sign_url(url).unwrap();
    assert_eq!(
        signed,
        "http://www.example.com:8080/caf%C3%A9%201?q=v&t=c\
         &_k=key-value&_e=1303874857&_s=yK18xURzbg7lzTQnQqtYk5%2Beg1Y%3D",
    );
    // A request arrives with an authority in its target, or with a path and a `Host` header.
    let absolute = Request::get(&signed).body(String::new()).unwrap();
    assert!(verify(&absolute).is_ok());
    let target = signed.path_and_query().unwrap().as_str();
    let origin = Request::get(target).header("Host", "www.example.com:8080");
    assert!(verify(&origin.body(String::new()).unwrap()).is_ok());
}

#[test]
fn requests_without_the_parameters_are_missing() {
    for target in ["/", "/?a=1", "/?_s2=1&_kk=a&__e=1&_K=a", "/?x=_k"] {
        assert_eq!(verify(&fetch(target)).unwrap_err(), ErrorKind::Missing, "{target}");
    }
}

#[test]
fn missing_and_duplicate_parameters_are_malformed() {
    let ours = parameters("www.example.com/a\n1303874857", "1303874857");
    assert!(verify(&fetch(format!("/a?{ours}"))).is_ok());
    let pieces: Vec<_> = ours.split('&').collect();
    for missing in 0..3 {
        let mut left = pieces.clone();
        let gone = left.remove(missing);
        let name = gone.split_once('=').unwrap().0;
        for (what, query) in [
            ("missing", left.join("&")),
            ("twice", format!("{ours}&{gone}")),
            ("twice, once empty", format!("{name}=&{ours}")),
            ("twice, once bare", format!("{ours}&{name}")),
            ("empty", format!("{}&{name}=", left.join("&"))),
            ("bare", format!("{name}&{}", left.join("&"))),
            ("alone", gone.to_owned()),
        ] {
            let outcome = verify(&fetch(format!("/a?{query}")));
            assert_eq!(outcome.unwrap_err(), ErrorKind::Malformed, "{name} {what}");
        }
    }
}

#[test]
fn parameters_added_after_signing_are_rejected() {
    let signed = signer().sign_url("http://www.example.com/a?b=1").unwrap();
    let target = signed.path_and_query().unwrap().to_string();
    assert!(verify(&fetch(&target)).is_ok());
    for more in ["_s2=1", "_s2", "_sort=b", "_kind=1", "_extra=1", "%5Fk=x", "_S=a", "x", "", "b=1"]
    {
        for target in [format!("{target}&{more}"), target.replacen('?', &format!("?{more}&"), 1)] {
            let outcome = verify(&fetch(&target));
            assert_eq!(outcome.unwrap_err(), ErrorKind::Mismatch, "{target}");
        }
    }
}

#[test]
fn other_parameters_are_signed_as_sent() {
    for rest in
        ["_s2=1", "_s2", "_sort=b&_k2=c", "a+b", "a=%2F%0a", "&", "&&a", "?", "a?b=/c", "_K"]
    {
        let document = format!("www.example.com/a?{rest}\n1303874857");
        let ours = parameters(&document, "1303874857");
        let (first, others) = ours.split_once('&').unwrap();
        for query in [format!("{rest}&{ours}"), format!("{first}&{rest}&{others}")] {
            assert!(verify(&fetch(format!("/a?{query}"))).is_ok(), "{query}");
        }
        let signed = signer().sign_url(format!("http://www.example.com/a?{rest}")).unwrap();
        assert!(verify(&fetch(signed.path_and_query().unwrap().as_str())).is_ok(), "{rest}");
    }
}

#[test]
fn expiries_that_are_not_whole_seconds_are_rejected() {
    for expires in [
        "",
        "never",
        "-9223372036854775808",
        "9223372036854775807",
        "-1",
        "%2B1",
        "+1303874857",
        "01303874857",
        "00",
        "1303874857.0",
        "1e9",
        "0x4DB78D69",
        "%201303874857",
        "1303874857%0A",
        "13038%2074857",
        "%ff",
        "%3",
        "1234567890123456789012345678901234567890",
    ] {
        let ours = parameters(&format!("www.example.com/a\n{expires}"), expires);
        let outcome = verify(&fetch(format!("/a?{ours}")));
        assert_eq!(outcome.unwrap_err(), ErrorKind::Malformed, "{expires}");
    }
    for expires in ["0", "1", "999999999999999999"] {
        let ours = parameters(&format!("www.example.com/a\n{expires}"), expires);
        let outcome = verify(&fetch(format!("/a?{ours}")));
        assert_eq!(outcome.err(), (expires.len() == 1).then_some(ErrorKind::Expired));
    }
    let escaped = parameters("www.example.com/a\n1303874857", "%31303874857");
    assert!(verify(&fetch(format!("/a?{escaped}"))).is_ok(), "digits may be escaped");
}

#[test]
fn lifetimes_over_the_maximum_are_rejected() {
    let scheme = || FostUrl::new().with_max_lifetime(Duration::from_secs(60));
    for (lifetime, accepted) in [(59, true), (60, true), (61, false), (i64::MAX as u64, false)] {
        let expires = NOW.saturating_add_unsigned(lifetime).min(999_999_999_999_999_999);
        let ours = parameters(&format!("www.example.com/a\n{expires}"), &expires.to_string());
        let outcome = checked(verifier(scheme()), &fetch(format!("/a?{ours}")));
        assert_eq!(outcome.err(), (!accepted).then_some(ErrorKind::Expired), "{lifetime}");

        let signer = Signer::new(scheme(), SecretKey::new("secret-value").unwrap())
            .with_key_id("key-value")
            .unwrap()
            .with_lifetime(Duration::from_secs(lifetime))
            .with_clock(ManualClock::new(NOW));
        assert_eq!(signer.sign_url("http://www.example.com/a").is_ok(), accepted, "{lifetime}");
    }
}

#[test]
fn another_hash_is_signed_and_required() {
    let sha256 = || FostUrl::new().with_algorithm(Algorithm::Sha256);
    let signer = Signer::new(sha256(), SecretKey::new("secret-value").unwrap())
        .with_key_id("key-value")
        .unwrap()
        .with_lifetime(Duration::from_secs(60))
        .with_clock(ManualClock::new(NOW));
    let link = signer.sign_url("http://www.example.com/a").unwrap();
    let link = fetch(link.path_and_query().unwrap().as_str());
    let verified = checked(verifier(sha256()), &link).unwrap();
    assert_eq!(verified.algorithm(), Some(Algorithm::Sha256));
    assert!(verify(&link).is_err_and(is(ErrorKind::Malformed)));
}

#[test]
fn links_without_expiry_are_accepted_if_configured() {
    let scheme = || FostUrl::new().dangerous_no_expiry();
    let document = "www.example.com/a\n";
    let ours = parameters(document, "").replace("_e=&", "");
    let endless = fetch(format!("/a?{ours}"));
    assert_eq!(verify(&endless).unwrap_err(), ErrorKind::Malformed);
    assert!(checked(verifier(scheme()), &endless).is_ok());

    // An expiry is checked if it is present, and an empty one is malformed.
    let over = parameters("www.example.com/a\n1303874796", "1303874796");
    let outcome = checked(verifier(scheme()), &fetch(format!("/a?{over}")));
    assert!(outcome.is_err_and(is(ErrorKind::Expired)));
    let empty = parameters(document, "");
    let outcome = checked(verifier(scheme()), &fetch(format!("/a?{empty}")));
    assert!(outcome.is_err_and(is(ErrorKind::Malformed)));

    let signer = |scheme| {
        Signer::new(scheme, SecretKey::new("secret-value").unwrap())
            .with_key_id("key-value")
            .unwrap()
    };
    let signed = signer(scheme()).sign_url("http://www.example.com/a").unwrap();
    assert_eq!(signed.query().unwrap().split('&').count(), 2);
    assert!(checked(verifier(scheme()), &fetch(signed.path_and_query().unwrap().as_str())).is_ok());
    let error = signer(FostUrl::new()).sign_url("http://www.example.com/a").unwrap_err();
    assert!(matches!(error, SignError::Request(_)), "a lifetime is needed otherwise");
}

#[test]
fn a_plus_in_a_value_is_rejected() {
    let keys = Signer::new(FostUrl::new(), SecretKey::new("other").unwrap())
        .with_key_id("a/b c+ä")
        .unwrap()
        .with_lifetime(Duration::from_secs(60))
        .with_clock(ManualClock::new(NOW));
    let signed = keys.sign_url("http://www.example.com/a").unwrap();
    let target = signed.path_and_query().unwrap().to_string();
    assert!(target.starts_with("/a?_k=a%2Fb%20c%2B%C3%A4&_e="), "{target}");
    for target in [target.clone(), target.replace("%2F", "/"), target.replace("%C3%A4", "%c3%a4")] {
        assert_eq!(verify(&fetch(&target)).unwrap().key_id().unwrap(), &"a/b c+ä", "{target}");
    }
    for (from, to) in [
        ("c%2B", "c+"),
        ("b%20c", "b+c"),
        ("%C3%A4", "%C3"),
        ("%C3%A4", "%zz"),
        ("a%2Fb%20c%2B%C3%A4", ""),
        ("%3D", ""),
        ("%3D", "%3D%3D"),
        ("_s=", "_s=%20"),
        ("_s=", "_s=+"),
    ] {
        let outcome = verify(&fetch(target.replacen(from, to, 1)));
        assert_eq!(outcome.unwrap_err(), ErrorKind::Malformed, "{from} as {to}");
    }
}

#[test]
fn other_methods_and_bodies_are_rejected() {
    let signed = signer().sign_url("http://www.example.com/a").unwrap();
    let with = |method: &str, body: &str| {
        Request::builder().method(method).uri(&signed).body(body.to_owned()).unwrap()
    };
    assert!(verify(&with("GET", "")).is_ok());
    assert!(verify(&with("HEAD", "")).is_ok());
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "get"] {
        assert_eq!(verify(&with(method, "")).unwrap_err(), ErrorKind::Malformed, "{method}");
        assert!(
            signer()
                .sign(Request::builder().method(method).uri("http://a/").body("").unwrap())
                .is_err()
        );
    }
    for method in ["GET", "HEAD"] {
        assert_eq!(verify(&with(method, "x")).unwrap_err(), ErrorKind::Malformed, "{method}");
        let careless = verifier(FostUrl::new().dangerous_unsigned_body());
        assert!(checked(careless, &with(method, "x")).is_ok());
    }
}

#[test]
fn another_host_is_rejected() {
    let signed = signer().sign_url("http://www.example.com/a").unwrap();
    let target = signed.path_and_query().unwrap().as_str();
    let kind = |target: &str, hosts: &[&str]| {
        let mut request = Request::get(target);
        for host in hosts {
            request = request.header("Host", *host);
        }
        verify(&request.body(String::new()).unwrap()).err()
    };
    let absolute = signed.to_string();
    assert_eq!(kind(target, &[HOST]), None);
    assert_eq!(kind(&absolute, &[]), None);
    assert_eq!(kind(&absolute, &[HOST]), None);
    assert_eq!(kind(&absolute.replace("http:", "https:"), &[]), None);

    assert_eq!(kind(target, &["www.example.org"]), Some(ErrorKind::Mismatch));
    assert_eq!(kind(target, &["WWW.example.com"]), Some(ErrorKind::Mismatch));
    assert_eq!(kind(target, &["www.example.com:80"]), Some(ErrorKind::Mismatch));
    assert_eq!(kind(&absolute.replace(".com", ".org"), &[]), Some(ErrorKind::Mismatch));

    assert_eq!(kind(target, &[]), Some(ErrorKind::Malformed), "no host");
    assert_eq!(kind(target, &[HOST, HOST]), Some(ErrorKind::Malformed), "two hosts");
    assert_eq!(kind(&absolute, &["www.example.org"]), Some(ErrorKind::Malformed), "different");
    assert_eq!(kind(&absolute, &["WWW.example.com:80"]), None, "one host in two spellings");
    for host in ["", "a b", "www.example.com/", "www.example.com?", "u@www.example.com", "a:b:c"] {
        assert_eq!(kind(target, &[host]), Some(ErrorKind::Malformed), "{host}");
    }
}

/// A client that opens the link sends `Host` without the default port (RFC 9110 section 4.2.3).
#[test]
fn a_link_with_the_default_port_works() {
    for (url, link) in [
        ("http://www.example.com:80/a", "http://www.example.com/a?"),
        ("https://www.example.com:443/a", "https://www.example.com/a?"),
    ] {
        let signed = signer().sign_url(url).unwrap();
        assert!(signed.to_string().starts_with(link), "{signed}");
        let target = signed.path_and_query().unwrap().as_str();
        assert!(verify(&fetch(target)).is_ok(), "{url}");
    }
    let signed = signer().sign_url("https://www.example.com:80/a").unwrap();
    assert_eq!(signed.port_u16(), Some(80));
}

#[test]
fn bytes_cannot_move_from_path_to_host() {
    // Both links have the same document in the old system.
    let ours = parameters("www.example.com/a/b\n1303874857", "1303874857");
    assert!(verify(&fetch(format!("/a/b?{ours}"))).is_ok());
    let mut moved = fetch(format!("/b?{ours}"));
    moved.headers_mut().insert("Host", HeaderValue::from_static("www.example.com/a"));
    assert_eq!(verify(&moved).unwrap_err(), ErrorKind::Malformed);
}

#[test]
fn bytes_cannot_move_from_query_to_path() {
    // Both links have the same document in the old system.
    let ours = parameters("www.example.com/a?b\n1303874857", "1303874857");
    assert!(verify(&fetch(format!("/a?b&{ours}"))).is_ok());
    assert_eq!(verify(&fetch(format!("/a%3Fb?{ours}"))).unwrap_err(), ErrorKind::Malformed);
    assert_eq!(verify(&fetch(format!("/a%3fb?{ours}"))).unwrap_err(), ErrorKind::Malformed);
}

#[test]
fn paths_are_signed_decoded_and_unambiguous() {
    for (path, decoded) in [("/a%20b", "/a b"), ("/caf%c3%A9", "/café"), ("//a/../b", "//a/../b")]
    {
        let ours = parameters(&format!("www.example.com{decoded}\n1303874857"), "1303874857");
        assert!(verify(&fetch(format!("{path}?{ours}"))).is_ok(), "{path}");
    }
    for (path, decoded) in [
        ("/a%2Fb", "/a/b"),
        ("/a%2fb", "/a/b"),
        ("/a%252Fb", "/a%2Fb"),
        ("/a%0A1", "/a\n1"),
        ("/a%0D1", "/a\r1"),
        ("/a%", "/a%"),
        ("/a%zz", "/a%zz"),
        ("/caf%e9", "/caf\u{fffd}"),
    ] {
        let ours = parameters(&format!("www.example.com{decoded}\n1303874857"), "1303874857");
        let outcome = verify(&fetch(format!("{path}?{ours}")));
        assert_eq!(outcome.unwrap_err(), ErrorKind::Malformed, "{path}");
    }
}

#[test]
fn urls_that_a_server_would_reject_are_not_signed() {
    for url in [
        "/a",
        "www.example.com",
        "http://u:p@www.example.com/",
        "http://www.example.com/a%2Fb",
        "http://www.example.com/a%3Fb",
        "http://www.example.com/a b",
        "",
    ] {
        assert!(signer().sign_url(url).is_err(), "{url}");
    }
    let once = signer().sign_url("http://www.example.com/?a=1").unwrap();
    assert_eq!(signer().sign_url(once.clone()).unwrap_err(), SignError::AlreadySigned);
    let again = signer().with_clock(ManualClock::new(NOW - 1)).replace_signature();
    let again = again.sign_url(once).unwrap();
    assert!(again.query().unwrap().starts_with("a=1&_k=key-value&_e=1303874856&_s="));

    for now in [i64::MIN, i64::MAX, -61] {
        let signer = signer().with_clock(ManualClock::new(now));
        assert!(signer.sign_url("http://www.example.com/").is_err(), "{now}");
    }
    let anonymous = Signer::new(FostUrl::new(), SecretKey::new("secret-value").unwrap())
        .with_lifetime(Duration::from_secs(60));
    let error = anonymous.sign_url("http://www.example.com/").unwrap_err();
    assert!(matches!(error, SignError::KeyId(_)));
}

/// A guard that never forgets.
#[derive(Default)]
struct Seen(Mutex<HashSet<ReplayKey>>);

impl ReplayGuard for Seen {
    fn claim(&self, request: &ReplayRequest<'_>) -> ReplayClaim {
        assert_eq!(request.keep_until(), NOW + 60, "as long as the link works");
        let is_new = self.0.lock().unwrap().insert(*request.key());
        ReplayClaim::ready(Ok(if is_new { Replay::Claimed } else { Replay::Seen }))
    }
}

#[test]
fn a_head_request_uses_up_the_link() {
    for (first, second) in [("HEAD", "GET"), ("GET", "HEAD"), ("GET", "GET")] {
        let verifier = verifier(FostUrl::new()).with_replay_guard(Seen::default()).unwrap();
        let signed = signer().sign_url("http://www.example.com/a").unwrap();
        let target = signed.path_and_query().unwrap().as_str();
        // The parameter is at another position, or escaped differently: still the same link.
        let (path, query) = target.split_once('?').unwrap();
        let (key_id, others) = query.split_once('&').unwrap();
        let moved = format!("{}?&{others}&{key_id}", path.replace('a', "%61"));
        for (method, target, accepted) in
            [(first, target, true), (second, target, false), (second, moved.as_str(), false)]
        {
            let request = Request::builder().method(method).uri(target).header("Host", HOST);
            let (head, ()) = request.body(()).unwrap().into_parts();
            let outcome = verifier.verify(&head, b"").now_or_never().unwrap();
            let kind = outcome.err().map(|error| error.kind());
            assert_eq!(kind, (!accepted).then_some(ErrorKind::Replayed), "{first}, {second}");
        }
    }
}

#[test]
fn links_without_expiry_cannot_have_a_replay_guard() {
    let scheme = FostUrl::new().dangerous_no_expiry();
    assert!(verifier(scheme).with_replay_guard(Seen::default()).is_err());
}

#[tokio::test]
async fn links_are_verified_as_first_received_and_stripped() {
    let echo = get(|uri: Uri, OriginalUri(original): OriginalUri| async move {
        format!("{uri} {original}")
    });
    let layer = VerifyLayer::from(verifier(FostUrl::new())).strip_signature();
    let app = Router::new().nest("/a", Router::new().route("/b", echo).layer(layer));
    for (url, left) in [
        ("http://www.example.com/a/b?c=1&d", "http://www.example.com/b?c=1&d"),
        ("http://www.example.com/a/b", "http://www.example.com/b"),
        ("http://www.example.com/a/b?", "http://www.example.com/b"),
    ] {
        let signed = signer().sign_url(url).unwrap();
        let request = Request::get(&signed).body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{signed}");
        let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
        assert_eq!(body, format!("{left} {}", left.replace("/b", "/a/b")));

        // The rest of the path is signed as if it were the whole path.
        let inner = signer().sign_url(url.replace("/a/b", "/b")).unwrap();
        let moved = inner.to_string().replace("com/b", "com/a/b");
        let request = Request::get(moved).body(Body::empty()).unwrap();
        assert_eq!(app.clone().oneshot(request).await.unwrap().status(), StatusCode::FORBIDDEN);
    }
}
