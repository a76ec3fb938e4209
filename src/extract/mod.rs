//! axum extractors. A handler that takes one is only called for requests that have proven who sent
//! them.
//!
//! * [`Verified`](crate::Verified): the caller. Use `Option<Verified>` with an optional layer.
//! * [`Only<L>`]: the caller, if on the allow-list `L`. Other callers get the layer's own
//!   rejection. Use `Option<Only<L>>` with an optional layer.
//! * [`Signed<T, L>`]: a single route, without a layer.
//!
//! Without the layer, `Verified` and `Only` answer 500 and log an error: the service is
//! misconfigured, and no request gets through.

#![allow(clippy::result_large_err)] // axum's own rejections are responses, too.

mod only;
mod signed;
mod verified;

pub use only::{AllowList, Anyone, Only};
pub use signed::{SharedVerifier, Signed};
