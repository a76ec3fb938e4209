//! How one message is handled: collect, identify, acquire, handle, finish.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt as _;
use http_body_util::combinators::Collect;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::error::BoxError;
use crate::layer::VerifiedBody;
use crate::once::RepeatResponse;
use crate::once::config::OnceConfig;
use crate::once::hold::{Denied, Hold};

pin_project! {
    /// The future of [`OnceService`](crate::once::OnceService).
    ///
    /// See [`OnceLayer`](crate::once::OnceLayer) for an example.
    pub struct OnceFuture<S, B, R>
    where
        S: Service<Request<VerifiedBody<B>>>,
        B: Body,
    {
        #[pin]
        state: State<B, S::Future, S::Response>,
        // Taken when the handler is called.
        call: Option<Call<S, B>>,
        // Present once the store has been asked.
        hold: Option<Hold>,
        config: Arc<OnceConfig<R>>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<B, F, T>
    where
        B: Body,
    {
        // The ID is in the body.
        Collecting { #[pin] body: Collect<B> },
        // For the store, and then for the inner service.
        Waiting,
        Calling { #[pin] future: F },
        // The store has not answered yet.
        Finishing { response: Option<T> },
    }
}

/// The inner service, and the request to it.
struct Call<S, B> {
    inner: S,
    head: Parts,
    /// `None` while it is being collected.
    body: Option<VerifiedBody<B>>,
    /// The same, if it was collected for its ID.
    collected: Bytes,
}

impl<S, B, R> OnceFuture<S, B, R>
where
    S: Service<Request<VerifiedBody<B>>>,
    B: Body<Error: Into<BoxError>>,
{
    pub(super) fn new(config: Arc<OnceConfig<R>>, inner: S, request: Request<B>) -> Self {
        let (head, body) = request.into_parts();
        let (state, body) = if config.reads_body_of(&head) {
            (State::Collecting { body: body.collect() }, None)
        } else {
            (State::Waiting, Some(VerifiedBody::untouched(body)))
        };
        let call = Call { inner, head, body, collected: Bytes::new() };
        Self { state, call: Some(call), hold: None, config }
    }
}

impl<S, B, R, ResBody> Future for OnceFuture<S, B, R>
where
    S: Service<Request<VerifiedBody<B>>, Response = Response<ResBody>>,
    B: Body<Error: Into<BoxError>>,
    R: RepeatResponse<ResBody>,
    ResBody: Default,
{
    type Output = Result<Response<ResBody>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let config = &**this.config;
        loop {
            let next = match this.state.as_mut().project() {
                StateProjection::Collecting { body } => {
                    let (Ok(body), Some(call)) = (ready!(body.poll(cx)), this.call.as_mut()) else {
                        return Poll::Ready(Ok(status(StatusCode::BAD_REQUEST)));
                    };
                    call.collected = body.to_bytes();
                    call.body = Some(VerifiedBody::whole(call.collected.clone()));
                    State::Waiting
                }
                StateProjection::Waiting => {
                    let Some(call) = this.call else { return Poll::Pending };
                    if this.hold.is_none() {
                        match config.identify(&call.head, &call.collected) {
                            Ok(hold) => *this.hold = hold,
                            Err(rejected) => return Poll::Ready(Ok(status(rejected))),
                        }
                    }
                    if let Some(hold) = this.hold
                        && let Err(denied) = ready!(hold.poll_acquired(cx, &config.events))
                    {
                        *this.call = None;
                        return Poll::Ready(Ok(config.denied(denied)));
                    }
                    ready!(call.inner.poll_ready(cx))?;
                    let Some(future) = this.call.take().and_then(Call::start) else {
                        return Poll::Pending;
                    };
                    State::Calling { future }
                }
                StateProjection::Calling { future } => {
                    // An error drops the future, which releases the lease.
                    let response = ready!(future.poll(cx))?;
                    let Some(hold) = this.hold else { return Poll::Ready(Ok(response)) };
                    config.finish(hold, response.status());
                    if hold.poll_finished(cx, &config.events).is_ready() {
                        return Poll::Ready(Ok(response));
                    }
                    State::Finishing { response: Some(response) }
                }
                StateProjection::Finishing { response } => {
                    if let Some(hold) = this.hold {
                        ready!(hold.poll_finished(cx, &config.events));
                    }
                    return response.take().map_or(Poll::Pending, |it| Poll::Ready(Ok(it)));
                }
            };
            this.state.set(next);
        }
    }
}

impl<S, B> Call<S, B>
where
    S: Service<Request<VerifiedBody<B>>>,
{
    fn start(self) -> Option<S::Future> {
        let Self { mut inner, head, body, .. } = self;
        body.map(|body| inner.call(Request::from_parts(head, body)))
    }
}

impl<R> OnceConfig<R> {
    /// Completes the message if its handler succeeded, and releases it otherwise.
    fn finish(&self, hold: &mut Hold, status: StatusCode) {
        if status.is_success() {
            let now = self.clock.unix_now();
            hold.complete(now.saturating_add_unsigned(self.retention.as_secs()), now);
        } else {
            hold.release();
        }
    }

    fn denied<B: Default>(&self, denied: Denied) -> Response<B>
    where
        R: RepeatResponse<B>,
    {
        match denied {
            Denied::Done => self.repeat.response(),
            Denied::Unavailable { retry_after } => unavailable(retry_after),
        }
    }
}

fn status<B: Default>(status: StatusCode) -> Response<B> {
    let mut response = Response::new(B::default());
    *response.status_mut() = status;
    response
}

/// Returns 503 with `Retry-After` in whole seconds, at least one.
fn unavailable<B: Default>(retry_after: Duration) -> Response<B> {
    let mut response = status(StatusCode::SERVICE_UNAVAILABLE);
    let seconds = HeaderValue::from(retry_after.as_secs().max(1));
    response.headers_mut().insert(RETRY_AFTER, seconds);
    response
}

impl<S, B, R> fmt::Debug for OnceFuture<S, B, R>
where
    S: Service<Request<VerifiedBody<B>>>,
    B: Body,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnceFuture(..)")
    }
}
