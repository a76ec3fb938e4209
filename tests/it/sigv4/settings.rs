//! Settings, and requests that a signer cannot sign.

use std::time::Duration;

use http::Request;
use http::header::AUTHORIZATION;
use tower_hmac::clock::ManualClock;
use tower_hmac::scheme::AwsSigV4;
use tower_hmac::{ConfigError, SecretKey, SignError, Signer};

use super::draft::Draft;
use super::{HOST, checked, link_signer, scheme, signer, verifier, verify};

#[test]
fn invalid_scopes_are_config_errors() {
    for text in ["", "a/b", "a,b", "a b", "é", "a\n"] {
        for (region, service, setting) in
            [(text, "service", "region"), ("us-east-1", text, "service")]
        {
            let error = AwsSigV4::new(region, service).unwrap_err().to_string();
            assert!(error.starts_with(setting), "{error}");
            assert!(text.is_empty() || !error.contains(text) || text == "a b", "{error}");
        }
        assert!(scheme().with_regions(["us-east-1", text]).is_err());
    }
    assert!(scheme().with_regions([""; 0]).is_err(), "nobody could sign");
    let error = scheme().with_required_headers(["a b"]).unwrap_err();
    assert!(matches!(error, ConfigError::Invalid { .. }), "{error}");
    assert!(AwsSigV4::new("eu-west-1", "my_service.v2").is_ok());
}

#[test]
fn key_ids_that_a_credential_cannot_contain_are_errors() {
    let signer = |key_id: &str| {
        let signer = Signer::new(scheme(), SecretKey::new("another secret").unwrap());
        Ok::<_, ConfigError>(signer.with_key_id(key_id)?.with_clock(ManualClock::new(super::NOW)))
    };
    let request = || Request::get("/").header("host", HOST).body(Vec::new()).unwrap();
    for key_id in ["a,b", "a b", "é", "a\t"] {
        let error = signer(key_id).unwrap_err().to_string();
        assert!(error.starts_with("key ID"), "{error}");
        assert!(!error.contains(key_id) || key_id == "a b", "{error}");
        let links = Signer::new(scheme().presigned(), SecretKey::new("another secret").unwrap());
        assert!(links.with_key_id(key_id).is_err(), "{key_id}");
    }
    let signed = signer("other/key").unwrap().sign(request()).unwrap();
    let verified = checked(verifier(scheme()), &signed).unwrap();
    assert_eq!(verified.key_id().unwrap(), "other/key", "it is divided from the right");
    let anonymous = Signer::new(scheme(), SecretKey::new("a secret").unwrap());
    assert!(matches!(anonymous.sign(request()).unwrap_err(), SignError::KeyId(_)));
}

#[test]
fn signer_signs_for_the_first_region() {
    let several = scheme().with_regions(["eu-west-1", "us-east-1"]).unwrap();
    let request = Request::get("/").header("host", HOST).body(Vec::new()).unwrap();
    let signed = signer(several.clone()).sign(request).unwrap();
    let value = signed.headers()[AUTHORIZATION].to_str().unwrap();
    assert!(value.contains("/20150830/eu-west-1/service/aws4_request"), "{value}");
    assert!(checked(verifier(several), &signed).is_ok());
    assert!(verify(scheme(), &signed).is_err());
}

#[test]
fn signer_skips_headers_that_proxies_change() {
    let request = Request::get("/")
        .header("host", HOST)
        .header("user-agent", "a")
        .header("x-forwarded-for", "a")
        .header("accept-encoding", "a")
        .header("traceparent", "a")
        .header("x-note", "a")
        .header("accept", "a")
        .body(Vec::new())
        .unwrap();
    let signed = signer(scheme()).sign(request).unwrap();
    let value = signed.headers()[AUTHORIZATION].to_str().unwrap();
    assert!(value.contains("SignedHeaders=accept;host;x-amz-date;x-note,"), "{value}");
}

#[test]
fn signer_omits_the_default_port() {
    for (url, host) in [
        ("https://example.org:443/", "example.org"),
        ("http://example.org:80/", "example.org"),
        ("http://example.org:443/", "example.org:443"),
        ("https://example.org:8443/", "example.org:8443"),
    ] {
        let signed = signer(scheme()).sign(Request::get(url).body(Vec::new()).unwrap()).unwrap();
        // Verify the target with an authority, as over HTTP/2, and then with a `Host`.
        assert!(checked(verifier(scheme()), &signed).is_ok(), "{url}");
        let mut arrived = signed;
        *arrived.uri_mut() = "/".parse().unwrap();
        arrived.headers_mut().insert("host", host.parse().unwrap());
        assert!(checked(verifier(scheme()), &arrived).is_ok(), "{url}");
    }
}

