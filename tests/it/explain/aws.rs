//! SigV4: each way to write the canonical request differently, signed by hand.

use futures_util::FutureExt as _;
use http::Request;
use tower_hmac::crypto::{Algorithm, Digest, Mac};
use tower_hmac::scheme::AwsSigV4;
use tower_hmac::testing::ManualClock;
use tower_hmac::{KeyMap, SecretKey, Verifier};

const KEY: &str = "an unguessable key 8842";
const DATE: &str = "20231114T221320Z";
const SHA: fn(&[u8]) -> String = |bytes| {
    let digest = Digest::of(Algorithm::Sha256, bytes);
    digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
};

/// Signs this canonical request, and explains the request of `target` and `body`.
fn cause(target: &str, body: &str, scope: &str, canonical: &str, list: &str) -> Vec<String> {
    let scope = format!("20231114/{scope}/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{DATE}\n{scope}\n{}", SHA(canonical.as_bytes()));
    let mut key = SecretKey::new(format!("AWS4{KEY}")).unwrap();
    for part in scope.split('/') {
        let mut mac = Mac::new(Algorithm::Sha256, &key);
        mac.update(part.as_bytes());
        key = mac.into_key();
    }
    let mut mac = Mac::new(Algorithm::Sha256, &key);
    mac.update(text.as_bytes());
    let tag: String = mac.finalize().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential=AKID/{scope}, SignedHeaders={list}, Signature={tag}");
    let request = Request::post(target)
        .header("host", "example.com")
        .header("x-amz-date", DATE)
        .header("x-extra", "1")
        .header("authorization", authorization);
    let (head, ()) = request.body(()).unwrap().into_parts();
    let scheme = AwsSigV4::new("eu-central-1", "orders").unwrap();
    let keys = KeyMap::named([("AKID", KEY)]).unwrap();
    let verifier = Verifier::new(scheme, keys).unwrap().with_clock(ManualClock::new(1_700_000_000));
    let report = verifier.explain(&head, body.as_bytes()).now_or_never().unwrap();
    report.likely().iter().map(ToString::to_string).collect()
}

#[test]
fn each_mistake_of_a_canonical_request_is_named() {
    let ours = "eu-central-1/orders";
    let list = "host;x-amz-date;x-extra";
    let headers = format!("host:example.com\nx-amz-date:{DATE}\nx-extra:1\n");
    let canonical = |path: &str, query: &str, headers: &str, list: &str, payload: &str| {
        format!("POST\n{path}\n{query}\n{headers}\n{list}\n{payload}")
    };
    let (path, query, hash) = ("/a%20b", "b=2&a=1", SHA(b"body"));
    let (twice, sorted) = ("/a%2520b", "a=1&b=2");
    let target = format!("{path}?{query}");
    let right = canonical(twice, sorted, &headers, list, &hash);
    assert_eq!(cause(&target, "body", ours, &right, list), [""; 0]);
    let fewer = headers.replace("x-extra:1\n", "");
    for (scope, canonical, said) in [
        ("us-east-1/orders", right.clone(), "the region and the service of its credential"),
        ("eu-central-1/order", right.clone(), "the region and the service of its credential"),
        (ours, canonical(path, sorted, &headers, list, &hash), "encoded once and not twice"),
        (ours, canonical(twice, query, &headers, list, &hash), "the query as sent"),
        (ours, canonical(path, query, &headers, list, &hash), "the path and the query as sent"),
        (ours, canonical(twice, sorted, &fewer, list, &hash), "the header `x-extra` left out"),
        (ours, canonical(twice, sorted, &headers, list, "UNSIGNED-PAYLOAD"), "`UNSIGNED-PAYLOAD`"),
        (ours, canonical(twice, sorted, &headers, list, &SHA(b"")), "an empty body"),
        (ours, canonical(twice, sorted, &headers, list, &SHA(b"body\n")), "a newline added"),
    ] {
        let causes = cause(&target, "body", scope, &canonical, list);
        assert!(matches!(&*causes, [cause] if cause.contains(said)), "{said}: {causes:?}");
    }
}
