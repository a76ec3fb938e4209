//! Verifies with `Verifier` and through the layer, which must agree.

use std::convert::Infallible;

use axum::body::Body;
use futures_util::FutureExt as _;
use http::{Request, Response};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_hmac::layer::VerifiedBody;
use tower_hmac::{Verified, Verifier, VerifyError, VerifyLayer};

/// Fails the test if the two disagree.
pub fn checked<B>(verifier: Verifier, request: &Request<B>) -> Result<Verified, VerifyError>
where
    B: AsRef<[u8]> + Clone,
{
    let (head, body) = request.clone().into_parts();
    let by_hand = verifier.verify(&head, body.as_ref()).now_or_never().unwrap();
    let inner = service_fn(|request: Request<VerifiedBody<Body>>| async move {
        assert!(request.extensions().get::<Verified>().is_some());
        Ok::<_, Infallible>(Response::new(Body::empty()))
    });
    let request = Request::from_parts(head, Body::from(body.as_ref().to_vec()));
    let layered = VerifyLayer::from(verifier).layer(inner).oneshot(request);
    let response = layered.now_or_never().unwrap().unwrap();
    let by_layer = response.extensions().get::<VerifyError>().map(VerifyError::kind);
    assert_eq!(response.status().is_success(), by_layer.is_none());
    assert_eq!(by_hand.as_ref().err().map(VerifyError::kind), by_layer);
    by_hand
}
