//! The server's half: a layer that lets a request through when it proves who sent it.
//!
//! # The way of a request
//!
//! One direction, each step in one place. Nothing is stored and no handler runs before the MAC
//! has matched.
//!
//! 0. **Clean.** A [`Verified`] that an outer layer left is removed.
//! 1. **Claim.** The scheme reads the head: exactly one value of each header it owns, at most
//!    8 KiB, strictly decoded.
//! 2. **Window.** Times against the clock. The tolerance itself is accepted, one second more is
//!    not.
//! 3. **Length.** A `Content-Length` over the limit is 413 before a byte is read.
//! 4. **Keys.** The store is asked. An unknown name goes on with dummy keys, so that it cannot be
//!    told from a wrong signature by status, body, time, or the moment of the answer.
//! 5. **Body.** Frames are hashed as they arrive, up to the limit. A broken or short body is 400.
//!    Trailers are covered by no format and dropped.
//! 6. **MAC.** Every candidate key against every offered tag, with no early end. Where the MAC
//!    does not cover the raw body, this comes before step 5.
//! 7. **Allow-list.** On the proven key id.
//! 8. **Replay.** The guard is asked to claim the request.
//! 9. **Hand over.** [`Verified`] goes into the extensions, the same bytes become the body, and
//!    the inner service is called.
//!
//! A refusal at any step becomes a response by the [`Rejection`], and leaves its [`VerifyError`]
//! in the response's extensions for outer layers and logs.
//!
//! # Where to put it
//!
//! | request | `Router::layer` | `Router::route_layer`, `MethodRouter::layer` |
//! | --- | --- | --- |
//! | a path that no route has | verified, then 404 | 404, not verified |
//! | a method that the route does not have, signed | 405 | 405 |
//! | a method that the route does not have, unsigned | refused | refused |
//! | a CORS preflight (`OPTIONS`, never signed) | refused | refused |
//!
//! A browser sends preflights without a signature: put `CorsLayer` *outside*, so that it answers
//! them first, and adds its headers to refusals too. Layers that change the body (decompression of
//! requests) stand *inside*: what is signed is what was sent.

mod body;
mod candidates;
mod check;
mod checking;
mod delay;
mod error;
mod explain;
mod format;
mod future;
mod handle;
mod layer;
mod observe;
mod only;
mod own_claims;
mod rejection;
mod service;
mod steps;
mod target;
mod verified;
mod verifier;

pub use body::VerifiedBody;
#[cfg(feature = "axum")]
pub(crate) use checking::Checking;
pub use error::{ClaimedKeyId, ErrorKind, PublicError, VerifyError};
pub use explain::{Cause, Report};
pub use future::VerifyFuture;
#[cfg(feature = "axum")]
pub(crate) use handle::{Handle, Unsigned};
#[cfg(feature = "axum")]
pub(crate) use layer::Gate;
pub use layer::VerifyLayer;
#[cfg(feature = "axum")]
pub(crate) use observe::refused;
pub use rejection::{Rejection, RejectionFn, StatusRejection};
pub use service::{TakesVerifiedBody, VerifyService};
pub use verified::Verified;
pub use verifier::Verifier;
