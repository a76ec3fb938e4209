//! A request signed by several parties (RFC 9421 section 4.3): each reads, adds and removes only
//! its own signature.

use std::convert::Infallible;

use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer as _, ServiceExt as _};
use tower_hmac::clock::ManualClock;
use tower_hmac::layer::VerifiedBody;
use tower_hmac::{
    ErrorKind, KeyMap, MessageSignatures, Scheme as _, SecretKey, SignError, Signer, Verified,
    Verifier, VerifyLayer,
};

use super::{BODY, KEY_ID, NOW, assert_rejected, head, request, set, signer, verifier, verify_by};

/// Another party's signature, with spaces that no serializer writes.
const INPUT: &str = r#"proxy=( "@method"  "x";sf=?1 ); created=01; keyid="p""#;
const SIGNATURE: &str = "proxy=:AAAA:;q=1";

fn labelled(label: &str) -> MessageSignatures {
    MessageSignatures::new().with_label(label).unwrap()
}

fn tagged(tag: &str) -> MessageSignatures {
    MessageSignatures::new().with_tag(tag).unwrap()
}

/// An unsigned request that a proxy has signed.
fn proxied() -> Parts {
    let mut head = request();
    set(&mut head, "signature-input", INPUT);
    set(&mut head, "signature", SIGNATURE);
    head
}

fn lines(headers: &HeaderMap, name: &str) -> Vec<String> {
    headers.get_all(name).iter().map(|line| line.to_str().unwrap().to_owned()).collect()
}

fn add(head: &mut Parts, scheme: MessageSignatures) {
    signer(scheme).sign_head(head, BODY).unwrap();
}

#[test]
fn signature_is_added_to_existing_ones() {
    for scheme in
        [labelled("ours"), MessageSignatures::new(), tagged("app").with_label("o").unwrap()]
    {
        let mut head = proxied();
        add(&mut head, scheme.clone());
        for (name, theirs) in [("signature-input", INPUT), ("signature", SIGNATURE)] {
            let [line] = &*lines(&head.headers, name) else { panic!("one line") };
            assert!(line.starts_with(&format!("{theirs}, ")), "{line}");
            assert!(head.headers[name].is_sensitive());
        }
        if scheme.selector().is_some() {
            assert!(verify_by(&verifier(scheme), &head, BODY).is_ok());
        } else {
            // No setting selects one of the signatures.
            let rejected = verify_by(&verifier(scheme), &head, BODY);
            assert_rejected(rejected, ErrorKind::Malformed, "several signatures");
        }
    }
}

#[test]
fn signature_is_added_to_the_last_of_several_lines() {
    let mut head = proxied();
    head.headers.append("signature-input", "b=()".parse().unwrap());
    head.headers.append("signature", "b=:AAAA:".parse().unwrap());
    add(&mut head, labelled("ours"));
    assert_eq!(lines(&head.headers, "signature")[0], SIGNATURE);
    assert!(lines(&head.headers, "signature")[1].starts_with("b=:AAAA:, ours=:"));
    assert_eq!(lines(&head.headers, "signature-input")[0], INPUT);
    assert!(verify_by(&verifier(labelled("ours")), &head, BODY).is_ok());
}

#[test]
fn two_parties_sign_one_request_and_each_verifies_its_own() {
    let mut head = request();
    add(&mut head, labelled("a"));
    let first = lines(&head.headers, "signature-input")[0].clone();
    let other = Signer::new(labelled("b"), SecretKey::new("other").unwrap());
    let other = other.with_key_id("other").unwrap().with_clock(ManualClock::new(NOW));
    other.sign_head(&mut head, BODY).unwrap();
    assert!(lines(&head.headers, "signature-input")[0].starts_with(&first));
    for (label, name) in [("a", KEY_ID), ("b", "other")] {
        let verified = verify_by(&verifier(labelled(label)), &head, BODY).unwrap();
        assert_eq!(verified.key_id().unwrap(), name);
    }
}

