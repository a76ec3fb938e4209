//! Several signatures: at most one is verified.

use http::request::Parts;
use tower_hmac::{ErrorKind, MessageSignatures};

use super::{
    BODY, assert_rejected, covered, parameters, request, set, signed, tag, verifier, verify,
    verify_by,
};

const OTHER: &str = r#"("@status" "example";tr);alg="rsa-v1_5-sha256";keyid="other";when="now""#;

/// A request with our signature and another party's, which has components that we do not know.
fn two(ours: &str, first: bool) -> Parts {
    let mut head = request();
    let base = MessageSignatures::new().signature_base(&head, ours).unwrap();
    let (mine, theirs) = (format!("ours={ours}"), format!("theirs={OTHER}"));
    let (tag, noise) = (format!("ours=:{}:", tag(&base)), "theirs=:AAAA:");
    if first {
        set(&mut head, "signature-input", &format!("{mine} \t,  {theirs}"));
        set(&mut head, "signature", &format!("{tag}, {noise}"));
    } else {
        set(&mut head, "signature-input", &format!("{theirs}\t, {mine}"));
        set(&mut head, "signature", &format!("{noise},{tag}"));
    }
    head
}

#[test]
fn signature_is_selected_by_label() {
    let ours = verifier(MessageSignatures::new().with_label("ours").unwrap());
    let theirs = verifier(MessageSignatures::new().with_label("theirs").unwrap());
    let absent = verifier(MessageSignatures::new().with_label("absent").unwrap());
    for first in [true, false] {
        let head = two(&(covered() + &parameters()), first);
        let verified = verify_by(&ours, &head, BODY).unwrap();
        assert_eq!(verified.key_id().unwrap(), "test-shared-secret");
        assert_eq!(verified.covered().count(), 5);
        assert_rejected(verify_by(&theirs, &head, BODY), ErrorKind::Malformed, "");
        assert_rejected(verify_by(&absent, &head, BODY), ErrorKind::Missing, "");
        assert_rejected(verify(&head, BODY), ErrorKind::Malformed, "several signatures");
    }
}

#[test]
fn signature_is_selected_by_tag() {
    let tagged = verifier(MessageSignatures::new().with_tag("app, \"1\"").unwrap());
    let input = covered() + &parameters() + r#";tag="app, \"1\"""#;
    for first in [true, false] {
        assert!(verify_by(&tagged, &two(&input, first), BODY).is_ok());
    }
    let untagged = two(&(covered() + &parameters()), true);
    assert_rejected(
        verify_by(&tagged, &untagged, BODY),
        ErrorKind::Malformed,
        "application's `tag`",
    );
}

#[test]
fn only_signature_must_carry_the_configured_tag() {
    let tagged = verifier(MessageSignatures::new().with_tag("app").unwrap());
    assert_rejected(verify_by(&tagged, &signed(), BODY), ErrorKind::Malformed, "`tag`");
    let mut head = request();
    super::sign(&mut head, &(covered() + &parameters() + ";tag=\"ap\""));
    assert_rejected(verify_by(&tagged, &head, BODY), ErrorKind::Missing, "");
    super::sign(&mut head, &(covered() + &parameters() + ";tag=\"app\""));
    assert!(verify_by(&tagged, &head, BODY).is_ok());
}

#[test]
fn two_signatures_with_the_tag_are_rejected() {
    let tagged = verifier(MessageSignatures::new().with_tag("app").unwrap());
    let input = covered() + &parameters() + ";tag=\"app\"";
    let mut head = request();
    let base = MessageSignatures::new().signature_base(&head, &input).unwrap();
    let tag = tag(&base);
    set(&mut head, "signature-input", &format!("a={input}, b={input}"));
    set(&mut head, "signature", &format!("a=:{tag}:, b=:{tag}:"));
    assert_rejected(verify_by(&tagged, &head, BODY), ErrorKind::Malformed, "several signatures");
}

#[test]
fn label_inside_a_string_is_ignored() {
    let input = covered() + &parameters() + r#";tag="x, sig2=();created=1 \\\" , sig3=:AA:""#;
    let mut head = request();
    super::sign(&mut head, &input);
    assert!(verify(&head, BODY).is_ok());
}
