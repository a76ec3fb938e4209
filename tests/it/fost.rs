//! FOST requests.
#![cfg(feature = "sha1")]
#![allow(clippy::similar_names)] // signer, signed

mod properties;

use std::time::Duration;

use axum::body::Body;
use axum::routing::get;
use axum::{Extension, Router};
use http::request::Parts;
use http::{HeaderValue, Request, StatusCode};
use serde::Deserialize;
use tower::ServiceExt as _;
use tower_hmac::clock::ManualClock;
use tower_hmac::crypto::Mac;
use tower_hmac::scheme::Fost;
use tower_hmac::testing::signed_text;
use tower_hmac::{
    Algorithm, ErrorKind, FlaskHmac, KeyMap, Scheme as _, SecretKey, SignError, Signer, Verified,
    Verifier, VerifyLayer,
};

use crate::support::twice;

/// The time of the published requests, 2011-04-27 03:26:37 UTC.
const NOW: i64 = 1_303_874_797;
const TIME: &str = "2011-04-27 03:26:37";

fn verifier(scheme: Fost, now: i64) -> Verifier {
    let keys = KeyMap::named([("key-value", "secret-value"), ("a/b:c", "other")]).unwrap();
    Verifier::new(scheme, keys).unwrap().with_clock(ManualClock::new(now))
}

fn signer() -> Signer<Fost> {
    Signer::new(Fost::new(), SecretKey::new("secret-value").unwrap())
        .with_key_id("key-value")
        .unwrap()
        .with_clock(ManualClock::new(NOW))
}

fn checked(verifier: Verifier, request: &Request<String>) -> Result<Verified, ErrorKind> {
    twice::checked(verifier, request).map_err(|error| error.kind())
}

fn verify(request: &Request<String>) -> Result<Verified, ErrorKind> {
    checked(verifier(Fost::new(), NOW), request)
}

/// Signs a request as the old system would, without this crate's scheme. A rejection is then not
/// caused by a wrong signature.
#[derive(Clone)]
struct Old<'a> {
    method: &'a str,
    target: &'a str,
    /// The signed path. If it is empty, the target's path is signed.
    path: &'a str,
    timestamp: &'a str,
    list: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: &'a str,
    key_id: &'a str,
}

impl Default for Old<'_> {
    fn default() -> Self {
        Self {
            method: "POST",
            target: "/debug/",
            path: "",
            timestamp: TIME,
            list: "X-FOST-Headers",
            headers: &[],
            body: "",
            key_id: "key-value",
        }
    }
}

impl Old<'_> {
    fn document(&self) -> String {
        let (path, query) = self.target.split_once('?').unwrap_or((self.target, ""));
        let path = if self.path.is_empty() { path } else { self.path };
        let mut document = format!("{} {path}\n{}\n", self.method, self.timestamp);
        for name in self.list.split_whitespace() {
            let value = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
            document.push_str(if name == "X-FOST-Headers" {
                self.list
            } else {
                value.map_or("", |(_, value)| value)
            });
            document.push('\n');
        }
        document + if self.body.is_empty() { query } else { self.body }
    }

    fn request(&self) -> Request<String> {
        let mut request = Request::builder()
            .method(self.method)
            .uri(self.target)
            .header("X-FOST-Timestamp", self.timestamp)
            .header("X-FOST-Headers", self.list)
            .header(
                "Authorization",
                format!("FOST {}:{}", self.key_id, sha1("secret-value", &self.document())),
            );
        for (name, value) in self.headers {
            request = request.header(*name, *value);
        }
        request.body(self.body.to_owned()).unwrap()
    }

    fn verified(&self) -> Result<Verified, ErrorKind> {
        verify(&self.request())
    }
}

fn sha1(secret: &str, document: &str) -> String {
    let mut mac = Mac::new(Algorithm::Sha1, &SecretKey::new(secret).unwrap());
    mac.update(document.as_bytes());
    tower_hmac::scheme::Encoding::Base64.encode(mac.finalize().as_bytes())
}

#[track_caller]
fn assert_malformed(what: &str, request: &Old<'_>) {
    assert_eq!(request.verified().unwrap_err(), ErrorKind::Malformed, "{what}");
}

#[derive(Deserialize)]
struct Vectors {
    requests: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    secret: String,
    key: String,
    method: String,
    path: String,
    query: String,
    body: String,
    headers: Vec<(String, String)>,
    document: String,
    want: String,
}

