use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::error::BoxError;
use crate::verify::handle::Unsigned;
use crate::verify::{Rejection, Verified, VerifiedBody, VerifyFuture, VerifyLayer};

/// The service that [`VerifyLayer`] makes.
pub struct VerifyService<S, R> {
    inner: S,
    /// Shared, so that a request pays for one count and not for one of each part.
    layer: Arc<VerifyLayer<R>>,
}

impl<S, R> VerifyService<S, R> {
    pub(super) fn new(inner: S, layer: VerifyLayer<R>) -> Self {
        Self { inner, layer: Arc::new(layer) }
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
        let (mut parts, body) = request.into_parts();
        parts.extensions.remove::<Verified>();
        parts.extensions.remove::<Unsigned>();
        VerifyFuture::new(self.layer.clone(), inner, parts, body)
    }
}

impl<S: Clone, R> Clone for VerifyService<S, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<S, R> fmt::Debug for VerifyService<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyService").field("layer", &self.layer).finish_non_exhaustive()
    }
}
