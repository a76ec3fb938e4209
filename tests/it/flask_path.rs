//! The scheme of Flask-HMAC 0.1.3.

use futures_util::FutureExt as _;
use http::Request;
use http::request::Parts;
use proptest::prelude::*;
use tower_hmac::scheme::{ClaimError, FlaskHmacPath};
use tower_hmac::testing::signed_text;
use tower_hmac::{
    Algorithm, ErrorKind, KeyMap, Scheme as _, SecretKey, SignError, Signer, Verifier,
};

fn key() -> SecretKey {
    SecretKey::new("s3cr3tk3y").unwrap()
}

fn head(method: &str, target: &str, tag: &str) -> Parts {
    let request = Request::builder().method(method).uri(target).header("HMAC", tag);
    request.body(()).unwrap().into_parts().0
}

fn verify(scheme: FlaskHmacPath, head: &Parts, body: &[u8]) -> Result<(), ErrorKind> {
    let verifier = Verifier::new(scheme, KeyMap::single(key()).unwrap()).unwrap();
    let outcome = verifier.verify(head, body).now_or_never().expect("a map answers at once");
    outcome.map(|_| ()).map_err(|error| error.kind())
}

fn sign(target: &str) -> Result<Parts, SignError> {
    let request = Request::get(target).body("").unwrap();
    Ok(Signer::new(FlaskHmacPath::new(), key()).sign(request)?.into_parts().0)
}

/// Computed with OpenSSL: `openssl dgst -sha256 -hmac s3cr3tk3y -binary`, base64url, no padding.
const TAGS: [(&str, &str); 3] = [
    ("/", "SAPUmNjn7iDPrR6ruK0qR_2pA-ZMqLfVcZWzqC_mCLk"),
    ("/orders/7", "9OSMLHSLzPRR4JFAQCxSvI5lTMg6sZ_6--TrQdAodnM"),
    ("/caf%C3%A9%20au%20lait", "yWrPQWtmryBT_QujlPCovXe71BL2Mat23HrY6GxwVtQ"),
];

#[test]
fn the_tag_equals_another_implementations() {
    for (path, tag) in TAGS {
        assert_eq!(verify(FlaskHmacPath::new(), &head("GET", path, tag), b""), Ok(()), "{path}");
        assert_eq!(sign(path).unwrap().headers["hmac"], tag);
    }
}

#[test]
fn method_and_query_are_not_covered() {
    let (path, tag) = TAGS[1];
    for method in ["GET", "POST", "DELETE"] {
        let target = format!("{path}?any=thing");
        assert_eq!(verify(FlaskHmacPath::new(), &head(method, &target, tag), b""), Ok(()));
    }
    let other = verify(FlaskHmacPath::new(), &head("GET", "/orders/8", tag), b"");
    assert_eq!(other, Err(ErrorKind::Mismatch));
}

#[test]
fn a_body_is_rejected_unless_it_may_be_unsigned() {
    let (path, tag) = TAGS[1];
    let signed = head("POST", path, tag);
    assert_eq!(verify(FlaskHmacPath::new(), &signed, b"x"), Err(ErrorKind::Malformed));
    let lax = FlaskHmacPath::new().dangerous_unsigned_body();
    assert_eq!(verify(lax.clone(), &signed, b"x"), Ok(()));

    let request = || Request::post(path).body("x").unwrap();
    let error = Signer::new(FlaskHmacPath::new(), key()).sign(request()).unwrap_err();
    assert!(matches!(error, SignError::Request(_)));
    assert!(Signer::new(lax, key()).sign(request()).is_ok());
}

#[test]
fn a_tag_in_another_spelling_is_rejected() {
    let (path, tag) = TAGS[0];
    let standard = tag.replace('-', "+").replace('_', "/");
    assert_ne!(standard, tag, "or the test says nothing of the alphabet");
    // The last character carries four bits of the tag; the two below them must be zero.
    let slack = format!("{}{}", &tag[..42], char::from(tag.as_bytes()[42] + 1));
    for text in [&format!("{tag}="), &standard, &slack, &tag[..42], "", &format!("a:{tag}")] {
        let outcome = verify(FlaskHmacPath::new(), &head("GET", path, text), b"");
        assert_eq!(outcome, Err(ErrorKind::Malformed), "{text:?}");
    }
}

