//! The comparison and the general parser agree on every claim and on every byte of the signed text.

use http::request::Parts;
use http::{HeaderName, HeaderValue, Request};
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::digest::only_sha256;
use super::super::{CONTENT_DIGEST, MessageSignatures, Policy, SIGNATURE, SIGNATURE_INPUT, digest};
use crate::scheme::{Claim, Coverage, Scheme, SignedText, wire};
use crate::{SecretKey, Signer};

const BODY: &[u8] = b"{\"sum\": 7}";

/// Settings with different known lists, including lists that no request in these tests has.
fn settings(place: usize) -> MessageSignatures {
    let scheme = MessageSignatures::new();
    let only = |components: &[&str]| Policy::strict().dangerous_require_only(components).unwrap();
    match place {
        0 => scheme,
        1 => scheme.with_label("*a.b").unwrap(),
        2 => scheme.with_tag("an app; \"1\"").unwrap(),
        3 => scheme.with_tag("app").unwrap().with_label("sig1").unwrap(),
        4 => scheme.with_components(["content-digest", "@target-uri", "@method"]).unwrap(),
        5 => scheme.with_policy(Policy::strict().add_component("content-type").unwrap()),
        6 => scheme.with_policy(only(&["@method", "\"content-type\";bs", "@request-target"])),
        7 => scheme.with_policy(only(&["\"@query-param\";name=\"a\"", "date"])),
        8 => scheme.with_policy(only(&["\"content-digest\";key=\"sha-256\"", "@authority"])),
        _ => scheme.with_public_origin("https://api.example.com/v1").unwrap(),
    }
}

const SETTINGS: usize = 10;

fn signed(scheme: &MessageSignatures, target: &str, body: &[u8], lifetime: bool) -> Option<Parts> {
    let request = Request::post(target)
        .header("host", "api.example.com")
        .header("content-type", "text/plain;  x=1")
        .header("date", "Tue, 20 Apr 2021 02:07:55 GMT");
    let (mut head, ()) = request.body(()).unwrap().into_parts();
    let mut signer = Signer::new(scheme.clone(), SecretKey::new([0x5a; 32]).unwrap());
    signer = signer.with_key_id("k-7 of (tests)").unwrap();
    if lifetime {
        signer = signer.with_lifetime(std::time::Duration::from_secs(60));
    }
    signer.sign_head(&mut head, body).ok()?;
    Some(head)
}

/// All data of a claim, in a form that can be compared.
fn said(claim: &Claim) -> impl PartialEq + std::fmt::Debug {
    let covered = claim.covered().unwrap();
    (
        claim.key_id().cloned(),
        (claim.created(), claim.expires(), claim.not_before()),
        claim.nonce().map(<[u8]>::to_vec),
        claim.tags().map(|tag| tag.bytes().as_bytes().to_vec()).collect::<Vec<_>>(),
        covered.components().to_vec(),
        covered.headers().cloned().collect::<Vec<_>>(),
    )
}

fn text(
    scheme: &MessageSignatures,
    head: &Parts,
    claim: &Claim,
) -> impl PartialEq + std::fmt::Debug {
    let mut text = SignedText::record();
    scheme.before_body(head, claim, &mut text).map(|()| {
        let text = text.into_recorded();
        (String::from_utf8(text.bytes).unwrap(), text.parts)
    })
}

fn has_digest(coverage: &Result<Coverage, impl Sized>) -> bool {
    matches!(coverage, Ok(Coverage::Digest(_)))
}

/// Returns whether the request has a known list. If so, its claim must equal the parser's.
fn agrees(scheme: &MessageSignatures, head: &Parts) -> bool {
    if let Some(digest) = wire::single(head, &CONTENT_DIGEST).ok().and_then(only_sha256) {
        let read = digest::read(head).unwrap();
        assert_eq!(read.len(), 1);
        assert!(read[0].matches(&digest));
    }
    let mut known = Claim::new();
    if scheme.read_known(head, &mut known).is_none() {
        return false;
    }
    let parsed = scheme.parsed_claim(head).unwrap();
    assert_eq!(said(&known), said(&parsed));
    assert_eq!(text(scheme, head, &known), text(scheme, head, &parsed));
    let coverages = [&known, &parsed].map(|claim| scheme.coverage(head, claim));
    assert_eq!(has_digest(&coverages[0]), has_digest(&coverages[1]));
    assert_eq!(coverages[0].as_ref().err(), coverages[1].as_ref().err());
    true
}

