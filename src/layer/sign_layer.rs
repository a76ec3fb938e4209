use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use crate::layer::sign_service::SignService;
use crate::scheme::Scheme;
use crate::sign::Signer;

/// The default body limit: 2 MiB, as on the server.
const DEFAULT_BODY_LIMIT: usize = 2 * 1024 * 1024;

/// Signs each request of a client stack.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tower::{ServiceBuilder, ServiceExt};
/// use tower_hmac::{BoxError, FlaskHmac, SecretKey, SignLayer, Signer};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// // In place of hyper-util's `Client`.
/// let client = tower::service_fn(async |request: Request<Full<Bytes>>| {
///     Ok::<_, BoxError>(Response::new(request.headers()["signature"].clone()))
/// });
///
/// let signer = Signer::new(FlaskHmac::new(), SecretKey::new("s3cr3tk3y")?);
/// let client = ServiceBuilder::new().layer(SignLayer::new(signer)).service(client);
///
/// let request = Request::post("/plain").body(Full::<Bytes>::from(r#"{"foo": "boo"}"#))?;
/// let response = client.oneshot(request).await?;
/// assert_eq!(response.body(), "nm3ezDgSuwx2dN51HHuq8CK/R7G8J+tulFgYFFArj8U=");
/// # Ok::<(), BoxError>(())
/// # }).unwrap();
/// ```
///
/// 1. Collects the body, up to the [limit](Self::with_body_limit). Drops trailers, which no scheme
///    covers.
/// 2. Signs the head, and marks the signature as sensitive, so that logs do not print it.
/// 3. Calls the inner service with the body as [`Full<Bytes>`]. If the service takes another body
///    type, such as a boxed one, put `map_request(|request| request.map(Body::new))` in between.
///
/// If a body is over the limit, or the scheme cannot sign a request, the call fails before anything
/// is sent. As with tower's own layers that can fail, the error is a [`BoxError`]. It is a
/// [`SignError`], or the body's or the inner service's own error.
///
/// Put the layer *inside* a retry layer, so that each attempt is signed again, with a new time and
/// a new nonce. Also put it inside layers that change the body, such as compression of requests.
///
/// Put it *inside* a layer that follows redirects as well. Each hop is then signed again, even a
/// POST that became a GET without a body after a 303. Such a layer must not follow redirects to
/// another host, which would get a valid signature. With `tower_http`'s `FollowRedirect`, use the
/// policy `SameOrigin`. hyper-util's client follows no redirects.
///
/// [`Full<Bytes>`]: http_body_util::Full
/// [`BoxError`]: crate::BoxError
/// [`SignError`]: crate::SignError
pub struct SignLayer<S> {
    signer: Arc<Signer<S>>,
    body_limit: usize,
}

impl<S: Scheme> SignLayer<S> {
    /// Makes a layer that signs with this signer.
    #[must_use]
    pub fn new(signer: impl Into<Arc<Signer<S>>>) -> Self {
        Self { signer: signer.into(), body_limit: DEFAULT_BODY_LIMIT }
    }

    /// Sets the longest body that is collected, in bytes. 2 MiB by default.
    #[must_use]
    pub fn with_body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }
}

impl<T, S> Layer<T> for SignLayer<S> {
    type Service = SignService<T, S>;

    fn layer(&self, inner: T) -> Self::Service {
        SignService { inner, signer: self.signer.clone(), body_limit: self.body_limit }
    }
}

impl<S> Clone for SignLayer<S> {
    fn clone(&self) -> Self {
        Self { signer: self.signer.clone(), body_limit: self.body_limit }
    }
}

impl<S: Scheme> fmt::Debug for SignLayer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignLayer")
            .field("signer", &self.signer)
            .field("body_limit", &self.body_limit)
            .finish()
    }
}