#[test]
fn missing_and_malformed_are_distinguished() {
    let scheme = FlaskHmacPath::new();
    let mut signed = sign("/").unwrap();
    let tag = signed.headers["hmac"].clone();
    signed.headers.append("hmac", tag);
    assert_eq!(verify(scheme.clone(), &signed, b""), Err(ErrorKind::Malformed));
    signed.headers.remove("hmac");
    assert_eq!(verify(scheme, &signed, b""), Err(ErrorKind::Missing));
}

#[test]
fn ambiguous_paths_are_rejected() {
    for path in ["/a%2Fb", "/a%2fb", "/a%25b", "/a%", "/a%2", "/a%zz", "/%C3", "/%ff"] {
        let outcome = verify(FlaskHmacPath::new(), &head("GET", path, TAGS[0].1), b"");
        assert_eq!(outcome, Err(ErrorKind::Malformed), "{path}");
        assert!(matches!(sign(path), Err(SignError::Request(_))), "{path}");
    }
}

#[test]
fn a_key_id_cannot_be_sent() {
    let signer = Signer::new(FlaskHmacPath::new(), key()).with_key_id("a").unwrap();
    let error = signer.sign(Request::get("/").body("").unwrap()).unwrap_err();
    assert!(matches!(error, SignError::KeyId(_)));
}

#[test]
fn header_and_hash_can_be_set() {
    let scheme =
        FlaskHmacPath::new().with_header("X-Path-HMAC").unwrap().with_algorithm(Algorithm::Sha512);
    let signed = Signer::new(scheme.clone(), key()).sign(Request::get("/").body("").unwrap());
    let (signed, _) = signed.unwrap().into_parts();
    assert_eq!(signed.headers["x-path-hmac"].len(), 86);
    assert_eq!(verify(scheme.clone(), &signed, b""), Ok(()));
    assert_eq!(scheme.name(), "flask-hmac-0.1");
    assert!(FlaskHmacPath::new().with_header("a b").is_err());
}

proptest! {
    #[test]
    fn another_path_is_rejected(
        path in "/[a-z%0-9~.!é]{0,12}",
        other in "/[a-z%0-9~.!é]{0,12}",
    ) {
        let Ok(signed) = sign(&path) else { return Ok(()) };
        prop_assert_eq!(verify(FlaskHmacPath::new(), &signed, b""), Ok(()));
        let tag = signed.headers["hmac"].to_str().unwrap();
        let other = head("GET", &other, tag);
        let same = signed_text(&FlaskHmacPath::new(), &other, b"") == Ok(path_text(&signed));
        prop_assert_eq!(verify(FlaskHmacPath::new(), &other, b"").is_ok(), same);
    }

    /// The only pair with the same text: a character and its escape.
    #[test]
    fn different_paths_have_different_texts(bytes in proptest::collection::vec(0x21_u8..0x7f, 0..6)) {
        let hex = base16ct::upper::encode_string(&bytes);
        let escaped: String = hex.as_bytes().chunks(2).flat_map(|byte| ["%", str::from_utf8(byte).unwrap()]).collect();
        let text = signed_text(&FlaskHmacPath::new(), &head("GET", &format!("/{escaped}"), TAGS[0].1), b"");
        if bytes.contains(&b'/') || bytes.contains(&b'%') {
            let rejected = matches!(text, Err(ClaimError::Malformed { .. }));
            prop_assert!(rejected);
        } else {
            prop_assert_eq!(text, Ok([b"/", bytes.as_slice()].concat()));
        }
    }
}

fn path_text(head: &Parts) -> Vec<u8> {
    signed_text(&FlaskHmacPath::new(), head, b"").unwrap()
}
