use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Request;
use http::request::Parts;
use http_body::Body;
use http_body_util::combinators::Collect;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::error::BoxError;
use crate::scheme::Scheme;
use crate::sign::{SignError, Signer};

pin_project! {
    /// The future of [`SignService`](crate::layer::SignService).
    ///
    /// See [`SignLayer`](crate::SignLayer) for an example.
    pub struct SignFuture<T, S, B>
    where
        T: Service<Request<Full<Bytes>>>,
        B: Body,
        B::Error: Into<BoxError>,
    {
        #[pin]
        state: State<T, B, T::Future>,
        signer: Arc<Signer<S>>,
        body_limit: usize,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<T, B, F>
    where
        B: Body,
        B::Error: Into<BoxError>,
    {
        TooLarge,
        Collecting { #[pin] body: Collect<Limited<B>>, head: Option<Parts>, inner: T },
        Calling { #[pin] future: F },
    }
}

impl<T, S, B> SignFuture<T, S, B>
where
    T: Service<Request<Full<Bytes>>>,
    B: Body<Error: Into<BoxError>>,
{
    pub(super) fn new(
        inner: T,
        signer: Arc<Signer<S>>,
        body_limit: usize,
        request: Request<B>,
    ) -> Self {
        let (head, body) = request.into_parts();
        let promised = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        let state = if promised > body_limit {
            State::TooLarge
        } else {
            let body = Limited::new(body, body_limit).collect();
            State::Collecting { body, head: Some(head), inner }
        };
        Self { state, signer, body_limit }
    }
}

impl<T, S, B> Future for SignFuture<T, S, B>
where
    T: Service<Request<Full<Bytes>>, Error: Into<BoxError>>,
    S: Scheme,
    B: Body<Error: Into<BoxError>>,
{
    type Output = Result<T::Response, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProjection::TooLarge => {
                    return Poll::Ready(Err(SignError::BodyTooLarge(*this.body_limit).into()));
                }
                StateProjection::Calling { future } => return future.poll(cx).map_err(Into::into),
                StateProjection::Collecting { body, head, inner } => {
                    let body = match ready!(body.poll(cx)) {
                        Ok(collected) => collected.to_bytes(),
                        Err(error) if error.is::<LengthLimitError>() => {
                            return Poll::Ready(Err(
                                SignError::BodyTooLarge(*this.body_limit).into()
                            ));
                        }
                        Err(error) => return Poll::Ready(Err(error)),
                    };
                    // Take this only once: afterwards, the state advances or the future is done.
                    let Some(mut head) = head.take() else { return Poll::Pending };
                    this.signer.sign_head(&mut head, &body)?;
                    let request = Request::from_parts(head, Full::new(body));
                    State::Calling { future: inner.call(request) }
                }
            };
            this.state.set(next);
        }
    }
}

impl<T, S, B> fmt::Debug for SignFuture<T, S, B>
where
    T: Service<Request<Full<Bytes>>>,
    B: Body<Error: Into<BoxError>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignFuture(..)")
    }
}
