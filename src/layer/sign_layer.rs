use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use crate::layer::sign_service::SignService;
use crate::scheme::Scheme;
use crate::sign::Signer;

/// The body limit where none is set: 2 MiB, as the server's.
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
/// 1. The body is collected, up to the [limit](Self::with_body_limit). Trailers are covered by no
///    format and dropped.
/// 2. The head is signed, and the signature marked sensitive, so that logs do not print it.
/// 3. The inner service is called, with the body as [`Full<Bytes>`]. Where it takes another, such
///    as a boxed one, put `map_request(|request| request.map(Body::new))` in between.
///
/// A body over the limit, or a request that the format cannot sign, is an error before anything is
/// sent. As with tower's own layers that can fail, the error is a [`BoxError`]: [`SignError`] if
/// it is one of ours, else the body's or the inner service's own.
///
/// Put it *inside* a retry layer, so that each attempt is signed afresh, with a new time and a new
/// nonce; and inside layers that change the body, such as compression of requests.
///
/// Put it *inside* a layer that follows redirects as well: each hop is signed anew, also a POST that
/// 303 has made a GET without a body. Such a layer must not follow redirects to another host, which
/// would get a signature of its own; with `tower_http`'s `FollowRedirect`, that is the policy
/// `SameOrigin`. hyper-util's client follows none.
///
/// [`Full<Bytes>`]: http_body_util::Full
/// [`BoxError`]: crate::BoxError
/// [`SignError`]: crate::SignError
pub struct SignLayer<S> {
    signer: Arc<Signer<S>>,
    body_limit: usize,
}

impl<S: Scheme> SignLayer<S> {
    /// Signs with this signer.
    #[must_use]
    pub fn new(signer: impl Into<Arc<Signer<S>>>) -> Self {
        Self { signer: signer.into(), body_limit: DEFAULT_BODY_LIMIT }
    }

    /// Sets the longest body that is collected, in bytes; 2 MiB if it is not set.
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
