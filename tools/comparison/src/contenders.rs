//! The contenders of each scheme, used as in their own docs.

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Json, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::{Router, routing::post};
use axum_github_webhook_extract::{GithubEvent, GithubToken};
use axum_standardwebhooks::{SharedWebhook, StandardWebhook, Webhook};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::StatusCode;
use http_body_util::Full;
use httpsig_hyper::prelude::message_component::HttpMessageComponentId;
use httpsig_hyper::prelude::{AlgorithmName, HttpSignatureParams, SharedKey};
use httpsig_hyper::{ContentDigestType, MessageSignatureReq as _, RequestContentDigest as _};
use scratchstack_aws_principal::User;
use scratchstack_aws_signature::{
    GetSigningKeyRequest, GetSigningKeyResponse, KSecretKey, KSigningKey,
    NO_ADDITIONAL_SIGNED_HEADERS, SignatureOptions, sigv4_validate_request,
};
use serde::de::IgnoredAny;
use sha2::Sha256;
use tower_hmac::extract::Signed as Verified;
use tower_hmac::scheme::AwsSigV4;
use tower_hmac::webhooks::StandardWebhooks;
use tower_hmac::{
    BoxError, KeyMap, MessageSignatures, Scheme, SecretKey, Signer, VerifyLayer, webhooks,
};

use crate::{Contender, Signed};

/// The key of all schemes, as text; Standard Webhooks and RFC 9421 have its bytes in base64.
const KEY: &str = "replace-me-0b9d4f6c2a718e35c4d5e6f7a8b90";
const KEY_BASE64: &str = "cmVwbGFjZS1tZS0wYjlkNGY2YzJhNzE4ZTM1YzRkNWU2ZjdhOGI5MA==";
const KEY_ID: &str = "billing";
const REGION: &str = "us-east-1";
const SERVICE: &str = "execute-api";
const LIMIT: usize = 2 * 1024 * 1024;

pub fn all() -> Vec<(&'static str, Signed, Vec<Contender>)> {
    vec![
        ("GitHub", sign(webhooks::github(), None), github()),
        ("Standard Webhooks", sign(StandardWebhooks::new(), None), standard()),
        ("RFC 9421", sign_rfc9421(), rfc9421()),
        ("SigV4", sign(sigv4_scheme(), Some(KEY_ID)), sigv4()),
    ]
}

fn key() -> SecretKey {
    SecretKey::new(KEY).unwrap()
}