impl Vector {
    fn all() -> Vec<Self> {
        let text = include_str!("../vectors/fost.json");
        serde_json::from_str::<Vectors>(text).unwrap().requests
    }

    fn request(&self) -> Request<String> {
        let query = if self.query.is_empty() { "" } else { "?" };
        let mut request = Request::builder()
            .method(self.method.as_str())
            .uri(format!("{}{query}{}", self.path, self.query));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(self.body.clone()).unwrap()
    }

    fn verifier(&self, scheme: Fost) -> Verifier {
        let keys = KeyMap::named([(self.key.as_str(), self.secret.as_str())]).unwrap();
        Verifier::new(scheme, keys).unwrap().with_clock(ManualClock::new(NOW))
    }
}

#[test]
fn published_vectors_are_verified_as_published() {
    for vector in Vector::all() {
        let outcome = checked(vector.verifier(Fost::new()), &vector.request());
        match vector.want.as_str() {
            "accept" => {
                let verified = outcome.unwrap();
                assert_eq!(verified.key_id().unwrap(), &vector.key.as_str(), "{}", vector.name);
                assert_eq!(verified.scheme(), "fost");
                assert_eq!(verified.created(), Some(NOW));
            }
            _ => assert_eq!(outcome.unwrap_err(), ErrorKind::Malformed, "{}", vector.name),
        }
        let outcome =
            checked(vector.verifier(Fost::new().dangerous_unsigned_query()), &vector.request());
        assert!(outcome.is_ok(), "{}: the old system takes it", vector.name);
    }
}

#[test]
fn vectors_are_signed_as_published() {
    for vector in Vector::all() {
        let scheme = Fost::new().dangerous_unsigned_query();
        let (mut head, body) = vector.request().into_parts();
        let text = signed_text(&scheme, &head, body.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(text.clone()).unwrap(), vector.document, "{}", vector.name);

        let claim = scheme.claim(&head).unwrap();
        let mut mac = Mac::new(Algorithm::Sha1, &SecretKey::new(vector.secret).unwrap());
        mac.update(&text);
        let published = head.headers.remove("Authorization").unwrap();
        scheme.attach(&mut head, &claim, &[mac.finalize()]).unwrap();
        assert_eq!(head.headers["Authorization"], published, "{}", vector.name);
        assert!(head.headers["Authorization"].is_sensitive());
    }
}

#[test]
fn the_signer_writes_what_python_computes() {
    // Python's `hmac` computed the tags over the scheme's documents.
    let scheme = Fost::new().with_signed_headers(["Content-Type", "X-Absent"]).unwrap();
    let signer = Signer::new(scheme, SecretKey::new("secret-value").unwrap())
        .with_key_id("key-value")
        .unwrap()
        .with_clock(ManualClock::new(NOW));
    let request = Request::get("/debug/?q=v&t=c")
        .header("Content-Type", "text/plain")
        .header("X-FOST-User", "admin")
        .body(String::new())
        .unwrap();
    let signed = signer.sign(request).unwrap();
    let headers = signed.headers();
    assert_eq!(headers["X-FOST-Timestamp"], TIME);
    assert_eq!(headers["X-FOST-Headers"], "X-FOST-Headers X-FOST-User Content-Type");
    assert_eq!(headers["Authorization"], "FOST key-value:KSelP4ea6R7m/LYypn6YOPORAmU=");
    assert!(verify(&signed).is_ok());

    let signed =
        signer.sign(Request::post("/caf%C3%A9%201").body("hello".to_owned()).unwrap()).unwrap();
    assert_eq!(signed.headers()["Authorization"], "FOST key-value:35UlIYZa+/jTbzBoaqm5fTtzLqo=");
    assert!(verify(&signed).is_ok());
}

#[test]
fn key_ids_are_percent_encoded() {
    let signer = Signer::new(Fost::new(), SecretKey::new("other").unwrap())
        .with_key_id("a/b:c")
        .unwrap()
        .with_clock(ManualClock::new(NOW));
    let mut signed = signer.sign(Request::get("/").body(String::new()).unwrap()).unwrap();
    let value = signed.headers()["Authorization"].to_str().unwrap().to_owned();
    assert!(value.starts_with("FOST a%2Fb%3Ac:"), "{value}");
    assert_eq!(verify(&signed).unwrap().key_id().unwrap(), &"a/b:c");

    // The path has the escapes of other libraries.
    let lower = value.replace("%2F", "/").replace("%3A", "%3a");
    signed.headers_mut().insert("Authorization", HeaderValue::try_from(lower).unwrap());
    assert_eq!(verify(&signed).unwrap().key_id().unwrap(), &"a/b:c");
}