#[test]
fn other_labels_and_tags_do_not_count_as_already_signed() {
    let taken = |scheme: &MessageSignatures, mut head: Parts| {
        signer(scheme.clone()).sign_head(&mut head, BODY)
    };
    let mut named = proxied();
    add(&mut named, MessageSignatures::new());
    assert_eq!(taken(&MessageSignatures::new(), named.clone()), Err(SignError::AlreadySigned));
    assert_eq!(taken(&labelled("proxy"), named.clone()), Err(SignError::AlreadySigned));
    assert_eq!(taken(&labelled("a"), named), Ok(()));

    let mut named = proxied();
    add(&mut named, tagged("app").with_label("a").unwrap());
    // With only the tag, any label is ours. With a label, it is another signature.
    assert_eq!(taken(&tagged("app"), named.clone()), Err(SignError::AlreadySigned));
    assert_eq!(taken(&tagged("app").with_label("b").unwrap(), named.clone()), Ok(()));
    // The tag differs, but the label is taken.
    let same_label = tagged("log").with_label("a").unwrap();
    assert_eq!(taken(&same_label, named.clone()), Err(SignError::AlreadySigned));
    assert_eq!(taken(&tagged("log"), named), Ok(()));

    // A label in only one of the two fields is taken, too.
    let mut half = proxied();
    set(&mut half, "signature", "a=:AAAA:");
    assert_eq!(taken(&labelled("a"), half), Err(SignError::AlreadySigned));
    let mut broken = proxied();
    set(&mut broken, "signature", "no dictionary");
    assert!(matches!(
        taken(&labelled("a"), broken),
        Err(SignError::Header { header, .. }) if header == "signature"
    ));
    // An empty field is a dictionary without members.
    let mut empty = request();
    set(&mut empty, "signature", "");
    set(&mut empty, "signature-input", " ");
    assert_eq!(taken(&labelled("a"), empty), Ok(()));
}

#[test]
fn only_our_own_signature_is_replaced() {
    for scheme in [labelled("ours"), tagged("app").with_label("ours").unwrap()] {
        let mut head = proxied();
        add(&mut head, scheme.clone());
        let before = lines(&head.headers, "signature");
        let again = signer(scheme.clone()).with_clock(ManualClock::new(NOW + 1));
        again.replace_signature().sign_head(&mut head, BODY).unwrap();
        let after = lines(&head.headers, "signature");
        assert!(after[0].starts_with(SIGNATURE), "{after:?}");
        assert_eq!(before[0].len(), after[0].len());
        assert_ne!(before, after);
        assert!(verify_by(&verifier(scheme), &head, BODY).is_ok());
    }
}

fn stripped(scheme: &MessageSignatures, inputs: &[&str], signatures: &[&str]) -> [Vec<String>; 2] {
    let mut head = head("GET", "/", &[]);
    for (name, lines) in [("signature-input", inputs), ("signature", signatures)] {
        for line in lines {
            head.headers.append(name, line.parse().unwrap());
        }
    }
    scheme.strip(&mut head);
    ["signature-input", "signature"].map(|name| lines(&head.headers, name))
}

#[test]
fn strip_leaves_the_members_of_others_as_they_were_sent() {
    let ours = labelled("ours");
    let input = r#"ours=();tag="x, proxy=()""#;
    for (inputs, signatures) in [
        (vec![format!("{INPUT}, {input}")], vec![format!("{SIGNATURE},ours=:AA==:")]),
        (vec![format!("{input} ,\t{INPUT}")], vec![format!("ours=:AA==:, {SIGNATURE}")]),
        (vec![INPUT.into(), input.into()], vec!["ours=:AA==:".into(), SIGNATURE.into()]),
        (vec![INPUT.into()], vec![SIGNATURE.into()]),
    ] {
        let inputs: Vec<_> = inputs.iter().map(String::as_str).collect();
        let signatures: Vec<_> = signatures.iter().map(String::as_str).collect();
        assert_eq!(stripped(&ours, &inputs, &signatures), [[INPUT], [SIGNATURE]]);
    }
    // A line with only foreign members stays the same, byte for byte.
    let spaced = ["a=:AAAA: \t,b=:AAAA:", "ours=:AA==:"];
    let inputs = ["a=() ,  b=(), ours=()"];
    let [inputs, signatures] = stripped(&ours, &inputs, &spaced);
    assert_eq!(signatures, [spaced[0]]);
    assert_eq!(inputs, ["a=(), b=()"]);
}

