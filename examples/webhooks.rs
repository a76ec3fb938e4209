//! How do I receive webhooks of GitHub and Stripe in one service, and handle each delivery once?
//!
//!     cargo run --all-features --example webhooks -- serve
//!
//! Then, from another terminal:
//!
//!     body='{"zen": "Keep it logically awesome."}'
//!     tag=$(printf %s "$body" | openssl dgst -sha256 -hmac 'the secret of github' -r | cut -d' ' -f1)
//!     curl -i localhost:3000/github -H "X-Hub-Signature-256: sha256=$tag" \
//!       -H 'Content-Type: application/json' -d "$body"
//!
//!     body='{"id": "evt_1", "type": "charge.succeeded"}'; time=$(date +%s)
//!     tag=$(printf %s "$time.$body" | openssl dgst -sha256 -hmac 'whsec_of_stripe' -r | cut -d' ' -f1)
//!     curl -i localhost:3000/stripe -H "Stripe-Signature: t=$time,v1=$tag" \
//!       -H 'Content-Type: application/json' -d "$body"
//!
//! Without `serve`, it sends such requests to itself, and checks the responses.

use axum::body::Body;
use axum::routing::post;
use axum::{Json, Router};
use http::{Request, StatusCode};
use serde_json::Value;
use tower::{ServiceBuilder, ServiceExt as _};
use tower_hmac::once::{MemoryOnce, OnceLayer};
use tower_hmac::{BoxError, ConfigError, KeyMap, Scheme, SecretKey, Signer, VerifyLayer, webhooks};

const GITHUB: &str = "the secret of github";
/// The key is the whole text, including the prefix.
const STRIPE: &str = "whsec_of_stripe";

async fn on_push(Json(event): Json<Value>) -> String {
    format!("GitHub says: {}\n", event["zen"])
}

async fn on_charge(Json(event): Json<Value>) -> String {
    format!("Stripe says: {}\n", event["type"])
}

/// Stripe's ID is in the signed body.
fn id_in_body(body: &[u8]) -> Option<String> {
    let event: Value = serde_json::from_slice(body).ok()?;
    event["id"].as_str().map(str::to_owned)
}

fn app() -> Result<Router, ConfigError> {
    let github = VerifyLayer::new(webhooks::github(), KeyMap::single(SecretKey::new(GITHUB)?)?)?;
    let stripe = VerifyLayer::new(webhooks::stripe(), KeyMap::single(SecretKey::new(STRIPE)?)?)?;
    let once = OnceLayer::new(MemoryOnce::new(100_000)?).with_id_fn(|_, body| id_in_body(body));
    Ok(Router::new()
        .route("/github", post(on_push).layer(github))
        .route("/stripe", post(on_charge).layer(ServiceBuilder::new().layer(stripe).layer(once))))
}

async fn answer(
    app: &Router,
    scheme: impl Scheme,
    secret: &str,
    path: &str,
    body: &str,
) -> Result<(StatusCode, String), BoxError> {
    let signer = Signer::new(scheme, SecretKey::new(secret)?);
    let request = Request::post(path).header("content-type", "application/json");
    let request = signer.sign(request.body(body.to_owned())?)?.map(Body::from);
    let response = app.clone().oneshot(request).await?;
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 1024).await?;
    Ok((status, String::from_utf8(body.to_vec())?))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let app = app()?;
    if std::env::args().nth(1).as_deref() == Some("serve") {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
        println!("listening on http://{}", listener.local_addr()?);
        return Ok(axum::serve(listener, app).await?);
    }

    let zen = r#"{"zen": "Keep it logically awesome."}"#;
    let (status, text) = answer(&app, webhooks::github(), GITHUB, "/github", zen).await?;
    print!("{status} {text}");
    assert_eq!(status, StatusCode::OK);

    let charge = r#"{"id": "evt_1", "type": "charge.succeeded"}"#;
    for expected in ["Stripe says: \"charge.succeeded\"\n", ""] {
        let (status, text) = answer(&app, webhooks::stripe(), STRIPE, "/stripe", charge).await?;
        println!("{status} {text}");
        assert_eq!((status, &*text), (StatusCode::OK, expected));
    }

    let (status, _) = answer(&app, webhooks::github(), "another secret", "/github", zen).await?;
    println!("{status}");
    assert_eq!(status, StatusCode::FORBIDDEN);
    Ok(())
}
