//! Verify requests: a layer that rejects requests without a valid signature.
//!
//! # How a request is verified
//!
//! The steps run in this order. Nothing is stored and no handler runs before the MAC has matched.
//!
//! 0. **Clean.** Removes a [`Verified`] left by an outer layer.
//! 1. **Claim.** The scheme reads the head: exactly one value of each of its headers, at most 8
//!    KiB, strictly decoded.
//! 2. **Window.** Compares the times with the clock. A difference equal to the tolerance is
//!    accepted.
//! 3. **Length.** A `Content-Length` over the limit is answered with 413 before the body is read.
//! 4. **Keys.** Asks the store. An unknown key ID is checked with dummy keys. So it cannot be
//!    distinguished from a wrong signature by status, body, time, or the moment of the response.
//! 5. **Body.** Hashes frames as they arrive, up to the limit. A broken or short body is answered
//!    with 400. Trailers are dropped, since no scheme covers them.
//! 6. **MAC.** Compares the MAC under every candidate key with every tag of the request, without
//!    stopping early. If the MAC does not cover the raw body, this comes before step 5.
//! 7. **Allow-list.** Checks the proven key ID against the allow-lists.
//! 8. **Replay.** Asks the guard to claim the request.
//! 9. **Hand over.** Puts a [`Verified`] into the extensions and the verified bytes into the body,
//!    and calls the inner service.
//!
//! [`VerifyError::step`] returns the step that rejected the request. If the MAC covers a digest of
//! the body, a digest that does not match is a separate step after step 5.
//!
//! The layer's [`Rejection`](crate::layer::Rejection) turns a rejection at any step into a
//! response. The response's extensions contain the [`VerifyError`], for outer layers and logs.
//!
//! # The body of a rejected request
//!
//! Most rejections are decided before the whole body has arrived: from the head, by the
//! `Content-Length`, or when the body exceeds the limit. On HTTP/1.x, the client continues to send.
//! If the server closed the connection with unread bytes, the client might never see the response.
//! A client or proxy that reuses its connections would lose the next request, too (RFC 9112 section
//! 9.6). So the layer and [`Signed`](crate::extract::Signed) read the rest before they answer,
//! without hashing or keeping it.
//!
//! | request | the rest of its body | the response |
//! | --- | --- | --- |
//! | up to [`with_drain_limit`] bytes left | read and discarded | when the body has ended |
//! | a `Content-Length` with more bytes left | not read | at once, with `Connection: close` |
//! | no length, and more arrives | read up to the limit | then, with `Connection: close` |
//! | `Expect: 100-continue`, the body not requested yet | not read, no `100` is sent | at once, with `Connection: close` |
//! | HTTP/2 or later | not read: streams are independent | at once |
//!
//! The default limit is 16 MiB, and a frame counts for at least 256 bytes. Draining a byte costs
//! less than hashing it, and the body of a request with a forged tag is read, too. So a client that
//! sends slowly, or not at all, occupies no more of the server without a signature than with a
//! forged one. Nothing in this crate limits how long either takes. A timeout outside the layer
//! limits both: `tower_http`'s `TimeoutLayer` for the whole request, or `RequestBodyTimeoutLayer`
//! for the wait between two frames.
//!
//! Inside an [optional](crate::VerifyLayer::optional) layer, the body of an unsigned request
//! belongs to the handler. If [`Verified`] or [`Only`](crate::extract::Only) rejects such a request
//! over HTTP/1.x, the response carries `Connection: close` unless there is no body.
//!
//! # Readiness
//!
//! The service is always ready. A request takes no permit, buffer slot or token of the inner
//! service before it is verified. For each verified request, a clone of the inner service is made
//! ready. So a load shedder *outside* the layer never sees a busy inner service: put it inside,
//! around the limit that it monitors.
//!
//! [`with_drain_limit`]: crate::VerifyLayer::with_drain_limit
//!
//! # Where to put it
//!
//! Put the layer around the whole router, and add it last. axum applies a layer to the routes and
//! the fallback that exist when `layer` is called, and not to those added afterwards.
//!
//! | request, unsigned | `Router::layer` | `Router::route_layer`, `MethodRouter::layer` |
//! | --- | --- | --- |
//! | a path without a route | rejected | 404, or the fallback: not verified |
//! | a method that the route does not have | rejected | rejected |
//! | a CORS preflight (`OPTIONS`, never signed) | rejected | rejected |
//! | a route or fallback added after the call, or merged from another router | **not verified** | **not verified** |
//! | a path under `nest` that the nested router lacks, if that router has the layer | **not verified**: it goes to the outer fallback | **not verified** |
//! | the same, if the nested router has its own fallback, added before `layer` | rejected | **not verified** |
//!
//! A browser sends preflights without a signature: put `CorsLayer` *outside*, so that it answers
//! them first, and adds its headers to rejections, too. Layers that change the body, such as
//! decompression of requests, go *inside*, because the signature covers the sent bytes.
//!
//! See [`VerifyLayer`](crate::VerifyLayer) and [`Verifier`] for examples.

mod allow;
mod body;
mod claim;
mod compat_axum;
mod context;
#[cfg(feature = "sigv4")]
mod derived;
pub(crate) mod error;
pub(crate) mod events;
mod key_id_list;
mod keys;
mod mac;
mod replay;
mod scheme_entry;
mod step;
mod verification;
pub(crate) mod verified;
pub(crate) mod verifier;
mod window;

pub(crate) use allow::{AllowFn, anyone};
pub(crate) use body::{BodyBuffer, check_length, content_length};
pub(crate) use compat_axum::{OriginalTarget, as_received};
pub(crate) use context::VerifyContext;
pub use error::{ClaimedKeyId, PublicError};
pub(crate) use error::{ErrorKind, VerifyError};
pub(crate) use scheme_entry::SchemeEntry;
pub use step::Step;
pub(crate) use verification::{Finished, Phase, Verification};
pub(crate) use verified::LayerSlot;
pub(crate) use verified::Verified;
pub(crate) use verifier::Verifier;
