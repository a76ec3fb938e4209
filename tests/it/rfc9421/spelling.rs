//! The signature covers the meaning of `Signature-Input`, not its spelling (RFC 9421 section 3.2,
//! step 7).

use http::Request;
use tower_hmac::{ErrorKind, MessageSignatures};

use super::{
    BODY, KEY_ID, NONCE, NOW, assert_rejected, covered, parameters, put, request, set, sign,
    signer, tag, verify,
};

/// Other spellings of the list and the parameters of the tests, with a field in `bs` form.
fn spellings() -> Vec<String> {
    let list = plain().split_once(";created").unwrap().0.to_owned();
    let list = list.as_str();
    let parameters = parameters();
    let after = |separator: &str| parameters.replace(';', separator);
    vec![
        list.replace('(', "(  ").replace(')', " )") + &parameters,
        list.replace(' ', "   ") + &parameters,
        list.to_owned() + &after("; "),
        list.to_owned() + &after(";  "),
        list.replace(";bs", "; bs") + &parameters,
        list.replace(";bs", ";bs=?1") + &parameters,
        list.replace(";bs", "; bs=?1") + &after("; "),
        format!("{list};created=0{NOW};keyid=\"{KEY_ID}\";nonce=\"{NONCE}\""),
        format!("{list};created=00000{NOW};keyid=\"{KEY_ID}\";nonce=\"{NONCE}\""),
    ]
}

fn plain() -> String {
    covered().replace(')', " \"date\";bs)") + &parameters()
}

#[test]
fn other_spelling_of_the_input_verifies_under_the_same_signature() {
    let mut head = request();
    sign(&mut head, &plain());
    for input in spellings() {
        set(&mut head, "signature-input", &format!("sig={input}"));
        let verified = verify(&head, BODY).expect(&input);
        assert_eq!(verified.covered().last(), Some("\"date\";bs"));
        assert_eq!(verified.created(), Some(NOW));
    }
}

#[test]
fn signature_over_the_sent_spelling_is_rejected() {
    for input in spellings() {
        let mut head = request();
        let base = MessageSignatures::new().signature_base(&head, &plain()).unwrap();
        let (lines, parameters) = base.rsplit_once(": ").unwrap();
        assert_eq!(parameters, plain());
        put(&mut head, &input, &tag(&format!("{lines}: {input}")));
        assert_rejected(verify(&head, BODY), ErrorKind::Mismatch, "");
        put(&mut head, &input, &tag(&base));
        assert!(verify(&head, BODY).is_ok(), "{input}");
    }
}

/// To a replay guard, two spellings of one list must be the same request.
#[test]
fn replay_in_another_spelling_is_rejected() {
    let guard = super::rejections::Seen::default();
    let verifier = super::verifier(MessageSignatures::new()).with_replay_guard(guard).unwrap();
    let mut head = request();
    sign(&mut head, &plain());
    assert!(super::verify_by(&verifier, &head, BODY).is_ok());
    for input in spellings() {
        set(&mut head, "signature-input", &format!("sig={input}"));
        assert_rejected(super::verify_by(&verifier, &head, BODY), ErrorKind::Replayed, "");
    }
}

/// Only with escapes is the serialized text longer than its meaning.
#[test]
fn quotes_and_backslashes_are_escaped_again() {
    let scheme = MessageSignatures::new().with_tag("a \"b\" \\c").unwrap();
    let request = Request::get("http://example.com/").body("").unwrap();
    let (head, _) = signer(scheme.clone()).sign(request).unwrap().into_parts();
    let input = head.headers["signature-input"].to_str().unwrap();
    let (_, input) = input.split_once('=').unwrap();
    assert!(input.ends_with(r#";tag="a \"b\" \\c""#), "{input}");
    let base = scheme.signature_base(&head, input).unwrap();
    assert!(base.ends_with(&format!("\n\"@signature-params\": {input}")), "{base}");
}

#[test]
fn fields_in_several_lines_are_joined() {
    let mut head = request();
    sign(&mut head, &plain());
    let (input, signature) = (
        head.headers["signature-input"].to_str().unwrap().to_owned(),
        head.headers["signature"].to_str().unwrap().to_owned(),
    );
    let proxy = r#"proxy=("@method");created=1;keyid="proxy""#;
    let labelled = super::verifier(MessageSignatures::new().with_label("sig").unwrap());
    for (inputs, signatures) in [
        ([input.as_str(), proxy], [signature.as_str(), "proxy=:AAAA:"]),
        ([proxy, &input], [&signature, "proxy=:AAAA:"]),
        ([&input, proxy], ["proxy=:AAAA:", &signature]),
    ] {
        let mut head = head.clone();
        for (name, lines) in [("signature-input", inputs), ("signature", signatures)] {
            head.headers.remove(name);
            for line in lines {
                head.headers.append(name, line.parse().unwrap());
            }
        }
        assert!(super::verify_by(&labelled, &head, BODY).is_ok());
        assert_rejected(verify(&head, BODY), ErrorKind::Malformed, "several signatures");
        // Half of a field is malformed.
        head.headers.append("signature", "".parse().unwrap());
        assert_rejected(
            super::verify_by(&labelled, &head, BODY),
            ErrorKind::Malformed,
            "dictionary",
        );
    }
}

#[test]
fn total_length_of_a_fields_lines_is_limited() {
    let labelled = super::verifier(MessageSignatures::new().with_label("sig").unwrap());
    let mut head = request();
    sign(&mut head, &plain());
    let input = head.headers["signature-input"].len();
    head.headers.append("signature", "x=:AAAA:".parse().unwrap());
    for (len, fits) in [(8 * 1024, true), (8 * 1024 + 1, false)] {
        let padding = "a".repeat(len - input - ", x=();tag=\"\"".len());
        let mut head = head.clone();
        head.headers.append("signature-input", format!("x=();tag=\"{padding}\"").parse().unwrap());
        let result = super::verify_by(&labelled, &head, BODY);
        if fits {
            assert!(result.is_ok());
        } else {
            assert_rejected(result, ErrorKind::Malformed, "longer than 8 KiB");
        }
    }
}
