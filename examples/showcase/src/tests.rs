use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use metrics_exporter_prometheus::PrometheusBuilder;
use tower::ServiceExt as _;
use tower_hmac::key::SharedKeys;
use tower_hmac::{KeyId, KeyMap, Scheme, SecretKey, Signer, webhooks};

use crate::settings::Settings;
use crate::stores::Stores;
use crate::{app, keys};

const BILLING: &str = "billing-key-of-the-tests";
const SHOP: &str = "shop-key-of-the-tests";
const GITHUB: &str = "github-secret-of-the-tests";
const STRIPE: &str = "stripe-secret-of-the-tests";

fn shared_keys() -> SharedKeys {
    SharedKeys::new(KeyMap::named([("billing", BILLING), ("shop", SHOP)]).unwrap()).unwrap()
}

async fn service(keys: SharedKeys) -> Router {
    let settings = Settings {
        listen: ([127, 0, 0, 1], 0).into(),
        keys_file: "unused".into(),
        redis: None,
        github: SecretKey::new(GITHUB).unwrap(),
        stripe: SecretKey::new(STRIPE).unwrap(),
    };
    let metrics = PrometheusBuilder::new().build_recorder().handle();
    app::router(&settings, keys, Stores::connect(None).await.unwrap(), metrics).unwrap()
}

fn post(path: &str, body: &'static str) -> Request<&'static str> {
    let uri = format!("http://localhost{path}");
    Request::post(uri).header("content-type", "application/json").body(body).unwrap()
}

fn signed_by(key_id: &str, key: &str, path: &str) -> Request<Body> {
    let signer = Signer::new(app::scheme().unwrap(), SecretKey::new(key).unwrap());
    let signer = signer.with_key_id(key_id).unwrap();
    signer.sign(post(path, r#"{"item": 7}"#)).unwrap().map(Body::from)
}

fn delivery(scheme: impl Scheme, key: &str, path: &str, body: &'static str) -> Request<Body> {
    let signer = Signer::new(scheme, SecretKey::new(key).unwrap());
    signer.sign(post(path, body)).unwrap().map(Body::from)
}

async fn answer(service: &Router, request: Request<Body>) -> (StatusCode, String) {
    let response: Response<Body> = service.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_signed_order_is_accepted_once() {
    let service = service(shared_keys()).await;
    let first = signed_by("shop", SHOP, "/api/orders");
    let (parts, _) = first.into_parts();
    let send = || Request::from_parts(parts.clone(), Body::from(r#"{"item": 7}"#));
    let accepted = answer(&service, send()).await;
    assert_eq!(accepted, (StatusCode::OK, r#"{"accepted":7,"for":"shop"}"#.into()));
    assert_eq!(answer(&service, send()).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn only_billing_may_refund() {
    let service = service(shared_keys()).await;
    let refund = |id: &str, key: &str| signed_by(id, key, "/api/orders/5/refund");
    assert_eq!(answer(&service, refund("billing", BILLING)).await.0, StatusCode::OK);
    let rejected = answer(&service, refund("shop", SHOP)).await;
    assert_eq!(rejected, (StatusCode::FORBIDDEN, r#"{"error":"rejected"}"#.into()));
}

#[tokio::test]
async fn every_path_under_the_api_requires_a_signature() {
    let service = service(shared_keys()).await;
    for path in ["/api/orders", "/api/orders/5/refund", "/api/unknown"] {
        let answer = answer(&service, post(path, "{}").map(Body::from)).await;
        assert_eq!(answer.0, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn a_replaced_key_is_rejected() {
    let keys = shared_keys();
    let service = service(keys.clone()).await;
    keys.replace(KeyMap::named([("shop", "the-next-shop-key")]).unwrap()).unwrap();
    let old = signed_by("shop", SHOP, "/api/orders");
    assert_eq!(answer(&service, old).await.0, StatusCode::FORBIDDEN);
    let new = signed_by("shop", "the-next-shop-key", "/api/orders");
    assert_eq!(answer(&service, new).await.0, StatusCode::OK);
}

#[test]
fn a_bad_key_file_changes_nothing_and_is_not_logged() {
    let path = std::env::temp_dir().join(format!("showcase-keys-{}", std::process::id()));
    std::fs::write(&path, r#"{"shop": "not-to-be-shown"#).unwrap();
    let error = keys::load(&path).unwrap_err().to_string();
    assert!(!error.contains("not-to-be-shown"), "{error}");
    let shared = shared_keys();
    keys::reload(&path, &shared);
    std::fs::remove_file(&path).unwrap();
    let billing = KeyId::new("billing").unwrap();
    assert!(shared.current().get(Some(&billing)).is_some());
}

#[tokio::test]
async fn a_charge_is_handled_once_and_a_failed_one_can_be_retried() {
    let service = service(shared_keys()).await;
    let send = |body| answer(&service, delivery(webhooks::stripe(), STRIPE, "/hooks/stripe", body));
    let charge = r#"{"id": "evt_1", "type": "charge.succeeded"}"#;
    assert_eq!(send(charge).await.0, StatusCode::NO_CONTENT);
    // The layer's own response: the handler was not called.
    assert_eq!(send(charge).await.0, StatusCode::OK);
    let failing = r#"{"id": "evt_2"}"#;
    assert_eq!(send(failing).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(send(failing).await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_webhook_is_verified_only_with_its_own_secret() {
    let service = service(shared_keys()).await;
    let push = r#"{"repository": {"name": "tower-hmac"}}"#;
    let send = |key| answer(&service, delivery(webhooks::github(), key, "/hooks/github", push));
    assert_eq!(send(GITHUB).await.0, StatusCode::NO_CONTENT);
    assert_eq!(send(STRIPE).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn health_and_metrics_need_no_signature() {
    let service = service(shared_keys()).await;
    for path in ["/healthz", "/metrics"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        assert_eq!(answer(&service, request).await.0, StatusCode::OK, "{path}");
    }
}
