//! SigV4: each way to write the canonical request differently, signed by hand.

use futures_util::FutureExt as _;
use http::Request;
use http::request::Parts;
use tower_hmac::clock::ManualClock;
use tower_hmac::crypto::{Digest, Mac};
use tower_hmac::scheme::AwsSigV4;
use tower_hmac::{Algorithm, KeyMap, Scheme, SecretKey, Verifier};

const KEY: &str = "an unguessable key 8842";
const DATE: &str = "20231114T221320Z";
const OURS: &str = "20231114/eu-central-1/orders/aws4_request";
const SHA: fn(&[u8]) -> String = |bytes| hex(Digest::of(Algorithm::Sha256, bytes).as_bytes());

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The signature of a canonical request for a scope, under the key derived for another one.
fn signature(canonical: &str, scope: &str, derived_for: &str) -> String {
    let text = format!("AWS4-HMAC-SHA256\n{DATE}\n{scope}\n{}", SHA(canonical.as_bytes()));
    let mut key = SecretKey::new(format!("AWS4{KEY}")).unwrap();
    for part in derived_for.split('/') {
        let mut mac = Mac::new(Algorithm::Sha256, &key);
        mac.update(part.as_bytes());
        key = mac.into_key();
    }
    let mut mac = Mac::new(Algorithm::Sha256, &key);
    mac.update(text.as_bytes());
    hex(mac.finalize().as_bytes())
}

fn causes(scheme: impl Scheme + 'static, head: &Parts, body: &str) -> Vec<String> {
    let keys = KeyMap::named([("AKID", KEY)]).unwrap();
    let verifier = Verifier::new(scheme, keys).unwrap().with_clock(ManualClock::new(1_700_000_000));
    let report = verifier.explain(head, body.as_bytes()).now_or_never().unwrap();
    report.likely().iter().map(ToString::to_string).collect()
}

fn scheme() -> AwsSigV4 {
    AwsSigV4::new("eu-central-1", "orders").unwrap()
}

/// Explains a signed request for `/a%20b?b=2&a=1` with the body `body`.
fn of_header(scope: &str, derived_for: &str, canonical: &str) -> Vec<String> {
    let tag = signature(canonical, scope, derived_for);
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKID/{scope}, SignedHeaders=host;x-amz-date;x-extra, \
         Signature={tag}"
    );
    let request = Request::post("/a%20b?b=2&a=1")
        .header("host", "example.com")
        .header("x-amz-date", DATE)
        .header("x-extra", "1")
        .header("authorization", authorization);
    causes(scheme(), &request.body(()).unwrap().into_parts().0, "body")
}

/// Explains a presigned URL with this query and `/a%20b` as its path.
fn of_link(query: &str, scope: &str, derived_for: &str, canonical: &str) -> Vec<String> {
    let tag = signature(canonical, scope, derived_for);
    let request = Request::get(format!("/a%20b?{query}&X-Amz-Signature={tag}"))
        .header("host", "example.com")
        .header("x-extra", "1");
    causes(scheme().presigned(), &request.body(()).unwrap().into_parts().0, "")
}

fn assert_named(causes: &[String], said: &str) {
    assert!(matches!(causes, [cause] if cause.contains(said)), "{said}: {causes:?}");
}

const SCOPES: [(&str, &str); 2] = [
    ("20231114/us-east-1/orders/aws4_request", "the region and the service of its credential"),
    ("20231114/eu-central-1/order/aws4_request", "the region and the service of its credential"),
];
const DAYS: [(&str, &str); 2] = [
    ("20231113/eu-central-1/orders/aws4_request", "a key derived for the day before"),
    ("20231115/eu-central-1/orders/aws4_request", "a key derived for the day after"),
];

#[test]
fn each_mistake_of_a_canonical_request_is_named() {
    let list = "host;x-amz-date;x-extra";
    let headers = format!("host:example.com\nx-amz-date:{DATE}\nx-extra:1\n");
    let canonical = |path: &str, query: &str, headers: &str, payload: &str| {
        format!("POST\n{path}\n{query}\n{headers}\n{list}\n{payload}")
    };
    let (path, query, hash) = ("/a%20b", "b=2&a=1", SHA(b"body"));
    let (twice, sorted) = ("/a%2520b", "a=1&b=2");
    let right = canonical(twice, sorted, &headers, &hash);
    assert_eq!(of_header(OURS, OURS, &right), [""; 0]);
    for (scope, said) in SCOPES {
        assert_named(&of_header(scope, scope, &right), said);
    }
    for (derived_for, said) in DAYS {
        assert_named(&of_header(OURS, derived_for, &right), said);
    }
    let fewer = headers.replace("x-extra:1\n", "");
    for (canonical, said) in [
        (canonical(path, sorted, &headers, &hash), "encoded once and not twice"),
        (canonical(twice, query, &headers, &hash), "the query as sent"),
        (canonical(path, query, &headers, &hash), "the path and the query as sent"),
        (canonical(twice, sorted, &fewer, &hash), "the header `x-extra` left out"),
        (canonical(twice, sorted, &headers, "UNSIGNED-PAYLOAD"), "`UNSIGNED-PAYLOAD`"),
        (canonical(twice, sorted, &headers, &SHA(b"")), "an empty body"),
        (canonical(twice, sorted, &headers, &SHA(b"body\n")), "a newline added"),
    ] {
        assert_named(&of_header(OURS, OURS, &canonical), said);
    }
}

#[test]
fn each_mistake_of_a_presigned_url_is_named() {
    let list = "host;x-extra";
    let headers = "host:example.com\nx-extra:1\n";
    let canonical = |path: &str, query: &str, headers: &str, payload: &str| {
        format!("GET\n{path}\n{query}\n{headers}\n{list}\n{payload}")
    };
    let parameters = |scope: &str| {
        let credential = format!("AKID/{scope}").replace('/', "%2F");
        format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date={DATE}&\
             X-Amz-Expires=300&X-Amz-SignedHeaders=host%3Bx-extra"
        )
    };
    let sent = |scope: &str| format!("b=2&a=1&{}", parameters(scope));
    let sorted = |scope: &str| format!("{}&a=1&b=2", parameters(scope));
    let (path, twice, empty) = ("/a%20b", "/a%2520b", SHA(b""));
    let (query, ours) = (sent(OURS), sorted(OURS));
    let right = canonical(twice, &ours, headers, &empty);
    assert_eq!(of_link(&query, OURS, OURS, &right), [""; 0]);
    for (scope, said) in SCOPES {
        let right = canonical(twice, &sorted(scope), headers, &empty);
        assert_named(&of_link(&sent(scope), scope, scope, &right), said);
    }
    for (derived_for, said) in DAYS {
        assert_named(&of_link(&query, OURS, derived_for, &right), said);
    }
    let fewer = "host:example.com\n";
    for (canonical, said) in [
        (canonical(path, &ours, headers, &empty), "encoded once and not twice"),
        (canonical(twice, &query, headers, &empty), "the query as sent"),
        (canonical(path, &query, headers, &empty), "the path and the query as sent"),
        (canonical(twice, &ours, fewer, &empty), "the header `x-extra` left out"),
        (canonical(twice, &ours, headers, "UNSIGNED-PAYLOAD"), "`UNSIGNED-PAYLOAD`"),
    ] {
        assert_named(&of_link(&query, OURS, OURS, &canonical), said);
    }
}
