//! A rejection function makes axum's body, and a layer inside answers with another.

use axum::Router;
use axum::response::IntoResponse as _;
use axum::routing::get;
use tower::ServiceBuilder;
use tower_hmac::{FlaskHmac, KeyMap, VerifyLayer};
use tower_http::trace::TraceLayer;

fn main() {
    let keys = KeyMap::single("key").unwrap();
    let verify = VerifyLayer::new(FlaskHmac::new(), keys)
        .unwrap()
        .with_rejection_fn(|error| error.public().status().into_response());
    let layers = ServiceBuilder::new().layer(verify).layer(TraceLayer::new_for_http());
    let _: Router = Router::new().route("/", get(async || "")).layer(layers);
}
