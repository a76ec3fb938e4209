//! Two schemes in one verifier, each with its own keys.

use futures_util::FutureExt as _;
use http::Request;
use http::request::Parts;
use proptest::prelude::*;
use tower_hmac::clock::ManualClock;
use tower_hmac::scheme::{Encoding, FlaskHmacPath, Part, TimeFormat};
use tower_hmac::{
    Algorithm, ConfigError, ErrorKind, FlaskHmac, HeaderScheme, KeyMap, Scheme, SecretKey, Signer,
    Verified, Verifier, VerifyLayer,
};

const NOW: i64 = 1_700_000_000;

fn key(text: &str) -> SecretKey {
    SecretKey::new(text).unwrap()
}

fn keys(text: &str) -> KeyMap {
    KeyMap::single(key(text)).unwrap()
}

fn header(name: &str) -> HeaderScheme {
    HeaderScheme::new(name).unwrap()
}

fn timed(name: &str) -> HeaderScheme {
    let time = Part::timestamp("X-Timestamp", TimeFormat::UnixSeconds).unwrap();
    header(name).with_parts([time, Part::literal("."), Part::Body]).unwrap()
}

fn sign(head: &mut Parts, scheme: impl Scheme, secret: &str) {
    let signer = Signer::new(scheme, key(secret)).with_clock(ManualClock::new(NOW));
    signer.sign_head(head, b"body").unwrap();
}

fn unsigned() -> Parts {
    Request::post("/").body(()).unwrap().into_parts().0
}

fn signed(scheme: impl Scheme, secret: &str) -> Parts {
    let mut head = unsigned();
    sign(&mut head, scheme, secret);
    head
}

fn verify(verifier: &Verifier, head: &Parts) -> Result<Verified, ErrorKind> {
    let outcome = verifier.verify(head, b"body").now_or_never().expect("a map answers at once");
    outcome.map_err(|error| error.kind())
}

fn flask_or_header() -> Verifier {
    Verifier::new(FlaskHmac::new(), keys("old"))
        .unwrap()
        .or(header("X-Signature"), keys("new"))
        .unwrap()
}

#[test]
fn each_scheme_verifies_only_with_its_own_keys() {
    let verifier = flask_or_header();
    let flask = |secret| verify(&verifier, &signed(FlaskHmac::new(), secret));
    let parts = |secret| verify(&verifier, &signed(header("X-Signature"), secret));
    assert_eq!(flask("old").unwrap().scheme(), "flask-hmac");
    assert_eq!(parts("new").unwrap().scheme(), "header");
    assert_eq!(flask("new").unwrap_err(), ErrorKind::Mismatch);
    assert_eq!(parts("old").unwrap_err(), ErrorKind::Mismatch);
}

#[test]
fn schemes_from_parts_can_have_names() {
    let verifier = Verifier::new(header("X-A").with_name("webhook-v1"), keys("a"))
        .unwrap()
        .or(header("X-B").with_name("webhook-v2"), keys("b"))
        .unwrap();
    let verified = verify(&verifier, &signed(header("X-B"), "b")).unwrap();
    assert_eq!(verified.scheme(), "webhook-v2");
}

/// A scheme that only reads the query is distinguished by where its signature is, whatever the
/// parameter's name.
#[cfg(feature = "sha1")]
#[test]
fn a_header_scheme_and_a_query_scheme_can_share_key_ids() {
    let url = tower_hmac::scheme::FostUrl::new;
    let header = || header("X-A").with_name(url().name().to_owned());
    let named = || KeyMap::named([("aservice", "akey")]).unwrap();
    assert!(Verifier::new(url(), named()).unwrap().or(header(), keys("b")).is_ok());
    assert!(Verifier::new(header(), keys("a")).unwrap().or(url(), named()).is_ok());
    let twice = Verifier::new(url(), named()).unwrap().or(url(), named()).unwrap_err();
    assert!(matches!(twice, ConfigError::AmbiguousSchemes(..)));
}

#[test]
fn a_request_without_any_signature_is_missing() {
    assert_eq!(verify(&flask_or_header(), &unsigned()).unwrap_err(), ErrorKind::Missing);
}

#[test]
fn a_request_signed_in_both_schemes_is_rejected() {
    let mut both = signed(FlaskHmac::new(), "old");
    sign(&mut both, header("X-Signature"), "new");
    assert_eq!(verify(&flask_or_header(), &both).unwrap_err(), ErrorKind::Malformed);
    both.headers.insert("x-signature", "nonsense".parse().unwrap());
    assert_eq!(verify(&flask_or_header(), &both).unwrap_err(), ErrorKind::Malformed);
    both.headers.remove("x-signature");
    assert!(verify(&flask_or_header(), &both).is_ok());
}

