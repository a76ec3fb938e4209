//! Tower: a layer that verifies, and one that signs.

#[cfg(feature = "sigv4")]
mod aws_rejection;
mod delay;
mod drain;
mod handle;
mod receiving;
mod rejection;
mod sign_future;
mod sign_layer;
mod sign_service;
mod verified_body;
mod verify_future;
mod verify_layer;
mod verify_service;

#[cfg(feature = "sigv4")]
pub use aws_rejection::AwsRejection;
#[cfg(feature = "axum")]
pub(crate) use drain::Drain;
pub(crate) use handle::Handle;
#[cfg(feature = "axum")]
pub(crate) use handle::Unsigned;
#[cfg(feature = "axum")]
pub(crate) use receiving::{Accepted, Receiving};
#[cfg(feature = "axum")]
pub(crate) use rejection::Answer;
pub use rejection::{Rejection, RejectionFn, StatusRejection};
pub use sign_future::SignFuture;
pub use sign_layer::SignLayer;
pub use sign_service::SignService;
pub use verified_body::VerifiedBody;
pub use verify_future::VerifyFuture;
#[cfg(feature = "axum")]
pub(crate) use verify_layer::Gate;
pub use verify_layer::VerifyLayer;
pub use verify_service::{TakesVerifiedBody, VerifyService};
