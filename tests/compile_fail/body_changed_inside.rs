//! A layer inside changes the body of responses: no rejection can be made in that body.

use axum::Router;
use axum::routing::get;
use tower::ServiceBuilder;
use tower_hmac::{FlaskHmac, KeyMap, VerifyLayer};
use tower_http::trace::TraceLayer;

fn main() {
    let keys = KeyMap::single("key").unwrap();
    let verify = VerifyLayer::new(FlaskHmac::new(), keys).unwrap();
    let layers = ServiceBuilder::new().layer(verify).layer(TraceLayer::new_for_http());
    let _: Router = Router::new().route("/", get(async || "")).layer(layers);
}
