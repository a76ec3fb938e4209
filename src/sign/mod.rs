//! The client's half: the same scheme objects, the other way round.
//!
//! * [`Signer`] signs one request whose body is in memory.
//! * [`SignLayer`](crate::SignLayer) signs each request of a tower client: hyper-util's, or one like tonic's.
//! * `Signer::sign_reqwest` signs a `reqwest::Request` (feature `reqwest`), and `SignMiddleware`
//!   each attempt of a `reqwest-middleware` client (feature of that name).
//!
//! A signature is for one host and one request. A client that follows redirects carries a header of
//! its user's along, to another host and to a request that the signature does not fit: the guide
//! `docs/clients.md` says what each of our clients does.

mod nonce;
mod signer;
mod whole_body;

pub use crate::scheme::SignError;
pub use nonce::{FixedNonce, NONCE_LEN, NonceSource, SystemNonce};
pub use signer::Signer;
pub(crate) use signer::write_text;
pub use whole_body::WholeBody;
