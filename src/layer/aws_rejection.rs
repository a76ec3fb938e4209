use std::fmt;
use std::sync::Arc;

use http::header::{CONTENT_TYPE, DATE, HeaderName};
use http::request::Parts;
use http::{HeaderValue, Response};

use crate::clock::{Clock, SystemClock};
use crate::layer::rejection::Rejection;
use crate::scheme::wire;
use crate::verify::{ErrorKind, VerifyError};

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// Rejects requests like AWS, so that its SDKs raise their usual exceptions. Needs feature `sigv4`.
///
/// | rejection | code | status |
/// | --- | --- | --- |
/// | the signature, for any reason | `SignatureDoesNotMatch` | 403 |
/// | the time of signing | `RequestTimeTooSkewed`, with the server's time | 403 |
/// | the allow-list of a route | `AccessDenied` | 403 |
/// | a body over the limit | `EntityTooLarge` | 413 |
/// | a body that ended early | `IncompleteBody` | 400 |
/// | a store that failed | `ServiceUnavailable` | 503 |
///
/// The response never reveals whether a key ID is known. The server's time is in `ServerTime` and
/// in `Date`: SDKs use it to correct their clock, and try again.
///
/// ```
/// use axum::{Router, routing::get};
/// use tower_hmac::{KeyMap, VerifyLayer};
/// use tower_hmac::layer::AwsRejection;
/// use tower_hmac::scheme::AwsSigV4;
///
/// let keys = KeyMap::named([("AKIDEXAMPLE", "a secret of your own")])?;
/// let layer = VerifyLayer::new(AwsSigV4::new("eu-central-1", "orders")?, keys)?
///     .with_rejection(AwsRejection::json());
/// let app: Router = Router::new().route("/orders", get(async || "none yet")).layer(layer);
/// # Ok::<(), tower_hmac::BoxError>(())
/// ```
#[derive(Clone)]
pub struct AwsRejection {
    is_xml: bool,
    clock: Arc<dyn Clock>,
}

impl AwsRejection {
    /// Answers in XML, like S3.
    #[must_use]
    pub fn xml() -> Self {
        Self { is_xml: true, clock: Arc::new(SystemClock) }
    }

    /// Answers in JSON, like most other services.
    #[must_use]
    pub fn json() -> Self {
        Self { is_xml: false, ..Self::xml() }
    }

    /// Sets where the server's time comes from. Use the clock of the verifier. The system's clock
    /// by default.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    fn body(&self, code: &str, message: &str, server_time: Option<&str>) -> String {
        let time = server_time.map(|time| {
            if self.is_xml {
                format!("<ServerTime>{time}</ServerTime>")
            } else {
                format!(r#","ServerTime":"{time}""#)
            }
        });
        let time = time.unwrap_or_default();
        if self.is_xml {
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
                 <Error><Code>{code}</Code><Message>{message}</Message>{time}</Error>"
            )
        } else {
            format!(r#"{{"__type":"{code}","message":"{message}"{time}}}"#)
        }
    }
}

impl<B: From<String>> Rejection<B> for AwsRejection {
    fn reject(&self, error: &VerifyError, _: &Parts) -> Response<B> {
        let (code, message) = code(error.kind());
        let now = (error.kind() == ErrorKind::Stale).then(|| self.clock.unix_now());
        let server_time = now.and_then(wire::to_rfc3339);
        let body = self.body(code, message, server_time.as_deref());
        let mut response = Response::new(B::from(body));
        *response.status_mut() = error.status();
        let kind = if self.is_xml { "application/xml" } else { "application/json" };
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if !self.is_xml {
            response.headers_mut().insert(ERROR_TYPE, HeaderValue::from_static(code));
        }
        let date = now.and_then(wire::to_http_date);
        if let Some(date) = date.and_then(|date| HeaderValue::try_from(date).ok()) {
            response.headers_mut().insert(DATE, date);
        }
        response
    }
}

impl fmt::Debug for AwsRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsRejection").field("is_xml", &self.is_xml).finish_non_exhaustive()
    }
}

fn code(kind: ErrorKind) -> (&'static str, &'static str) {
    match kind {
        ErrorKind::Stale => {
            ("RequestTimeTooSkewed", "The time of the request is too far from the server's.")
        }
        ErrorKind::NotAllowed => ("AccessDenied", "Access denied."),
        ErrorKind::BodyTooLarge => ("EntityTooLarge", "The body is larger than allowed."),
        ErrorKind::BodyRead => ("IncompleteBody", "The body is incomplete."),
        ErrorKind::StoreUnavailable | ErrorKind::ReplayFull | ErrorKind::ReplayUnknown => {
            ("ServiceUnavailable", "Please try again.")
        }
        _ => ("SignatureDoesNotMatch", "The signature of the request does not match."),
    }
}
