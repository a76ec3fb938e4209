use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::error::BoxError;
use crate::layer::config::LayerConfig;
use crate::layer::inner::inner_service;
use crate::layer::rejection::Rejection;
use crate::layer::verified_body::VerifiedBody;
use crate::layer::verify_future::VerifyFuture;

/// The service made by [`VerifyLayer`](crate::VerifyLayer).
///
/// It calls the inner service with a [`VerifiedBody<B>`], where `B` is the body type of incoming
/// requests. So the inner service must accept this body type, or any body. The example
/// `without_axum` serves one with hyper.
pub struct VerifyService<S, R> {
    inner: S,
    config: Arc<LayerConfig<R>>,
}

impl<S, R> VerifyService<S, R> {
    pub(super) fn new(inner: S, config: Arc<LayerConfig<R>>) -> Self {
        Self { inner, config }
    }

    inner_service!(S);
}

/// A service that accepts the body that [`VerifyService`] passes on: every `Service` of
/// `Request<VerifiedBody<B>>` that is `Clone` and returns an `http::Response`.
///
/// It is implemented for all such services, and only exists so that the compiler can explain why
/// any other type is rejected.
///
/// See the example `without_axum` for such a service.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not accept the body that `VerifyLayer` passes on",
    label = "does not accept `Request<VerifiedBody<{B}>>`",
    note = "let it accept any body, `Request<B> where B: http_body::Body`, or put \
            `MapRequestBodyLayer::new(axum::body::Body::new)` inside `VerifyLayer`"
)]
pub trait TakesVerifiedBody<B>:
    Service<Request<VerifiedBody<B>>, Response = Response<Self::ResponseBody>> + Clone
{
    /// The type of the service's response bodies.
    type ResponseBody;
}

#[diagnostic::do_not_recommend]
impl<S, B, ResBody> TakesVerifiedBody<B> for S
where
    S: Service<Request<VerifiedBody<B>>, Response = Response<ResBody>> + Clone,
{
    type ResponseBody = ResBody;
}

impl<S, R, B> Service<Request<B>> for VerifyService<S, R>
where
    S: TakesVerifiedBody<B, ResponseBody: 'static>,
    B: Body<Error: Into<BoxError>>,
    R: Rejection<S::ResponseBody> + 'static,
{
    type Response = Response<S::ResponseBody>;
    type Error = S::Error;
    type Future = VerifyFuture<S, B, R, S::ResponseBody>;

    /// Always ready: an unverified request must not take a permit from the inner service.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        VerifyFuture::new(self.config.clone(), self.inner.clone(), request)
    }
}

impl<S: Clone, R> Clone for VerifyService<S, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), config: self.config.clone() }
    }
}

impl<S, R> fmt::Debug for VerifyService<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyService")
            .field("verifier", &self.config.verifier)
            .finish_non_exhaustive()
    }
}
