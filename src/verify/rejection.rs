use http::header::WWW_AUTHENTICATE;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};

use crate::error::ConfigError;
use crate::verify::error::VerifyError;

/// How a refusal looks. It never decides whether there is one.
pub trait Rejection<B>: Send + Sync {
    /// The answer to a request that is refused. The head is that of the request; its body may not
    /// have been read.
    fn reject(&self, error: &VerifyError, head: &Parts) -> Response<B>;
}

/// One status and no body for every refusal, the default: 403.
///
/// A body over the limit is 413, a broken one 400, a store that failed 503 whatever the status.
/// Each 401 has a `WWW-Authenticate: HMAC` (RFC 9110 section 11.6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusRejection(StatusCode);

impl StatusRejection {
    /// Sets the status of a refusal.
    ///
    /// # Errors
    ///
    /// [`ConfigError::RejectionStatus`] if it is not one of an error, 400 to 599.
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
        Self(StatusCode::FORBIDDEN)
    }
}

impl<B: Default> Rejection<B> for StatusRejection {
    fn reject(&self, error: &VerifyError, _: &Parts) -> Response<B> {
        let status = if error.is_refusal() { self.0 } else { error.status() };
        let mut response = Response::new(B::default());
        *response.status_mut() = status;
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("HMAC"));
        }
        response
    }
}

/// A rejection from a function of the error; what
/// [`with_rejection_fn`](crate::VerifyLayer::with_rejection_fn) makes.
#[derive(Clone, Copy)]
pub struct RejectionFn<F>(pub(super) F);

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
