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
//! 3. **Length.** A `Content-Length` over the limit is 413 before the body is looked at.
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
//! [`VerifyError::step`] names the step that refused. A digest that does not match, where the MAC
//! covers a digest of the body, is a step of its own after step 5.
//!
//! A refusal at any step becomes a response by the [`Rejection`](crate::layer::Rejection), and leaves its [`VerifyError`]
//! in the response's extensions for outer layers and logs.
//!
//! # The body of a rejected request
//!
//! Most rejections are decided before the whole body has arrived: from the head, by the
//! `Content-Length`, or when the body exceeds the limit. On HTTP/1.x the client goes on sending. If
//! the server closed the connection over unread bytes, the client might never see the answer, and a
//! client or proxy that keeps its connections would lose the next request, too (RFC 9112 section
//! 9.6). So the layer and [`Signed`](crate::extract::Signed) read the rest before they answer. It is
//! neither hashed nor kept.
//!
//! | request | the rest of its body | the answer |
//! | --- | --- | --- |
//! | up to [`with_drain_limit`] bytes left | read and thrown away | when the body has ended |
//! | a `Content-Length` that leaves more | not read | at once, with `Connection: close` |
//! | no length, and more arrives | read up to the limit | then, with `Connection: close` |
//! | `Expect: 100-continue`, the body not asked for yet | not read, no `100` is sent | at once, with `Connection: close` |
//! | HTTP/2 or later | not read: streams are independent | at once |
//!
//! The default limit is 16 MiB, and a frame counts for at least 256 bytes. To drain a byte costs
//! less than to hash it, and a request with a forged tag has its body read, too. A client that
//! sends slowly, or not at all, therefore holds no more of the server without a signature than with
//! a forged one. Nothing in this crate bounds the time of either. A timeout outside of the layer
//! bounds both: `tower_http`'s `TimeoutLayer` for the whole request, or `RequestBodyTimeoutLayer`
//! for the wait between two frames.
//!
//! Behind an [optional](crate::VerifyLayer::optional) layer the body of an unsigned request belongs to the
//! handler. If [`Verified`] or [`Only`](crate::extract::Only) rejects such a request over HTTP/1.x, the
//! answer carries `Connection: close` unless there is no body.
//!
//! # Readiness
//!
//! The service is always ready. A request takes no permit, buffer slot or token of the inner service
//! before it is verified; the inner service is made ready on a clone for each verified request. A
//! load shedder *outside* the layer therefore never sees the inner service busy: put it inside,
//! around the limit that it watches.
//!
//! [`with_drain_limit`]: crate::VerifyLayer::with_drain_limit
//!
//! # Where to put it
//!
//! Around the whole router, as the last call. axum applies a layer to the routes and the fallback that
//! are there when `layer` is called, and to nothing that is added afterwards.
//!
//! | request, unsigned | `Router::layer` | `Router::route_layer`, `MethodRouter::layer` |
//! | --- | --- | --- |
//! | a path that no route has | rejected | 404, or the fallback: not verified |
//! | a method that the route does not have | rejected | rejected |
//! | a CORS preflight (`OPTIONS`, never signed) | rejected | rejected |
//! | a route or fallback added after the call, or merged from another router | **not verified** | **not verified** |
//! | a path under `nest` that the nested router lacks, if that router has the layer | **not verified**: it goes to the outer fallback | **not verified** |
//! | the same, if the nested router has a fallback of its own, added before `layer` | rejected | **not verified** |
//!
//! A browser sends preflights without a signature: put `CorsLayer` *outside*, so that it answers
//! them first, and adds its headers to refusals too. Layers that change the body (decompression of
//! requests) stand *inside*: what is signed is what was sent.

mod allow;
mod body;
mod claim;
mod compat_axum;
mod context;
mod error;
pub(crate) mod events;
mod key_id_list;
mod keys;
mod mac;
mod replay;
mod scheme_entry;
mod step;
mod verification;
mod verified;
mod verifier;
mod window;

pub(crate) use allow::{AllowFn, anyone};
pub(crate) use body::{BodyBuffer, check_length, content_length};
pub(crate) use compat_axum::{OriginalTarget, as_received};
pub(crate) use context::VerifyContext;
pub use error::{ClaimedKeyId, ErrorKind, PublicError, VerifyError};
pub(crate) use scheme_entry::SchemeEntry;
pub use step::Step;
pub(crate) use verification::{Finished, Phase, Verification};
pub(crate) use verified::LayerSlot;
pub use verified::Verified;
pub use verifier::Verifier;
