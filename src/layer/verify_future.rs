use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::error::BoxError;
use crate::layer::handle::{Handle, Unsigned};
use crate::layer::receiving::{Accepted, Receiving};
use crate::layer::rejection::Rejection;
use crate::layer::verified_body::VerifiedBody;
use crate::layer::verify_layer::Gate;
use crate::verify::anyone;
use crate::verify::observe;

pin_project! {
    /// The future of [`VerifyService`](crate::layer::VerifyService).
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
        Receiving { #[pin] body: B, receiving: Receiving<S, ResBody> },
        // The request passes, once the inner service has room for it.
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
    pub(super) fn new(gate: Arc<Gate<R>>, inner: S, request: Request<B>) -> Self {
        let (head, body) = request.into_parts();
        let receiving = Receiving::new(head, anyone, inner);
        let mut this = Self { state: State::Receiving { body, receiving }, gate: Some(gate) };
        if let (State::Receiving { body, receiving }, Some(gate)) = (&mut this.state, &this.gate) {
            let hint = body.size_hint();
            if let Err(error) = receiving.begin(gate, &hint) {
                if gate.verifier.lets_through(&error) {
                    return this.pass_unsigned();
                }
                receiving.reject(gate, error, &hint);
            }
        }
        this
    }

    /// Lets an unsigned request through, untouched.
    fn pass_unsigned(self) -> Self {
        let Self { state, gate } = self;
        let (body, receiving, gate) = match (state, gate) {
            (State::Receiving { body, receiving }, Some(gate)) => (body, receiving, gate),
            (state, gate) => return Self { state, gate },
        };
        let state = match receiving {
            Receiving::Checking { head: Some(mut head), next: Some(inner), .. } => {
                observe::unsigned();
                let handle = Handle::new::<R, ResBody>(gate.clone());
                head.extensions.insert(Unsigned(handle));
                let request = Request::from_parts(head, VerifiedBody::untouched(body));
                State::Passing { inner, request: Some(request) }
            }
            receiving => State::Receiving { body, receiving },
        };
        Self { state, gate: Some(gate) }
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
                StateProjection::Passing { inner, request } => {
                    ready!(inner.poll_ready(cx))?;
                    let Some(request) = request.take() else { return Poll::Pending };
                    let future = inner.call(request);
                    this.state.set(State::Calling { future });
                }
                StateProjection::Receiving { body, receiving } => {
                    let Some(gate) = this.gate.as_ref() else { return Poll::Pending };
                    let accepted = match ready!(receiving.poll(cx, gate, body)) {
                        Ok(accepted) => accepted,
                        Err(response) => return Poll::Ready(Ok(response)),
                    };
                    let Some(gate) = this.gate.take() else { return Poll::Pending };
                    let Accepted { head, body, verified, next: inner } = accepted;
                    let mut request = Request::from_parts(head, VerifiedBody::whole(body));
                    let handle = Handle::new::<R, ResBody>(gate);
                    if let Some(mut verified) = verified {
                        verified.set_handle(handle);
                        request.extensions_mut().insert(verified);
                    } else {
                        // A signature could have stood in the body, and does not.
                        observe::unsigned();
                        request.extensions_mut().insert(Unsigned(handle));
                    }
                    this.state.set(State::Passing { inner, request: Some(request) });
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
