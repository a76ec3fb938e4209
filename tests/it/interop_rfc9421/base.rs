//! Compares the signature bases of random requests with those of `http-message-signatures` from
//! `PyPI`.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue, Request};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tower_hmac::MessageSignatures;

use super::python;

/// A target in pieces: case, ports, escapes, empty parts, and duplicate pairs.
fn urls() -> impl Strategy<Value = String> {
    let host = prop_oneof![Just("example.com"), Just("Example.COM"), Just("[::1]"), Just("a")];
    let port = prop_oneof![Just(""), Just(":80"), Just(":8080"), Just(":443"), Just(":")];
    let path = prop_oneof![
        Just(String::new()),
        Just("/".to_owned()),
        "(/[a-zA-Z0-9._~:@!$&'()*+,;=-]{0,6}){1,3}",
        "(/(%[0-9A-Fa-f]{2}|[a-z]|[|^\\[\\]{}\"]){0,4}){1,2}",
    ];
    let query = proptest::option::of(prop_oneof![
        Just(String::new()),
        "(&?[a-c]=[a-z0-9._~*+-]{0,5}){1,4}",
        "([ab](=(%[0-9A-Fa-f]{2}|[a-z/?=+]){0,3})?&?){1,3}",
    ]);
    (host, port, path, query).prop_map(|(host, port, path, query)| {
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        format!("http://{host}{port}{path}{query}")
    })
}

/// Lines of fields, structured or not, canonical or not.
fn headers() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let plain = || {
        let value = prop_oneof!["[ -~]{0,12}", " {0,2}[a-z\t ]{0,8} {0,2}"];
        value.prop_map(|value| ("x-plain", value))
    };
    let list = || {
        let value = prop_oneof![
            4 => Just("a,b"), 4 => Just("a  , b;c=1"), 4 => Just("( a  b ), c"), 1 => Just("a,"),
        ];
        value.prop_map(|value| ("accept-ch", value.to_owned()))
    };
    let dictionary = || {
        let value = prop_oneof![
            "(a|b|u)=([0-9]{1,3}|-?0\\.[1-9]{1,3}|\\?[01]|\"[ a-z,]{0,4}\"|t/[a-z]{0,3})",
            "a=\\( ?(x  )?y? ?\\)(;q=01)?, {0,2}c(; d=\"e\")?",
            "a=:(YQ==|YWI=)?:",
        ];
        (value, "(, {0,2}u=0?1)?").prop_map(|(value, more)| ("priority", value + &more))
    };
    let digest = || {
        let value = prop_oneof![
            4 => Just("sha-256=:AAAA:"), 4 => Just("sha-256=:AAAA:   ,md5=:AA==:"),
            1 => Just("sha-256=:AAA:"),
        ];
        value.prop_map(|value| ("content-digest", value.to_owned()))
    };
    let more =
        proptest::collection::vec(prop_oneof![plain(), list(), dictionary(), digest()], 0..3);
    (plain(), list(), dictionary(), digest(), more).prop_map(|(plain, list, dict, digest, more)| {
        [plain, list, dict, digest].into_iter().chain(more).collect()
    })
}

/// A member of `Signature-Input`, as sent.
fn inputs() -> impl Strategy<Value = String> {
    let components = vec![
        "\"@method\"",
        "\"@authority\"",
        "\"@scheme\"",
        "\"@path\"",
        "\"@target-uri\"",
        "\"@query\"",
        "\"@request-target\"",
        "\"@query-param\";name=\"a\"",
        "\"@query-param\"; name=\"%62\"",
        "\"x-plain\"",
        "\"x-plain\"; bs=?1",
        "\"accept-ch\"",
        "\"accept-ch\";sf=?1",
        "\"priority\"; sf",
        "\"priority\";key=\"a\"",
        "\"priority\";sf; key=\"u\"",
        "\"content-digest\"",
        "\"content-digest\"; key=\"sha-256\"",
    ];
    let components = proptest::sample::subsequence(components, 0..7).prop_shuffle();
    let parameters = (
        "created=0?16[0-9]{8}",
        "expires=0{0,2}17[0-9]{8}",
        "keyid=\"([a-z ;,()=]|\\\\\\\\|\\\\\"){0,6}\"",
        "nonce=\"[a-zA-Z0-9]{0,20}\"",
        "tag=\"[ -!#-\\[\\]-~]{0,6}\"",
    );
    let parameters = parameters.prop_flat_map(|(created, expires, keyid, nonce, tag)| {
        let alg = "alg=\"hmac-sha256\"".to_owned();
        let all = vec![created, expires, keyid, nonce, alg, tag];
        proptest::sample::subsequence(all, 0..6).prop_shuffle()
    });
    let again = prop_oneof![9 => Just(false), 1 => Just(true)];
    (components, parameters, " {0,2}", " {1,2}", ";  ?", again).prop_map(
        |(components, parameters, start, between, separator, again)| {
            let mut input = format!("({start}{}{start})", components.join(&between));
            for parameter in &parameters {
                input.extend([&*separator, parameter]);
            }
            if again && let Some(first) = parameters.first() {
                input.extend([&*separator, first]);
            }
            input
        },
    )
}

