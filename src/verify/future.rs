use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::error::BoxError;
use crate::verify::check::{Checked, Checking, Head};
use crate::verify::delay::{Delay, Wait};
use crate::verify::error::{ErrorKind, VerifyError};
use crate::verify::handle::{Handle, Unsigned};
use crate::verify::{Rejection, VerifiedBody, VerifyLayer, observe};

pin_project! {
    /// The future of [`VerifyService`](crate::VerifyService).
    pub struct VerifyFuture<S, B, R, ResBody>
    where
        S: Service<Request<VerifiedBody<B>>>,
    {
        #[pin]
        state: State<S, B, S::Future, ResBody>,
        rejection: Arc<R>,
        delay: Delay,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, F, ResBody> {
        Checking { #[pin] checking: Checking<B>, inner: S, body_limit: usize },
        Calling { #[pin] future: F },
        Refused { wait: Wait, response: Option<Response<ResBody>> },
    }
}

impl<S, B, R, ResBody> VerifyFuture<S, B, R, ResBody>
where
    S: Service<Request<VerifiedBody<B>>, Response = Response<ResBody>>,
    B: Body<Error: Into<BoxError>>,
    R: Rejection<ResBody> + 'static,
    ResBody: 'static,
{
    pub(super) fn new(layer: &VerifyLayer<R>, mut inner: S, parts: Parts, body: B) -> Self {
        let verifier = &layer.verifier;
        let head = Head::new(parts);
        let state = match verifier.claim_if_armed(head.parts()) {
            Ok(claimed) => State::Checking {
                checking: Checking::new(verifier.clone(), head, body, claimed),
                inner,
                body_limit: verifier.body_limit(),
            },
            Err(error) if error.kind() == ErrorKind::Missing && verifier.is_optional() => {
                observe::unsigned();
                let mut parts = head.into_parts();
                let handle = Handle::new::<R, ResBody>(layer.rejection.clone());
                parts.extensions.insert(Unsigned(handle));
                let request = Request::from_parts(parts, VerifiedBody::untouched(body));
                State::Calling { future: inner.call(request) }
            }
            Err(error) => {
                observe::refused(&error);
                let mut parts = head.into_parts();
                verifier.cover_up(&mut parts);
                State::Refused {
                    wait: layer.delay.before(&error),
                    response: Some(refuse(&*layer.rejection, error, &parts)),
                }
            }
        };
        Self { state, rejection: layer.rejection.clone(), delay: layer.delay }
    }
}

/// Makes a refusal a response, and leaves its reason in it for outer layers and logs.
fn refuse<B>(rejection: &impl Rejection<B>, error: VerifyError, head: &Parts) -> Response<B> {
    let mut response = rejection.reject(&error, head);
    response.extensions_mut().insert(error);
    response
}

impl<S, B, R, ResBody> Future for VerifyFuture<S, B, R, ResBody>
where
    S: Service<Request<VerifiedBody<B>>, Response = Response<ResBody>>,
    B: Body<Error: Into<BoxError>>,
    R: Rejection<ResBody> + 'static,
    ResBody: 'static,
{
    type Output = Result<Response<ResBody>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProjection::Calling { future } => return future.poll(cx),
                StateProjection::Refused { wait, response } => {
                    ready!(wait.poll(cx));
                    return response
                        .take()
                        .map_or(Poll::Pending, |response| Poll::Ready(Ok(response)));
                }
                StateProjection::Checking { checking, inner, body_limit } => {
                    let Checked { mut parts, outcome } = ready!(checking.poll(cx));
                    match outcome {
                        Ok((verified, bytes)) => {
                            let handle = Handle::new::<R, ResBody>(this.rejection.clone());
                            parts.extensions.insert(verified.with_handle(handle));
                            let mut request =
                                Request::from_parts(parts, VerifiedBody::whole(bytes));
                            follow_limit(&mut request, *body_limit);
                            State::Calling { future: inner.call(request) }
                        }
                        Err(error) => State::Refused {
                            wait: this.delay.before(&error),
                            response: Some(refuse(&**this.rejection, error, &parts)),
                        },
                    }
                }
            };
            this.state.set(next);
        }
    }
}

/// So that a limit over 2 MiB means what it says, for axum's extractors too.
fn follow_limit<B>(request: &mut Request<B>, body_limit: usize) {
    #[cfg(feature = "axum")]
    axum::extract::DefaultBodyLimit::max(body_limit).apply(request);
    #[cfg(not(feature = "axum"))]
    let _ = (request, body_limit);
}

impl<S, B, R, ResBody> fmt::Debug for VerifyFuture<S, B, R, ResBody>
where
    S: Service<Request<VerifiedBody<B>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifyFuture(..)")
    }
}
