//! The OpenAPI description of the headers that a client must send.

use serde_json::{Value, json};
use tower_hmac::openapi::{security_requirement, security_schemes};
use tower_hmac::scheme::{Fost, FostUrl, Part, TimeFormat};
use tower_hmac::webhooks::StandardWebhooks;
use tower_hmac::{FlaskHmac, HeaderScheme, MessageSignatures, Scheme};

/// The place and name of each scheme, sorted.
fn names(scheme: &(impl Scheme + Clone)) -> Vec<String> {
    let schemes = security_schemes(scheme).unwrap();
    let text = |scheme: &Value, member: &str| scheme[member].as_str().unwrap().to_owned();
    let mut names: Vec<_> = schemes
        .as_object()
        .unwrap()
        .values()
        .map(|scheme| {
            assert_eq!(scheme["type"], "apiKey");
            format!("{} {}", text(scheme, "in"), text(scheme, "name"))
        })
        .collect();
    names.sort();
    names
}

fn coverage(scheme: &(impl Scheme + Clone)) -> String {
    let schemes = security_schemes(scheme).unwrap();
    schemes[scheme.name()]["description"].as_str().unwrap().to_owned()
}

#[test]
fn a_signature_over_the_body_covers_nothing_else() {
    let scheme = FlaskHmac::new();
    assert_eq!(names(&scheme), ["header signature"]);
    assert_eq!(coverage(&scheme), "HMAC (sha256) that covers the body.");
}

#[test]
fn each_header_that_a_client_writes_is_described() {
    let scheme = HeaderScheme::new("x-signature").unwrap().with_key_id_header("x-key-id").unwrap();
    let scheme = scheme
        .with_parts([
            Part::timestamp("x-timestamp", TimeFormat::UnixSeconds).unwrap(),
            Part::literal("\n"),
            Part::Method,
            Part::literal("\n"),
            Part::Path,
            Part::literal("\n"),
            Part::header("x-tenant").unwrap(),
            Part::literal("\n"),
            Part::Body,
        ])
        .unwrap();
    let schemes = security_schemes(&scheme).unwrap();
    assert_eq!(
        coverage(&scheme),
        "HMAC (sha256) that covers the method, the path, the body, the header `x-tenant` and the \
         time of signing."
    );
    assert_eq!(names(&scheme), ["header x-key-id", "header x-signature", "header x-timestamp"]);
    assert_eq!(schemes["header-x-key-id"]["description"], "The key ID.");
    assert_eq!(schemes["header-x-timestamp"]["description"], "The time of signing.");
    // All at once: several members of one requirement.
    let expected = json!({ "header": [], "header-x-key-id": [], "header-x-timestamp": [] });
    assert_eq!(security_requirement(&schemes), expected);
}

#[test]
fn other_schemes_cover_what_they_document() {
    let webhooks = StandardWebhooks::new();
    assert_eq!(
        names(&webhooks),
        ["header webhook-id", "header webhook-signature", "header webhook-timestamp"]
    );
    assert!(coverage(&webhooks).contains("the body"));
    assert!(!coverage(&webhooks).contains("the path"));

    let signatures = MessageSignatures::new();
    let names = names(&signatures);
    for name in ["header signature", "header signature-input", "header content-digest"] {
        assert!(names.iter().any(|known| known == name), "{names:?}");
    }
    for part in ["the method", "the path", "the query", "the body", "the time of signing"] {
        assert!(coverage(&signatures).contains(part), "{}", coverage(&signatures));
    }

    assert!(coverage(&Fost::new()).contains("the path"));
}

#[test]
fn a_signature_in_the_url_is_a_query_parameter() {
    let names = names(&FostUrl::new());
    assert!(!names.is_empty() && names.iter().all(|name| name.starts_with("query _")), "{names:?}");
}