#[test]
fn requests_that_no_server_accepts_are_not_signed() {
    let sign = |target: &str| {
        signer(scheme()).sign(Request::get(target).header("host", HOST).body(Vec::new()).unwrap())
    };
    for target in
        ["/a//b", "/a/../b", "/%61", "/?a+b", "/?a=2&a=1", "/?a&&b", "/?X-Amz-Signature=a"]
    {
        assert!(sign(target).is_err(), "{target}");
    }
    let signed = sign("/").unwrap();
    assert_eq!(signer(scheme()).sign(signed.clone()).unwrap_err(), SignError::AlreadySigned);
    let again = signer(scheme()).replace_signature().sign(signed).unwrap();
    assert!(checked(verifier(scheme()), &again).is_ok());

    let other = Request::get("/").header("host", HOST).header(AUTHORIZATION, "Bearer a");
    let error = signer(scheme()).sign(other.body(Vec::new()).unwrap()).unwrap_err();
    assert!(matches!(error, SignError::Header { .. }), "{error}");
    let hostless = signer(scheme()).sign(Request::get("/").body(Vec::new()).unwrap());
    assert!(matches!(hostless.unwrap_err(), SignError::Header { .. }));
    let far = signer(scheme()).with_clock(ManualClock::new(i64::MAX));
    assert!(far.sign(Request::get("http://a/").body(Vec::new()).unwrap()).is_err());
    let strict = scheme().with_required_headers(["x-note"]).unwrap();
    let unnoted = signer(strict).sign(Request::get("http://a/").body(Vec::new()).unwrap());
    assert!(unnoted.unwrap_err().to_string().contains("x-note"));
}

#[test]
fn existing_payload_header_is_replaced() {
    let request = |value: &str| {
        Request::post("/")
            .header("host", HOST)
            .header("x-amz-content-sha256", value)
            .body(b"a body".to_vec())
            .unwrap()
    };
    let signed = signer(scheme()).sign(request("that of another body")).unwrap();
    assert!(checked(verifier(scheme()), &signed).is_ok());
    assert!(signer(scheme()).sign(request("UNSIGNED-PAYLOAD")).is_err());
    let careless = scheme().dangerous_unsigned_payload();
    let signed = signer(careless.clone()).sign(request("UNSIGNED-PAYLOAD")).unwrap();
    assert!(checked(verifier(careless), &signed.map(|_| b"any".to_vec())).is_ok());
}

#[test]
fn links_that_no_server_accepts_are_not_signed() {
    let links = || scheme().presigned();
    for url in ["/a", "a", "http://a//b", "http://a/?a+b", "http://a b/", ""] {
        assert!(link_signer(links()).sign_url(url).is_err(), "{url}");
    }
    for seconds in [0, 604_801, u64::MAX] {
        let signer = signer(links()).with_lifetime(Duration::from_secs(seconds));
        assert!(signer.sign_url("http://a/").is_err(), "{seconds}");
    }
    assert!(signer(links()).sign_url("http://a/").is_err(), "a lifetime is needed");
    let post = Request::post("http://a/").body(Vec::new()).unwrap();
    assert!(link_signer(links()).sign(post).is_err());
    let once = link_signer(links()).sign_url("http://a/?b=1").unwrap();
    assert_eq!(link_signer(links()).sign_url(once.clone()).unwrap_err(), SignError::AlreadySigned);
    let again = link_signer(links()).replace_signature().sign_url(once).unwrap();
    assert!(again.query().unwrap().starts_with("b=1&X-Amz-Algorithm="), "{again}");
    assert_eq!(again.query().unwrap().matches("X-Amz-Signature").count(), 1);
}

#[test]
fn raw_target_replaces_the_canonical_one() {
    let raw = || scheme().dangerous_raw_target();
    let mut typed = Draft::new();
    typed.target = "/a//b?b=2&a=1+1".into();
    typed.path = "/a//b".into();
    typed.query = "b=2&a=1+1".into();
    assert!(checked(verifier(raw()), &typed.sign()).is_ok());
    assert!(verify(scheme(), &typed.sign()).is_err());
    let mut canonical = Draft::new();
    canonical.target = "/a%20b?b=2&a=1".into();
    canonical.path = "/a%2520b".into();
    assert!(checked(verifier(scheme()), &canonical.sign()).is_ok());
    assert!(verify(raw(), &canonical.sign()).is_err());
    // Links stay canonical.
    assert!(checked(verifier(raw().presigned()), &Draft::new_link().link()).is_ok());
}

/// The server would reject it.
#[test]
fn a_link_with_a_parameter_in_another_spelling_is_not_signed() {
    for query in ["X-Amz-DatE=1", "a=1&x-amz-signature=1", "X-Amz%2DExpires=1"] {
        let signed = link_signer(scheme().presigned())
            .replace_signature()
            .sign_url(format!("https://{HOST}/?{query}"));
        assert!(signed.is_err(), "{query}");
    }
}