#[test]
fn handlers_see_the_headers_that_were_signed() {
    let request = Old {
        list: "X-FOST-Headers X-FOST-User x-more",
        headers: &[("X-FOST-User", "admin"), ("X-More", "1"), ("X-Unsigned", "2")],
        ..Old::default()
    };
    let verified = request.verified().unwrap();
    let signed: Vec<_> =
        verified.signed_headers().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    assert_eq!(
        signed,
        [
            ("x-fost-headers", &b"X-FOST-Headers X-FOST-User x-more"[..]),
            ("x-fost-user", b"admin"),
            ("x-more", b"1"),
        ],
    );
}

#[test]
fn requests_of_another_scheme_are_missing() {
    for authorization in [None, Some("Bearer abc"), Some("FOSTER a:b"), Some("Basic FOST a:b")] {
        let mut request = Request::post("/").body(String::new()).unwrap();
        if let Some(value) = authorization {
            request.headers_mut().insert("Authorization", HeaderValue::from_static(value));
        }
        assert_eq!(verify(&request).unwrap_err(), ErrorKind::Missing, "{authorization:?}");
    }
}

#[test]
fn half_a_signature_is_malformed_rather_than_missing() {
    let signed = Old::default().request();
    assert!(verify(&signed).is_ok());
    for name in ["Authorization", "X-FOST-Timestamp", "X-FOST-Headers"] {
        let mut request = signed.clone();
        request.headers_mut().remove(name);
        assert_eq!(verify(&request).unwrap_err(), ErrorKind::Malformed, "without {name}");

        let mut request = signed.clone();
        let value = request.headers()[name].clone();
        request.headers_mut().append(name, value);
        assert_eq!(verify(&request).unwrap_err(), ErrorKind::Malformed, "{name} twice");
    }
    let mut request = signed;
    request.headers_mut().insert("Authorization", HeaderValue::from_static("Bearer abc"));
    assert_eq!(verify(&request).unwrap_err(), ErrorKind::Malformed, "another kind");
}

#[test]
fn malformed_credentials_are_rejected() {
    let signed = Old::default().request();
    let tag = signed.headers()["Authorization"].to_str().unwrap().rsplit_once(':').unwrap().1;
    for value in [
        "FOST".to_owned(),
        "FOST ".to_owned(),
        "FOST key-value".to_owned(),
        "FOST key-value:".to_owned(),
        format!("FOST :{tag}"),
        format!("FOST  key-value:{tag}"),
        format!("FOST\tkey-value:{tag}"),
        format!("FOST key-value :{tag}"),
        format!("FOST key-value: {tag}"),
        format!("FOST key-value:{tag} "),
        format!("FOST key-value:{tag},x"),
        format!("FOST key-value:x:{tag}"),
        format!("FOST key%2:{tag}"),
        format!("FOST key%zz:{tag}"),
        format!("FOST key%ff:{tag}"),
        format!("FOST key-value:{}", tag.trim_end_matches('=')),
    ] {
        let mut request = signed.clone();
        let header = HeaderValue::try_from(&value).unwrap();
        request.headers_mut().insert("Authorization", header);
        let kind = verify(&request).unwrap_err();
        assert!(matches!(kind, ErrorKind::Malformed | ErrorKind::Missing), "{value}: {kind:?}");
    }
}

#[test]
fn incomplete_and_duplicate_lists_of_headers_are_rejected() {
    let user = Old { headers: &[("X-FOST-User", "admin")], ..Old::default() };
    let with = |list| Old { list, ..user.clone() };
    assert!(with("X-FOST-Headers X-FOST-User").verified().is_ok());
    assert!(with("x-fost-headers x-fost-user").verified().is_err_and(is_mismatch), "as sent");

    assert_malformed("the user is not listed", &with("X-FOST-Headers"));
    assert_malformed("the list is not the first", &with("X-FOST-User X-FOST-Headers"));
    assert_malformed("the list is not in it", &with("X-FOST-User"));
    assert_malformed("a header is missing", &with("X-FOST-Headers X-FOST-User X-Other"));
    assert_malformed("a header is listed twice", &with("X-FOST-Headers X-FOST-User x-fost-user"));
    assert_malformed("the list is listed twice", &with("X-FOST-Headers X-FOST-Headers"));
    assert_malformed("two spaces", &with("X-FOST-Headers  X-FOST-User"));
    assert_malformed("a space at the end", &with("X-FOST-Headers X-FOST-User "));
    assert_malformed("a tab", &with("X-FOST-Headers\tX-FOST-User"));
    assert_malformed("a comma", &with("X-FOST-Headers, X-FOST-User"));
    assert_malformed("no list", &with(""));

    let twice = [("X-FOST-User", "admin"), ("X-FOST-User", "admin")];
    let twice = Old { list: "X-FOST-Headers X-FOST-User", headers: &twice, ..Old::default() };
    assert_malformed("a listed header occurs twice", &twice);
}

