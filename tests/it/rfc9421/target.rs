//! Authority, scheme and target, as the signer is to have seen them.

use http::Version;
use http::request::Parts;
use tower_hmac::{ErrorKind, MessageSignatures};

use super::{BODY, assert_refused, head, set, signed, verify};

fn value(scheme: &MessageSignatures, head: &Parts, component: &str) -> Option<String> {
    let base = scheme.signature_base(head, &format!("(\"{component}\")")).ok()?;
    let (line, _) = base.split_once('\n').unwrap();
    Some(line.split_once(": ").unwrap().1.to_owned())
}

fn plain(head: &Parts, component: &str) -> Option<String> {
    value(&MessageSignatures::new(), head, component)
}

#[test]
fn authority_is_lower_case_without_the_default_port() {
    for (target, host, wanted) in [
        ("/", "EXAMPLE.com", "example.com"),
        ("/", "example.com:80", "example.com"),
        ("/", "example.com:443", "example.com:443"),
        ("/", "example.com:", "example.com"),
        ("/", "[::1]:80", "[::1]"),
        ("/", "[::80]", "[::80]"),
        ("http://Example.com:80/", "example.com", "example.com"),
        ("https://example.com:443/", "example.com", "example.com"),
        ("https://example.com:80/", "example.com:80", "example.com:80"),
    ] {
        let head = head("GET", target, &[("host", host)]);
        assert_eq!(plain(&head, "@authority").as_deref(), Some(wanted), "{target} {host}");
    }
}

#[test]
fn authority_is_that_of_the_target_or_of_the_only_host() {
    let target = "http://example.com/";
    assert_eq!(plain(&head("GET", target, &[]), "@authority").unwrap(), "example.com");
    for (target, hosts) in [
        ("/", [].as_slice()),
        ("/", &[("host", "")]),
        ("/", &[("host", "user@example.com")]),
        ("/", &[("host", "exa mple.com")]),
        ("/", &[("host", "example.com/path")]),
        ("/", &[("host", "example.com"), ("host", "example.com")]),
        (target, &[("host", "example.org")]),
        (target, &[("host", "example.com:8080")]),
        (target, &[("host", "example.com"), ("host", "example.org")]),
    ] {
        assert_eq!(plain(&head("GET", target, hosts), "@authority"), None, "{target} {hosts:?}");
    }
}

#[test]
fn target_and_host_that_differ_are_refused() {
    let mut head = signed();
    head.uri = "http://example.com/foo?param=Value&Pet=dog".parse().unwrap();
    assert!(verify(&head, BODY).is_ok());
    set(&mut head, "host", "example.org");
    assert_refused(verify(&head, BODY), ErrorKind::Malformed, "another one than the target's");
}

#[test]
fn forwarded_headers_are_never_read() {
    let mut head = signed();
    for (name, value) in [
        ("forwarded", "host=evil.example;proto=https"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
    ] {
        set(&mut head, name, value);
    }
    assert_eq!(plain(&head, "@authority").unwrap(), "example.com");
    assert_eq!(plain(&head, "@scheme").unwrap(), "http");
    assert!(verify(&head, BODY).is_ok());
}

#[test]
fn public_origin_stands_for_scheme_and_authority() {
    let scheme =
        MessageSignatures::new().with_public_origin("https://API.example.com:443").unwrap();
    for head in [
        head("GET", "/a?b", &[("host", "10.0.0.1:8080")]),
        head("GET", "http://internal/a?b", &[("host", "internal")]),
    ] {
        let of = |component| value(&scheme, &head, component).unwrap();
        assert_eq!(of("@authority"), "api.example.com");
        assert_eq!(of("@scheme"), "https");
        assert_eq!(of("@target-uri"), "https://api.example.com/a?b");
    }
}

#[test]
fn scheme_is_that_of_the_target_and_else_http() {
    assert_eq!(plain(&head("GET", "HTTPS://example.com/", &[]), "@scheme").unwrap(), "https");
    assert_eq!(plain(&head("GET", "/", &[]), "@scheme").unwrap(), "http");
}

#[test]
fn path_and_query_are_as_sent() {
    let head_of = |target| head("GET", target, &[("host", "example.com")]);
    let escaped = head_of("/a%2Fb/%C3%A9//./?x=%20+&y");
    assert_eq!(plain(&escaped, "@path").unwrap(), "/a%2Fb/%C3%A9//./");
    assert_eq!(plain(&escaped, "@query").unwrap(), "?x=%20+&y");
    assert_eq!(
        plain(&escaped, "@target-uri").unwrap(),
        "http://example.com/a%2Fb/%C3%A9//./?x=%20+&y"
    );
    let empty = head_of("http://example.com");
    assert_eq!(plain(&empty, "@path").unwrap(), "/");
    assert_eq!(plain(&empty, "@query").unwrap(), "?");
    assert_eq!(plain(&head_of("/?"), "@query").unwrap(), "?");
}

#[test]
fn request_target_of_http_2_is_its_path() {
    let mut head = head("GET", "https://example.com/a?b", &[]);
    assert_eq!(plain(&head, "@request-target").unwrap(), "https://example.com/a?b");
    head.version = Version::HTTP_2;
    assert_eq!(plain(&head, "@request-target").unwrap(), "/a?b");
}

#[test]
fn query_parameter_is_decoded_and_encoded_again() {
    let value = |query: &str, name: &str| {
        let head = head("GET", &format!("/?{query}"), &[]);
        let input = format!("(\"@query-param\";name=\"{name}\")");
        let base = MessageSignatures::new().signature_base(&head, &input).ok()?;
        let (line, _) = base.split_once('\n').unwrap();
        Some(line.split_once(": ").unwrap().1.to_owned())
    };
    assert_eq!(value("a=1&b=2", "b").unwrap(), "2");
    assert_eq!(value("a", "a").unwrap(), "");
    assert_eq!(value("&&a=b=c&", "a").unwrap(), "b%3Dc");
    assert_eq!(value("%61=%7e*-._~", "a").unwrap(), "%7E*-._%7E");
    assert_eq!(value("a+b=c+d", "a%20b").unwrap(), "c%20d");
    // Escaped in another way, it is the same name.
    assert_eq!(value("a=1&%61=2", "a"), None);
    assert_eq!(value("a=1", "b"), None);
    for broken in ["a=%", "a=%4", "a=%4g", "a=%ff", "a=%+1", "x=%zz&a=1"] {
        let wanted = if broken.starts_with('x') { Some("1".to_owned()) } else { None };
        assert_eq!(value(broken, "a"), wanted, "{broken}");
    }
}
