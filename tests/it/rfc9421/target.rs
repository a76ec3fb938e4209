//! Authority, URL scheme and target, as the signer saw them.

use http::Version;
use http::request::Parts;
use tower_hmac::scheme::Policy;
use tower_hmac::{ErrorKind, MessageSignatures};

use super::{BODY, assert_rejected, head, set, signed, signer, verifier, verify, verify_by};

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
fn target_and_host_that_differ_are_rejected() {
    let mut head = signed();
    head.uri = "http://example.com/foo?param=Value&Pet=dog".parse().unwrap();
    assert!(verify(&head, BODY).is_ok());
    set(&mut head, "host", "example.org");
    assert_rejected(verify(&head, BODY), ErrorKind::Malformed, "differs from the target's");
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
fn public_origin_replaces_scheme_and_authority() {
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
fn scheme_comes_from_the_target_or_is_http() {
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

/// Section 2.2.2 leaves the target URI unchanged, unlike section 2.2.3 the authority.
#[test]
fn target_uri_keeps_the_spelling_of_the_host() {
    for (target, host, wanted) in [
        ("/a", "Example.COM", "http://Example.COM/a"),
        ("/a", "example.com:80", "http://example.com:80/a"),
        ("/a", "EXAMPLE.com:8080", "http://EXAMPLE.com:8080/a"),
        // The target's own spelling is used (RFC 9112 section 3.2.2).
        ("http://Example.com/a", "example.com:80", "http://Example.com/a"),
        ("https://Example.com:443/a", "example.com", "https://Example.com:443/a"),
    ] {
        let head = head("GET", target, &[("host", host)]);
        assert_eq!(plain(&head, "@target-uri").as_deref(), Some(wanted), "{target} {host}");
    }
    for hosts in [[].as_slice(), &[("host", "user@example.com")], &[("host", "a"), ("host", "a")]] {
        assert_eq!(plain(&head("GET", "/a", hosts), "@target-uri"), None, "{hosts:?}");
    }
}

/// RFC 9110 section 7.1: the target URI of the whole server has no path.
#[test]
fn options_of_the_server_have_an_empty_path() {
    let whole = head("OPTIONS", "*", &[("host", "Example.com:8080")]);
    let scheme = MessageSignatures::new().with_public_origin("https://api.example.com/v1").unwrap();
    for (component, wanted, public) in [
        ("@path", "/", "/"),
        ("@query", "?", "?"),
        ("@target-uri", "http://Example.com:8080", "https://api.example.com"),
        ("@request-target", "*", "*"),
    ] {
        assert_eq!(plain(&whole, component).as_deref(), Some(wanted), "{component}");
        assert_eq!(value(&scheme, &whole, component).as_deref(), Some(public), "{component}");
    }
    let path = head("OPTIONS", "/", &[("host", "example.com")]);
    assert_eq!(plain(&path, "@target-uri").unwrap(), "http://example.com/");
}

#[test]
fn absolute_request_target_is_written_as_it_was_received() {
    for (target, wanted) in [
        ("http://Example.com:80/a?b", "http://Example.com:80/a?b"),
        ("http://example.com?b", "http://example.com?b"),
        ("http://example.com/?", "http://example.com/?"),
    ] {
        let head = head("GET", target, &[]);
        assert_eq!(plain(&head, "@request-target").as_deref(), Some(wanted));
    }
    let connect = head("CONNECT", "example.com:80", &[("host", "example.com:80")]);
    assert_eq!(plain(&connect, "@request-target").unwrap(), "example.com:80");
}

/// A proxy strips `/v1`, and clients sign it.
#[test]
fn path_of_the_public_origin_is_prepended() {
    for origin in ["https://api.example.com/v1", "https://api.example.com/v1/"] {
        let scheme = MessageSignatures::new().with_public_origin(origin).unwrap();
        for (target, path) in [("/a?b", "/v1/a"), ("/", "/v1/"), ("/v1", "/v1/v1"), ("/?", "/v1/")]
        {
            let head = head("GET", target, &[("host", "10.0.0.1")]);
            let of = |component| value(&scheme, &head, component).unwrap();
            let query = target.split_once('?').map(|(_, query)| format!("?{query}"));
            let query = query.unwrap_or_default();
            assert_eq!(of("@path"), path);
            assert_eq!(of("@target-uri"), format!("https://api.example.com{path}{query}"));
            assert_eq!(of("@request-target"), format!("{path}{query}"));
            assert_eq!(of("@authority"), "api.example.com");
        }
        // The request line that the proxy received is not known.
        let absolute = head("GET", "http://10.0.0.1/a", &[]);
        assert_eq!(value(&scheme, &absolute, "@request-target"), None);
        assert_eq!(value(&scheme, &absolute, "@path").unwrap(), "/v1/a");
    }
}

/// A client of the public origin and one that calls the server directly, with the same settings.
#[test]
fn clients_of_the_public_origin_and_of_the_server_are_both_accepted() {
    let policy = Policy::strict().add_component("@target-uri").unwrap();
    let policy = policy.add_component("@request-target").unwrap();
    let plain = MessageSignatures::new().with_policy(policy);
    let shared = plain.clone().with_public_origin("https://API.example.com/v1").unwrap();
    let received = |mut head: Parts| {
        head.uri = "/a?b".parse().unwrap();
        set(&mut head, "host", "10.0.0.1:8080");
        head
    };
    for (scheme, uri) in [
        (&plain, "https://api.example.com/v1/a?b"),
        (&shared, "https://api.example.com/v1/a?b"),
        (&shared, "https://API.example.com:443/v1/a?b"),
        (&shared, "http://10.0.0.1:8080/a?b"),
        (&shared, "/a?b"),
    ] {
        let mut head = head("POST", uri, &[]);
        signer(scheme.clone()).sign_head(&mut head, BODY).unwrap();
        let server = verifier(shared.clone());
        assert!(verify_by(&server, &received(head), BODY).is_ok(), "{uri}");
    }
}

/// HTTP clients omit the default port in `Host`, and send it if configured to.
#[test]
fn client_signs_the_target_uri_that_the_server_will_see() {
    let policy = Policy::strict().add_component("@target-uri").unwrap();
    let scheme = MessageSignatures::new().with_policy(policy);
    for (uri, host, sent) in [
        ("http://Example.com:80/a", None, "Example.com"),
        ("http://Example.com:8080/a", None, "Example.com:8080"),
        ("http://example.com/a", Some("EXAMPLE.com:80"), "EXAMPLE.com:80"),
        ("/a", Some("Example.com"), "Example.com"),
    ] {
        let mut head = head("POST", uri, &[]);
        if let Some(host) = host {
            set(&mut head, "host", host);
        }
        signer(scheme.clone()).sign_head(&mut head, BODY).unwrap();
        head.uri = "/a".parse().unwrap();
        set(&mut head, "host", sent);
        assert!(verify_by(&verifier(scheme.clone()), &head, BODY).is_ok(), "{uri}");
    }
    // Over HTTP/2, the authority is sent as in the URI.
    let mut head = head("POST", "http://Example.com:80/a", &[]);
    head.version = Version::HTTP_2;
    signer(scheme.clone()).sign_head(&mut head, BODY).unwrap();
    assert!(verify_by(&verifier(scheme), &head, BODY).is_ok());
}

#[test]
fn request_without_a_host_is_not_signed_and_the_error_says_what_to_do() {
    let mut head = head("POST", "/order", &[]);
    let error = signer(MessageSignatures::new()).sign_head(&mut head, BODY).unwrap_err();
    let text = error.to_string();
    let wanted = "the request names no host: give an absolute URI or a `Host` header";
    assert!(text.contains(wanted), "{text}");
    // A server reports this error in its own words.
    head = signed();
    head.headers.remove("host");
    assert_rejected(verify(&head, BODY), ErrorKind::Malformed, "header `host`: is missing");
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
    // Escaped differently, this is still the same name.
    assert_eq!(value("a=1&%61=2", "a"), None);
    assert_eq!(value("a=1", "b"), None);
    for broken in ["a=%", "a=%4", "a=%4g", "a=%ff", "a=%+1", "x=%zz&a=1"] {
        let wanted = if broken.starts_with('x') { Some("1".to_owned()) } else { None };
        assert_eq!(value(broken, "a"), wanted, "{broken}");
    }
}