fn is_mismatch(kind: ErrorKind) -> bool {
    kind == ErrorKind::Mismatch
}

#[test]
fn three_methods_sign_the_query_instead_of_a_body() {
    for method in ["GET", "HEAD", "DELETE"] {
        let plain = Old { method, target: "/debug/?q=v&t=c", ..Old::default() };
        assert!(plain.verified().is_ok(), "{method}");
        // Try a tag over the query and one over the body, as in the old system.
        let mut with_body = plain.request();
        with_body.body_mut().push_str("hello");
        assert_eq!(verify(&with_body).unwrap_err(), ErrorKind::Malformed, "{method}");
        let over_body = Old { body: "hello", ..plain.clone() };
        assert_eq!(over_body.verified().unwrap_err(), ErrorKind::Mismatch, "{method}");
        let bare = Old { target: "/debug/", ..over_body };
        assert_eq!(bare.verified().unwrap_err(), ErrorKind::Mismatch, "{method}");

        let mut other = plain.request();
        *other.uri_mut() = "/debug/?q=v&t=d".parse().unwrap();
        assert_eq!(verify(&other).unwrap_err(), ErrorKind::Mismatch, "{method}");
    }
    for method in ["POST", "PUT", "PATCH", "OPTIONS", "PURGE"] {
        let plain = Old { method, body: "q=v", ..Old::default() };
        assert!(plain.verified().is_ok(), "{method}");
        let with_query = Old { target: "/debug/?a=1", ..plain.clone() };
        assert_malformed("a body and a query", &with_query);
        assert_malformed("a query for a body", &Old { body: "", ..with_query });

        let mut moved = plain.request();
        *moved.uri_mut() = "/debug/?q=v".parse().unwrap();
        moved.body_mut().clear();
        assert_eq!(verify(&moved).unwrap_err(), ErrorKind::Malformed, "body moved to the query");
    }
}

#[test]
fn unsigned_queries_are_accepted_if_configured() {
    let scheme = || Fost::new().dangerous_unsigned_query();
    let beside = Old { target: "/debug/?a=1", body: "hello", ..Old::default() };
    assert!(checked(verifier(scheme(), NOW), &beside.request()).is_ok());
    let for_body = Old { body: "", ..beside.clone() };
    assert!(checked(verifier(scheme(), NOW), &for_body.request()).is_ok());

    let mut changed = beside.request();
    changed.body_mut().push('!');
    assert!(checked(verifier(scheme(), NOW), &changed).is_err_and(is_mismatch));
    let mut changed = for_body.request();
    *changed.uri_mut() = "/debug/?a=2".parse().unwrap();
    assert!(checked(verifier(scheme(), NOW), &changed).is_err_and(is_mismatch));
    let get = Old { method: "GET", ..beside };
    let outcome = checked(verifier(scheme(), NOW), &get.request());
    assert!(outcome.is_err_and(is_mismatch), "a GET has no body all the same");
}

#[test]
fn paths_are_signed_decoded() {
    for (target, path) in [
        ("/a%20b", "/a b"),
        ("/caf%c3%a9", "/café"),
        ("/%E2%82%AC/x", "/€/x"),
        ("/a+b", "/a+b"),
        ("/a%3Fb", "/a?b"),
        ("/a;b=c//d/..", "/a;b=c//d/.."),
    ] {
        assert!(Old { target, path, ..Old::default() }.verified().is_ok(), "{target}");
    }
    let absolute = Old { target: "http://host/debug/", path: "/debug/", ..Old::default() };
    assert!(absolute.verified().is_ok());
}

#[test]
fn fost_rejects_ambiguous_paths() {
    for (target, path) in [
        ("/a%2Fb", "/a/b"),
        ("/a%2fb", "/a/b"),
        ("/a%252Fb", "/a%2Fb"),
        ("/100%25", "/100%"),
        ("/a%0Ab", "/a\nb"),
        ("/a%0db", "/a\rb"),
        ("/a%00b", "/a\0b"),
        ("/a%7Fb", "/a\x7Fb"),
        ("/a%", "/a%"),
        ("/a%4", "/a%4"),
        ("/a%zz", "/a%zz"),
        ("/a%+1", "/a%+1"),
        ("/caf%e9", "/caf\u{fffd}"),
        ("/%c3", "/\u{fffd}"),
    ] {
        assert_malformed(target, &Old { target, path, ..Old::default() });
    }
}