#[test]
fn strip_selects_by_tag_if_set() {
    let input = r#"a=();tag="app", b=();tag="log", c=()"#;
    let signature = "a=:AA==:, b=:AA==:, c=:AA==:";
    let [inputs, signatures] = stripped(&tagged("app"), &[input], &[signature]);
    assert_eq!(inputs, [r#"b=();tag="log", c=()"#]);
    assert_eq!(signatures, ["b=:AA==:, c=:AA==:"]);
    let both = tagged("log").with_label("a").unwrap();
    assert_eq!(stripped(&both, &[input], &[signature]), [[input], [signature]]);
}

/// The only signature is ours by default. If a field is not a dictionary, nobody can tell whose it
/// is.
#[test]
fn strip_removes_fields_that_cannot_be_parsed() {
    let none = [Vec::<String>::new(), Vec::new()];
    let whole = stripped(&MessageSignatures::new(), &[INPUT], &[SIGNATURE]);
    assert_eq!(whole, none);
    let [inputs, signatures] = stripped(&labelled("ours"), &["ours=()"], &["ours=:AA==:, broken("]);
    assert!(inputs.is_empty() && signatures.is_empty());
}

/// The request as seen by the service behind a layer, and the response.
async fn through(layer: VerifyLayer, head: Parts) -> (StatusCode, HeaderMap) {
    let seen =
        tower::service_fn(|request: Request<VerifiedBody<Full<&'static [u8]>>>| async move {
            let mut response = Response::new(String::new());
            for name in ["signature", "signature-input"] {
                for line in request.headers().get_all(name) {
                    assert!(line.is_sensitive(), "{name}");
                    response.headers_mut().append(name, line.clone());
                }
            }
            if request.extensions().get::<Verified>().is_some() {
                response.headers_mut().insert("x-verified", "yes".parse().unwrap());
            }
            Ok::<_, Infallible>(response)
        });
    let request = Request::from_parts(head, Full::new(BODY));
    let response = layer.layer(seen).oneshot(request).await.unwrap();
    (response.status(), response.headers().clone())
}

#[tokio::test]
async fn foreign_signatures_reach_the_handler_and_are_not_logged() {
    let mut head = proxied();
    add(&mut head, labelled("ours"));
    let layer = VerifyLayer::from(verifier(labelled("ours"))).strip_signature();
    let (status, headers) = through(layer, head).await;
    assert_eq!(status, 200);
    assert_eq!(lines(&headers, "signature"), [SIGNATURE]);
    assert_eq!(lines(&headers, "signature-input"), [INPUT]);
}

#[tokio::test]
async fn foreign_signature_counts_as_unsigned_for_an_optional_layer() {
    let mut foreign = request();
    add(&mut foreign, tagged("log").with_label("theirs").unwrap());
    for scheme in [labelled("ours"), tagged("app"), tagged("app").with_label("theirs").unwrap()] {
        // The handler sees it unchanged, whether or not it is marked as sensitive.
        let layer = || VerifyLayer::from(verifier(scheme.clone()));
        let (status, headers) = through(layer().optional(), foreign.clone()).await;
        assert_eq!(status, 200, "{:?}", scheme.selector());
        assert!(!headers.contains_key("x-verified"));
        assert_eq!(headers["signature"], foreign.headers["signature"]);
        assert_eq!(through(layer(), foreign.clone()).await.0, 403);
    }
    // A signature that may be meant for us must be correct.
    let mut wrong = request();
    add(&mut wrong, labelled("ours"));
    for scheme in [labelled("ours"), tagged("app"), MessageSignatures::new()] {
        let mut head = wrong.clone();
        head.headers.insert("host", "elsewhere".parse().unwrap());
        let layer = VerifyLayer::from(verifier(scheme)).optional();
        assert_eq!(through(layer, head).await.0, 403);
    }
}

#[test]
fn two_labels_or_tags_can_have_separate_keys() {
    let keys = |secret: &str| KeyMap::named([(KEY_ID, secret)]).unwrap();
    let sign = |scheme: MessageSignatures, secret: &str| {
        let mut head = request();
        let signer = Signer::new(scheme, SecretKey::new(secret).unwrap());
        let signer = signer.with_key_id(KEY_ID).unwrap().with_clock(ManualClock::new(NOW));
        signer.sign_head(&mut head, BODY).unwrap();
        head
    };
    for make in [labelled as fn(&str) -> _, tagged] {
        let verifier = Verifier::new(make("one"), keys("1"))
            .unwrap()
            .or(make("two"), keys("2"))
            .unwrap()
            .with_clock(ManualClock::new(NOW));
        for (name, secret) in [("one", "1"), ("two", "2")] {
            assert!(verify_by(&verifier, &sign(make(name), secret), BODY).is_ok());
        }
        for (name, secret) in [("one", "2"), ("two", "1")] {
            let crossed = verify_by(&verifier, &sign(make(name), secret), BODY);
            assert_rejected(crossed, ErrorKind::Mismatch, "");
        }
        let neither = verify_by(&verifier, &sign(make("three"), "1"), BODY);
        assert_rejected(neither, ErrorKind::Missing, "");
        assert!(Verifier::new(make("one"), keys("1")).unwrap().or(make("one"), keys("2")).is_err());
    }
    let mixed = Verifier::new(labelled("one"), keys("1")).unwrap().or(tagged("two"), keys("2"));
    assert!(mixed.is_err(), "one signature can have the label and the tag");
}

#[test]
fn key_id_is_required_by_policy() {
    assert!(MessageSignatures::new().requires_key_id());
    assert!(std::sync::Arc::new(MessageSignatures::new()).requires_key_id());
    let policy = tower_hmac::scheme::Policy::strict().dangerous_without_keyid();
    assert!(!MessageSignatures::new().with_policy(policy).requires_key_id());
    assert!(!tower_hmac::FlaskHmac::new().requires_key_id());
}
