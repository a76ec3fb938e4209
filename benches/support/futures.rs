//! The sizes of the futures, around a service that does nothing.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::FromRequest as _;
use axum::response::Response;
use http::Request;
use tower::{Layer, Service};
use tower_hmac::extract::Signed;

use super::by_hand::{ByHand, Flask, HandLayer, HandSigned};
use super::{ours, signed};

/// The bytes of each contender's future.
pub fn future_sizes() -> Vec<(&'static str, usize)> {
    #[cfg_attr(not(feature = "rfc9421"), allow(unused_mut))]
    let mut sizes = vec![
        ("layer by hand", layered(&HandLayer(Arc::new(Flask::new())))),
        ("layer", layered(&ours(false))),
        ("extractor by hand", by_hand(Flask::new())),
        ("`Signed<Bytes>`", {
            let verifier = ours(false).shared();
            size_of_val(&Signed::<Bytes>::from_request(request(), &verifier))
        }),
    ];
    #[cfg(feature = "rfc9421")]
    sizes.extend([
        ("RFC 9421, layer by hand", {
            layered(&HandLayer(Arc::new(super::message::Message::new())))
        }),
        ("RFC 9421, extractor by hand", by_hand(super::message::Message::new())),
    ]);
    sizes
}

fn request() -> Request<Body> {
    signed(Bytes::new())()
}

fn by_hand<V: ByHand>(scheme: V) -> usize {
    size_of_val(&HandSigned::from_request(request(), &Arc::new(scheme)))
}

fn layered<L: Layer<Handler, Service: Service<Request<Body>>>>(layer: &L) -> usize {
    size_of_val(&layer.layer(Handler).call(request()))
}

#[derive(Clone)]
pub struct Handler;

impl<B> Service<Request<B>> for Handler {
    type Response = Response;
    type Error = Infallible;
    type Future = Ready<Result<Response, Infallible>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        ready(Ok(Response::default()))
    }
}
