//! 3xx: ways around the layer.

use axum::routing::get;
use tower_hmac::ErrorKind;
use tower_hmac::extract::Only;
use tower_hmac::layer::StatusRejection;

use super::*;

tower_hmac::allow_list!(Team = ["aservice"]);

/// Identity headers, which proxies write for callers they have verified, are ignored.
#[tokio::test]
async fn attack_301_identity_headers_sent_by_the_client() {
    let app = routes().layer(layer());
    let headers = [
        "x-verified-key-id",
        "x-key-id",
        "key-id",
        "keyid",
        "x-user",
        "x-forwarded-user",
        "remote-user",
        "authorization",
        "x-tower-hmac-verified",
    ];
    for name in headers {
        let none: [&str; 0] = [];
        let mut unsigned = carrying(&none);
        unsigned.headers_mut().insert(name, "aservice".parse().unwrap());
        reject(&app, unsigned, name).await;
        let mut signed = carrying(&[named("bservice", "bkey")]);
        signed.headers_mut().insert(name, "aservice".parse().unwrap());
        assert_eq!(accepted_as(&app, signed).await, "name bservice", "{name}");
    }
}

/// A `Verified` can only be made by the crate (a `compile_fail` doctest checks it). A `Verified` of
/// another request that was inserted into this one is removed.
#[tokio::test]
async fn attack_302_a_verified_from_another_request() {
    let proof = {
        let verifier = tower_hmac::Verifier::new(
            FlaskHmac::new(),
            KeyMap::named([("aservice", "akey")]).unwrap(),
        )
        .unwrap();
        let (head, _) = carrying(&[named("aservice", "akey")]).into_parts();
        verifier.verify(&head, BODY.as_bytes()).await.unwrap()
    };
    for app in [routes().layer(layer()), routes().layer(layer().optional())] {
        let mut request = carrying(&[single()]);
        request.extensions_mut().insert(proof.clone());
        assert_eq!(accepted_as(&app, request).await, "anonymous");
        let none: [&str; 0] = [];
        let mut request = carrying(&none);
        request.extensions_mut().insert(proof.clone());
        reject(&app, request, "unsigned with a foreign proof").await;
    }
}

#[tokio::test]
async fn attack_303_the_anonymous_key_on_an_allow_list() {
    let handler = || Router::new().fallback(async || "in");
    let lists: [&[&str]; 4] = [&["aservice"], &["single"], &["None"], &[]];
    for list in lists {
        let app = handler().layer(layer().only(list.iter().copied()).unwrap());
        reject(&app, carrying(&[single()]), "only").await;
    }
    let extractor = Router::new().fallback(async |_: Only<Team>| "in").layer(layer());
    reject(&extractor, carrying(&[single()]), "Only").await;
}

#[tokio::test]
async fn attack_304_a_broken_signature_at_an_optional_layer() {
    let app = Router::new().fallback(async || "in").layer(layer().optional());
    let none: [&str; 0] = [];
    assert_eq!(accepted_as(&app, carrying(&none)).await, "in");
    for value in ["", "x", &single()[1..], &named("nobody", "akey"), &named("aservice", "bkey")] {
        reject(&app, carrying(&[value]), value).await;
    }
    reject(&app, carrying(&[single(), single()]), "twice").await;
}

/// The request is answered with 500 and logged, since the service is misconfigured. It is never
/// accepted.
#[tokio::test]
async fn attack_305_a_route_without_a_layer() {
    let guarded = Router::new().route("/guarded", get(async |_: Verified| "in")).layer(layer());
    // This route is added after the layer, and is therefore outside it.
    let app = guarded.route("/forgotten", get(async |_: Verified| "in"));
    for value in [single(), named("aservice", "akey")] {
        let mut request = carrying(&[value]);
        *request.method_mut() = http::Method::GET;
        *request.uri_mut() = "/forgotten".parse().unwrap();
        assert_eq!(send(&app, request).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}

#[tokio::test]
async fn attack_306_other_spellings_of_a_nested_path() {
    let inner = Router::new().route("/item", get(async |_: Verified| "in"));
    let app = Router::new()
        .nest("/api", inner.layer(layer()))
        .fallback(async || (StatusCode::NOT_FOUND, "outside"));
    let paths = [
        "/api/item",
        "/api//item",
        "//api/item",
        "/api/./item",
        "/x/../api/item",
        "/api/item/",
        "/%61pi/item",
        "/api/%69tem",
        "/API/item",
        "/api/item;a",
        "/api/item?x",
        "/api%2fitem",
    ];
    for path in paths {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let status = send(&app, request).await.status();
        assert!(matches!(status.as_u16(), 403 | 404), "{path}: {status}");
    }
}

/// This scheme does not cover method, path and query: a signed request is valid for every route
/// that accepts the key. The threat model says so, and `only` per route does not change it.
#[tokio::test]
async fn attack_307_a_signed_body_sent_to_another_route_passes_in_flask_hmac() {
    let app = routes().layer(layer());
    let mut request = carrying(&[named("aservice", "akey")]);
    *request.uri_mut() = "/refund?all=1".parse().unwrap();
    *request.method_mut() = http::Method::PUT;
    assert_eq!(accepted_as(&app, request).await, "name aservice");
}

#[tokio::test]
async fn attack_308_a_rejection_does_not_reveal_its_reason() {
    let app = routes().layer(layer().only(["aservice"]).unwrap());
    let values = [
        String::new(),
        named("nobody", "akey"),
        named("aservice", "bkey"),
        named("bservice", "bkey"),
    ];
    let mut kinds = Vec::new();
    for value in values {
        let response = send(&app, carrying(&[value])).await;
        kinds.push(response.extensions().get::<VerifyError>().unwrap().kind());
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        let headers: Vec<_> = response.headers().keys().map(http::HeaderName::as_str).collect();
        assert_eq!(headers, ["content-length"]);
        let length = http_body::Body::size_hint(response.body()).exact();
        assert_eq!(length, Some(0));
    }
    let expected =
        [ErrorKind::Malformed, ErrorKind::UnknownKey, ErrorKind::Mismatch, ErrorKind::NotAllowed];
    assert_eq!(kinds, expected);
}

#[test]
fn attack_309_a_rejection_cannot_look_like_a_success() {
    for status in [StatusCode::OK, StatusCode::NO_CONTENT, StatusCode::FOUND] {
        assert!(StatusRejection::new(status).is_err());
    }
}
