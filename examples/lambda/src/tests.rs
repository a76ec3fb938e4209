//! Events from API Gateway, with the signature that a client makes for its own request.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use tower_hmac::{KeyMap, SecretKey, Signer};

use crate::{app, scheme};

const KEY: &str = "walnut-ferry-gazette";
/// A body that is not UTF-8, like an upload: API Gateway sends it in base64.
const BODY: &[u8] = b"\xff\x00 an order";
const BODY_BASE64: &str = "/wAgYW4gb3JkZXI=";

/// The request that the client sends.
fn signed(method: &str, target: &str, body: &[u8]) -> Request<Vec<u8>> {
    let signer = Signer::new(scheme().unwrap(), SecretKey::new(KEY).unwrap());
    let signer = signer.with_key_id("billing").unwrap();
    let request = Request::builder().method(method).uri(target).header("host", "api.example.com");
    signer.sign(request.body(body.to_vec()).unwrap()).unwrap()
}

fn headers(request: &Request<Vec<u8>>) -> Value {
    let pair = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
        (name.as_str().to_owned(), value.to_str().unwrap().into())
    };
    Value::Object(request.headers().iter().map(pair).collect())
}

/// An event of an HTTP API, payload format 2.0.
fn v2(request: &Request<Vec<u8>>, stage: &str, body: &str) -> Value {
    let path = request.uri().path();
    let query = request.uri().query().unwrap_or_default();
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers(request),
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api-id",
            "domainName": "api.example.com",
            "domainPrefix": "api",
            "http": {
                "method": request.method().as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "a client"
            },
            "requestId": "id",
            "routeKey": "$default",
            "stage": stage,
            "time": "28/Nov/2026:12:00:00 +0000",
            "timeEpoch": 1_795_867_200_000_i64
        },
        "body": body,
        "isBase64Encoded": !body.is_empty()
    })
}

/// An event of a REST API, payload format 1.0: the query is a map of decoded values.
fn v1(request: &Request<Vec<u8>>, query: &Value, stage: &str) -> Value {
    let path = request.uri().path();
    let several = |values: &Value| match values {
        Value::Array(_) => values.clone(),
        one => json!([one]),
    };
    let values: serde_json::Map<_, _> =
        query.as_object().unwrap().iter().map(|(k, v)| (k.clone(), several(v))).collect();
    let multi: serde_json::Map<_, _> = headers(request)
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.clone(), json!([value])))
        .collect();
    json!({
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": request.method().as_str(),
        "headers": headers(request),
        "multiValueHeaders": multi,
        "queryStringParameters": {},
        "multiValueQueryStringParameters": values,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api-id",
            "domainName": "api.example.com",
            "httpMethod": request.method().as_str(),
            "path": format!("/{stage}{path}"),
            "protocol": "HTTP/1.1",
            "requestId": "id",
            "resourcePath": "/{proxy+}",
            "stage": stage
        },
        "body": null,
        "isBase64Encoded": false
    })
}

async fn status(event: &Value) -> StatusCode {
    let request = lambda_http::request::from_str(&event.to_string()).unwrap();
    let app = app(KeyMap::named([("billing", KEY)]).unwrap()).unwrap();
    app.oneshot(request.map(Body::new)).await.unwrap().status()
}

#[tokio::test]
async fn an_event_with_a_body_in_base64_verifies() {
    let request = signed("POST", "/orders?b=2&a=%7e+1&a=", BODY);
    let event = v2(&request, "$default", BODY_BASE64);
    assert_eq!(status(&event).await, StatusCode::OK);
}

#[tokio::test]
async fn an_event_that_was_changed_on_the_way_is_rejected() {
    let request = signed("POST", "/orders?b=2", BODY);
    let event = v2(&request, "$default", BODY_BASE64);
    for (member, value) in [("body", "/wAgYW4gb3JkZXI+"), ("rawQueryString", "b=3")] {
        let mut event = event.clone();
        event[member] = value.into();
        assert_eq!(status(&event).await, StatusCode::FORBIDDEN, "{member}");
    }
    let mut event = event;
    event["headers"].as_object_mut().unwrap().remove("x-signature");
    assert_eq!(status(&event).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_query_of_payload_format_1_verifies_only_in_canonical_spelling() {
    let request = signed("GET", "/orders?a=1", b"");
    assert_eq!(status(&v1(&request, &json!({"a": "1"}), "$default")).await, StatusCode::OK);
    // An unnecessary escape, which the map no longer contains.
    let request = signed("GET", "/orders?a=%31", b"");
    let event = v1(&request, &json!({"a": "1"}), "$default");
    assert_eq!(status(&event).await, StatusCode::FORBIDDEN);
}

/// A client that calls a custom domain signs a path without the stage.
#[tokio::test]
async fn a_stage_in_the_path_that_the_client_did_not_sign_is_rejected() {
    let request = signed("GET", "/orders?a=1", b"");
    let event = v1(&request, &json!({"a": "1"}), "prod");
    assert_eq!(status(&event).await, StatusCode::FORBIDDEN);
}
