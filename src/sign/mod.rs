//! The client's half: the same scheme objects, the other way round.

mod error;
mod nonce;
mod signer;

pub use error::SignError;
pub use nonce::{FixedNonce, NONCE_LEN, NonceSource, SystemNonce};
pub use signer::Signer;
pub(crate) use signer::write_text;