/// A POST with 1 KiB of JSON, with an absolute URI as in HTTP/2.
fn request() -> http::Request<String> {
    let body = format!(r#"{{"item":"{}"}}"#, "x".repeat(1024 - 11));
    http::Request::post("https://example.com/orders?draft=1")
        .header("host", "example.com")
        .header("content-type", "application/json")
        .body(body)
        .unwrap()
}

fn sign(scheme: impl Scheme + 'static, key_id: Option<&str>) -> Signed {
    let mut signer = Signer::new(scheme, key());
    if let Some(id) = key_id {
        signer = signer.with_key_id(id).unwrap();
    }
    let (head, body) = signer.sign(request()).unwrap().into_parts();
    Signed { head, body: body.into() }
}

/// Signed by httpsig-hyper, which writes the parameters in its own order.
fn sign_rfc9421() -> Signed {
    let (head, body) = request().into_parts();
    let request = http::Request::from_parts(head, Full::<Bytes>::from(body.clone()));
    let covered = ["@method", "@authority", "@path", "@query", "content-digest"];
    let covered = covered.map(|name| HttpMessageComponentId::try_from(name).unwrap());
    let mut parameters = HttpSignatureParams::try_new(&covered).unwrap();
    parameters
        .set_alg(&AlgorithmName::HmacSha256)
        .set_keyid(KEY_ID)
        .set_nonce("CKeTsx7EG44qGYmNnzbPvPgw");
    let signed = async {
        let mut request = request.set_content_digest(&ContentDigestType::Sha256).await.unwrap();
        request.set_message_signature(&parameters, &shared_key(), Some("sig1")).await.unwrap();
        request
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (head, _) = runtime.block_on(signed).into_parts();
    Signed { head, body: body.into() }
}

fn shared_key() -> SharedKey {
    SharedKey::from_base64(&AlgorithmName::HmacSha256, KEY_BASE64).unwrap()
}

async fn bytes(body: Bytes) -> StatusCode {
    std::hint::black_box(body);
    StatusCode::OK
}

fn route() -> Router {
    Router::new().route("/orders", post(bytes))
}

fn layer(scheme: impl Scheme + 'static, keys: KeyMap) -> VerifyLayer {
    VerifyLayer::new(scheme, keys).unwrap()
}

fn extractor(layer: VerifyLayer) -> Router {
    async fn signed(Verified(body, _): Verified<Bytes>) -> StatusCode {
        bytes(body).await
    }
    Router::new().route("/orders", post(signed)).with_state(layer.shared())
}

fn github() -> Vec<Contender> {
    async fn alone(_: Json<IgnoredAny>) -> StatusCode {
        StatusCode::OK
    }
    async fn theirs(_: GithubEvent<IgnoredAny>) -> StatusCode {
        StatusCode::OK
    }
    async fn ours(_: Verified<Json<IgnoredAny>>) -> StatusCode {
        StatusCode::OK
    }
    let verify = layer(webhooks::github(), KeyMap::single(KEY).unwrap());
    let token = GithubToken(Arc::new(KEY.to_owned()));
    let route = || Router::new().route("/orders", post(alone));
    vec![
        ("nothing", route()),
        ("`from_fn` by hand", route().layer(from_fn_with_state(prepared(), github_by_hand))),
        (
            "axum-github-webhook-extract",
            Router::new().route("/orders", post(theirs)).with_state(token),
        ),
        ("tower-hmac, layer", route().layer(verify.clone())),
        (
            "tower-hmac, `Signed`",
            Router::new().route("/orders", post(ours)).with_state(verify.shared()),
        ),
    ]
}

fn prepared() -> Hmac<Sha256> {
    Hmac::new_from_slice(KEY.as_bytes()).unwrap()
}

/// Careful hand-written code for one scheme and one key.
async fn github_by_hand(
    State(mut mac): State<Hmac<Sha256>>,
    request: Request,
    next: Next,
) -> Response {
    let (head, body) = request.into_parts();
    let mut tag = [0; 32];
    let offered = head.headers.get("x-hub-signature-256").map(http::HeaderValue::as_bytes);
    let hex = offered.and_then(|value| value.strip_prefix(b"sha256="));
    if hex.is_none_or(|hex| base16ct::lower::decode(hex, &mut tag).map(<[u8]>::len) != Ok(32)) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let Ok(bytes) = to_bytes(body, LIMIT).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    mac.update(&bytes);
    if mac.verify_slice(&tag).is_err() {
        return StatusCode::FORBIDDEN.into_response();
    }
    next.run(Request::from_parts(head, Body::from(bytes))).await
}

fn standard() -> Vec<Contender> {
    async fn theirs(StandardWebhook(body): StandardWebhook<Bytes>) -> StatusCode {
        bytes(body).await
    }
    let verify = layer(StandardWebhooks::new(), KeyMap::single(key()).unwrap());
    let webhook = SharedWebhook::new(Webhook::new(KEY_BASE64).unwrap());
    vec![
        ("nothing", route()),
        ("axum-standardwebhooks", Router::new().route("/orders", post(theirs)).with_state(webhook)),
        ("tower-hmac, layer", route().layer(verify.clone())),
        ("tower-hmac, `Signed`", extractor(verify)),
    ]
}

fn rfc9421() -> Vec<Contender> {
    async fn theirs(State(key): State<Arc<SharedKey>>, request: Request, next: Next) -> Response {
        let (head, body) = request.into_parts();
        let Ok(body) = to_bytes(body, LIMIT).await else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        let request = Request::from_parts(head, Full::<Bytes>::from(body));
        if request.verify_message_signature(&*key, Some(KEY_ID)).await.is_err() {
            return StatusCode::FORBIDDEN.into_response();
        }
        match request.verify_content_digest().await {
            Ok(request) => next.run(request.map(Body::new)).await,
            Err(_) => StatusCode::FORBIDDEN.into_response(),
        }
    }
    let shared = Arc::new(shared_key());
    let verify = layer(MessageSignatures::new(), KeyMap::named([(KEY_ID, key())]).unwrap());
    vec![
        ("nothing", route()),
        ("httpsig-hyper", route().layer(from_fn_with_state(shared, theirs))),
        ("tower-hmac, layer", route().layer(verify.clone())),
        ("tower-hmac, `Signed`", extractor(verify)),
    ]
}

fn sigv4_scheme() -> AwsSigV4 {
    AwsSigV4::new(REGION, SERVICE).unwrap()
}

fn sigv4() -> Vec<Contender> {
    async fn theirs(State(key): State<KSigningKey>, request: Request, next: Next) -> Response {
        // A real service would also keep the key of the day.
        let mut keys = tower::service_fn(move |_: GetSigningKeyRequest| async move {
            let user = User::new("aws", "123456789012", "/", "user")?;
            let mut response = GetSigningKeyResponse::builder();
            Ok::<_, BoxError>(response.principal(user).signing_key(key).build()?)
        });
        let (head, body) = request.into_parts();
        let Ok(body) = to_bytes(body, LIMIT).await else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        let verified = sigv4_validate_request(
            Request::from_parts(head, body),
            REGION,
            SERVICE,
            &mut keys,
            chrono::Utc::now(),
            &NO_ADDITIONAL_SIGNED_HEADERS,
            SignatureOptions::default(),
        );
        match verified.await {
            Ok((head, body, _)) => next.run(Request::from_parts(head, Body::from(body))).await,
            Err(_) => StatusCode::FORBIDDEN.into_response(),
        }
    }
    let secret: KSecretKey = KEY.parse().unwrap();
    let signing = secret.to_ksigning(chrono::Utc::now().date_naive(), REGION, SERVICE);
    let verify = layer(sigv4_scheme(), KeyMap::named([(KEY_ID, key())]).unwrap());
    vec![
        ("nothing", route()),
        ("scratchstack-aws-signature", route().layer(from_fn_with_state(signing, theirs))),
        ("tower-hmac, layer", route().layer(verify.clone())),
        ("tower-hmac, `Signed`", extractor(verify)),
    ]
}
