//! The RFC's own examples.

use serde_json::Value;
use tower_hmac::scheme::Policy;
use tower_hmac::scheme::StructuredType;
use tower_hmac::{ErrorKind, MessageSignatures};

use super::{KEY, NOW, assert_rejected, head, parse, put, set, tag, verifier, verify, verify_by};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../vectors/rfc9421.json")).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// The test request of appendix B.2.
fn test_request() -> (http::request::Parts, Vec<u8>) {
    let request = &vectors()["test_request"];
    let mut message = text(&request["start_line"]).to_owned();
    for header in request["headers"].as_array().unwrap() {
        message.extend(["\n", text(&header[0]), ": ", text(&header[1])]);
    }
    parse(&format!("{message}\n\n{}", text(&request["body"])))
}

/// The value of a dictionary with one member.
fn member(field: &str) -> &str {
    field.split_once('=').unwrap().1
}

#[test]
fn signature_base_of_every_request_case_is_the_published_one() {
    let (head, _) = test_request();
    let mut seen = 0;
    for case in vectors()["signature_cases"].as_array().unwrap() {
        let input = member(text(&case["signature_input"]));
        let base = MessageSignatures::new().signature_base(&head, input);
        if text(&case["on"]) == "response" {
            // `@status` belongs to a response: no request has this component.
            assert!(base.is_err(), "{}", case["section"]);
            continue;
        }
        let base = base.unwrap();
        assert_eq!(base, text(&case["signature_base"]), "{}", case["section"]);
        assert_eq!(tag(&base), text(&case["derived_hmac_sha256_over_base_base64"]));
        seen += 1;
    }
    assert_eq!(seen, 5);
}

#[test]
fn published_hmac_case_is_signed_and_verified() {
    let vectors = vectors();
    let case = &vectors["signature_cases"].as_array().unwrap()[4];
    assert_eq!(text(&case["section"]), "B.2.5");
    assert_eq!(text(&vectors["shared_secret"]["base64"]), KEY);
    let (mut head, body) = test_request();

    let input = member(text(&case["signature_input"]));
    let base = MessageSignatures::new().signature_base(&head, input).unwrap();
    assert_eq!(format!("sig-b25=:{}:", tag(&base)), text(&case["signature"]));

    set(&mut head, "signature-input", text(&case["signature_input"]));
    set(&mut head, "signature", text(&case["signature"]));
    let policy = Policy::strict()
        .dangerous_require_only(["date", "@authority", "content-type"])
        .unwrap()
        .dangerous_without_nonce();
    let open = policy.clone().dangerous_unsigned_body().unwrap();
    let open = verifier(MessageSignatures::new().with_policy(open));
    let verified = verify_by(&open, &head, &body).unwrap();
    assert_eq!(verified.key_id().unwrap(), "test-shared-secret");
    assert_eq!(verified.created(), Some(NOW));
    let covered: Vec<_> = verified.covered().collect();
    assert_eq!(covered, ["\"date\"", "\"@authority\"", "\"content-type\""]);
    let headers: Vec<_> = verified.signed_headers().map(|(name, _)| name.as_str()).collect();
    assert_eq!(headers, ["date", "content-type"]);

    // This signature covers too little for the strict policy.
    assert_rejected(verify(&head, &body), ErrorKind::Malformed, "less than the policy requires");
    let closed = verifier(MessageSignatures::new().with_policy(policy));
    assert_rejected(
        verify_by(&closed, &head, &body),
        ErrorKind::Malformed,
        "not among the covered",
    );
    assert!(verify_by(&closed, &head, b"").is_ok());
}

/// An example of section 2 as a whole request. HTTP/1.1 parsers replace an obsolete fold in the
/// RFC's text with one space.
fn example_request(message: &str) -> http::request::Parts {
    let message = message.replace("Obsolete\n    line", "Obsolete line");
    let message = match message.split_once(" HTTP/1.1") {
        Some(_) => message,
        None if message == "(absent query string)" => "GET /path HTTP/1.1".to_owned(),
        None => format!("GET / HTTP/1.1\n{message}"),
    };
    parse(&message).0
}

