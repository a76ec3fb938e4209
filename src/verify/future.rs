use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::request::Parts;
use http::{Request, Response};
use http_body::{Body, SizeHint};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::error::BoxError;
use crate::verify::checking::Checking;
use crate::verify::delay::Wait;
use crate::verify::error::VerifyError;
use crate::verify::handle::{Handle, Unsigned};
use crate::verify::layer::Gate;
use crate::verify::{Rejection, VerifiedBody, observe};

pin_project! {
    /// The future of [`VerifyService`](crate::VerifyService).
    pub struct VerifyFuture<S, B, R, ResBody>
    where
        S: Service<Request<VerifiedBody<B>>>,
    {
        #[pin]
        state: State<S, B, S::Future, ResBody>,
        // There until the request is handed over, with it as the way to the rejection.
        gate: Option<Arc<Gate<R>>>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, F, ResBody> {
        Checking { head: Option<Parts>, #[pin] body: B, checking: Checking, inner: S },
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
    pub(super) fn new(gate: Arc<Gate<R>>, inner: S, request: Request<B>) -> Self {
        let (head, body) = request.into_parts();
        let hint = body.size_hint();
        let checking = Checking::new();
        let mut this = Self {
            state: State::Checking { head: Some(head), body, checking, inner },
            gate: Some(gate),
        };
        // Begun where it stands, since what is large is slow to move.
        if let Err(error) = this.begin(&hint) {
            this = this.without_signature(error);
        }
        this
    }

    fn begin(&mut self, hint: &SizeHint) -> Result<(), VerifyError> {
        match (&mut self.state, &self.gate) {
            (State::Checking { head: Some(head), checking, .. }, Some(gate)) => {
                checking.begin(&gate.verifier, head, hint)
            }
            _ => Ok(()),
        }
    }

    /// Lets an unsigned request through where that is allowed, and refuses all others.
    fn without_signature(self, error: VerifyError) -> Self {
        let (mut head, body, mut inner, gate) = match (self.state, self.gate) {
            (State::Checking { head: Some(head), body, inner, .. }, Some(gate)) => {
                (head, body, inner, gate)
            }
            (state, gate) => return Self { state, gate },
        };
        let verifier = &*gate.verifier;
        let state = if verifier.lets_through(&error) {
            observe::unsigned();
            let handle = Handle::new::<R, ResBody>(gate.clone());
            head.extensions.insert(Unsigned(handle));
            let request = Request::from_parts(head, VerifiedBody::untouched(body));
            State::Calling { future: inner.call(request) }
        } else {
            observe::refused(&error);
            verifier.cover_up(&mut head);
            State::refused(&gate, error, &head)
        };
        Self { state, gate: Some(gate) }
    }
}

impl<S, B, F, ResBody> State<S, B, F, ResBody> {
    /// Makes a refusal a response, and leaves its reason in it for outer layers and logs.
    fn refused<R>(gate: &Gate<R>, error: VerifyError, head: &Parts) -> Self
    where
        R: Rejection<ResBody>,
    {
        let wait = gate.delay.before(&error);
        let mut response = gate.rejection.reject(&error, head);
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
            match this.state.as_mut().project() {
                StateProjection::Calling { future } => return future.poll(cx),
                StateProjection::Refused { wait, response } => {
                    ready!(wait.poll(cx));
                    return response
                        .take()
                        .map_or(Poll::Pending, |response| Poll::Ready(Ok(response)));
                }
                StateProjection::Checking { head, body, checking, inner } => {
                    let (Some(gate), Some(parts)) = (this.gate.as_ref(), head.as_mut()) else {
                        return Poll::Pending;
                    };
                    let outcome = ready!(checking.poll(cx, &gate.verifier, parts, body));
                    let (Some(gate), Some(parts)) = (this.gate.take(), head.take()) else {
                        return Poll::Pending;
                    };
                    match outcome {
                        Ok(mut verified) => {
                            let body = VerifiedBody::whole(checking.take_body());
                            let mut request = Request::from_parts(parts, body);
                            gate.verifier.raise_axum_limit(&mut request);
                            verified.set_handle(Handle::new::<R, ResBody>(gate));
                            request.extensions_mut().insert(verified);
                            let future = inner.call(request);
                            this.state.set(State::Calling { future });
                        }
                        // A format whose signature stands in the body found none there.
                        Err(error) if gate.verifier.lets_through(&error) => {
                            observe::unsigned();
                            let body = VerifiedBody::whole(checking.take_body());
                            let mut request = Request::from_parts(parts, body);
                            let handle = Handle::new::<R, ResBody>(gate);
                            request.extensions_mut().insert(Unsigned(handle));
                            let future = inner.call(request);
                            this.state.set(State::Calling { future });
                        }
                        Err(error) => this.state.set(State::refused(&gate, error, &parts)),
                    }
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
