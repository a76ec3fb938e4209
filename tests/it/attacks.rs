//! Attacks, each a test with a number. SECURITY.md lists them by threat.
//!
//! * 1xx: the tag itself (`tags`)
//! * 2xx: the key ID (`key_ids`)
//! * 3xx: ways around the layer (`around`)
//! * 4xx: the wire (`wire`); 5xx, resources, are in `tests/resources.rs`
//! * 6xx: attacks tried on every scheme (`schemes`)
//! * 7xx: FOST requests and URLs (`fost`)
//! * 8xx: HTTP Message Signatures (`messages`)
//! * 9xx: the host of a request, over HTTP/1.1 and HTTP/2 (`targets`)

mod around;
#[cfg(feature = "sha1")]
mod fost;
mod key_ids;
#[cfg(feature = "rfc9421")]
mod messages;
#[cfg(all(feature = "dangerous-md5", feature = "rfc9421", feature = "sha1", feature = "sha3"))]
mod schemes;
mod tags;
#[cfg(all(feature = "rfc9421", feature = "sha1"))]
mod targets;
mod wire;

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use tower_hmac::{FlaskHmac, KeyMap, SecretKey, Signer, Verified, VerifyError, VerifyLayer};

use crate::support::app::send;

const BODY: &str = r#"{"amount": 100}"#;

fn key(text: &str) -> SecretKey {
    SecretKey::new(text).unwrap()
}

fn single() -> String {
    Signer::new(FlaskHmac::new(), key("single")).signature(BODY.as_bytes())
}

fn named(name: &str, with: &str) -> String {
    let signer = Signer::new(FlaskHmac::new(), key(with)).with_key_id(name.to_owned()).unwrap();
    signer.signature(BODY.as_bytes())
}

fn layer() -> VerifyLayer {
    let services = [("aservice", "akey"), ("bservice", "bkey"), ("a:b", "ckey")];
    let keys = KeyMap::named(services).unwrap().with_single(key("single")).unwrap();
    VerifyLayer::new(FlaskHmac::new(), keys).unwrap()
}

/// Answers with the caller's key ID.
fn routes() -> Router {
    Router::new().fallback(async |caller: Verified| match caller.key_id() {
        Some(name) => format!("name {name}"),
        None => "anonymous".to_owned(),
    })
}

fn carrying(signatures: &[impl AsRef<[u8]>]) -> Request<Body> {
    let mut request = Request::post("/pay").body(Body::from(BODY)).unwrap();
    for signature in signatures {
        let value = http::HeaderValue::from_bytes(signature.as_ref()).unwrap();
        request.headers_mut().append("signature", value);
    }
    request
}

async fn accepted_as(app: &Router, request: Request<Body>) -> String {
    let response = send(app, request).await;
    assert_eq!(response.status(), StatusCode::OK);
    let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

/// Checks for a plain rejection: 403 and an empty body.
async fn reject(app: &Router, request: Request<Body>, what: &str) {
    let response = send(app, request).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN, "{what}");
    assert!(response.headers().get("content-type").is_none(), "{what}");
    assert!(response.extensions().get::<VerifyError>().unwrap().is_caller_rejected(), "{what}");
}

/// Rejects each of these values of the header.
async fn reject_all(values: impl IntoIterator<Item = impl AsRef<[u8]>>) {
    let app = routes().layer(layer());
    for value in values {
        let what = String::from_utf8_lossy(value.as_ref()).into_owned();
        reject(&app, carrying(&[value]), &what).await;
    }
}
