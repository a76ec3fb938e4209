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
//!
//! ```
//! use axum::{Router, routing::get};
//! use tower_hmac::extract::Only;
//! use tower_hmac::{FlaskHmac, KeyMap, Verified, VerifyLayer};
//!
//! tower_hmac::allow_list!(Billing = ["billing"]);
//!
//! async fn report(caller: Verified) -> String {
//!     format!("hello {:?}", caller.key_id())
//! }
//!
//! async fn invoice(_: Only<Billing>) -> &'static str {
//!     "an invoice, only for billing"
//! }
//!
//! let keys = KeyMap::named([("billing", "a key"), ("shop", "another key")])?;
//! let app: Router = Router::new()
//!     .route("/report", get(report))
//!     .route("/invoice", get(invoice))
//!     .layer(VerifyLayer::new(FlaskHmac::new(), keys)?);
//! # Ok::<(), tower_hmac::ConfigError>(())
//! ```

#![allow(clippy::result_large_err)] // axum's own rejections are responses, too.

mod only;
mod signed;
mod verified;

pub use only::{AllowList, Anyone, Only};
pub use signed::{SharedVerifier, Signed};
