//! Properties of random requests.

use std::collections::HashMap;

use http::{HeaderValue, Request, Uri};
use proptest::prelude::*;
use tower_hmac::scheme::AwsSigV4;

use super::draft::Draft;
use super::{HOST, checked, link_signer, scheme, signer, verifier, verify};

fn canonical(scheme: &AwsSigV4, draft: &Draft) -> Option<String> {
    let (head, body) = draft.sign().into_parts();
    scheme.canonical_request(&head, &body).ok()
}

/// No two requests that differ in a covered part have the same text, except as documented: escapes
/// in S3 paths, the order of names in a query, and escapes in it.
#[test]
fn different_requests_have_different_texts() {
    fn decoded(text: &str) -> String {
        text.replace("%61", "a").replace("%2f", "%2F").replace("%2e", ".")
    }
    for is_s3 in [false, true] {
        let scheme = if is_s3 { scheme().with_s3_paths() } else { scheme() };
        let mut seen: HashMap<String, [String; 4]> = HashMap::new();
        let mut texts = 0;
        for method in ["GET", "POST"] {
            for path in [
                "/", "/a", "/%61", "/a/", "/a//", "/./a", "/a%2Fb", "/a/b", "/a%2fb", "/a%252Fb",
                "/*",
            ] {
                for query in [
                    "",
                    "a",
                    "a=",
                    "a=1",
                    "b=2&a=1",
                    "a=1&b=2",
                    "a=1%26b=2",
                    "a=1&a=2",
                    "=",
                    "a%3D1",
                ] {
                    for note in ["", "a", "a,b", "a b", "x:y", "x\ty"] {
                        let mut draft = Draft::new();
                        draft.method = method;
                        draft.target = format!("{path}?{query}");
                        draft.header("x-note", note);
                        let Some(text) = canonical(&scheme, &draft) else { continue };
                        texts += 1;
                        let path = if is_s3 { decoded(path) } else { path.to_owned() };
                        let mut names: Vec<_> = query
                            .split('&')
                            .map(|part| {
                                if part.is_empty() || part.contains('=') {
                                    part.to_owned()
                                } else {
                                    format!("{part}=")
                                }
                            })
                            .collect();
                        names.sort();
                        let covered = [method.to_owned(), path, names.join("&"), note.to_owned()];
                        let twin = seen.insert(text, covered.clone());
                        assert!(twin.is_none_or(|twin| twin == covered), "{covered:?}");
                    }
                }
            }
        }
        assert!(texts > 500, "{texts}");
    }
}

/// A path in normal form.
fn any_path() -> impl Strategy<Value = String> {
    let segment = "([a-zA-Z0-9_~$+:@é-]|%20|%C3%A9|%2F|%25){1,8}";
    (prop::collection::vec(segment, 0..4), any::<bool>()).prop_map(|(segments, is_closed)| {
        let path = format!("/{}", segments.join("/"));
        if is_closed && path.len() > 1 { path + "/" } else { path }
    })
}

/// Returns queries with unique names, in any order.
fn any_query() -> impl Strategy<Value = String> {
    let value = "([a-zA-Z0-9._~/?:@é=-]|%20|%26|%2b|%E1%88%B4){0,6}";
    prop::collection::btree_map("([a-zA-Z0-9._-]|%20|%C3%A9){1,4}", value, 0..4)
        .prop_map(|pairs| {
            pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
        })
        .prop_shuffle()
        .prop_map(|pairs| pairs.join("&"))
}

/// Returns the request as it arrives over HTTP/1.1.
fn arrived(mut request: Request<Vec<u8>>) -> Request<Vec<u8>> {
    let target = request.uri().path_and_query().unwrap().as_str().parse().unwrap();
    *request.uri_mut() = target;
    request.headers_mut().insert("host", HeaderValue::from_static(HOST));
    request
}

fn schemes() -> impl Strategy<Value = AwsSigV4> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(is_s3, sends_hash, is_raw)| {
        let scheme = AwsSigV4::new("us-east-1", if is_s3 { "s3" } else { "service" }).unwrap();
        let scheme = if sends_hash { scheme.with_payload_header() } else { scheme };
        if is_raw { scheme.dangerous_raw_target() } else { scheme }
    })
}

