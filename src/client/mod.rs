//! HTTP clients that sign their requests. Tower's layer for clients is in [`layer`](crate::layer).
//!
//! See [`same_origin_redirects`] and `SignMiddleware` for examples, and
//! [`Signer`](crate::Signer) for a single `reqwest::Request`.

#[cfg(feature = "reqwest-middleware")]
mod middleware;
#[cfg(feature = "reqwest")]
mod reqwest;

#[cfg(feature = "reqwest-middleware")]
pub use middleware::SignMiddleware;
#[cfg(feature = "reqwest")]
pub use reqwest::same_origin_redirects;
