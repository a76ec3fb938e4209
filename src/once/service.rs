//! The service of the layer.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::error::BoxError;
use crate::layer::{VerifiedBody, inner_service};
use crate::once::config::OnceConfig;
use crate::once::{OnceFuture, RepeatResponse};

/// The service made by [`OnceLayer`](crate::once::OnceLayer).
///
/// See [`OnceLayer`](crate::once::OnceLayer) for an example.
pub struct OnceService<S, R> {
    inner: S,
    config: Arc<OnceConfig<R>>,
}

impl<S, R> OnceService<S, R> {
    pub(super) fn new(inner: S, config: Arc<OnceConfig<R>>) -> Self {
        Self { inner, config }
    }

    inner_service!(S);
}

impl<S, R, B, ResBody> Service<Request<B>> for OnceService<S, R>
where
    S: Service<Request<VerifiedBody<B>>, Response = Response<ResBody>> + Clone,
    B: Body<Error: Into<BoxError>>,
    R: RepeatResponse<ResBody>,
    ResBody: Default,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = OnceFuture<S, B, R>;

    /// Always ready. The inner service is made ready in the future, once the message is to be
    /// handled, so that a repeat takes none of its permits.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        OnceFuture::new(self.config.clone(), self.inner.clone(), request)
    }
}

impl<S: Clone, R> Clone for OnceService<S, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), config: self.config.clone() }
    }
}

impl<S, R> fmt::Debug for OnceService<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnceService(..)")
    }
}
