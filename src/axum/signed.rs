use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRef, FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::request::Parts;

use crate::axum::{AllowList, Anyone, Only};
use crate::verify::{
    Checked, Checking, Head, Rejection, Unsigned, Verified, Verifier, VerifyError, VerifyLayer,
    refused,
};

/// The verifier and the rejection of a layer, to be kept in a router's state for [`Signed`]. An
/// [`Arc`], cheap to clone.
#[derive(Clone)]
pub struct SharedVerifier(Arc<Shared>);

struct Shared {
    verifier: Arc<Verifier>,
    rejection: Arc<dyn Rejection<Body>>,
}

impl<R: Rejection<Body> + 'static> VerifyLayer<R> {
    /// Makes it a part of a router's state, for routes that take [`Signed`] and stand behind no
    /// layer.
    #[must_use]
    pub fn shared(self) -> SharedVerifier {
        SharedVerifier(Arc::new(Shared { verifier: self.verifier, rejection: self.rejection }))
    }
}

impl SharedVerifier {
    /// The engine, for use by hand.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    /// Steps 0 to 2.
    fn begin(&self, request: Request) -> Result<Checking<Body>, Response> {
        let verifier = self.verifier();
        let (mut parts, body) = request.into_parts();
        parts.extensions.remove::<Verified>();
        parts.extensions.remove::<Unsigned>();
        let head = Head::new(parts);
        match verifier.claim_if_armed(head.parts()) {
            Ok(claimed) => Ok(Checking::new(verifier, head, claimed, body)),
            Err(error) => {
                refused(&error);
                let mut parts = head.into_parts();
                verifier.cover_up(&mut parts);
                Err(self.refuse(error, &parts))
            }
        }
    }

    /// Step 9, behind the route's own list.
    fn admit<L: AllowList>(&self, checked: Checked) -> Result<(Request, Only<L>), Response> {
        let Checked { parts, body, outcome } = checked;
        let caller = match outcome.map(Only::admit) {
            Ok(Ok(caller)) => caller,
            Err(error) => return Err(self.refuse(error, &parts)),
            Ok(Err(error)) => {
                refused(&error);
                return Err(self.refuse(error, &parts));
            }
        };
        let mut request = Request::from_parts(parts, Body::from(body));
        self.verifier().raise_axum_limit(&mut request);
        Ok((request, caller))
    }

    fn refuse(&self, error: VerifyError, head: &Parts) -> Response {
        let mut response = self.0.rejection.reject(&error, head);
        response.extensions_mut().insert(error);
        response
    }
}

impl fmt::Debug for SharedVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedVerifier").field("verifier", self.verifier()).finish_non_exhaustive()
    }
}

/// A signed request on a route without a layer: it verifies with the [`SharedVerifier`] in the
/// state, then gives the same bytes to `T`. Beside it stands who signed, on the list `L`.
///
/// ```
/// use axum::{Json, Router, routing::post};
/// use tower_hmac::axum::{SharedVerifier, Signed};
/// use tower_hmac::{FlaskHmac, KeyMap, VerifyLayer};
///
/// tower_hmac::allow_list!(Billing = ["aservice"]);
///
/// async fn order(Signed(Json(order), caller): Signed<Json<Vec<u32>>, Billing>) -> String {
///     format!("{} lines from {}", order.len(), caller.key_id().unwrap())
/// }
///
/// let keys = KeyMap::services([("aservice", "akey")])?;
/// let verifier: SharedVerifier = VerifyLayer::new(FlaskHmac::new(), keys).shared();
/// let app: Router = Router::new().route("/order", post(order)).with_state(verifier);
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
///
/// It takes the body, so it is the last argument of a handler. `optional` has no effect here. `T`
/// gets no [`Verified`](crate::Verified) from the request: who signed stands beside it.
#[derive(Debug)]
pub struct Signed<T, L = Anyone>(
    /// What was made from the verified bytes.
    pub T,
    /// Who signed them.
    pub Only<L>,
);

impl<S, T, L> FromRequest<S> for Signed<T, L>
where
    S: Send + Sync,
    SharedVerifier: FromRef<S>,
    T: FromRequest<S>,
    L: AllowList,
{
    /// The layer's own answer, or that of `T`.
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let shared = SharedVerifier::from_ref(state);
        let verifier = shared.verifier();
        let mut checking = pin!(shared.begin(request)?);
        let checked = poll_fn(|cx| checking.as_mut().poll_checked(cx, verifier)).await;
        let (request, caller) = shared.admit(checked)?;
        let inner = T::from_request(request, state).await.map_err(IntoResponse::into_response)?;
        Ok(Self(inner, caller))
    }
}
