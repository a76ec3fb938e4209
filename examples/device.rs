//! How does a service verify devices that sign with `X-HMAC-Signature`?
//!
//! The tag is hex of HMAC-SHA-256, over the body (`/readings`) or over `{mac_address}:{timestamp}`
//! of its JSON (`/register`). A request without the header is answered with 400, and one with a
//! wrong tag with 403.
//!
//!     HMAC_KEY=secret cargo run --features serde --example device
//!     HMAC_KEY=secret sh examples/device.sh http://127.0.0.1:3000
//!     HMAC_KEY=secret ruby examples/device.rb http://127.0.0.1:3000

use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tower_hmac::scheme::{ClaimError, JsonStrings};
use tower_hmac::{
    BoxError, ConfigError, ErrorKind, HeaderScheme, KeyMap, VerifyError, VerifyLayer,
};

#[derive(Deserialize)]
struct Device {
    mac_address: String,
    timestamp: String,
}

#[derive(Serialize)]
struct Answer {
    status: &'static str,
}

const VERIFIED: Json<Answer> = Json(Answer { status: "Verified" });

/// The JSON is parsed from the verified bytes: the layer passes on the bytes that it has checked.
async fn readings(Json(readings): Json<serde_json::Value>) -> Json<Answer> {
    println!("readings: {readings}");
    VERIFIED
}

/// Only the two members are signed: use nothing else from this body.
async fn register(Json(device): Json<Device>) -> Json<Answer> {
    println!("device {} at {}", device.mac_address, device.timestamp);
    VERIFIED
}

/// `{mac_address}:{timestamp}`. An address has 17 characters, so its own colons cannot move
/// anything from one member into the other.
fn address_and_time(body: &[u8]) -> Result<String, ClaimError> {
    let json = JsonStrings::read(body)?;
    let (address, timestamp) = (json.get("mac_address")?, json.get("timestamp")?);
    if address.len() != 17 {
        return Err(ClaimError::malformed("the address does not have 17 characters"));
    }
    Ok(format!("{address}:{timestamp}"))
}

fn rejection(error: &VerifyError) -> Response {
    #[derive(Serialize)]
    struct Rejection {
        detail: &'static str,
    }
    let (status, detail) = match error.kind() {
        ErrorKind::Missing => (StatusCode::BAD_REQUEST, "Missing HMAC signature"),
        _ => (error.status(), "Invalid HMAC signature"),
    };
    (status, Json(Rejection { detail })).into_response()
}

pub(crate) fn app(key: &str) -> Result<Router, ConfigError> {
    let header = HeaderScheme::new("X-HMAC-Signature")?;
    let members = header.clone().dangerous_derived_text(|_, body| address_and_time(body))?;
    let keys = KeyMap::single(key)?;
    let over_body = VerifyLayer::new(header, keys.clone())?.with_rejection_fn(rejection);
    let over_members = VerifyLayer::new(members, keys)?.with_rejection_fn(rejection);
    Ok(Router::new()
        .route("/readings", post(readings).layer(over_body))
        .route("/register", post(register).layer(over_members)))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let app = app(&std::env::var("HMAC_KEY")?)?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on {}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
