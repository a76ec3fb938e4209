//! What should I use? A server and a client with HTTP Message Signatures (RFC 9421): method, target
//! and body are covered, keys can be rotated, and replays are rejected.
//!
//!     cargo run --example recommended --features rfc9421

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use http::{Request, StatusCode};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower::{ServiceBuilder, ServiceExt as _};
use tower_hmac::key::KeyEntry;
use tower_hmac::{
    BoxError, KeyMap, KeySet, MemoryReplay, MessageSignatures, SecretKey, SignLayer, Signer,
    Verified, VerifyLayer,
};

/// In production, use random keys from a file or a vault: `SecretKey::from_base64`.
fn new_key() -> Result<SecretKey, BoxError> {
    Ok(SecretKey::new("the new key: 32 bytes of entropy")?)
}

fn old_key() -> Result<SecretKey, BoxError> {
    Ok(SecretKey::new("the old key: 32 bytes of entropy")?)
}

/// The scheme that both sides agree on. Because of the tag, signatures for other applications are
/// rejected.
fn scheme() -> Result<MessageSignatures, BoxError> {
    Ok(MessageSignatures::new().with_tag("orders")?)
}

fn app() -> Result<Router, BoxError> {
    // Rotation: the server accepts both keys, clients move to the new one, then the old one is
    // removed.
    let billing = KeySet::new([
        KeyEntry::new(new_key()?).with_label("2026-11"),
        KeyEntry::new(old_key()?).with_label("2026-05"),
    ])?;
    let keys = KeyMap::named([("billing", billing)])?;
    // Behind a proxy that terminates TLS:
    // `scheme()?.with_public_origin("https://api.example.com")?`.
    let layer = VerifyLayer::new(scheme()?, keys)?
        // 100 requests a second, each remembered for as long as its time is accepted.
        .with_replay_guard(MemoryReplay::new(60_100)?)?;
    Ok(Router::new().route("/orders", post(order)).layer(layer))
}

/// Handles an order. Only called for signed requests. The key's label shows when the old key is no
/// longer used.
async fn order(caller: Verified, body: String) -> String {
    let name = caller.key_id().map_or("nobody", |id| id.as_str());
    format!("{name} ordered {body} with key {}", caller.key_label().unwrap_or("?"))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/orders?draft=1", listener.local_addr()?);
    tokio::spawn(axum::serve(listener, app()?).into_future());

    let http: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let order = || Request::post(&url).body(Full::<Bytes>::from(r#"{"item": 7}"#));

    // A client that signs all its requests, first with the old key, then with the new one.
    for key in [old_key()?, new_key()?] {
        let signer = Signer::new(scheme()?, key).with_key_id("billing")?;
        let client = ServiceBuilder::new().layer(SignLayer::new(signer)).service(http.clone());
        let response = client.oneshot(order()?).await?;
        assert_eq!(response.status(), StatusCode::OK);
        println!("signed:   {}", response.status());
    }

    // Signs without a client, to replay a request, and to change one in transit.
    let signer = Signer::new(scheme()?, new_key()?).with_key_id("billing")?;
    let signed = signer.sign(Request::post(&url).body(Bytes::from(r#"{"item": 7}"#))?)?;
    let mut changed = signed.clone();
    *changed.uri_mut() = url.replace("draft=1", "draft=0").parse()?;
    for (what, request, status) in [
        ("changed", changed, StatusCode::FORBIDDEN),
        ("first", signed.clone(), StatusCode::OK),
        ("replayed", signed, StatusCode::FORBIDDEN),
    ] {
        let response = http.request(request.map(Full::new)).await?;
        assert_eq!(response.status(), status);
        println!("{:<9} {}", format!("{what}:"), response.status());
    }
    Ok(())
}
