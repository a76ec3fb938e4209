//! The server: a table of guards, and a handler that tells what it was handed.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::OriginalUri;
use axum::routing::{MethodRouter, any};
use axum::{Json, Router};
use serde_json::{Value, json};
use tower_hmac::scheme::Encoding;
use tower_hmac::{Algorithm, BoxError, Digest, Verified};

use crate::config::Config;

pub(crate) async fn serve(config: Config) -> Result<(), BoxError> {
    let layer = config.layer()?;
    let guarded = |names: &[&str]| {
        let names = names.iter().copied();
        any(view).layer(layer.clone().only(names))
    };
    let app = Router::new()
        .route("/open", any(open))
        .route("/only-a", guarded(&["aservice"]))
        .route("/only-text", guarded(&["aservice"]))
        .route("/only-ab", guarded(&["aservice", "bservice"]))
        .route("/only-empty", guarded(&[]))
        .route("/only-ghost", guarded(&["ghost"]))
        .route("/only-text-long", guarded(&["the-aservice-team"]));
    let rest: MethodRouter = any(view).layer(layer);
    let app = app.fallback_service(rest);

    let listener = tokio::net::TcpListener::bind(&config.listen)
        .await
        .map_err(|error| format!("listen: {error}"))?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

/// Behind an optional layer there may be nobody.
async fn view(OriginalUri(uri): OriginalUri, caller: Option<Verified>, body: Bytes) -> Json<Value> {
    tell(uri.path(), caller.as_ref(), &body)
}

async fn open(OriginalUri(uri): OriginalUri, body: Bytes) -> Json<Value> {
    tell(uri.path(), None, &body)
}

fn tell(view: &str, caller: Option<&Verified>, body: &[u8]) -> Json<Value> {
    let signed_headers: BTreeMap<_, _> = caller
        .into_iter()
        .flat_map(Verified::signed_headers)
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
        .collect();
    Json(json!({
        "view": view,
        "key_id": caller.and_then(Verified::key_id).map(tower_hmac::KeyId::as_str),
        "scheme": caller.map(Verified::scheme),
        "body_len": body.len(),
        "body_sha256": Encoding::Hex.encode(Digest::of(Algorithm::Sha256, body).as_bytes()),
        "signed_headers": signed_headers,
    }))
}
