//! Responses to repeated messages.

use std::fmt;

use http::Response;

/// Makes the response to a message that was already handled.
///
/// [`OnceLayer::with_repeat_response`](crate::once::OnceLayer::with_repeat_response) makes one from
/// a function:
///
/// ```
/// use std::time::Duration;
///
/// use http::{Response, StatusCode};
/// use tower_hmac::once::{MemoryOnce, OnceLayer};
///
/// # fn layer() -> Result<(), tower_hmac::ConfigError> {
/// let layer = OnceLayer::new(MemoryOnce::new(10_000)?).with_repeat_response(|| {
///     let mut response = Response::new(axum::body::Body::empty());
///     *response.status_mut() = StatusCode::ALREADY_REPORTED;
///     response
/// });
/// # let _ = layer;
/// # Ok(())
/// # }
/// ```
pub trait RepeatResponse<B>: Send + Sync {
    /// Returns the response.
    fn response(&self) -> Response<B>;
}

/// 200 without a body. The default.
///
/// See [`RepeatResponse`] for another response.
#[derive(Clone, Copy, Debug)]
pub struct EmptyOk;

impl<B: Default> RepeatResponse<B> for EmptyOk {
    fn response(&self) -> Response<B> {
        Response::new(B::default())
    }
}

/// Makes the response with a function. See [`RepeatResponse`] for an example.
#[derive(Clone, Copy)]
pub struct RepeatFn<F>(pub(super) F);

impl<F, B> RepeatResponse<B> for RepeatFn<F>
where
    F: Fn() -> Response<B> + Send + Sync,
{
    fn response(&self) -> Response<B> {
        (self.0)()
    }
}

impl<F> fmt::Debug for RepeatFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RepeatFn(..)")
    }
}
