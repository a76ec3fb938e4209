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

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The ready service is this one; its clone may not be.
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        VerifyFuture::new(self.gate.clone(), inner, request)
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
