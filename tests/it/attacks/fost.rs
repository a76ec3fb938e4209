//! 7xx: FOST requests and FOST URLs. What a tag does not cover, and duplicates.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use tower_hmac::MemoryReplay;
use tower_hmac::clock::ManualClock;
use tower_hmac::scheme::{Fost, FostUrl};

use super::*;

const NOW: i64 = 1_700_000_000;

fn keys() -> KeyMap {
    KeyMap::named([("aservice", "akey"), ("bservice", "bkey")]).unwrap()
}

fn requests() -> Router {
    routes().layer(VerifyLayer::new(Fost::new(), keys()).unwrap().with_clock(ManualClock::new(NOW)))
}

/// Signs with `X-FOST-User` and two more headers.
fn signed(method: Method, target: &str, body: &'static str) -> Request<Body> {
    let scheme = Fost::new().with_signed_headers(["X-First", "X-Second"]).unwrap();
    let signer = Signer::new(scheme, key("akey")).with_clock(ManualClock::new(NOW));
    let request = Request::builder()
        .method(method)
        .uri(target)
        .header("host", "example.com")
        .header("x-fost-user", "alice")
        .header("x-first", "one")
        .header("x-second", "two")
        .body(body);
    signer.with_key_id("aservice").unwrap().sign(request.unwrap()).unwrap().map(Body::from)
}

fn post() -> Request<Body> {
    signed(Method::POST, "/pay", BODY)
}

fn with(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    request.headers_mut().insert(HeaderName::from_static(name), value.parse().unwrap());
    request
}

#[tokio::test]
async fn attack_700_control_signed_requests_pass() {
    assert_eq!(accepted_as(&requests(), post()).await, "name aservice");
    let list = post().headers()["x-fost-headers"].clone();
    assert_eq!(list, "X-FOST-Headers X-FOST-User X-First X-Second");
    let get = signed(Method::GET, "/pay?to=me", "");
    assert_eq!(accepted_as(&requests(), get).await, "name aservice");
}

/// The list is the first signed value, so any change of it changes the tag.
#[tokio::test]
async fn attack_701_the_list_of_signed_headers_rewritten() {
    let lists = [
        "",
        " ",
        "X-FOST-Headers",
        "X-FOST-Headers X-FOST-User",
        "X-FOST-Headers X-FOST-User X-Second X-First",
        "X-FOST-Headers X-FOST-User X-First X-Second X-First",
        "X-FOST-Headers X-FOST-User X-First x-second",
        "x-fost-headers X-FOST-User X-First X-Second",
        "X-FOST-Headers  X-FOST-User X-First X-Second",
        "X-FOST-Headers,X-FOST-User,X-First,X-Second",
        "X-FOST-Headers, X-FOST-User, X-First, X-Second",
        "X-FOST-Headers\tX-FOST-User\tX-First\tX-Second",
        "X-FOST-User X-FOST-Headers X-First X-Second",
        "X-FOST-User X-First X-Second",
        "X-FOST-Headers X-FOST-Headers X-FOST-User X-First X-Second",
        "X-FOST-Headers X-FOST-User X-First X-Second Host",
        "X-FOST-Headers X-FOST-User X-First X-Second Authorization",
        "X-FOST-Headers X-FOST-User X-First X-Second X-FOST-Timestamp",
        "X-FOST-Headers X-FOST-User X-First X-Second X-Missing",
        "X-FOST-Headers X-FOST-User X-First X-Second \"",
        "X_FOST_Headers X_FOST_User X_First X_Second",
        "*",
    ];
    for list in lists {
        reject(&requests(), with(post(), "x-fost-headers", list), list).await;
    }
}

/// An identity that the signer did not list, or that replaces the signed one.
#[tokio::test]
async fn attack_702_an_identity_that_was_not_signed() {
    reject(&requests(), with(post(), "x-fost-user", "admin"), "changed").await;
    let mut twice = post();
    twice.headers_mut().append("x-fost-user", HeaderValue::from_static("admin"));
    reject(&requests(), twice, "twice").await;
    let mut first = post();
    first.headers_mut().insert("x-fost-user", HeaderValue::from_static("admin"));
    first.headers_mut().append("x-fost-user", HeaderValue::from_static("alice"));
    reject(&requests(), first, "twice, the right one last").await;
    let mut none = post();
    none.headers_mut().remove("x-fost-user");
    reject(&requests(), none, "taken out").await;

    // The request is signed without a user, and one is added afterwards.
    let signer = Signer::new(Fost::new(), key("akey")).with_clock(ManualClock::new(NOW));
    let request = Request::post("/pay").header("host", "example.com").body(BODY).unwrap();
    let request = signer.with_key_id("aservice").unwrap().sign(request).unwrap();
    let plain = || {
        let (head, body) = (request.clone().into_parts().0, BODY);
        Request::from_parts(head, Body::from(body))
    };
    assert_eq!(accepted_as(&requests(), plain()).await, "name aservice");
    reject(&requests(), with(plain(), "x-fost-user", "admin"), "put in").await;
}