#[test]
fn an_escaped_newline_cannot_shift_the_lines() {
    // Both requests have the same document in the old system.
    let honest = Old { body: "2011-04-27 03:26:37\nX-FOST-Headers\nhello", ..Old::default() };
    let shifted = Old {
        target: "/debug/%0A2011-04-27%2003:26:37%0AX-FOST-Headers",
        path: "/debug/\n2011-04-27 03:26:37\nX-FOST-Headers",
        body: "hello",
        ..Old::default()
    };
    assert_eq!(honest.document(), shifted.document());
    assert!(honest.verified().is_ok());
    assert_malformed("a newline in the path", &shifted);
}

#[test]
fn timestamps_are_read_from_their_first_nineteen_characters() {
    for timestamp in [
        TIME,
        "2011-04-27T03:26:37",
        "2011-04-27 03:26:37.625618",
        "2011-04-27T03:26:37Z",
        "2011-04-27 03:26:37 and so on",
    ] {
        let verified = Old { timestamp, ..Old::default() }.verified().unwrap();
        assert_eq!(verified.created(), Some(NOW), "{timestamp}");
    }
    // The header is signed as it was sent.
    let mut changed = Old { timestamp: "2011-04-27 03:26:37.625618", ..Old::default() }.request();
    let header = HeaderValue::from_static("2011-04-27 03:26:37.625619");
    changed.headers_mut().insert("X-FOST-Timestamp", header);
    assert!(verify(&changed).is_err_and(is_mismatch));
}

#[test]
fn invalid_timestamps_are_rejected() {
    for timestamp in [
        "",
        "0",
        "01",
        "+1",
        "1e9",
        "1303874797",
        "9223372036854775807",
        "-9223372036854775808",
        "0000000000000000000000000000000000000000",
        "2011-04-27 03:26:3",
        "2011-04-27_03:26:37",
        "2011-04-27t03:26:37",
        "2011/04/27 03:26:37",
        "2011-04-27 03-26-37",
        "2011-4-27 03:26:37 ",
        "2011-04-27  3:26:37",
        "2011-04-27 +3:26:37",
        "+011-04-27 03:26:37",
        "2011-04-27 03:26:60",
        "2011-04-27 03:60:37",
        "2011-04-27 24:26:37",
        "2011-04-31 03:26:37",
        "2011-02-29 03:26:37",
        "2011-00-27 03:26:37",
        "2011-13-27 03:26:37",
        "2011-04-00 03:26:37",
    ] {
        assert_malformed(timestamp, &Old { timestamp, ..Old::default() });
    }
    // These times are well-formed, but far from now.
    for timestamp in ["0000-01-01 00:00:00", "9999-12-31 23:59:59"] {
        let outcome = Old { timestamp, ..Old::default() }.verified();
        assert_eq!(outcome.unwrap_err(), ErrorKind::Stale, "{timestamp}");
    }
}

#[test]
fn the_tolerance_itself_is_rejected() {
    let request = Old::default().request();
    for (distance, accepted) in [(0, true), (299, true), (300, false), (301, false)] {
        for now in [NOW + distance, NOW - distance] {
            let outcome = checked(verifier(Fost::new(), now), &request);
            assert_eq!(outcome.is_ok(), accepted, "{distance} s");
            assert!(accepted || outcome.is_err_and(|kind| kind == ErrorKind::Stale));
        }
    }
    for (now, accepted) in
        [(NOW + 9, true), (NOW + 10, false), (NOW - 4, true), (NOW - 5, false), (i64::MIN, false)]
    {
        let verifier = verifier(Fost::new(), now)
            .with_tolerance(Duration::from_secs(10), Duration::from_secs(5));
        assert_eq!(checked(verifier, &request).is_ok(), accepted, "{}", now - NOW);
    }
}

#[test]
fn other_hashes_have_other_tags() {
    let scheme = Fost::new().with_algorithm(Algorithm::Sha256);
    let signer = Signer::new(scheme.clone(), SecretKey::new("secret-value").unwrap())
        .with_key_id("key-value")
        .unwrap()
        .with_clock(ManualClock::new(NOW));
    let signed = signer.sign(Request::get("/").body(String::new()).unwrap()).unwrap();
    assert!(checked(verifier(scheme, NOW), &signed).is_ok());
    assert_eq!(verify(&signed).unwrap_err(), ErrorKind::Malformed);
}