proptest! {
    /// A server accepts everything that our signer writes.
    #[test]
    fn signed_request_verifies(
        scheme in schemes(),
        method in "[A-Z]{1,8}",
        path in any_path(),
        query in any_query(),
        values in prop::collection::vec("[ -~]{0,12}", 0..3),
        bytes in prop::collection::vec(0x80..=0xff_u8, 0..8),
        body in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let url = format!("https://{HOST}:443{path}?{query}");
        let mut request = Request::builder().method(method.as_str()).uri(url);
        for value in &values {
            request = request.header("x-note", value.trim());
        }
        request = request.header("x-amz-meta-any", HeaderValue::from_bytes(&bytes).unwrap());
        let request = request.body(body).unwrap();
        let signed = signer(scheme.clone()).sign(request).unwrap();
        let verified = checked(verifier(scheme.clone()), &arrived(signed.clone()));
        prop_assert!(verified.is_ok(), "{:?}", verified.map_err(|error| error.to_string()));
        let mut longer = arrived(signed);
        longer.body_mut().push(b'x');
        prop_assert!(verify(scheme, &longer).is_err());
    }

    #[test]
    fn links_verify(is_s3 in any::<bool>(), path in any_path(), query in any_query()) {
        let scheme = AwsSigV4::new("us-east-1", if is_s3 { "s3" } else { "service" }).unwrap();
        let link = link_signer(scheme.presigned()).sign_url(format!("https://{HOST}{path}?{query}"));
        let request = Request::get(link.unwrap()).body(Vec::new()).unwrap();
        prop_assert!(verify(scheme.presigned(), &arrived(request)).is_ok());
    }

    /// Changes any bit of the target, the list, the credential, the date or the signature.
    #[test]
    fn one_changed_bit_is_rejected(
        place in 0..300_usize,
        bit in 0..7_u8,
        is_target in any::<bool>(),
        sends_hash in any::<bool>(),
    ) {
        let scheme = if sends_hash { scheme().with_payload_header() } else { scheme() };
        let request = Request::post("/orders/7?a=1&b=2").header("host", HOST).body(vec![7; 9]);
        let mut signed = signer(scheme.clone()).sign(request.unwrap()).unwrap();
        if is_target {
            let mut target = signed.uri().to_string().into_bytes();
            prop_assume!(place < target.len());
            target[place] ^= 1 << bit;
            let changed = Uri::try_from(target.as_slice());
            prop_assume!(changed.as_ref().is_ok_and(|uri| uri.to_string().as_bytes() == target));
            *signed.uri_mut() = changed.unwrap();
        } else {
            let mut value = signed.headers()["authorization"].as_bytes().to_vec();
            prop_assume!(place < value.len());
            let before = value.clone();
            value[place] ^= 1 << bit;
            // The authentication scheme can be in any case.
            prop_assume!(!value.eq_ignore_ascii_case(&before) || place > "AWS4-HMAC-SHA256".len());
            let changed = HeaderValue::from_bytes(&value);
            prop_assume!(changed.is_ok());
            signed.headers_mut().insert("authorization", changed.unwrap());
        }
        prop_assert!(verify(scheme, &signed).is_err());
    }

    /// No text causes a panic.
    #[test]
    fn arbitrary_text_is_rejected(
        authorization in "(AWS4-HMAC-SHA256 )?(Credential=|SignedHeaders=|Signature=|[ -~]{0,9}|,){0,6}",
        date in "[ -~]{0,16}",
        target in "/[ -~]{0,30}",
    ) {
        let request = Request::get(target)
            .header("host", HOST)
            .header("authorization", authorization)
            .header("x-amz-date", date)
            .body(Vec::new());
        prop_assume!(request.is_ok());
        let request = request.unwrap();
        prop_assert!(verify(scheme(), &request).is_err());
        prop_assert!(verify(scheme().presigned(), &request).is_err());
    }

    #[test]
    fn arbitrary_query_is_rejected(parts in prop::collection::vec(prop_oneof![
        Just("X-Amz-Algorithm=AWS4-HMAC-SHA256"), Just("X-Amz-Date=20150830T123600Z"),
        Just("X-Amz-Credential=A/20150830/us-east-1/service/aws4_request"), Just("X-Amz-Expires=60"),
        Just("X-Amz-SignedHeaders=host"), Just("X-Amz-Signature=00"), Just("X%2DAmz-Date=%"), Just("a"),
        Just("X-Amz-Signature=0000000000000000000000000000000000000000000000000000000000000000"),
    ], 0..9)) {
        let request = Request::get(format!("/?{}", parts.join("&"))).header("host", HOST);
        prop_assert!(verify(scheme().presigned(), &request.body(Vec::new()).unwrap()).is_err());
    }
}