/// Signed values are joined by newlines: no byte can move to the next value, to the body, or back.
#[tokio::test]
async fn attack_703_bytes_moved_between_adjacent_values() {
    let mut swapped = with(post(), "x-first", "two");
    swapped = with(swapped, "x-second", "one");
    reject(&requests(), swapped, "swapped").await;
    reject(&requests(), with(post(), "x-first", "one two"), "joined").await;
    reject(&requests(), with(post(), "x-second", ""), "emptied").await;
    let longer: &str = "two\n{\"amount\": 100}";
    assert!(HeaderValue::from_str(longer).is_err(), "no header holds a newline");
    for body in ["two\n{\"amount\": 100}", "\n{\"amount\": 100}"] {
        reject(&requests(), post().map(|_| Body::from(body)), body).await;
    }
}

#[tokio::test]
async fn attack_704_the_time_in_another_spelling() {
    let right = post().headers()["x-fost-timestamp"].to_str().unwrap().to_owned();
    assert_eq!(right, "2023-11-14 22:13:20");
    let times = [
        "2023-11-14T22:13:20",
        "2023-11-14 22:13:21",
        "2023-11-14 22:13:20Z",
        "2023-11-14 22:13:20.0",
        "2023-11-14  22:13:20",
        "1700000000",
        "Tue, 14 Nov 2023 22:13:20 GMT",
        "",
        "now",
        "9999-12-31 23:59:59",
        "0000-00-00 00:00:00",
    ];
    for time in times {
        reject(&requests(), with(post(), "x-fost-timestamp", time), time).await;
    }
}

/// A GET signs its query where a POST signs its body: one cannot be used as the other.
#[tokio::test]
async fn attack_705_query_and_body_swapped() {
    let get = || signed(Method::GET, "/pay?to=me", "");
    let body = get().map(|_| Body::from("to=me"));
    reject(&requests(), body, "the query as a body too").await;
    let mut moved = get().map(|_| Body::from("to=me"));
    *moved.uri_mut() = "/pay".parse().unwrap();
    reject(&requests(), moved, "the query as the body").await;
    let mut posted = get().map(|_| Body::from("to=me"));
    *posted.method_mut() = Method::POST;
    *posted.uri_mut() = "/pay".parse().unwrap();
    reject(&requests(), posted, "as a POST").await;
    let mut query = post();
    *query.uri_mut() = "/pay?admin=1".parse().unwrap();
    reject(&requests(), query, "a query that nobody signed").await;
    for target in ["/pay?to=you", "/pay?to=me&", "/pay?to=me&a", "/pay", "/pay?", "/pay?to=%6de"] {
        let mut other = get();
        *other.uri_mut() = target.parse().unwrap();
        reject(&requests(), other, target).await;
    }
}

#[tokio::test]
async fn attack_706_another_method_or_path() {
    for method in ["GET", "PUT", "DELETE", "HEAD", "post", "POST ", "PATCH", "CONNECT"] {
        let Ok(method) = Method::from_bytes(method.as_bytes()) else { continue };
        let mut request = post();
        *request.method_mut() = method.clone();
        reject(&requests(), request, method.as_str()).await;
    }
    let paths = [
        "/",
        "/pay/",
        "//pay",
        "/PAY",
        "/pay;a",
        "/./pay",
        "/pay%2f",
        "/pay%0a",
        "/pay%2561",
        "/pay%ff",
        "/pay%",
        "/%2fpay",
    ];
    for path in paths {
        let mut request = post();
        *request.uri_mut() = path.parse().unwrap();
        reject(&requests(), request, path).await;
    }
}

fn links() -> Router {
    let layer = VerifyLayer::new(FostUrl::new(), keys()).unwrap().with_clock(ManualClock::new(NOW));
    routes().layer(layer)
}

/// The target of a link for `/file?name=a`.
fn link() -> String {
    let signer = Signer::new(FostUrl::new(), key("akey"))
        .with_key_id("aservice")
        .unwrap()
        .with_lifetime(Duration::from_secs(60))
        .with_clock(ManualClock::new(NOW));
    let url = signer.sign_url("http://example.com/file?name=a").unwrap();
    url.path_and_query().unwrap().to_string()
}

fn fetch(target: &str) -> Request<Body> {
    Request::get(target).header("host", "example.com").body(Body::empty()).unwrap()
}

#[tokio::test]
async fn attack_750_control_a_link_passes() {
    assert_eq!(accepted_as(&links(), fetch(&link())).await, "name aservice");
}

