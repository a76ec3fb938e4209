//! AWS Signature Version 4, in the `Authorization` header and in the query.
//!
//! | file | what it holds |
//! | --- | --- |
//! | `header.rs` | [`AwsSigV4`]: the scheme of the header form, and its settings |
//! | `presigned.rs` | [`AwsPresigned`]: the scheme of presigned URLs |
//! | `config.rs` | the settings that both forms share |
//! | `authorization.rs`, `parameters.rs` | where each form carries the signature |
//! | `credential.rs`, `date.rs` | the credential and its scope, the key chain, dates |
//! | `canonical.rs`, `path.rs`, `query.rs`, `fields.rs` | the canonical request and its lines |
//! | `payload.rs` | `X-Amz-Content-Sha256`: how the body is covered |
//! | `reading.rs` | what a claim keeps to write the signing string |
//!
//! The rule numbers in the error messages are those of `docs/sigv4.md`.

mod authorization;
mod canonical;
mod config;
mod credential;
mod date;
mod fields;
mod header;
mod parameters;
mod path;
mod payload;
mod percent;
mod presigned;
mod query;
mod reading;

use http::HeaderName;

pub use header::AwsSigV4;
pub use presigned::AwsPresigned;
// `explain` uses this to write other canonical requests.
pub(crate) use canonical::covered_query;
pub(crate) use credential::scoped_mac;
pub(crate) use payload::EMPTY as EMPTY_PAYLOAD;
pub(crate) use reading::Reading;

/// The name of the only supported algorithm.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The last part of a credential's scope, and the last step of the key derivation.
const TERMINATOR: &str = "aws4_request";
/// The payload hash of a request whose body is not signed.
pub(crate) const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

const X_AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const X_AMZ_CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const X_AMZ_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