fn requests() -> impl Strategy<Value = Value> {
    let method = prop_oneof![Just("GET"), Just("POST"), Just("OPTIONS"), Just("M-SEARCH")];
    (method, urls(), headers(), inputs()).prop_map(|(method, url, headers, input)| {
        json!({"method": method, "url": url, "headers": headers, "input": input})
    })
}

/// Our base of the request, as a server receives it over HTTP/1.1.
fn ours(request: &Value) -> Option<String> {
    let url = request["url"].as_str().unwrap().strip_prefix("http://").unwrap();
    let end = url.find(['/', '?']).unwrap_or(url.len());
    let (host, target) = url.split_at(end);
    let slash = if target.starts_with('/') { "" } else { "/" };
    let mut builder = Request::builder()
        .method(request["method"].as_str().unwrap())
        .uri(format!("{slash}{target}"))
        .header("host", host);
    for line in request["headers"].as_array().unwrap() {
        let name: HeaderName = line[0].as_str().unwrap().parse().unwrap();
        let value = HeaderValue::from_str(line[1].as_str().unwrap()).unwrap();
        builder = builder.header(name, value);
    }
    let (head, ()) = builder.body(()).ok()?.into_parts();
    MessageSignatures::new().signature_base(&head, request["input"].as_str().unwrap()).ok()
}

/// Returns why the two libraries may differ on a request. A difference without a reason is our
/// mistake.
fn reason(request: &Value, ours: Option<&str>, answer: &Value) -> Option<&'static str> {
    let (input, url) = (request["input"].as_str().unwrap(), request["url"].as_str().unwrap());
    let error = answer["error"].as_str().unwrap_or_default();
    let theirs = answer["base"].as_str();
    let is_twice = |name: &str| input.matches(&format!("{name}=")).count() > 1;
    let names = ["created", "expires", "keyid", "nonce", "alg", "tag"];
    if error.contains("Invalid URL") {
        return Some("the peer takes URLs of RFC 3986 alone, and we what the HTTP library takes");
    }
    if ours.is_none() && names.into_iter().any(is_twice) {
        return Some("we reject a duplicate parameter, and the peer uses the last one");
    }
    if ours.is_none() && url.contains('%') && input.contains("@query-param") {
        return Some("we reject a query that is not UTF-8, and the peer replaces invalid bytes");
    }
    // A URL without a path gets one.
    let end = url.find('?').unwrap_or(url.len());
    let with_path = format!(": {}/{}", &url[..end], &url[end..]);
    let slashed = theirs.map(|theirs| theirs.replacen(&format!(": {url}"), &with_path, 1));
    if request["method"] == "OPTIONS" && ours == slashed.as_deref() {
        return Some("an empty path with OPTIONS is `*` to the peer, and our client sends `/`");
    }
    None
}

/// The number of requests to compare: a hundred, or `TOWER_HMAC_CASES`.
fn cases() -> usize {
    std::env::var("TOWER_HMAC_CASES").map_or(100, |count| count.parse().unwrap())
}

#[test]
fn random_requests_have_the_same_signature_base() {
    let Some(peer) = python() else { return };
    let mut runner = TestRunner::deterministic();
    let requests: Vec<_> =
        (0..cases()).map(|_| requests().new_tree(&mut runner).unwrap().current()).collect();
    let answers = peer.ask(&["rfc9421_base.py"], &requests);
    let (mut same, mut rejected) = (0, 0);
    let mut differing = BTreeMap::<_, usize>::new();
    for (request, answer) in requests.iter().zip(&answers) {
        let ours = ours(request);
        match (ours.as_deref(), answer["base"].as_str()) {
            (None, None) => rejected += 1,
            (ours, theirs) if ours == theirs => same += 1,
            (base, _) => match reason(request, base, answer) {
                Some(reason) => *differing.entry(reason).or_default() += 1,
                None => println!("{request}\nours: {base:?}\ntheirs: {answer}"),
            },
        }
    }
    println!("{same} bases are the same, {rejected} requests have none, and of the others:");
    for (reason, count) in &differing {
        println!("{count}: {reason}");
    }
    let explained: usize = differing.values().sum();
    assert_eq!(same + rejected + explained, requests.len());
    assert!(same > requests.len() / 4, "{same}");
}