#[test]
fn schemes_on_one_header_are_a_config_error() {
    let ambiguous = |result: Result<Verifier, ConfigError>| {
        assert!(matches!(result, Err(ConfigError::AmbiguousSchemes(..))), "{result:?}");
    };
    let flask = || Verifier::new(FlaskHmac::new(), keys("a")).unwrap();
    ambiguous(flask().or(FlaskHmac::new(), keys("b")));
    ambiguous(flask().or(header("Signature"), keys("b")));
    ambiguous(flask().or(header("signature").with_algorithm(Algorithm::Sha512), keys("b")));
    ambiguous(flask().or(FlaskHmac::new().with_algorithm(Algorithm::Sha512_256), keys("b")));
    ambiguous(Verifier::new(header("X-A"), keys("a")).unwrap().or(header("x-a"), keys("b")));
    let path = FlaskHmacPath::new().with_header("Signature").unwrap();
    ambiguous(flask().or(path, keys("b")));
    // The third scheme also conflicts with the first.
    let two = flask().or(header("X-A"), keys("b")).unwrap();
    ambiguous(two.clone().or(header("X-A"), keys("c")));
    ambiguous(two.or(FlaskHmac::new(), keys("c")));
    let layer =
        VerifyLayer::new(FlaskHmac::new(), keys("a")).unwrap().or(FlaskHmac::new(), keys("b"));
    assert!(layer.is_err());
}

fn two_algorithms<S: Scheme + 'static>(name: &str, format: impl Fn(Algorithm) -> S) {
    let (old, new) = (Algorithm::Sha256, Algorithm::Sha512);
    let verifier =
        Verifier::new(format(old), keys("old")).unwrap().or(format(new), keys("new")).unwrap();
    for (algorithm, secret, other) in [(old, "old", "new"), (new, "new", "old")] {
        let verified = verify(&verifier, &signed(format(algorithm), secret)).unwrap();
        assert_eq!((verified.scheme(), verified.algorithm()), (name, Some(algorithm)));
        let swapped = verify(&verifier, &signed(format(algorithm), other));
        assert_eq!(swapped.unwrap_err(), ErrorKind::Mismatch);
    }
    let third = verify(&verifier, &signed(format(Algorithm::Sha384), "old"));
    assert_eq!(third.unwrap_err(), ErrorKind::Malformed);
}

#[test]
fn two_algorithms_of_one_scheme_are_distinguished_by_the_tag() {
    two_algorithms("flask-hmac", |algorithm| FlaskHmac::new().with_algorithm(algorithm));
    two_algorithms("flask-hmac-0.1", |algorithm| {
        FlaskHmacPath::new().with_algorithm(algorithm).dangerous_unsigned_body()
    });
    two_algorithms("header", |algorithm| header("X-Signature").with_algorithm(algorithm));
}

fn versioned(prefix: &'static str) -> HeaderScheme {
    header("X-Signature").with_prefix(prefix).unwrap()
}

#[test]
fn two_versions_in_one_header_are_distinguished_by_prefix() {
    let named = |prefix: &'static str| versioned(prefix).with_name(prefix);
    let verifier =
        Verifier::new(named("v1="), keys("old")).unwrap().or(named("v2="), keys("new")).unwrap();
    for (prefix, secret, other) in [("v1=", "old", "new"), ("v2=", "new", "old")] {
        assert_eq!(verify(&verifier, &signed(named(prefix), secret)).unwrap().scheme(), prefix);
        let swapped = verify(&verifier, &signed(named(prefix), other));
        assert_eq!(swapped.unwrap_err(), ErrorKind::Mismatch);
    }
    // A third version belongs to neither scheme.
    let third = verify(&verifier, &signed(named("v3="), "old"));
    assert_eq!(third.unwrap_err(), ErrorKind::Malformed);
    // One prefix begins with the other, and the tags have the same length.
    let same = |prefix: &'static str| {
        Verifier::new(versioned("v1="), keys("a")).unwrap().or(versioned(prefix), keys("b"))
    };
    assert!(same("v1=").is_err());
    assert!(same("v1").is_ok(), "an entry is shorter by one");
    assert!(same("").is_ok());
}

#[test]
fn tags_of_two_lengths_in_one_header_are_distinguished() {
    let long = || versioned("").with_algorithm(Algorithm::Sha512).with_name("long");
    let verifier =
        Verifier::new(versioned(""), keys("old")).unwrap().or(long(), keys("new")).unwrap();
    assert_eq!(verify(&verifier, &signed(versioned(""), "old")).unwrap().scheme(), "header");
    assert_eq!(verify(&verifier, &signed(long(), "new")).unwrap().scheme(), "long");
}

/// 64 hex digits are also base64 of 48 bytes: such a pair would reject every valid request.
#[test]
fn equally_long_tags_of_two_encodings_are_a_config_error() {
    let base64 = versioned("").with_encoding(Encoding::Base64).with_algorithm(Algorithm::Sha384);
    let ambiguous = Verifier::new(versioned(""), keys("a")).unwrap().or(base64.clone(), keys("b"));
    assert!(matches!(ambiguous, Err(ConfigError::AmbiguousSchemes(..))), "{ambiguous:?}");
    let ambiguous = Verifier::new(base64.clone(), keys("a")).unwrap().or(versioned(""), keys("b"));
    assert!(matches!(ambiguous, Err(ConfigError::AmbiguousSchemes(..))), "{ambiguous:?}");
    let prefixed = base64.with_prefix("sha384=").unwrap();
    assert!(Verifier::new(versioned(""), keys("a")).unwrap().or(prefixed, keys("b")).is_ok());
}

