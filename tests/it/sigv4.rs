//! AWS Signature Version 4.

mod answers;
mod docs;
mod draft;
mod live;
mod properties;
mod rejections;
mod settings;
mod vectors;

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use futures_util::FutureExt as _;
use http::{Request, Response};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_hmac::clock::ManualClock;
use tower_hmac::layer::VerifiedBody;
use tower_hmac::scheme::{AwsPresigned, AwsSigV4};
use tower_hmac::{
    ErrorKind, KeyMap, Scheme, SecretKey, Signer, Verified, Verifier, VerifyError, VerifyLayer,
};

/// 2015-08-30T12:36:00Z, the time of the suite.
const NOW: i64 = 1_440_938_160;
const KEY_ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const HOST: &str = "example.amazonaws.com";

fn scheme() -> AwsSigV4 {
    AwsSigV4::new("us-east-1", "service").unwrap()
}

fn keys() -> KeyMap {
    KeyMap::named([(KEY_ID, SECRET), ("other/key", "another secret")]).unwrap()
}

fn verifier(scheme: impl Scheme + 'static) -> Verifier {
    Verifier::new(scheme, keys()).unwrap().with_clock(ManualClock::new(NOW))
}

fn signer<S: Scheme>(scheme: S) -> Signer<S> {
    Signer::new(scheme, SecretKey::new(SECRET).unwrap())
        .with_key_id(KEY_ID)
        .unwrap()
        .with_clock(ManualClock::new(NOW))
}

fn link_signer(scheme: AwsPresigned) -> Signer<AwsPresigned> {
    signer(scheme).with_lifetime(Duration::from_secs(3600))
}

/// Verifies with `Verifier` and through the layer, which must agree.
fn checked(verifier: Verifier, request: &Request<Vec<u8>>) -> Result<Verified, VerifyError> {
    let (head, body) = request.clone().into_parts();
    let by_hand = verifier.verify(&head, &body).now_or_never().unwrap();
    let inner = service_fn(|_: Request<VerifiedBody<Body>>| async {
        Ok::<_, Infallible>(Response::new(Body::empty()))
    });
    let request = Request::from_parts(head, Body::from(body));
    let layered = VerifyLayer::from(verifier).layer(inner).oneshot(request);
    let response = layered.now_or_never().unwrap().unwrap();
    let by_layer = response.extensions().get::<VerifyError>().map(VerifyError::kind);
    assert_eq!(response.status().is_success(), by_layer.is_none());
    assert_eq!(by_hand.as_ref().err().map(VerifyError::kind), by_layer);
    by_hand
}

fn verify(
    scheme: impl Scheme + 'static,
    request: &Request<Vec<u8>>,
) -> Result<Verified, ErrorKind> {
    checked(verifier(scheme), request).map_err(|error| error.kind())
}
