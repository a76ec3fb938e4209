use http::header::{CONTENT_TYPE, HeaderName};
use http::request::Parts;
use http::{HeaderValue, Response};

use crate::layer::rejection::Rejection;
use crate::verify::{ErrorKind, VerifyError};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// Rejects like a gRPC server, so that clients get a gRPC status code.
///
/// The HTTP status is 200 with `content-type: application/grpc`, and the code is in `grpc-status`,
/// as in a [trailers-only
/// response](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). There is no message,
/// since it could reveal the reason.
///
/// | rejection | `grpc-status` |
/// | --- | --- |
/// | the signature or the allow-list, for any reason | 16, `UNAUTHENTICATED` |
/// | a body over the limit | 8, `RESOURCE_EXHAUSTED` |
/// | a body that ended early | 1, `CANCELLED` |
/// | a store that failed | 14, `UNAVAILABLE`: clients may retry |
///
/// # Streams
///
/// A signature covers the whole body, and the body of a gRPC call contains all messages of the
/// client. The layer collects it before it calls the service, up to the [body
/// limit](crate::VerifyLayer::with_body_limit). Unary calls and server streaming work.
///
/// A client stream is collected first, then signed, sent and handled as a whole:
/// [`SignLayer`](crate::SignLayer) collects it, too. A bidirectional stream whose client waits for
/// an answer never starts. Set a timeout on both sides, and do not sign such methods: a signed
/// unary call can return a short-lived token for them.
///
/// ```
/// use tower_hmac::layer::GrpcRejection;
/// use tower_hmac::{FlaskHmac, KeyMap, VerifyLayer};
///
/// let layer = VerifyLayer::new(FlaskHmac::new(), KeyMap::single("a key of your own")?)?
///     .with_rejection(GrpcRejection::new());
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct GrpcRejection;

impl GrpcRejection {
    /// Answers every rejected caller alike.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

#[diagnostic::do_not_recommend]
impl<B: Default> Rejection<B> for GrpcRejection {
    fn reject(&self, error: &VerifyError, _: &Parts) -> Response<B> {
        let mut response = Response::new(B::default());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(GRPC_STATUS, HeaderValue::from_static(code(error.kind())));
        response
    }
}

fn code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::BodyTooLarge => "8",
        ErrorKind::BodyRead => "1",
        ErrorKind::StoreUnavailable | ErrorKind::ReplayFull | ErrorKind::ReplayUnknown => "14",
        _ => "16",
    }
}