/// `b64(key ID ":" b64(tag))` is as long as a longer hash's tag for some lengths of the key ID.
#[test]
fn a_flask_hmac_key_id_is_distinguished_from_a_longer_tag() {
    for (longer, name) in [(Algorithm::Sha384, "abc"), (Algorithm::Sha512, "nineteen characters")] {
        let services = KeyMap::named([(name, "old")]).unwrap();
        let verifier = Verifier::new(FlaskHmac::new(), services)
            .unwrap()
            .or(FlaskHmac::new().with_algorithm(longer), keys("new"))
            .unwrap();
        let signer = Signer::new(FlaskHmac::new(), key("old")).with_key_id(name).unwrap();
        let mut head = unsigned();
        signer.sign_head(&mut head, b"body").unwrap();
        assert_eq!(verify(&verifier, &head).unwrap().key_id().unwrap(), name);
        let head = signed(FlaskHmac::new().with_algorithm(longer), "new");
        assert_eq!(verify(&verifier, &head).unwrap().algorithm(), Some(longer));
    }
}

#[test]
fn a_duplicate_header_with_tags_of_two_algorithms_is_rejected() {
    let scheme = |algorithm| header("X-Signature").with_algorithm(algorithm);
    let verifier = Verifier::new(scheme(Algorithm::Sha256), keys("old"))
        .unwrap()
        .or(scheme(Algorithm::Sha512), keys("new"))
        .unwrap();
    let mut head = signed(scheme(Algorithm::Sha256), "old");
    let second = signed(scheme(Algorithm::Sha512), "new").headers["x-signature"].clone();
    head.headers.append("x-signature", second);
    assert_eq!(verify(&verifier, &head).unwrap_err(), ErrorKind::Malformed);
}

#[test]
fn two_schemes_can_share_a_time_and_a_key_id_header() {
    let scheme = |name| timed(name).with_key_id_header("X-Key-Id").unwrap();
    let services = |secret| KeyMap::named([("a", secret)]).unwrap();
    let verifier = Verifier::new(scheme("X-Old"), services("old"))
        .unwrap()
        .or(scheme("X-New").with_encoding(Encoding::Base64), services("new"))
        .unwrap()
        .with_clock(ManualClock::new(NOW));
    let signer = Signer::new(scheme("X-New").with_encoding(Encoding::Base64), key("new"))
        .with_key_id("a")
        .unwrap()
        .with_clock(ManualClock::new(NOW));
    let mut head = unsigned();
    signer.sign_head(&mut head, b"body").unwrap();
    let verified = verify(&verifier, &head).unwrap();
    assert_eq!((verified.key_id().unwrap().as_str(), verified.created()), ("a", Some(NOW)));
}

#[test]
fn a_scheme_without_the_body_does_not_bypass_one_with_it() {
    let verifier = Verifier::new(FlaskHmac::new(), keys("old"))
        .unwrap()
        .or(FlaskHmacPath::new(), keys("new"))
        .unwrap();
    let signer = Signer::new(FlaskHmacPath::new(), key("new"));
    let mut head = unsigned();
    signer.sign_head(&mut head, b"").unwrap();
    assert_eq!(verify(&verifier, &head).unwrap_err(), ErrorKind::Malformed);
    let outcome = verifier.verify(&head, b"").now_or_never().unwrap();
    assert_eq!(outcome.unwrap().scheme(), "flask-hmac-0.1");
}

proptest! {
    /// With three schemes, a request needs exactly one signature, and a correct one.
    #[test]
    fn exactly_one_correct_signature_is_accepted(
        each in proptest::array::uniform3(prop_oneof![
            Just(None), Just(Some("right")), Just(Some("wrong")), Just(Some("nonsense")),
        ]),
    ) {
        let names = ["X-A", "X-B", "X-C"];
        let verifier = Verifier::new(header("X-A"), keys("right")).unwrap()
            .or(header("X-B"), keys("right"))
            .unwrap()
            .or(timed("X-C"), keys("right"))
            .unwrap()
            .with_clock(ManualClock::new(NOW));
        let mut head = unsigned();
        for (name, state) in names.into_iter().zip(each) {
            let scheme = if name == "X-C" { timed(name) } else { header(name) };
            match state {
                None => {}
                Some("nonsense") => {
                    head.headers.insert(
                        http::HeaderName::try_from(name).unwrap(),
                        "nonsense".parse().unwrap(),
                    );
                }
                Some(secret) => sign(&mut head, scheme, secret),
            }
        }
        let present: Vec<_> = each.into_iter().flatten().collect();
        let expected = match present.as_slice() {
            [] => Err(ErrorKind::Missing),
            ["right"] => Ok(()),
            ["wrong"] => Err(ErrorKind::Mismatch),
            _ => Err(ErrorKind::Malformed),
        };
        prop_assert_eq!(verify(&verifier, &head).map(|_| ()), expected);
    }
}
