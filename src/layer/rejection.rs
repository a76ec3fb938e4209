//! The responses to rejected requests: their forms, and the function that makes all of them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use http_body::Body;

use crate::error::{BoxError, ConfigError};
use crate::layer::delay::{Delay, Wait};
use crate::layer::drain::Drain;
use crate::verify::events::{self, Warnings};
use crate::verify::{PublicError, VerifyError};

/// Makes the response to a rejected request. A `Rejection` never decides whether a request is
/// rejected.
///
/// `B` is the response body of the inner service. A layer inside, such as `TraceLayer` or
/// `CompressionLayer`, can change it to a body that a rejection cannot make. Put such a layer
/// outside, or add a layer in between that changes the body back:
///
/// ```
/// use axum::{Router, body::Body, routing::get};
/// use tower::ServiceBuilder;
/// use tower_hmac::{FlaskHmac, KeyMap, VerifyLayer};
/// use tower_http::map_response_body::MapResponseBodyLayer;
/// use tower_http::trace::TraceLayer;
///
/// let verify = VerifyLayer::new(FlaskHmac::new(), KeyMap::single("key")?)?;
/// let layers = ServiceBuilder::new()
///     .layer(verify)
///     .layer(MapResponseBodyLayer::new(Body::new))
///     .layer(TraceLayer::new_for_http());
/// let app: Router = Router::new().route("/", get(async || "hello")).layer(layers);
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot make a rejection with the body `{B}`",
    label = "no rejection with this body",
    note = "if a layer inside `VerifyLayer` changes the body of responses, put that layer outside, \
            or put `MapResponseBodyLayer::new(axum::body::Body::new)` between the two",
    note = "`VerifyLayer::with_rejection_fn` turns a function of the error into a rejection"
)]
pub trait Rejection<B>: Send + Sync {
    /// Returns the response to a rejected request. `head` is the request's head. Its body may not
    /// have been read.
    fn reject(&self, error: &VerifyError, head: &Parts) -> Response<B>;
}

/// Answers every rejection with one status and no body. The default, with 403.
///
/// A body over the limit is answered with 413, and a broken one with 400. A failed store is
/// answered with 503 and `Retry-After: 1`, whatever the status.
///
/// ```
/// use http::StatusCode;
/// use tower_hmac::layer::StatusRejection;
///
/// assert!(StatusRejection::new(StatusCode::UNAUTHORIZED).is_ok());
/// // This status would look like a success.
/// assert!(StatusRejection::new(StatusCode::OK).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusRejection(StatusCode);

impl StatusRejection {
    /// Sets the status of a rejection.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError::RejectionStatus`] if `status` is not an error status, 400 to 599.
    pub fn new(status: StatusCode) -> Result<Self, ConfigError> {
        if status.is_client_error() || status.is_server_error() {
            Ok(Self(status))
        } else {
            Err(ConfigError::RejectionStatus { setting: "rejection".into(), status })
        }
    }
}

impl Default for StatusRejection {
    fn default() -> Self {
        Self(PublicError::REJECTED.status())
    }
}