/// Changes one header: a character, its end, or its number of lines.
fn edit(head: &mut Parts, name: &HeaderName, (at, kind, with): (usize, u8, &str)) {
    let Some(value) = head.headers.get(name) else { return };
    let text = value.to_str().unwrap().to_owned();
    let at = at.checked_rem(text.len()).unwrap_or_default();
    let (before, after) = text.split_at(at.min(text.len()));
    let rest = after.get(1..).unwrap_or_default();
    let edited = match kind % 6 {
        0 => [before, with, after].concat(),
        1 => [before, with, rest].concat(),
        2 => [before, rest].concat(),
        3 => before.to_owned(),
        4 => [&text, with, after].concat(),
        _ => {
            head.headers.append(name, HeaderValue::from_str(with).unwrap());
            return;
        }
    };
    head.headers.insert(name, HeaderValue::from_str(&edited).unwrap());
}

fn piece() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just(" "),
        Just("\t"),
        Just("("),
        Just(")"),
        Just("\""),
        Just("\\"),
        Just("\\\""),
        Just(";"),
        Just("="),
        Just(":"),
        Just(","),
        Just("0"),
        Just("-"),
        Just("1.5"),
        Just("?1"),
        Just("a"),
        Just("A"),
        Just("sig1"),
        Just("sig2=()"),
        Just(";created=1"),
        Just(";expires=00"),
        Just(";nonce=\"0123456789abcdef\""),
        Just(";tag=\"app\""),
        Just(";alg=\"hmac-sha256\""),
        Just(";keyid=\"\""),
        Just(";x"),
        Just(";created=1000000000000000"),
        Just("\"date\""),
        Just("sha-256=:AA==:"),
        Just(", sha-512=:AA==:"),
        Just(""),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn comparison_and_parser_read_the_same_claim(
        place in 0..SETTINGS,
        target in prop_oneof![
            Just("/"), Just("/orders?a=1&b"), Just("http://api.example.com/v1/x?a=%20"),
            Just("/x?a=1&a=2"), Just("https://other.example:8443?a="),
        ],
        (body, lifetime) in (any::<bool>(), any::<bool>()),
        edits in vec((0..3_usize, any::<usize>(), any::<u8>(), piece()), 0..4),
        other in 0..SETTINGS,
    ) {
        let scheme = settings(place);
        let body = if body && place != 6 && place != 7 { BODY } else { b"" };
        // Some settings cannot sign some targets.
        let Some(mut head) = signed(&scheme, target, body, lifetime) else { return Ok(()) };
        // A tag that contains a quote is written with escapes.
        prop_assert_eq!(agrees(&scheme, &head), place != 2, "which way it took");
        for (name, at, kind, with) in edits {
            let name = [SIGNATURE_INPUT, SIGNATURE, CONTENT_DIGEST][name].clone();
            edit(&mut head, &name, (at, kind, with));
        }
        agrees(&scheme, &head);
        agrees(&settings(other), &head);
    }
}

/// A list in another order is not compared, and is accepted by the general parser.
#[test]
fn unknown_lists_and_spellings_go_to_the_parser() {
    let scheme = MessageSignatures::new();
    let head = signed(&scheme, "/orders", BODY, false).unwrap();
    let input = head.headers[SIGNATURE_INPUT].to_str().unwrap();
    for other in [
        input.replace("\"@method\" \"@authority\"", "\"@authority\" \"@method\""),
        input.replace("(\"", "( \""),
        input.replace(";created=", "; created=0"),
        input.replace(";created=", ";created=-"),
        format!("{input};expires=1;expires=2"),
        format!("{input} "),
        format!("{input}, {}", input.replace("sig1", "sig2")),
        input.replace("sig1", "Sig1"),
        input.replace("k-7", "k\\\\7"),
    ] {
        assert_ne!(other, input);
        let mut head = head.clone();
        head.headers.insert(SIGNATURE_INPUT, HeaderValue::from_str(&other).unwrap());
        assert!(scheme.read_known(&head, &mut Claim::new()).is_none(), "{other}");
    }
    assert!(scheme.read_known(&head, &mut Claim::new()).is_some());
}
