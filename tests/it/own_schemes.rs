//! Schemes written with only the public API.

mod adyen;
mod cavage;
mod derived_keys;
mod hawk;
mod stripe;

use std::convert::Infallible;

use axum::body::Body;
use http::{Request, Response};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_hmac::layer::{Rejection, VerifiedBody};
use tower_hmac::{ErrorKind, Verified, VerifyError, VerifyLayer};

/// Sends a request through the layer, and returns its `Verified` or the reason for its rejection.
async fn send<R>(layer: &VerifyLayer<R>, request: Request<Body>) -> Result<Verified, ErrorKind>
where
    R: Rejection<String> + 'static,
{
    let handler = service_fn(async |request: Request<VerifiedBody<Body>>| {
        let mut response = Response::new(String::new());
        if let Some(verified) = request.extensions().get::<Verified>() {
            response.extensions_mut().insert(verified.clone());
        }
        Ok::<_, Infallible>(response)
    });
    let response = layer.layer(handler).oneshot(request).await.unwrap();
    match response.extensions().get::<VerifyError>() {
        Some(error) => Err(error.kind()),
        None => Ok(response.extensions().get::<Verified>().expect("a `Verified`").clone()),
    }
}
