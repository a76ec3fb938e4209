//! Properties of every FOST request.

use std::collections::HashMap;

use http::{HeaderName, HeaderValue, Request};
use proptest::prelude::*;
use tower_hmac::scheme::Fost;
use tower_hmac::testing::signed_text;

use super::{NOW, TIME, checked, signer, verifier, verify};

/// The parts of a request that a FOST signature covers.
type Covered = (String, String, String, Vec<(HeaderName, HeaderValue)>, String);

#[test]
fn different_requests_have_different_texts() {
    let mut seen: HashMap<Vec<u8>, Covered> = HashMap::new();
    let mut texts = 0;
    let times = [TIME, "2011-04-27T03:26:37\tX-FOST-Headers", "2011-04-27 03:26:37 a"];
    let paths = ["/", "/a", "/a%20b", "/a%0Ab", "/a%3Fb", "/a%0A2011-04-27%2003:26:37", "/a%2Fb"];
    let queries = ["", "?a", "?/a", "?b", "?X-FOST-Headers"];
    let users = [None, Some(""), Some("a"), Some("b"), Some("X-FOST-Headers"), Some(TIME)];
    let lists = ["X-FOST-Headers", "X-FOST-Headers X-FOST-User", "x-fost-headers"];
    let bodies = ["", "a", "b", "\na", "a\nb", "X-FOST-Headers\na", "2011-04-27 03:26:37\na"];
    for method in ["GET", "POST", "DELETE", "G"] {
        for (path, query) in pairs(&paths, &queries) {
            for (timestamp, list) in pairs(&times, &lists) {
                for (user, body) in pairs(&users, &bodies) {
                    let mut request = Request::builder()
                        .method(method)
                        .uri(format!("{path}{query}"))
                        .header("X-FOST-Timestamp", timestamp)
                        .header("X-FOST-Headers", list)
                        .header("Authorization", "FOST a:AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
                    if let Some(user) = user {
                        request = request.header("X-FOST-User", user);
                    }
                    let (head, ()) = request.body(()).unwrap().into_parts();
                    let scheme = Fost::new();
                    let Ok(text) = signed_text(&scheme, &head, body.as_bytes()) else { continue };
                    let mut headers = vec![("x-fost-headers", list)];
                    headers.extend(user.map(|user| ("x-fost-user", user)));
                    let headers = headers.into_iter().map(|(name, value)| {
                        (HeaderName::from_static(name), HeaderValue::from_static(value))
                    });
                    let covered = (
                        method.to_owned(),
                        path.to_owned(),
                        timestamp.to_owned(),
                        headers.collect(),
                        format!("{query}{body}"),
                    );
                    texts += 1;
                    let twin = seen.insert(text, covered.clone());
                    assert!(twin.is_none(), "{twin:?} and {covered:?}");
                }
            }
        }
    }
    assert!(texts > 1000, "{texts}");
}

fn pairs<A: Copy, B: Copy>(a: &[A], b: &[B]) -> impl Iterator<Item = (A, B)> {
    a.iter().flat_map(|a| b.iter().map(|b| (*a, *b)))
}

fn any_request() -> impl Strategy<Value = Request<String>> {
    let segment = "[a-zA-Z0-9._~ +;=:@é€-]{0,8}";
    (
        prop::sample::select(vec!["GET", "HEAD", "DELETE", "POST", "PUT", "PURGE"]),
        prop::collection::vec(segment, 1..4),
        "[a-z0-9=&%/?+]{0,12}",
        prop::option::of("[ -~]{0,12}"),
        ".{0,40}",
    )
        .prop_map(|(method, segments, query, user, body)| {
            let asks = ["GET", "HEAD", "DELETE"].contains(&method);
            let path: String =
                segments.iter().fold(String::new(), |path, text| path + "/" + &escaped(text));
            let target = if asks && !query.is_empty() { format!("{path}?{query}") } else { path };
            let mut request = Request::builder().method(method).uri(target);
            if let Some(user) = user {
                request = request.header("X-FOST-User", user.trim());
            }
            request.body(if asks { String::new() } else { body }).unwrap()
        })
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b' ' | 0x80.. => format!("%{byte:02x}"),
            _ => char::from(byte).to_string(),
        })
        .collect()
}

proptest! {
    #[test]
    fn signed_request_verifies(request in any_request(), by in 0_i64..300) {
        let signed = signer().sign(request).unwrap();
        for now in [NOW + by, NOW - by] {
            prop_assert!(checked(verifier(Fost::new(), now), &signed).is_ok());
        }
    }

    #[test]
    fn one_changed_bit_is_rejected(
        request in any_request(),
        part in 0..6_usize,
        place in any::<prop::sample::Index>(),
        bit in 0..7_u8,
    ) {
        let mut changed = signer().sign(request).unwrap();
        let name = ["authorization", "x-fost-timestamp", "x-fost-headers", "x-fost-user"].get(part);
        let flipped = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            if bytes.is_empty() { return None; }
            let place = place.index(bytes.len());
            // The digits of an escape may be in either case.
            let in_escape = bytes[place.saturating_sub(2)..place].contains(&b'%');
            // The scheme of an `Authorization` compares in any case (RFC 9110 section 11.1).
            let in_scheme = name == Some(&"authorization") && place < "FOST".len();
            bytes[place] ^= 1_u8 << bit;
            let in_either_case = in_scheme && bit == 5 || in_escape && name.is_none();
            (!in_either_case).then_some(bytes)
        };
        match (part, name) {
            (_, Some(name)) => {
                let value = changed.headers().get(*name).and_then(|v| flipped(v.as_bytes()));
                let value = value.and_then(|bytes| HeaderValue::from_bytes(&bytes).ok());
                prop_assume!(value.is_some());
                changed.headers_mut().insert(*name, value.unwrap());
            }
            (4, _) => {
                let target = flipped(changed.uri().to_string().as_bytes());
                let target = target.and_then(|bytes| http::Uri::try_from(bytes).ok());
                // A fragment is removed, and the rest may be unchanged.
                prop_assume!(target.as_ref().is_some_and(|target| target != changed.uri()));
                let bare = |uri: &http::Uri| uri.to_string().trim_end_matches('?').to_owned();
                prop_assume!(target.as_ref().map(bare) != Some(bare(changed.uri())));
                *changed.uri_mut() = target.unwrap();
            }
            _ => {
                let body = flipped(changed.body().as_bytes());
                let body = body.and_then(|bytes| String::from_utf8(bytes).ok());
                prop_assume!(body.is_some());
                *changed.body_mut() = body.unwrap();
            }
        }
        prop_assert!(verify(&changed).is_err());
    }

    #[test]
    fn no_head_makes_it_panic(
        authorization in "(FOST )?[ -~]{0,40}",
        timestamp in "[0-9 T:.-]{0,45}",
        list in "(X-FOST-Headers)?[ a-zA-Z-]{0,30}",
        target in "/[ -~]{0,20}",
    ) {
        let request = Request::get(target)
            .header("Authorization", authorization)
            .header("X-FOST-Timestamp", timestamp)
            .header("X-FOST-Headers", list)
            .body(String::new());
        prop_assume!(request.is_ok());
        prop_assert!(verify(&request.unwrap()).is_err());
    }
}
