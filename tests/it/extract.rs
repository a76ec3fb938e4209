//! The extractors, and the position of the layer in a router.

mod extractors;
mod placement;
mod signed;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::{Method, Request, StatusCode};
use tower_hmac::layer::StatusRejection;
use tower_hmac::{FlaskHmac, KeyMap, SecretKey, Signer, VerifyError, VerifyLayer};

use crate::support::app::{send, status, text};

tower_hmac::allow_list!(Billing = ["aservice"]);
tower_hmac::allow_list!(Nobody = []);

fn layer() -> VerifyLayer {
    let keys = KeyMap::named([("aservice", "akey"), ("bservice", "bkey")]).unwrap();
    VerifyLayer::new(FlaskHmac::new(), keys.with_single("single").unwrap()).unwrap()
}

fn unauthorized() -> VerifyLayer<StatusRejection> {
    layer().with_rejection(StatusRejection::new(StatusCode::UNAUTHORIZED).unwrap())
}

/// Signs as this service, or with the anonymous key if the key ID is empty.
fn by(service: &str, method: Method, path: &str, body: impl Into<Vec<u8>>) -> Request<Body> {
    let signer = match service {
        "" => Signer::new(FlaskHmac::new(), SecretKey::new("single").unwrap()),
        name => {
            let key = SecretKey::new(format!("{}key", &name[..1])).unwrap();
            Signer::new(FlaskHmac::new(), key).with_key_id(name).unwrap()
        }
    };
    let request = Request::builder().method(method).uri(path).body(body.into()).unwrap();
    signer.sign(request).unwrap().map(Body::from)
}

fn get_by(service: &str, path: &str) -> Request<Body> {
    by(service, Method::GET, path, "")
}

fn unsigned(method: Method, path: &str) -> Request<Body> {
    Request::builder().method(method).uri(path).body(Body::empty()).unwrap()
}

fn spelled(error: &VerifyError) -> Response {
    (StatusCode::IM_A_TEAPOT, error.kind().as_str()).into_response()
}
