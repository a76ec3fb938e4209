//! Properties of every FOST URL.

use std::collections::HashMap;

use http::{Request, Uri};
use proptest::prelude::*;
use tower_hmac::scheme::FostUrl;
use tower_hmac::testing::signed_text;

use super::{HOST, fetch, signer, verify};

/// Writes two expiries. Without one, the link never expires.
#[test]
fn different_links_have_different_texts() {
    let scheme = FostUrl::new().dangerous_no_expiry();
    let mut seen: HashMap<Vec<u8>, [String; 4]> = HashMap::new();
    let mut texts = 0;
    for host in ["a", "a:1", "A", "a*", "a/", "a/a", "a?", "a@b", "a.b", ""] {
        for path in ["*", "/", "//", "/a", "/a%3F", "/a%3Fb", "/a%0A1", "/a%2Fb", "/a/b", "/%3F/a"]
        {
            for rest in ["", "a", "b", "/", "&", "&a", "a&", "?", "?a", "a?b", "_s2=1", "%0A1", "1"]
            {
                for expires in ["", "_e=1&", "_e=12&"] {
                    let tag = "AAAAAAAAAAAAAAAAAAAAAAAAAAA=";
                    let target = format!("{path}?_k=a&{expires}_s={tag}&{rest}");
                    let target = target
                        .strip_suffix('&')
                        .filter(|_| rest.is_empty())
                        .map_or(target.clone(), Into::into);
                    let Ok(uri) = Uri::try_from(target) else { continue };
                    let (head, ()) =
                        Request::get(uri).header("Host", host).body(()).unwrap().into_parts();
                    let Ok(text) = signed_text(&scheme, &head, b"") else { continue };
                    let covered = [host, path, rest, expires].map(str::to_owned);
                    texts += 1;
                    let twin = seen.insert(text, covered.clone());
                    assert!(twin.is_none(), "{twin:?} and {covered:?}");
                }
            }
        }
    }
    assert!(texts > 500, "{texts}");
}

fn any_url() -> impl Strategy<Value = String> {
    let segment = "([a-zA-Z0-9._~+;=:@]|%20|%C3%A9|%e2%82%ac){0,8}";
    let rest = "([a-zA-Z0-9=&%/?+]|_s2|_k_|_e2){0,10}";
    (prop::collection::vec(segment, 1..4), prop::option::of(rest)).prop_map(|(path, rest)| {
        let rest = rest.map_or(String::new(), |rest| format!("?{rest}"));
        format!("http://{HOST}/{}{rest}", path.join("/"))
    })
}

proptest! {
    #[test]
    fn signed_request_verifies(url in any_url()) {
        let signed = signer().sign_url(&url).unwrap();
        prop_assert!(verify(&fetch(signed.path_and_query().unwrap().as_str())).is_ok());
        let absolute = Request::get(signed).body(String::new()).unwrap();
        prop_assert!(verify(&absolute).is_ok());
    }

    #[test]
    fn one_changed_bit_is_rejected(
        url in any_url(),
        place in any::<prop::sample::Index>(),
        bit in 0..7_u8,
    ) {
        let signed = signer().sign_url(&url).unwrap();
        let mut bytes = signed.path_and_query().unwrap().as_str().as_bytes().to_vec();
        let place = place.index(bytes.len());
        let before = bytes.clone();
        bytes[place] ^= 1_u8 << bit;
        let changed = Uri::try_from(bytes.as_slice());
        prop_assume!(changed.is_ok());
        let changed = changed.unwrap();
        // A fragment is removed, and the digits of an escape may be in either case.
        prop_assume!(changed.to_string().as_bytes() == bytes);
        prop_assume!(!before[place.saturating_sub(2)..place].contains(&b'%'));
        prop_assert!(verify(&fetch(changed.to_string())).is_err());
    }

    #[test]
    fn no_target_makes_it_panic(query in "(_[kes]=?)?[ -~]{0,20}&_[kes]=[ -~]{0,40}", host in "[ -~]{0,9}") {
        let request = Request::get(format!("/?{query}")).header("Host", host).body(String::new());
        prop_assume!(request.is_ok());
        prop_assert!(verify(&request.unwrap()).is_err());
    }
}
