use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::error::BoxError;
use crate::verify::layer::Gate;
use crate::verify::{Rejection, VerifiedBody, VerifyFuture};

/// The service that [`VerifyLayer`](crate::VerifyLayer) makes.
pub struct VerifyService<S, R> {
    inner: S,
    gate: Arc<Gate<R>>,
}

impl<S, R> VerifyService<S, R> {
    pub(super) fn new(inner: S, gate: Arc<Gate<R>>) -> Self {
        Self { inner, gate }
    }
}

impl<S, R, B, ResBody> Service<Request<B>> for VerifyService<S, R>
where
    S: Service<Request<VerifiedBody<B>>, Response = Response<ResBody>> + Clone,
    B: Body<Error: Into<BoxError>>,
    R: Rejection<ResBody> + 'static,
    ResBody: 'static,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = VerifyFuture<S, B, R, ResBody>;

    /// Is always ready: a request takes no permit of the inner service before it is verified.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        VerifyFuture::new(self.gate.clone(), self.inner.clone(), request)
    }
}

impl<S: Clone, R> Clone for VerifyService<S, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), gate: self.gate.clone() }
    }
}

impl<S, R> fmt::Debug for VerifyService<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyService")
            .field("verifier", &self.gate.verifier)
            .finish_non_exhaustive()
    }
}
