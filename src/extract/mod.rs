//! Extractors: a handler that takes one cannot be reached by a request that has not proven who
//! sent it.
//!
//! * [`Verified`]: who signed. `Option<Verified>` behind an optional layer.
//! * [`Only<L>`]: the caller is on the list `L`, or the layer's own rejection answers.
//!   `Option<Only<L>>` behind an optional layer.
//! * [`Signed<T, L>`]: a route of its own, without a layer.
//!
//! Where the layer is missing, the first two answer 500 and log an error: a mistake in the
//! service, never a pass.

#![allow(clippy::result_large_err)] // axum's own rejections are responses, too.

mod only;
mod signed;
mod verified;

pub use only::{AllowList, Anyone, Only};
pub use signed::{SharedVerifier, Signed};

pub use crate::verify::Verified;
