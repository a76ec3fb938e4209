//! HTTP Message Signatures (RFC 9421) with `hmac-sha256` and `Content-Digest` (RFC 9530).
//!
//! | file | what it holds |
//! | --- | --- |
//! | `signatures.rs` | [`MessageSignatures`] and its settings |
//! | `policy.rs` | [`Policy`]: what must be covered |
//! | `members.rs` | splitting a dictionary field into its members as sent |
//! | `dictionary.rs` | adding a member to the fields and removing it |
//! | `known.rs` | reading a signature over a known list by comparing its text |
//! | `lines.rs` | finding the headers that most signatures need |
//! | `input.rs` | reading a member of `Signature-Input` |
//! | `component.rs` | component identifiers |
//! | `base.rs`, `target.rs`, `query.rs`, `field.rs` | the signature base and the values in it |
//! | `digest.rs` | `Content-Digest` |
//! | `verify.rs`, `sign.rs` | verifying and signing |
//! | `scheme.rs` | the implementation of `Scheme` |

mod base;
mod component;
mod dictionary;
mod digest;
mod field;
mod input;
mod known;
mod lines;
mod members;
mod policy;
mod query;
mod scheme;
mod sign;
mod signatures;
mod target;
mod verify;

use http::HeaderName;

pub use field::StructuredType;
pub use policy::Policy;
pub use signatures::MessageSignatures;

use crate::crypto::Algorithm;

const SIGNATURE: HeaderName = HeaderName::from_static("signature");
const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// The registered name of HMAC-SHA-256 (RFC 9421 section 3.3.3), the only supported algorithm.
const ALG: &str = "hmac-sha256";

/// The registered names of the secure hashes (RFC 9530): a collision would let another body pass.
const DIGESTS: [(&str, Algorithm); 2] =
    [("sha-256", Algorithm::Sha256), ("sha-512", Algorithm::Sha512)];
