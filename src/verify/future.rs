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
use crate::verify::delay::Wait;
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
        // There until the request is handed over, with it as the way to the rejection.
        layer: Option<Arc<VerifyLayer<R>>>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, F, ResBody> {
        Checking { #[pin] checking: Checking<B>, inner: S },
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
    pub(super) fn new(layer: Arc<VerifyLayer<R>>, mut inner: S, parts: Parts, body: B) -> Self {
        let verifier = &*layer.verifier;
        let head = Head::new(parts);
        let state = match verifier.claim_if_armed(head.parts()) {
            Ok(claimed) => {
                State::Checking { checking: Checking::new(verifier, head, claimed, body), inner }
            }
            Err(error) if error.kind() == ErrorKind::Missing && verifier.is_optional() => {
                observe::unsigned();
                let mut parts = head.into_parts();
                let handle = Handle::new::<R, ResBody>(layer.clone());
                parts.extensions.insert(Unsigned(handle));
                let request = Request::from_parts(parts, VerifiedBody::untouched(body));
                State::Calling { future: inner.call(request) }
            }
            Err(error) => {
                observe::refused(&error);
                let mut parts = head.into_parts();
                verifier.cover_up(&mut parts);
                State::refused(&layer, error, &parts)
            }
        };
        Self { state, layer: Some(layer) }
    }
}

impl<S, B, F, ResBody> State<S, B, F, ResBody> {
    /// Makes a refusal a response, and leaves its reason in it for outer layers and logs.
    fn refused<R>(layer: &VerifyLayer<R>, error: VerifyError, head: &Parts) -> Self
    where
        R: Rejection<ResBody>,
    {
        let wait = layer.delay.before(&error);
        let mut response = layer.rejection.reject(&error, head);
        response.extensions_mut().insert(error);
        Self::Refused { wait, response: Some(response) }
    }
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
                StateProjection::Checking { checking, inner } => {
                    let Some(layer) = this.layer.as_ref() else { return Poll::Pending };
                    let checked = ready!(checking.poll_checked(cx, &layer.verifier));
                    let Some(layer) = this.layer.take() else { return Poll::Pending };
                    let Checked { parts, body, outcome } = checked;
                    match outcome {
                        Ok(verified) => {
                            let mut request = Request::from_parts(parts, VerifiedBody::whole(body));
                            layer.verifier.raise_axum_limit(&mut request);
                            let handle = Handle::new::<R, ResBody>(layer);
                            request.extensions_mut().insert(verified.with_handle(handle));
                            State::Calling { future: inner.call(request) }
                        }
                        Err(error) => State::refused(&layer, error, &parts),
                    }
                }
            };
            this.state.set(next);
        }
    }
}

impl<S, B, R, ResBody> fmt::Debug for VerifyFuture<S, B, R, ResBody>
where
    S: Service<Request<VerifiedBody<B>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifyFuture(..)")
    }
}
