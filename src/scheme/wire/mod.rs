//! Helpers to read and write the parts of a request that most schemes share.
//!
//! Every scheme of this crate uses them. Use them in your own scheme to make it equally strict:
//! they reject values that can be read in two ways or have two spellings.
//!
//! | to read | use |
//! | --- | --- |
//! | a header that occurs once | [`single`], [`required`], then [`text`] |
//! | a header whose field lines are one list | [`joined`] |
//! | `Authorization: Scheme ...` | [`credentials`], then [`auth_params`] or your own parser |
//! | a time | [`unix_seconds`], [`unix_millis`], [`rfc3339`], [`http_date`] |
//! | the host of the request | [`host`] |
//! | percent-encoding, forms | [`percent_decoded`], [`form_pairs`] |
//!
//! | to write | use |
//! | --- | --- |
//! | a header value that arrives unchanged | [`value`], [`sensitive`] |
//! | the only tag of a scheme that writes one | [`only_tag`] |
//! | a parameter of `Authorization` | [`quoted`] |
//! | a time | [`to_rfc3339`], [`to_http_date`] |
//! | a part of a URI | [`percent_encoded`] |
//!
//! ```
//! use http::{HeaderName, Request};
//! use tower_hmac::scheme::wire;
//!
//! const TIME: HeaderName = HeaderName::from_static("x-time");
//!
//! let (head, ()) = Request::post("/").header(TIME, "1700000000").body(())?.into_parts();
//! let text = wire::text(&TIME, wire::required(&head, &TIME)?)?;
//! assert_eq!(wire::unix_seconds(text), Some(1_700_000_000));
//!
//! // Anybody could put a second parameter in front of the signed one.
//! let twice = Request::post("/").header(TIME, "1").header(TIME, "2").body(())?;
//! assert!(wire::required(&twice.into_parts().0, &TIME).is_err());
//! # Ok::<(), tower_hmac::BoxError>(())
//! ```

mod auth;
mod field;
mod host;
mod percent;
mod time;

pub use auth::{AuthParams, auth_params, credentials, quoted};
#[cfg(feature = "rfc9421")]
pub(crate) use field::ascii;
pub use field::{MAX_VALUE_LEN, joined, only_tag, required, sensitive, single, text, value};
pub use host::host;
pub use percent::{form_pairs, percent_decoded, percent_encoded};
#[cfg(feature = "sigv4")]
pub(crate) use time::utc;
pub use time::{http_date, rfc3339, to_http_date, to_rfc3339, unix_millis, unix_seconds};
