//! Sign requests, with the same scheme objects that verify them.
//!
//! * [`Signer`] signs one request whose body is in memory.
//! * [`SignLayer`](crate::SignLayer) signs each request of a Tower client, such as hyper-util's or
//!   tonic's.
//! * `Signer::sign_reqwest` signs a `reqwest::Request` (feature `reqwest`). `SignMiddleware` signs
//!   each attempt of a `reqwest-middleware` client (feature `reqwest-middleware`).
//!
//! A signature is for one host and one request. A client that follows redirects forwards the
//! signature headers to another host, with a request that the signature does not match. The guide
//! `docs/clients.md` describes how each supported client behaves.
//!
//! See [`Signer`] for an example.

#[cfg(any(feature = "sha1", feature = "sigv4"))]
mod link;
pub(crate) mod nonce;
pub(crate) mod signer;
mod whole_body;

pub(crate) use crate::scheme::SignError;
pub use nonce::{NONCE_LEN, NonceSource, SystemNonce};
pub(crate) use signer::Signer;
pub use whole_body::WholeBody;
