//! A plain Tower service that takes another body than the layer passes on.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use axum::body::Body;
use http::{Request, Response};
use tower::{Service, ServiceBuilder, ServiceExt};
use tower_hmac::{FlaskHmac, KeyMap, VerifyLayer};

#[derive(Clone)]
struct Plain;

impl Service<Request<Body>> for Plain {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        ready(Ok(Response::default()))
    }
}

fn main() {
    let keys = KeyMap::single("key").unwrap();
    let verify = VerifyLayer::new(FlaskHmac::new(), keys).unwrap();
    let service = ServiceBuilder::new().layer(verify).service(Plain);
    let _ = ServiceExt::<Request<Body>>::oneshot(service, Request::new(Body::empty()));
}
