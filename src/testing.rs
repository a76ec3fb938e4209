//! Helpers to test signed routes and your own schemes.
//!
//! See [`sign`] for an example.

mod replay_guard;

use bytes::Bytes;
use http::Request;
use http::request::Parts;
use http_body_util::Full;

use crate::scheme::{ClaimError, Scheme, SignedText, write_text};
use crate::sign::{Signer, WholeBody};

pub use crate::sign::nonce::FixedNonce;
pub use replay_guard::check_replay_guard;

/// Signs a request for a service under test, such as `Router::oneshot`, in one line.
///
/// ```
/// use axum::{Router, routing::post};
/// use http::Request;
/// use tower::ServiceExt;
/// use tower_hmac::testing::sign;
/// use tower_hmac::{FlaskHmac, KeyMap, SecretKey, Signer, VerifyLayer};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let key = SecretKey::new("a key of the test")?;
/// let signer = Signer::new(FlaskHmac::new(), key.clone());
/// let app = Router::new()
///     .route("/order", post(async || "ordered"))
///     .layer(VerifyLayer::new(FlaskHmac::new(), KeyMap::single(key)?)?);
///
/// let response = app.oneshot(sign(&signer, Request::post("/order").body("{}")?)).await?;
/// assert_eq!(response.status(), 200);
/// # Ok::<(), tower_hmac::BoxError>(())
/// # }).unwrap();
/// ```
///
/// # Panics
///
/// Panics if the request cannot be signed: the test itself is wrong.
#[track_caller]
pub fn sign<S: Scheme>(
    signer: &Signer<S>,
    request: Request<impl WholeBody>,
) -> Request<Full<Bytes>> {
    match signer.sign(request) {
        Ok(request) => {
            request.map(|body| Full::new(Bytes::copy_from_slice(body.whole().unwrap_or_default())))
        }
        #[allow(clippy::panic)]
        Err(error) => panic!("the request cannot be signed: {error}"),
    }
}

/// Returns the signing string of a request, as a server assembles it from the received request.
///
/// The signing string contains no key and no tag. Use it to test your own scheme.
///
/// ```
/// use http::Request;
/// use tower_hmac::testing::signed_text;
/// use tower_hmac::{SecretKey, Signer, webhooks};
///
/// let signer = Signer::new(webhooks::github(), SecretKey::new("a key of the test")?);
/// let (head, body) = signer.sign(Request::post("/").body("{}")?)?.into_parts();
/// assert_eq!(signed_text(&webhooks::github(), &head, body.as_bytes())?, b"{}");
/// # Ok::<(), tower_hmac::BoxError>(())
/// ```
///
/// # Errors
///
/// Returns [`ClaimError`] if the request does not belong to the scheme.
pub fn signed_text(
    scheme: &(impl Scheme + ?Sized),
    head: &Parts,
    body: &[u8],
) -> Result<Vec<u8>, ClaimError> {
    let claim =
        if scheme.is_in_body() { scheme.claim_from_body(head, body) } else { scheme.claim(head) }?;
    let mut text = SignedText::record();
    write_text(scheme, head, &claim, body, &mut text)?;
    Ok(text.into_recorded().bytes)
}