/// Parameters that only look like signature parameters belong to the rest, and the rest is signed.
#[tokio::test]
async fn attack_751_parameters_that_look_like_signature_parameters() {
    let names = [
        "_s2", "_sig", "_S", "_s[]", "_s.x", "%5fs", "%5Fs", "_%73", "_s%00", "_s%20", "+_s",
        "%20_s", "_k2", "_K", "%5fk", "_e2", "_E", "%5fe", "_expires", "__s", "s",
    ];
    for name in names {
        for target in [format!("{}&{name}=x", link()), format!("{}&{name}", link())] {
            reject(&links(), fetch(&target), &target).await;
        }
        let first = link().replacen('?', &format!("?{name}=x&"), 1);
        reject(&links(), fetch(&first), &first).await;
    }
    // A signature parameter with such a name counts as missing.
    for (name, other) in
        [("_s", "%5fs"), ("_s", "_S"), ("_s", "_s2"), ("_e", "%5Fe"), ("_k", "_%6b"), ("_k", "_K")]
    {
        let target = link().replacen(&format!("{name}="), &format!("{other}="), 1);
        reject(&links(), fetch(&target), &target).await;
    }
}

#[tokio::test]
async fn attack_752_a_signature_parameter_twice() {
    let link = link();
    let (_, query) = link.split_once('?').unwrap();
    for piece in query.split('&').filter(|piece| piece.starts_with('_')) {
        let name = &piece[..2];
        for other in [piece, name, &format!("{name}="), &format!("{name}=1700000060")] {
            reject(&links(), fetch(&format!("{link}&{other}")), other).await;
            let first = link.replacen('?', &format!("?{other}&"), 1);
            reject(&links(), fetch(&first), &first).await;
        }
    }
}

#[tokio::test]
async fn attack_753_an_expiry_respelled_or_extended() {
    let ends = [
        "1700000061",
        "9999999999",
        "999999999999999999",
        "9223372036854775807",
        "99999999999999999999999",
        "01700000060",
        "%2B1700000060",
        "+1700000060",
        "-1",
        "1700000060.0",
        "17e8",
        "0x6553f13c",
        "",
        "%201700000060",
        "1700000060%20",
        "1700000060%0A",
        "1700000060%00",
        "1_700_000_060",
        "never",
    ];
    for end in ends {
        let target = link().replacen("1700000060", end, 1);
        assert_ne!(target, link());
        reject(&links(), fetch(&target), end).await;
    }
    let target = link().replacen("&_e=1700000060", "", 1);
    reject(&links(), fetch(&target), "no end").await;
}

#[tokio::test]
async fn attack_754_other_separators_and_positions() {
    let link = link();
    let (path, query) = link.split_once('?').unwrap();
    let targets = [
        format!("{path}?{}", query.replace('&', ";")),
        format!("{path}?{}", query.replace('&', "%26")),
        format!("{path}?{}", query.replace('=', "%3D")),
        format!("{path}?{}", query.replacen('&', "&&", 1)),
        format!("{path}%3F{query}"),
        format!("{path}??{query}"),
        format!("{path}?{}", query.replace("name=a", "name=b")),
        format!("{path}?{}", query.replace("name=a", "name=%61")),
        format!("{path}?{}", query.replace("name=a&", "")),
        format!("/other?{query}"),
        format!("{path}/?{query}"),
        format!("/file%3Fname=a?{}", query.replace("name=a&", "")),
    ];
    for target in targets {
        reject(&links(), fetch(&target), &target).await;
    }
}

#[tokio::test]
async fn attack_755_another_host() {
    let hosts = [
        "example.org",
        "EXAMPLE.com",
        "example.com:80",
        "example.com.",
        "example.com:8080",
        "user@example.com",
        "example.com/file",
        "",
        "example.com, example.org",
        " ",
    ];
    for host in hosts {
        reject(&links(), with(fetch(&link()), "host", host), host).await;
    }
    let mut none = fetch(&link());
    none.headers_mut().remove("host");
    reject(&links(), none, "no host").await;
    for other in ["example.com", "example.org"] {
        let mut twice = fetch(&link());
        twice.headers_mut().append("host", HeaderValue::from_static(other));
        reject(&links(), twice, "two hosts").await;
    }
    for name in ["x-forwarded-host", "forwarded", "x-host", "x-original-host"] {
        let moved = with(with(fetch(&link()), "host", "example.org"), name, "example.com");
        reject(&links(), moved, name).await;
    }
}

/// A link is only for reading, and any read uses up a link that works once.
#[tokio::test]
async fn attack_756_a_link_used_to_write_or_used_twice() {
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "PROPFIND"] {
        let mut request = fetch(&link());
        *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap();
        reject(&links(), request, method).await;
    }
    let override_ = with(fetch(&link()), "x-http-method-override", "DELETE");
    assert_eq!(accepted_as(&links(), override_).await, "name aservice", "not read by this crate");
    let layer = VerifyLayer::new(FostUrl::new(), keys())
        .unwrap()
        .with_clock(ManualClock::new(NOW))
        .with_replay_guard(MemoryReplay::new(100).unwrap())
        .unwrap();
    let once = routes().layer(layer);
    let mut head = fetch(&link());
    *head.method_mut() = Method::HEAD;
    assert_eq!(send(&once, head).await.status(), StatusCode::OK);
    reject(&once, fetch(&link()), "read again").await;
    // The same tag in another spelling is the same link.
    let escaped = link().replacen("_k=aservice", "_k=%61service", 1);
    reject(&once, fetch(&escaped), "read again, escaped").await;
}
