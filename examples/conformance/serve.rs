//! The server: a table of guards, and a handler that returns what it received.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::OriginalUri;
use axum::routing::{MethodRouter, any};
use axum::{Json, Router};
use http::StatusCode;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tower::ServiceBuilder;
use tower_hmac::crypto::Digest;
use tower_hmac::scheme::Encoding;
use tower_hmac::{Algorithm, BoxError, Verified, VerifyLayer};

use crate::config::Config;

pub(crate) async fn serve(config: Config) -> Result<(), BoxError> {
    // Prints the library's warnings while building. While serving, nothing is written, since nobody
    // may read the output.
    let warnings = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_writer(std::io::stderr)
        .finish();
    let layer = tracing::subscriber::with_default(warnings, || config.layer())?;
    let once = config.once()?;
    // The layer that handles a message once goes inside the verifier.
    let behind = |layer: VerifyLayer, handler: MethodRouter| match &once {
        Some(once) => handler.layer(ServiceBuilder::new().layer(layer).layer(once.clone())),
        None => handler.layer(layer),
    };
    let only = |names: &[&str]| -> Result<MethodRouter, BoxError> {
        Ok(behind(layer.clone().only(names.iter().copied())?, any(view)))
    };
    let seen = Seen::default();
    let fail_first = move |uri: OriginalUri, caller: Option<Verified>, body: Bytes| {
        let is_first = !body.is_empty() && seen.is_first(&body);
        async move {
            if is_first {
                Err(StatusCode::INTERNAL_SERVER_ERROR)
            } else {
                Ok(view(uri, caller, body).await)
            }
        }
    };
    let app = Router::new()
        .route("/fail-first", behind(layer.clone(), any(fail_first)))
        .route("/open", any(open))
        .route("/only-a", only(&["aservice"])?)
        .route("/only-text", only(&["aservice"])?)
        .route("/only-ab", only(&["aservice", "bservice"])?)
        .route("/only-empty", only(&[])?)
        .route("/only-ghost", only(&["ghost"])?)
        .route("/only-text-long", only(&["the-aservice-team"])?);
    let app = app.fallback_service(behind(layer, any(view)));

    let listener = tokio::net::TcpListener::bind(&config.listen)
        .await
        .map_err(|error| format!("listen: {error}"))?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        // If accepting a connection fails, its client can retry.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let service = TowerToHyperService::new(app.clone());
        tokio::spawn(async move {
            let mut http = Builder::new(TokioExecutor::new());
            http.http1().max_buf_size(READ_AHEAD);
            // This fails if the client disconnects.
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// The bodies received so far.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<HashSet<Bytes>>>);

impl Seen {
    fn is_first(&self, body: &Bytes) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(body.clone())
    }
}

/// The number of bytes read ahead on a connection, and therefore the longest head. They are held in
/// addition to a body being verified, so hyper's default of 400 KiB would be too much.
const READ_AHEAD: usize = 80 * 1024;

/// Behind an optional layer, there may be no caller.
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
        "message_id": caller.and_then(Verified::message_id),
        "body_len": body.len(),
        "body_sha256": Encoding::Hex.encode(Digest::of(Algorithm::Sha256, body).as_bytes()),
        "signed_headers": signed_headers,
    }))
}
