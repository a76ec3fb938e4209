//! The routes, and the protection of each.

use std::time::Duration;

use axum::extract::{Path, Request};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};
use tower::ServiceBuilder;
use tower_hmac::extract::Only;
use tower_hmac::key::SharedKeys;
use tower_hmac::once::OnceLayer;
use tower_hmac::{ConfigError, KeyMap, MessageSignatures, Verified, VerifyLayer, webhooks};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

use crate::rejection;
use crate::settings::Settings;
use crate::stores::Stores;

/// The time from a request's head to its response. It also limits how long a removed key can be
/// used.
const DEADLINE: Duration = Duration::from_secs(30);

tower_hmac::allow_list! {
    /// The callers who may refund.
    Billing = ["billing"];
}

/// The scheme of the internal API. Clients sign for this tag, so signatures for other applications
/// are rejected.
pub fn scheme() -> Result<MessageSignatures, ConfigError> {
    MessageSignatures::new().with_tag("showcase")
}

pub fn router(
    settings: &Settings,
    keys: SharedKeys,
    stores: Stores,
    metrics: PrometheusHandle,
) -> Result<Router, ConfigError> {
    // The layers are added last, so that they cover every route and the fallback.
    let api = Router::new()
        .route("/orders", post(order))
        .route("/orders/{id}/refund", post(refund))
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(
            VerifyLayer::new(scheme()?, keys)?
                .with_replay_guard(stores.replay)?
                .with_rejection_fn(rejection::json),
        );

    let github = VerifyLayer::new(webhooks::github(), KeyMap::single(settings.github.clone())?)?
        .with_rejection_fn(rejection::json);
    let stripe = VerifyLayer::new(webhooks::stripe(), KeyMap::single(settings.stripe.clone())?)?
        .with_rejection_fn(rejection::json);
    // Stripe signs the event's ID in the body. GitHub does not sign its delivery ID, so its handler
    // must tolerate repeats.
    let once = OnceLayer::new(stores.once).with_id_fn(|_, body| {
        let event: Value = serde_json::from_slice(body).ok()?;
        event["id"].as_str().map(str::to_owned)
    });

    let stripe = ServiceBuilder::new().layer(stripe).layer(once);

    Ok(Router::new()
        .nest("/api", api)
        .route("/hooks/github", post(on_push).layer(github))
        .route("/hooks/stripe", post(on_charge).layer(stripe))
        // These routes are open, for the load balancer and Prometheus. Keep them off the public
        // network.
        .route("/healthz", get(async || "ok"))
        .route("/metrics", get(async move || metrics.render()))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, DEADLINE))
        // This layer is outermost. The verifying layer records the proven key ID in the span's
        // empty field.
        .layer(TraceLayer::new_for_http().make_span_with(|request: &Request| {
            let path = request.uri().path();
            tracing::info_span!("request", path, key_id = tracing::field::Empty)
        })))
}

async fn order(caller: Verified, Json(order): Json<Value>) -> Json<Value> {
    Json(json!({ "accepted": order["item"], "for": caller.key_id().map(|id| id.as_str()) }))
}

async fn refund(_: Only<Billing>, Path(id): Path<u64>) -> Json<Value> {
    Json(json!({ "refunded": id }))
}

async fn on_push(Json(event): Json<Value>) -> StatusCode {
    tracing::info!(repository = %event["repository"]["name"], "push");
    StatusCode::NO_CONTENT
}

/// A status other than 2xx releases the delivery: Stripe sends it again, and it is handled then.
async fn on_charge(Json(event): Json<Value>) -> StatusCode {
    match event["type"].as_str() {
        Some(kind) => {
            tracing::info!(kind, "charge");
            StatusCode::NO_CONTENT
        }
        None => StatusCode::UNPROCESSABLE_ENTITY,
    }
}
