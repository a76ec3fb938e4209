use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Request;
use http_body::Body;
use http_body_util::Full;
use tower_service::Service;

use crate::error::BoxError;
use crate::layer::inner::inner_service;
use crate::layer::sign_future::SignFuture;
use crate::scheme::Scheme;
use crate::sign::Signer;

/// The service made by [`SignLayer`](crate::SignLayer).
///
/// See [`SignLayer`](crate::SignLayer) for an example.
pub struct SignService<T, S> {
    pub(super) inner: T,
    pub(super) signer: Arc<Signer<S>>,
    pub(super) body_limit: usize,
}

impl<T, S> SignService<T, S> {
    inner_service!(T);
}

impl<T, S, B> Service<Request<B>> for SignService<T, S>
where
    T: Service<Request<Full<Bytes>>, Error: Into<BoxError>> + Clone,
    S: Scheme,
    B: Body<Error: Into<BoxError>>,
{
    type Response = T::Response;
    type Error = BoxError;
    type Future = SignFuture<T, S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // `self.inner` is ready, but its clone may not be.
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        SignFuture::new(inner, self.signer.clone(), self.body_limit, request)
    }
}

impl<T: Clone, S> Clone for SignService<T, S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), signer: self.signer.clone(), body_limit: self.body_limit }
    }
}

impl<T, S: Scheme> fmt::Debug for SignService<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignService").field("signer", &self.signer).finish_non_exhaustive()
    }
}
