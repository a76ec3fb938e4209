//! A function where a rejection is taken.

use axum::Router;
use axum::response::IntoResponse as _;
use axum::routing::get;
use tower_hmac::{FlaskHmac, KeyMap, VerifyError, VerifyLayer};

fn main() {
    let keys = KeyMap::single("key").unwrap();
    let layer = VerifyLayer::new(FlaskHmac::new(), keys)
        .unwrap()
        .with_rejection(|error: &VerifyError| error.public().status().into_response());
    let _: Router = Router::new().route("/", get(async || "")).layer(layer);
}
