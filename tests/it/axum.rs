//! The parts of an axum router that the layer covers, and the positions of other layers.

mod layers;
mod router_shapes;
mod upgrades;
mod uploads;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use tower_hmac::sign::WholeBody;
use tower_hmac::{FlaskHmac, KeyMap, SecretKey, Signer, VerifyLayer};

use crate::support::app::{send, status, text};

const KEY: &str = "zmQ4-aLp9-77vT";

fn verify() -> VerifyLayer {
    VerifyLayer::new(FlaskHmac::new(), keys()).unwrap()
}

fn keys() -> KeyMap {
    KeyMap::named([("aservice", KEY)]).unwrap()
}

fn signed<B: WholeBody + Into<Body>>(request: Request<B>) -> Request<Body> {
    let signer = Signer::new(FlaskHmac::new(), SecretKey::new(KEY).unwrap());
    signer.with_key_id("aservice").unwrap().sign(request).unwrap().map(Into::into)
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}
