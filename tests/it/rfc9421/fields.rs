//! The value of a covered field in the signature base.

use http::HeaderValue;
use tower_hmac::MessageSignatures;
use tower_hmac::scheme::StructuredType;

use super::head;

/// Returns the value of a component in a request with these lines of `name`, or `None` if it is
/// rejected.
fn value(
    scheme: &MessageSignatures,
    component: &str,
    name: &str,
    lines: &[&str],
) -> Option<String> {
    let lines: Vec<_> = lines.iter().map(|line| (name, *line)).collect();
    let base = scheme.signature_base(&head("GET", "/", &lines), &format!("({component})")).ok()?;
    let (line, _) = base.split_once('\n').unwrap();
    Some(line.split_once(": ").unwrap().1.to_owned())
}

fn plain(component: &str, name: &str, lines: &[&str]) -> Option<String> {
    value(&MessageSignatures::new(), component, name, lines)
}

#[test]
fn registered_structured_fields_are_known() {
    let digest = ["sha-256=:AAAA:  ,   sha-512=:AAAA:"];
    let strict = plain(r#""content-digest";sf"#, "content-digest", &digest);
    assert_eq!(strict.unwrap(), "sha-256=:AAAA:, sha-512=:AAAA:");
    assert_eq!(plain(r#""accept-ch";sf"#, "accept-ch", &["a,b", "c"]).unwrap(), "a, b, c");
    assert_eq!(plain(r#""priority";sf"#, "priority", &["u=1,  i"]).unwrap(), "u=1, i");
    // A field with two items is not a structured item.
    assert_eq!(plain(r#""client-cert";sf"#, "client-cert", &[":AAAA:", ":AAAA:"]), None);
}

#[test]
fn field_of_unknown_type_is_rejected_with_sf() {
    assert_eq!(plain(r#""x";sf"#, "x", &["1"]), None);
    for (kind, wanted) in [
        (StructuredType::Item, None),
        (StructuredType::List, Some("a, b;c")),
        (StructuredType::Dictionary, Some("a, b;c")),
    ] {
        let scheme = MessageSignatures::new().with_structured_field("X", kind).unwrap();
        assert_eq!(value(&scheme, r#""x";sf"#, "x", &["a,b ;c"]).as_deref(), None, "no sf");
        assert_eq!(value(&scheme, r#""x";sf"#, "x", &["a,b; c"]).as_deref(), wanted);
    }
}

#[test]
fn last_type_set_for_a_field_applies() {
    let scheme = MessageSignatures::new()
        .with_structured_field("Y", StructuredType::List)
        .and_then(|scheme| scheme.with_structured_field("X", StructuredType::Item))
        .and_then(|scheme| scheme.with_structured_field("X", StructuredType::List))
        .unwrap();
    for name in ["x", "y"] {
        let component = format!("\"{name}\";sf");
        assert_eq!(value(&scheme, &component, name, &["a,b"]).as_deref(), Some("a, b"), "{name}");
    }
}

#[test]
fn member_of_a_dictionary_is_found_over_all_lines() {
    let lines = ["a=1", "b=(x  y);p"];
    for component in [r#""x";key="b""#, r#""x";sf;key="b""#] {
        assert_eq!(plain(component, "x", &lines).unwrap(), "(x y);p");
    }
    assert_eq!(plain(r#""x";key="c""#, "x", &lines), None);
    assert_eq!(plain(r#""x";key="a""#, "x", &["a=1, ="]), None);
}

#[test]
fn value_that_is_not_ascii_is_covered_only_as_bytes() {
    let mut head = head("GET", "/", &[]);
    head.headers.insert("x", HeaderValue::from_bytes(b" caf\xe9 ").unwrap());
    let base = |input: &str| MessageSignatures::new().signature_base(&head, input).ok();
    assert_eq!(base(r#"("x")"#), None);
    assert_eq!(base(r#"("x";key="a")"#), None);
    let wrapped = base(r#"("x";bs)"#).unwrap();
    assert!(wrapped.starts_with("\"x\";bs: :Y2Fm6Q==:\n"), "{wrapped}");
}

#[test]
fn identifier_is_serialized_in_one_spelling() {
    let head = head("GET", "/", &[("x", "a=1")]);
    let base = MessageSignatures::new().signature_base(&head, r#"( "x"; sf=?1; key="a"  )"#);
    let wanted = "\"x\";sf;key=\"a\": 1\n\"@signature-params\": (\"x\";sf;key=\"a\")";
    assert_eq!(base.unwrap(), wanted);
}
