use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::{FromRef, FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use pin_project_lite::pin_project;

use crate::extract::{AllowList, Anyone, Only};
use crate::layer::verify_layer::VerifyLayer;
use crate::layer::{Accepted, LayerConfig, Receiving, Rejection, Unsigned};
use crate::verify::Verifier;

/// The verifier and the rejection of a layer, for use with [`Signed`].
///
/// Keep it in a router's state, as the state itself or as [a part of
/// it](Signed#with-your-own-state). It is an [`Arc`], so it is cheap to clone.
///
/// See [`Signed`] for an example.
#[derive(Clone)]
pub struct SharedVerifier(Arc<LayerConfig<dyn Rejection<Body>>>);

impl<R: Rejection<Body> + 'static> VerifyLayer<R> {
    /// Turns the layer into a part of a router's state, for routes that take [`Signed`] without a
    /// layer.
    #[must_use]
    pub fn shared(self) -> SharedVerifier {
        self.config.verifier.warn_once();
        let mut config = Arc::unwrap_or_clone(self.config);
        // A handler with `Signed` cannot take an unsigned request.
        config.verifier = Arc::new(Arc::unwrap_or_clone(config.verifier).required());
        SharedVerifier(Arc::new(config.erased()))
    }
}

impl SharedVerifier {
    /// Returns the verifier, for direct use.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }
}

impl fmt::Debug for SharedVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedVerifier").field("verifier", self.verifier()).finish_non_exhaustive()
    }
}

/// A signed request on a route without a layer.
///
/// Verifies the request with the [`SharedVerifier`] in the state, then passes the same bytes to
/// `T`. The second field is the caller, who must be on the allow-list `L`.
///
/// ```
/// use axum::{Json, Router, routing::post};
/// use tower_hmac::extract::{SharedVerifier, Signed};
/// use tower_hmac::{FlaskHmac, KeyMap, VerifyLayer};
///
/// tower_hmac::allow_list!(Billing = ["aservice"]);
///
/// async fn order(Signed(Json(order), caller): Signed<Json<Vec<u32>>, Billing>) -> String {
///     format!("{} lines from {}", order.len(), caller.key_id().unwrap())
/// }
///
/// let keys = KeyMap::named([("aservice", "akey")])?;
/// let verifier: SharedVerifier = VerifyLayer::new(FlaskHmac::new(), keys)?.shared();
/// let app: Router = Router::new().route("/order", post(order)).with_state(verifier);
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
///
/// # With your own state
///
/// The state of an application contains more than a verifier. Implement [`FromRef`] to tell axum
/// where to find the verifier. Otherwise, the compiler says that the handler is not a `Handler`,
/// and `#[axum::debug_handler]` says why.
///
/// ```
/// use axum::extract::{FromRef, State};
/// use axum::{Router, routing::post};
/// use tower_hmac::extract::{SharedVerifier, Signed};
/// use tower_hmac::{FlaskHmac, KeyMap, VerifyLayer};
///
/// #[derive(Clone)]
/// struct AppState {
///     verifier: SharedVerifier,
///     greeting: &'static str,
/// }
///
/// // Or `#[derive(FromRef)]` on `AppState`, with axum's feature `macros`.
/// impl FromRef<AppState> for SharedVerifier {
///     fn from_ref(state: &AppState) -> Self {
///         state.verifier.clone()
///     }
/// }
///
/// async fn greet(State(state): State<AppState>, Signed(name, _): Signed<String>) -> String {
///     format!("{} {name}", state.greeting)
/// }
///
/// let keys = KeyMap::named([("aservice", "akey")])?;
/// let verifier = VerifyLayer::new(FlaskHmac::new(), keys)?.shared();
/// let state = AppState { verifier, greeting: "hello" };
/// let app: Router = Router::new().route("/greet", post(greet)).with_state(state);
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
///
/// # Place in a handler
///
/// `Signed` consumes the body, so it must be the last argument of a handler. `optional` has no
/// effect here. `T` gets no [`Verified`](crate::Verified) from the request: the caller is in the
/// second field.
#[derive(Debug)]
pub struct Signed<T, L: AllowList = Anyone>(
    /// The value made from the verified bytes.
    pub T,
    /// The caller who signed them.
    pub Only<L>,
);

impl<S, T, L> FromRequest<S> for Signed<T, L>
where
    S: Send + Sync,
    SharedVerifier: FromRef<S>,
    T: FromRequest<S> + 'static,
    L: AllowList,
{
    /// The layer's own response, or that of `T`.
    type Rejection = Response;

    /// A named future: an `async fn` would keep the request next to its parts, and more than 1 KiB
    /// is slow to allocate.
    fn from_request(
        request: Request,
        state: &S,
    ) -> impl Future<Output = Result<Self, Response>> + Send {
        let (head, body) = request.into_parts();
        let extract = move |request| T::from_request(request, state);
        let receiving = Receiving::new(head, L::allows, extract);
        let shared = SharedVerifier::from_ref(state);
        Verifying::<_, _, L>::Receiving { shared, body, receiving }
    }
}

/// Returns the bytes themselves if `T` is [`Bytes`], which needs no extractor.
fn as_bytes<T: 'static>(body: &mut Option<Bytes>) -> Option<T> {
    let body: &mut dyn Any = body;
    body.downcast_mut::<Option<T>>()?.take()
}

pin_project! {
    #[project = VerifyingProjection]
    enum Verifying<E, F, L: AllowList> {
        Receiving {
            shared: SharedVerifier,
            #[pin]
            body: Body,
            receiving: Receiving<E, Body>,
        },
        Extracting { #[pin] future: F, caller: Option<Only<L>> },
    }
}

impl<E, F, L, T, R> Future for Verifying<E, F, L>
where
    E: FnOnce(Request) -> F,
    F: Future<Output = Result<T, R>>,
    L: AllowList,
    T: 'static,
    R: IntoResponse,
{
    type Output = Result<Signed<T, L>, Response>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match self.as_mut().project() {
                VerifyingProjection::Receiving { shared, body, receiving } => {
                    let Accepted { body, verified } = ready!(receiving.poll(cx, &shared.0, body))?;
                    // The shared verifier is never optional.
                    let Some(verified) = verified else { return Poll::Pending };
                    let caller = Only::admitted(verified);
                    let mut body = Some(body);
                    if let Some(bytes) = as_bytes(&mut body) {
                        // Polled again, the request would be accepted with an empty body.
                        receiving.drop_request();
                        return Poll::Ready(Ok(Signed(bytes, caller)));
                    }
                    let Some((mut head, extract)) = receiving.take_request() else {
                        return Poll::Pending;
                    };
                    // An outer optional layer left this marker. It does not apply here.
                    head.extensions.remove::<Unsigned>();
                    let body = body.unwrap_or_default();
                    let future = extract(Request::from_parts(head, body.into()));
                    self.set(Self::Extracting { future, caller: Some(caller) });
                }
                VerifyingProjection::Extracting { future, caller } => {
                    let inner = ready!(future.poll(cx)).map_err(IntoResponse::into_response)?;
                    let Some(caller) = caller.take() else { return Poll::Pending };
                    return Poll::Ready(Ok(Signed(inner, caller)));
                }
            }
        }
    }
}
