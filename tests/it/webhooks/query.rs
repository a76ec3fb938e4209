//! Shopify's signatures in the query.

use futures_util::FutureExt as _;
use http::{Request, Response};
use serde_json::Value;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_hmac::clock::ManualClock;
use tower_hmac::layer::VerifiedBody;
use tower_hmac::webhooks::{ShopifyQuery, shopify_app_proxy, shopify_oauth};
use tower_hmac::{ErrorKind, KeyMap, Verifier, VerifyLayer};

use super::{head, key, verify_at};

fn outcome(scheme: ShopifyQuery, target: &str, now: i64) -> Result<(), ErrorKind> {
    let mut head = head(&[]);
    head.method = http::Method::GET;
    head.uri = target.parse().unwrap();
    verify_at(scheme, key("hush"), now, &head, b"").map(drop)
}

fn published(provider: &str) -> String {
    let file = include_str!("../../vectors/webhook_vectors.json");
    let vectors: Value = serde_json::from_str(file).unwrap();
    let vectors = vectors["vectors"].as_array().unwrap();
    let vector = vectors.iter().find(|vector| vector["provider"] == provider).unwrap();
    vector["url"].as_str().unwrap().to_owned()
}

#[test]
fn published_examples_verify_at_their_time() {
    let oauth = published("shopify-oauth-query");
    assert_eq!(outcome(shopify_oauth(), &oauth, 1_337_178_173), Ok(()));
    assert_eq!(outcome(shopify_oauth(), &oauth, 1_337_178_173 + 301), Err(ErrorKind::Stale));
    let proxy = published("shopify-app-proxy");
    assert_eq!(outcome(shopify_app_proxy(), &proxy, 1_317_327_555), Ok(()));
    let moved = proxy.replace("extra=1&extra=2", "extra=2&extra=1");
    assert_eq!(outcome(shopify_app_proxy(), &moved, 1_317_327_555), Err(ErrorKind::Mismatch));
}

/// The published signing string of a query that is not published.
#[test]
fn a_list_parameter_is_signed_with_its_brackets() {
    let tag = "089cd381a3cbe82ba96e75d3244ec036621c4dfcb13285facd686bc4a7ed95dd";
    let target = format!(
        "/?code=0907a61c0c8d55e99db179b68161bc00&ids[]=1&ids[]=2&shop=some-shop.myshopify.com\
         &state=0.6784241404160823&timestamp=1337178173&hmac={tag}"
    );
    assert_eq!(outcome(shopify_oauth(), &target, 1_337_178_173), Ok(()));
}

#[test]
fn an_ambiguous_parameter_is_malformed() {
    let tag = "0".repeat(64);
    for target in [
        format!("/?a%26[]=1&timestamp=1&hmac={tag}"),
        format!("/?a%3D[]=1&timestamp=1&hmac={tag}"),
        format!("/?a[]=1%22&timestamp=1&hmac={tag}"),
        format!("/?a=1&a=2&timestamp=1&hmac={tag}"),
        format!("/?timestamp=1&timestamp=1&hmac={tag}"),
        format!("/?a=1&hmac={tag}"),
        format!("/?timestamp=1&hmac={tag}&hmac={tag}"),
        "/?timestamp=1&hmac=00".into(),
    ] {
        assert_eq!(outcome(shopify_oauth(), &target, 1), Err(ErrorKind::Malformed), "{target}");
    }
    let target = format!("/?a=1%3D2&timestamp=1&signature={tag}");
    assert_eq!(outcome(shopify_app_proxy(), &target, 1), Err(ErrorKind::Malformed));
    assert_eq!(outcome(shopify_oauth(), "/?timestamp=1", 1), Err(ErrorKind::Missing));
}

#[test]
fn an_uncovered_body_is_rejected() {
    let mut head = head(&[]);
    head.uri = published("shopify-oauth-query").parse().unwrap();
    let outcome = verify_at(shopify_oauth(), key("hush"), 1_337_178_173, &head, b"a body");
    assert_eq!(outcome.map(drop), Err(ErrorKind::Malformed));
}

/// Whoever reads the handler's log could send the URL again.
#[test]
fn the_signature_is_stripped_from_the_query() {
    for (provider, scheme, now, name) in [
        ("shopify-oauth-query", shopify_oauth(), 1_337_178_173, "hmac="),
        ("shopify-app-proxy", shopify_app_proxy(), 1_317_327_555, "signature="),
    ] {
        let url = published(provider);
        let verifier = Verifier::new(scheme, KeyMap::single(key("hush")).unwrap()).unwrap();
        let layer = VerifyLayer::from(verifier.with_clock(ManualClock::new(now)));
        let inner = service_fn(async |request: Request<VerifiedBody<String>>| {
            Ok::<_, std::convert::Infallible>(Response::new(request.uri().to_string()))
        });
        let request = || Request::get(&url).body(String::new()).unwrap();
        let seen = |layer: VerifyLayer| {
            let response = layer.layer(inner).oneshot(request()).now_or_never();
            response.unwrap().unwrap().into_body()
        };
        assert_eq!(seen(layer.clone()), url);
        let stripped = seen(layer.strip_signature());
        assert!(!stripped.contains(name), "{stripped}");
        let (path, query) = url.split_once('?').unwrap();
        let kept = query.split('&').filter(|piece| !piece.starts_with(name));
        assert_eq!(stripped, format!("{path}?{}", kept.collect::<Vec<_>>().join("&")));
    }
}
