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
use crate::layer::config::LayerConfig;
use crate::layer::receiving::{Accepted, Receiving};
use crate::layer::reject_with::{Unsigned, slot};
use crate::layer::rejection::Rejection;
use crate::layer::verified_body::VerifiedBody;
use crate::verify::{anyone, events};

pin_project! {
    /// The future of [`VerifyService`](crate::layer::VerifyService).
    ///
    /// See [`VerifyLayer`](crate::VerifyLayer) for an example.
    pub struct VerifyFuture<S, B, R, ResBody>
    where
        S: Service<Request<VerifiedBody<B>>>,
    {
        #[pin]
        state: State<S, B, S::Future, ResBody>,
        // Passed on with an accepted request.
        config: Option<Arc<LayerConfig<R>>>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, F, ResBody> {
        Receiving { #[pin] body: B, receiving: Receiving<S, ResBody> },
        // The request is passed on once the inner service is ready.
        Passing { inner: S, request: Option<Request<VerifiedBody<B>>> },
        Calling { #[pin] future: F },
    }
}

impl<S, B, R, ResBody> VerifyFuture<S, B, R, ResBody>
where
    S: Service<Request<VerifiedBody<B>>, Response = Response<ResBody>>,
    B: Body<Error: Into<BoxError>>,
    R: Rejection<ResBody> + 'static,
    ResBody: 'static,
{
    pub(super) fn new(config: Arc<LayerConfig<R>>, inner: S, request: Request<B>) -> Self {
        let (head, body) = request.into_parts();
        if config.verifier.is_optional() {
            return Self::optional(config, inner, head, body);
        }
        let receiving = Receiving::new(head, anyone, inner);
        Self { state: State::Receiving { body, receiving }, config: Some(config) }
    }

    /// Lets an unsigned request through, unchanged.
    fn optional(config: Arc<LayerConfig<R>>, inner: S, head: Parts, body: B) -> Self {
        let mut receiving = Receiving::new(head, anyone, inner);
        let state = match receiving.begin(&config, &body.size_hint()) {
            None => State::Receiving { body, receiving },
            Some((mut head, inner)) => {
                mark_unsigned::<R, ResBody>(&mut head, config);
                let request = Request::from_parts(head, VerifiedBody::untouched(body));
                let state = State::Passing { inner, request: Some(request) };
                return Self { state, config: None };
            }
        };
        Self { state, config: Some(config) }
    }
}

/// Marks a request that an optional layer lets through.
fn mark_unsigned<R, ResBody>(head: &mut Parts, config: Arc<LayerConfig<R>>)
where
    R: Rejection<ResBody> + 'static,
    ResBody: 'static,
{
    events::unsigned();
    head.extensions.insert(Unsigned(slot::<R, ResBody>(config)));
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
            match this.state.as_mut().project() {
                StateProjection::Calling { future } => return future.poll(cx),
                StateProjection::Passing { inner, request } => {
                    ready!(inner.poll_ready(cx))?;
                    let Some(request) = request.take() else { return Poll::Pending };
                    let future = inner.call(request);
                    this.state.set(State::Calling { future });
                }
                StateProjection::Receiving { body, receiving } => {
                    // The state is empty if polled after completion.
                    let Some(config) = this.config else { return Poll::Pending };
                    let Accepted { body, verified } = match ready!(receiving.poll(cx, config, body))
                    {
                        Ok(accepted) => accepted,
                        Err(response) => return Poll::Ready(Ok(response)),
                    };
                    let (Some((mut head, mut inner)), Some(config)) =
                        (receiving.take_request(), this.config.take())
                    else {
                        return Poll::Pending;
                    };
                    match verified {
                        Some(mut verified) => {
                            verified.set_slot(slot::<R, ResBody>(config));
                            head.extensions.insert(verified);
                        }
                        // A signature could have been in the body, but was not.
                        None => mark_unsigned::<R, ResBody>(&mut head, config),
                    }
                    let request = Request::from_parts(head, VerifiedBody::whole(body));
                    // Most services are ready immediately.
                    if inner.poll_ready(cx)?.is_pending() {
                        this.state.set(State::Passing { inner, request: Some(request) });
                        return Poll::Pending;
                    }
                    let future = inner.call(request);
                    this.state.set(State::Calling { future });
                }
            }
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
