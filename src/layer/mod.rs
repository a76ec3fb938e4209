//! Tower: a layer that verifies, and one that signs.
//!
//! See [`VerifyLayer`](crate::VerifyLayer) and [`SignLayer`](crate::SignLayer) for examples.

#[cfg(feature = "sigv4")]
mod aws_rejection;
mod body_progress;
mod config;
mod delay;
mod drain;
mod grpc_rejection;
mod inner;
mod receiving;
mod reject_with;
mod rejection;
mod sign_future;
pub(crate) mod sign_layer;
mod sign_service;
mod streaming;
mod verified_body;
mod verify_future;
pub(crate) mod verify_layer;
mod verify_service;

#[cfg(feature = "sigv4")]
pub use aws_rejection::AwsRejection;
#[cfg(feature = "axum")]
pub(crate) use config::LayerConfig;
#[cfg(feature = "axum")]
pub(crate) use drain::Drain;
pub use grpc_rejection::GrpcRejection;
pub(crate) use inner::inner_service;
#[cfg(feature = "axum")]
pub(crate) use receiving::{Accepted, Receiving};
#[cfg(feature = "axum")]
pub(crate) use reject_with::{Unsigned, reject_with};
#[cfg(feature = "axum")]
pub(crate) use rejection::Answer;
pub use rejection::{Rejection, RejectionFn, StatusRejection};
pub use sign_future::SignFuture;
pub use sign_service::SignService;
pub use verified_body::VerifiedBody;
pub use verify_future::VerifyFuture;
pub use verify_service::{TakesVerifiedBody, VerifyService};