#[test]
fn requests_that_a_server_would_reject_are_not_signed() {
    let rejected = |request: Request<String>| {
        let (mut head, body) = request.into_parts();
        let before = (head.uri.clone(), head.headers.clone());
        let error = signer().sign_head(&mut head, body.as_bytes()).unwrap_err();
        assert_eq!((head.uri, head.headers), before, "the head is as it was");
        error
    };
    let empty = String::new;
    rejected(Request::get("/").body("a body".into()).unwrap());
    rejected(Request::post("/?a=1").body(empty()).unwrap());
    rejected(Request::get("/a%0Ab").body(empty()).unwrap());
    rejected(Request::get("/a%2Fb").body(empty()).unwrap());
    rejected(Request::get("/").header("Authorization", "Bearer x").body(empty()).unwrap());
    let user = "X-FOST-User";
    rejected(Request::get("/").header(user, "a").header(user, "b").body(empty()).unwrap());
    assert_eq!(rejected(Old::default().request()), SignError::AlreadySigned);

    let anonymous = Signer::new(Fost::new(), SecretKey::new("secret-value").unwrap());
    let error = anonymous.sign(Request::get("/").body(empty()).unwrap()).unwrap_err();
    assert!(matches!(error, SignError::KeyId(_)));
    for now in [i64::MIN, i64::MAX] {
        let signer = signer().with_clock(ManualClock::new(now));
        signer.sign(Request::get("/").body(empty()).unwrap()).unwrap_err();
    }
}

#[test]
fn signatures_can_be_replaced() {
    let later = signer().with_clock(ManualClock::new(NOW + 600)).replace_signature();
    let again = later.sign(Old::default().request()).unwrap();
    assert_eq!(again.headers()["X-FOST-Timestamp"], "2011-04-27 03:36:37");
    assert!(checked(verifier(Fost::new(), NOW + 600), &again).is_ok());
}

#[test]
fn a_signer_lists_each_header_once() {
    for names in [&["a b"][..], &["X-A", "x-a"], &["Authorization"], &["X-FOST-Headers"], &[""]] {
        assert!(Fost::new().with_signed_headers(names.iter().copied()).is_err(), "{names:?}");
    }
}

#[tokio::test]
async fn only_our_signature_is_stripped() {
    let echo = get(|head: Parts| async move {
        let names = ["authorization", "x-fost-timestamp", "x-fost-headers", "x-fost-user"];
        names.into_iter().filter(|name| head.headers.contains_key(*name)).collect::<String>()
    });
    let key = || SecretKey::new("secret-value").unwrap();
    let layer = VerifyLayer::from(verifier(Fost::new(), NOW)).strip_signature();
    let layer = layer.or(FlaskHmac::new(), KeyMap::single(key()).unwrap()).unwrap();
    let app = Router::new().fallback(echo).layer(layer);

    let list = "X-FOST-Headers X-FOST-User";
    let headers = [("X-FOST-User", "admin")];
    let signed = Old { method: "GET", list, headers: &headers, ..Old::default() }.request();
    let other = Request::get("/").header("Authorization", "Bearer x").body(String::new()).unwrap();
    let other = Signer::new(FlaskHmac::new(), key()).sign(other).unwrap();
    for (request, left) in [(signed, "x-fost-user"), (other, "authorization")] {
        let response = app.clone().oneshot(request.map(Body::from)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let body = axum::body::to_bytes(response.into_body(), 100).await.unwrap();
        assert_eq!(body, left);
    }
}

#[tokio::test]
async fn the_path_as_first_received_is_verified() {
    let inner = Router::new()
        .route(
            "/b",
            get(|Extension(caller): Extension<Verified>| async move {
                caller.key_id().unwrap().to_string()
            }),
        )
        .layer(VerifyLayer::from(verifier(Fost::new(), NOW)));
    let app = Router::new().nest("/a", inner);
    let sign = |path| signer().sign(Request::get(path).body(String::new()).unwrap()).unwrap();

    let response = app.clone().oneshot(sign("/a/b").map(Body::from)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);

    let mut inner_path = sign("/b");
    *inner_path.uri_mut() = "/a/b".parse().unwrap();
    let response = app.oneshot(inner_path.map(Body::from)).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}