#[diagnostic::do_not_recommend]
impl<B: Default> Rejection<B> for StatusRejection {
    fn reject(&self, error: &VerifyError, _: &Parts) -> Response<B> {
        let status = if error.is_caller_rejected() { self.0 } else { error.status() };
        let mut response = Response::new(B::default());
        *response.status_mut() = status;
        if error.status() == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl<B, R: Rejection<B> + ?Sized> Rejection<B> for Box<R> {
    fn reject(&self, error: &VerifyError, head: &Parts) -> Response<B> {
        (**self).reject(error, head)
    }
}

impl<B, R: Rejection<B> + ?Sized> Rejection<B> for Arc<R> {
    fn reject(&self, error: &VerifyError, head: &Parts) -> Response<B> {
        (**self).reject(error, head)
    }
}

/// Makes rejections with a function of the error. See
/// [`with_rejection_fn`](crate::VerifyLayer::with_rejection_fn).
///
/// The type of a closure cannot be named. A function that returns such a layer can use `impl
/// Rejection<_>`, and a struct can box the rejection:
///
/// ```
/// use axum::body::Body;
/// use axum::response::IntoResponse as _;
/// use tower_hmac::{ConfigError, FlaskHmac, KeyMap, VerifyLayer};
/// use tower_hmac::layer::{Rejection, RejectionFn};
///
/// fn layer() -> Result<VerifyLayer<impl Rejection<Body>>, ConfigError> {
///     let layer = VerifyLayer::new(FlaskHmac::new(), KeyMap::single("key")?)?;
///     Ok(layer.with_rejection_fn(|error| error.public().status().into_response()))
/// }
///
/// struct Service {
///     layer: VerifyLayer<Box<dyn Rejection<Body>>>,
/// }
///
/// fn service() -> Result<Service, ConfigError> {
///     let layer = VerifyLayer::new(FlaskHmac::new(), KeyMap::single("key")?)?;
///     let rejection = RejectionFn::new(|error| error.public().status().into_response());
///     Ok(Service { layer: layer.with_rejection(Box::new(rejection)) })
/// }
/// # layer()?;
/// # drop(service()?.layer);
/// # Ok::<(), ConfigError>(())
/// ```
#[derive(Clone, Copy)]
pub struct RejectionFn<F>(F);

impl<F> RejectionFn<F> {
    /// Makes a rejection from a function.
    pub fn new<B>(f: F) -> Self
    where
        F: Fn(&VerifyError) -> Response<B> + Send + Sync,
    {
        Self(f)
    }
}

#[diagnostic::do_not_recommend]
impl<F, B> Rejection<B> for RejectionFn<F>
where
    F: Fn(&VerifyError) -> Response<B> + Send + Sync,
{
    fn reject(&self, error: &VerifyError, _: &Parts) -> Response<B> {
        (self.0)(error)
    }
}

impl<F> std::fmt::Debug for RejectionFn<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RejectionFn(..)")
    }
}

/// A pending response to a rejected request.
pub(crate) struct Answer<B> {
    response: Option<Response<B>>,
    drain: Drain,
    wait: Wait,
}

impl<B> Answer<B> {
    /// Counts and logs the rejection, and makes its response. All rejections of the layer and the
    /// extractors go through here.
    pub(super) fn new<R>(
        rejection: &R,
        error: VerifyError,
        head: &Parts,
        drain: Drain,
        delay: Delay,
        warnings: &Warnings,
    ) -> Self
    where
        R: Rejection<B> + ?Sized,
    {
        events::rejected(&error, warnings);
        let wait = delay.before(&error);
        let mut response = rejection.reject(&error, head);
        if response.status() == StatusCode::UNAUTHORIZED {
            // RFC 9110 section 11.6.1: a 401 needs a challenge, even if a custom rejection made it.
            let challenge = response.headers_mut().entry(WWW_AUTHENTICATE);
            challenge.or_insert(HeaderValue::from_static("HMAC"));
        }
        response.extensions_mut().insert(error);
        Self { response: Some(response), drain, wait }
    }

    /// Makes a bare response, for use when the layer's own rejection is out of reach.
    #[cfg(feature = "axum")]
    pub(crate) fn bare(error: VerifyError, head: &Parts, drain: Drain) -> Self
    where
        B: Default,
    {
        let (rejection, delay) = (StatusRejection::default(), Delay::default());
        Self::new(&rejection, error, head, drain, delay, &Warnings::default())
    }

    /// Reads the rest of the body, then waits for the delay.
    pub(crate) fn poll<ReqBody>(
        &mut self,
        cx: &mut Context<'_>,
        body: Pin<&mut ReqBody>,
    ) -> Poll<Response<B>>
    where
        ReqBody: Body<Error: Into<BoxError>>,
    {
        ready!(self.drain.poll(cx, body));
        ready!(self.wait.poll(cx));
        let Some(mut response) = self.response.take() else { return Poll::Pending };
        self.drain.mark(&mut response);
        Poll::Ready(response)
    }
}