#[test]
fn component_examples_have_the_published_lines() {
    let scheme = MessageSignatures::new()
        .with_structured_field("example-dict", StructuredType::Dictionary)
        .unwrap();
    let mut seen = 0;
    for example in vectors()["component_examples"].as_array().unwrap() {
        let message = text(&example["message"]);
        let scheme = match example.get("scheme") {
            Some(name) => {
                let origin = format!("{}://www.example.com", text(name));
                scheme.clone().with_public_origin(origin).unwrap()
            }
            None => scheme.clone(),
        };
        for line in example["expected_lines"].as_array().unwrap() {
            let line = text(line);
            let (identifier, _) = line.split_once(": ").unwrap();
            let input = format!("({identifier})");
            if message.starts_with("HTTP/1.1 200 OK") {
                // No request has a status.
                assert!(scheme.signature_base(&super::request(), &input).is_err(), "{line}");
                continue;
            }
            let base = scheme.signature_base(&example_request(message), &input).unwrap();
            let wanted = format!("{line}\n\"@signature-params\": {input}");
            assert_eq!(base, wanted, "section {}", example["section"]);
            seen += 1;
        }
    }
    assert_eq!(seen, 34);
}

#[test]
fn duplicate_query_parameter_is_rejected() {
    for case in vectors()["query_param_error_cases"].as_array().unwrap() {
        let head = head("GET", &format!("/?{}", text(&case["query"])), &[]);
        let input = format!("({})", text(&case["component"]));
        assert!(MessageSignatures::new().signature_base(&head, &input).is_err());
    }
}

#[test]
fn components_of_a_response_are_rejected_on_a_request() {
    let binding = &vectors()["request_response_binding"];
    let (head, _) = parse(text(&binding["request"]));
    for base in ["signature_base", "signature_base_2"] {
        let (_, input) = text(&binding[base]).rsplit_once(": ").unwrap();
        assert!(input.contains(";req"));
        assert!(MessageSignatures::new().signature_base(&head, input).is_err());
    }
}

#[test]
fn second_signature_of_a_proxy_has_the_published_base() {
    let vectors = vectors();
    let blocks = vectors["multiple_signatures"]["blocks"].as_array().unwrap();
    let (mut head, body) = parse(text(&blocks[4]));
    let field = head.headers["signature-input"].to_str().unwrap().to_owned();
    let (_, input) = field.split_once("proxy_sig=").unwrap();
    let base = MessageSignatures::new().signature_base(&head, input).unwrap();
    assert_eq!(base, text(&blocks[2]));

    // There are two signatures, and no setting selects one of them.
    assert_rejected(verify(&head, &body), ErrorKind::Malformed, "several signatures");
    head.headers.remove("signature-input");
    assert_rejected(verify(&head, &body), ErrorKind::Malformed, "is missing, but `signature`");
}

#[test]
fn transformations_of_uncovered_parts_keep_the_signature() {
    let transformations = &vectors()["transformations"];
    let thin = Policy::strict()
        .dangerous_require_only(["@method", "@path", "@authority", "accept"])
        .unwrap()
        .dangerous_without_nonce()
        .dangerous_without_keyid();
    let scheme = MessageSignatures::new().with_policy(thin);
    let (original, _) = parse(text(&transformations["original"]));
    let input = original.headers["signature-input"].to_str().unwrap();
    // The published signature uses Ed25519, so ours replaces it.
    let input = member(input).replace("test-key-ed25519", "test-shared-secret");
    let base = scheme.signature_base(&original, &input).unwrap();
    let published = text(&transformations["signature_base"]);
    assert_eq!(base, published.replace("test-key-ed25519", "test-shared-secret"));

    let verifier = verifier(scheme);
    let mut seen = [0, 0];
    for variant in transformations["variants"].as_array().unwrap() {
        let (mut head, body) = parse(text(&variant["message"]));
        put(&mut head, &input, &tag(&base));
        let valid = variant["valid"].as_bool().unwrap();
        assert_eq!(verify_by(&verifier, &head, &body).is_ok(), valid, "{}", variant["why"]);
        seen[usize::from(valid)] += 1;
    }
    assert_eq!(seen, [2, 3]);
}
