//! How one message is handled: collect, acquire, handle, complete.

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
use crate::once::config::{IdSource, OnceConfig};
use crate::once::{Acquired, Lease, OnceAnswer, OnceKey, OnceRequest, OnceStore, RepeatResponse};
use crate::verify::Verified;

pin_project! {
    /// The future of [`OnceService`](crate::once::OnceService).
    pub struct OnceFuture<S, B, R>
    where
        S: Service<Request<VerifiedBody<B>>>,
        B: Body,
    {
        #[pin]
        state: State<B, S::Future, S::Response>,
        // Present until the handler is called.
        inner: Option<S>,
        // Present until the body is collected or the handler is called.
        request: Option<Request<VerifiedBody<B>>>,
        held: Option<Held>,
        config: Arc<OnceConfig<R>>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<B, F, T>
    where
        B: Body,
    {
        Start,
        Collecting { #[pin] body: Collect<B>, head: Option<Parts> },
        Acquiring { answer: OnceAnswer<Acquired> },
        Ready,
        Calling { #[pin] future: F },
        Finishing { response: Option<T> },
    }
}

impl<S, B, R> OnceFuture<S, B, R>
where
    S: Service<Request<VerifiedBody<B>>>,
    B: Body<Error: Into<BoxError>>,
{
    pub(super) fn new(config: Arc<OnceConfig<R>>, inner: S, request: Request<B>) -> Self {
        let collects = matches!(config.id, IdSource::Body(_))
            && request.extensions().get::<Verified>().is_some();
        let (state, request) = if collects {
            let (head, body) = request.into_parts();
            (State::Collecting { body: body.collect(), head: Some(head) }, None)
        } else {
            (State::Start, Some(request.map(VerifiedBody::untouched)))
        };
        Self { state, inner: Some(inner), request, held: None, config }
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
                StateProjection::Collecting { body, head } => {
                    let (body, Some(head)) = (ready!(body.poll(cx)), head.take()) else {
                        return Poll::Pending;
                    };
                    let Ok(body) = body else {
                        return Poll::Ready(Ok(status(StatusCode::BAD_REQUEST)));
                    };
                    let bytes = body.to_bytes();
                    match config.message(&head, &bytes) {
                        Message::Known(answer) => {
                            *this.request = Some(whole(head, bytes));
                            State::Acquiring { answer }
                        }
                        Message::Free => {
                            *this.request = Some(whole(head, bytes));
                            State::Ready
                        }
                        Message::Refused(refused) => return Poll::Ready(Ok(status(refused))),
                    }
                }
                StateProjection::Start => {
                    let Some(request) = this.request.take() else { return Poll::Pending };
                    let (head, body) = request.into_parts();
                    let message = config.message(&head, b"");
                    *this.request = Some(Request::from_parts(head, body));
                    match message {
                        Message::Known(answer) => State::Acquiring { answer },
                        Message::Free => State::Ready,
                        Message::Refused(refused) => return Poll::Ready(Ok(status(refused))),
                    }
                }
                StateProjection::Acquiring { answer } => {
                    let acquired = ready!(Pin::new(answer).poll(cx));
                    count(outcome(&acquired));
                    match acquired {
                        Ok(Acquired::New(lease)) => {
                            let store = config.store.clone();
                            *this.held = Some(Held { store, stage: Stage::Running(lease) });
                            State::Ready
                        }
                        Ok(Acquired::Done) => return Poll::Ready(Ok(config.repeat.response())),
                        Ok(Acquired::Running { retry_after }) => {
                            return Poll::Ready(Ok(unavailable(retry_after)));
                        }
                        Ok(Acquired::Full) => {
                            warn(None, "the store of handled messages is full");
                            return Poll::Ready(Ok(unavailable(Duration::ZERO)));
                        }
                        Err(error) => {
                            warn(Some(&*error), "the store of handled messages failed");
                            return Poll::Ready(Ok(unavailable(Duration::ZERO)));
                        }
                    }
                }
                StateProjection::Ready => {
                    let Some(inner) = this.inner else { return Poll::Pending };
                    ready!(inner.poll_ready(cx))?;
                    let (Some(mut inner), Some(request)) = (this.inner.take(), this.request.take())
                    else {
                        return Poll::Pending;
                    };
                    State::Calling { future: inner.call(request) }
                }
                StateProjection::Calling { future } => {
                    // An error drops the future, which releases the lease.
                    let response = ready!(future.poll(cx))?;
                    let Some(held) = this.held else { return Poll::Ready(Ok(response)) };
                    held.finish(
                        response.status().is_success(),
                        config.clock.unix_now(),
                        config.retention,
                    );
                    State::Finishing { response: Some(response) }
                }
                StateProjection::Finishing { response } => {
                    if let Some(held) = this.held {
                        ready!(held.poll_finished(cx));
                        *this.held = None;
                    }
                    return response.take().map_or(Poll::Pending, |it| Poll::Ready(Ok(it)));
                }
            };
            this.state.set(next);
        }
    }
}

/// What to do with a request.
enum Message {
    /// It has an ID, and the store is asked.
    Known(OnceAnswer<Acquired>),
    /// A disarmed layer let it through, without an ID.
    Free,
    Refused(StatusCode),
}

impl<R> OnceConfig<R> {
    fn message(&self, head: &Parts, body: &[u8]) -> Message {
        let Some(verified) = head.extensions.get::<Verified>() else {
            #[cfg(feature = "tracing")]
            tracing::error!(
                path = %crate::shown::Shown(head.uri.path()),
                "OnceLayer is not inside a VerifyLayer, so it rejects every request"
            );
            return Message::Refused(StatusCode::INTERNAL_SERVER_ERROR);
        };
        let id = match &self.id {
            IdSource::Claim => verified.message_id().map(str::to_owned),
            IdSource::Body(id) => id(head, body),
            IdSource::UnsignedHeader(name) => {
                let mut values = head.headers.get_all(name).iter();
                let value = values.next().filter(|_| values.next().is_none());
                value.and_then(|value| value.to_str().ok()).map(str::to_owned)
            }
        };
        match id.filter(|id| !id.is_empty()) {
            Some(id) => {
                let key = OnceKey::new(verified.scheme(), verified.key_id(), &id);
                let now = self.clock.unix_now();
                let request = OnceRequest::new(key, verified.key_id(), self.lease, now);
                Message::Known(self.store.acquire(&request))
            }
            None if verified.is_disarmed() => Message::Free,
            None => {
                count("no_id");
                warn(None, "a message has no ID, so it cannot be handled only once");
                Message::Refused(StatusCode::BAD_REQUEST)
            }
        }
    }
}

/// A lease while the handler runs. Dropping it releases the lease, or finishes a call to the store
/// that has begun.
struct Held {
    store: Arc<dyn OnceStore>,
    stage: Stage,
}

enum Stage {
    Running(Lease),
    Finishing(OnceAnswer<bool>),
    Over,
}

impl Held {
    fn finish(&mut self, succeeded: bool, now: i64, retention: Duration) {
        let Stage::Running(lease) = &self.stage else { return };
        let answer = if succeeded {
            let keep_until = now.saturating_add_unsigned(retention.as_secs());
            self.store.complete(lease, keep_until, now)
        } else {
            self.store.release(lease)
        };
        self.stage = Stage::Finishing(answer);
    }

    /// The handler has run, so its response is sent whatever the store answers.
    fn poll_finished(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Stage::Finishing(answer) = &mut self.stage {
            match ready!(Pin::new(answer).poll(cx)) {
                Ok(true) => {}
                Ok(false) => {
                    count("taken_over");
                    warn(None, "a message took longer than its lease, and is being handled again");
                }
                Err(error) => {
                    count("not_completed");
                    warn(Some(&*error), "a message was handled, but the store could not record it");
                }
            }
        }
        self.stage = Stage::Over;
        Poll::Ready(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let answer = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Running(lease) => self.store.release(&lease),
            Stage::Finishing(answer) => answer,
            Stage::Over => return,
        };
        self.store.finish(answer);
    }
}

fn whole<B>(head: Parts, body: Bytes) -> Request<VerifiedBody<B>> {
    Request::from_parts(head, VerifiedBody::whole(body))
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

fn outcome(acquired: &Result<Acquired, BoxError>) -> &'static str {
    match acquired {
        Ok(Acquired::New(_)) => "new",
        Ok(Acquired::Running { .. }) => "running",
        Ok(Acquired::Done) => "done",
        Ok(Acquired::Full) => "full",
        Err(_) => "store_unavailable",
    }
}

fn count(outcome: &'static str) {
    #[cfg(feature = "metrics")]
    metrics::counter!("tower_hmac_once_total", "outcome" => outcome).increment(1);
    let _ = outcome;
}

fn warn(source: Option<&(dyn std::error::Error + Send + Sync + 'static)>, message: &str) {
    #[cfg(feature = "tracing")]
    {
        static WARNINGS: crate::seldom::Seldom = crate::seldom::Seldom::new();
        let cause = source.map_or_else(|| message.to_owned(), ToString::to_string);
        if let Some(left_out) = WARNINGS.tell(&cause) {
            let source = source.map(|it| it as &dyn std::error::Error);
            tracing::warn!(source, left_out, "{message}");
        }
    }
    let _ = (source, message);
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
