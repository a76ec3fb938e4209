//! Schemes: where a signature is sent, and which bytes it covers.
//!
//! Each scheme is one file that implements [`Scheme`]. Both sides use it: the server to verify, the
//! client to sign.
//!
//! # Writing your own scheme
//!
//! [`HeaderScheme`](crate::HeaderScheme) covers most headers without code. For any other, implement
//! [`Scheme`]. The helpers in [`wire`] read and write the parts of a request strictly:
//!
//! 1. [`claim`](Scheme::claim) reads the head: who *claims* to have signed, with which tag and
//!    when. It compares nothing and knows no key.
//! 2. [`before_body`](Scheme::before_body) and [`after_body`](Scheme::after_body) write the parts
//!    of the signing string before and after the body.
//! 3. [`stamp`](Scheme::stamp) and [`attach`](Scheme::attach) do the same for the client: they
//!    write times, nonces and the tag into the head.
//!
//! The [`Verifier`](crate::Verifier) compares tags, reads clocks, asks key stores and collects
//! bodies.
//!
//! ```
//! use http::{HeaderName, request::Parts};
//! use tower_hmac::crypto::Tag;
//! use tower_hmac::scheme::{Claim, ClaimError, Encoding, SignedText, Stamp, Window, wire};
//! use tower_hmac::{Algorithm, Scheme, SignError};
//!
//! const TIME: HeaderName = HeaderName::from_static("x-time");
//! static OWNED: [HeaderName; 1] = [HeaderName::from_static("x-tag")];
//!
//! /// `X-Tag: <hex>` over `<X-Time>.<body>`, the time in Unix seconds.
//! struct Timed;
//!
//! impl Scheme for Timed {
//!     fn name(&self) -> &str { "timed" }
//!     fn algorithm(&self) -> Algorithm { Algorithm::Sha256 }
//!     fn headers(&self) -> &[HeaderName] { &OWNED }
//!     fn window(&self) -> Window { Window::timed() }
//!
//!     fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
//!         // `Missing` if the header is absent: an optional layer lets such a request through.
//!         let tag = Encoding::Hex.decode_tag(wire::single(head, &OWNED[0])?, self.algorithm());
//!         let time = wire::unix_seconds(wire::text(&TIME, wire::required(head, &TIME)?)?);
//!         Ok(Claim::signed(tag.ok_or(ClaimError::in_header(&OWNED[0], "is not a tag"))?)
//!             .with_created(time.ok_or(ClaimError::in_header(&TIME, "is not a time"))?))
//!     }
//!
//!     fn before_body(
//!         &self,
//!         _: &Parts,
//!         claim: &Claim,
//!         text: &mut SignedText,
//!     ) -> Result<(), ClaimError> {
//!         text.update(format!("{}.", claim.created().unwrap_or_default()).as_bytes());
//!         Ok(())
//!     }
//!
//!     fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
//!         head.headers.insert(TIME, wire::value(&TIME, &stamp.now().to_string())?);
//!         Ok(Claim::new().with_created(stamp.now()))
//!     }
//!
//!     fn attach(&self, head: &mut Parts, _: &Claim, tags: &[Tag]) -> Result<(), SignError> {
//!         let tag = Encoding::Hex.encode(wire::only_tag(tags)?.as_bytes());
//!         head.headers.insert(OWNED[0].clone(), wire::sensitive(&OWNED[0], &tag)?);
//!         Ok(())
//!     }
//! }
//!
//! # use tower_hmac::{KeyMap, SecretKey, Signer, Verifier};
//! # use tower_hmac::clock::ManualClock;
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let key = SecretKey::new("a key")?;
//! let clock = ManualClock::new(1_700_000_000);
//! let signer = Signer::new(Timed, key.clone()).with_clock(clock.clone());
//! let (head, body) = signer.sign(http::Request::post("/").body("{}")?)?.into_parts();
//!
//! let verifier = Verifier::new(Timed, KeyMap::single(key)?)?.with_clock(clock);
//! assert!(verifier.verify(&head, body.as_bytes()).await.is_ok());
//! assert!(verifier.verify(&head, b"[]").await.is_err());
//! # Ok::<(), tower_hmac::BoxError>(())
//! # }).unwrap();
//! ```
//!
//! Two different requests must never have the same signing string. Separate parts with a delimiter
//! that neither of them can contain, and document what your scheme does not cover.
//!
//! | your scheme | override |
//! | --- | --- |
//! | has several tags in a request | [`max_tags`](Scheme::max_tags) |
//! | covers a digest of the body, so that the MAC is checked first | [`coverage`](Scheme::coverage) with [`Coverage::Digest`] |
//! | covers text made from the body | [`coverage`](Scheme::coverage) with [`Coverage::Derived`], and [`derive`](Scheme::derive) |
//! | has its signature in the body | [`is_in_body`](Scheme::is_in_body), [`claim_from_body`](Scheme::claim_from_body) |
//! | shares a header with others | [`selector`](Scheme::selector) |
//! | derives keys | [`key_mac`](Scheme::key_mac), with [`Mac::into_key`](crate::crypto::Mac::into_key) |
//! | has its own tolerance or longest lifetime | [`window`](Scheme::window) |

mod arc;
mod claim;
#[cfg(any(feature = "sha1", feature = "sigv4", feature = "webhooks"))]
mod compat_axum;
mod coverage;
mod covered_head;
#[cfg(feature = "sigv4")]
mod derivation;
mod encoding;
pub(crate) mod flask;
#[cfg(feature = "sha1")]
mod fost;
pub(crate) mod interface;
#[cfg(feature = "serde")]
mod json;
mod origin;
pub(crate) mod parts;
mod path;
#[cfg(feature = "rfc9421")]
pub(crate) mod rfc9421;
mod selector;
mod shape;
pub(crate) mod sign_error;
mod signed_text;
#[cfg(feature = "sigv4")]
pub(crate) mod sigv4;
mod stamp;
mod tag_header;
mod target;
#[cfg(feature = "webhooks")]
pub(crate) mod webhooks;
mod window;
pub mod wire;
mod writer;

pub use claim::{Claim, ClaimError, OfferedTag};
pub use coverage::{BodyDigest, Coverage};
#[cfg(any(feature = "rfc9421", feature = "sigv4"))]
pub(crate) use covered_head::ComponentNames;
pub(crate) use covered_head::CoveredHead;
#[cfg(feature = "sigv4")]
pub(crate) use derivation::{KeyDerivation, KeyScope};
pub use encoding::Encoding;
pub(crate) use flask::FlaskHmac;
pub use flask::FlaskHmacPath;
#[cfg(feature = "sha1")]
pub use fost::{Fost, FostUrl};
pub(crate) use interface::Scheme;
#[cfg(feature = "serde")]
pub use json::{JsonStrings, JsonText};
pub use origin::PublicOrigin;
pub(crate) use origin::SentHead;
pub use parts::{Part, TimeFormat};
#[cfg(feature = "rfc9421")]
pub use rfc9421::{Policy, StructuredType};
pub use selector::Selector;
pub(crate) use sign_error::SignError;
pub(crate) use signed_text::RecordedText;
pub use signed_text::SignedText;
#[cfg(feature = "sigv4")]
pub use sigv4::{AwsPresigned, AwsSigV4};
pub use stamp::Stamp;
pub(crate) use window::Tolerance;
pub use window::Window;
pub(crate) use writer::{write_body, write_text};

/// The maximum number of keys that one signer may sign with during a rotation.
///
/// See [`Signer`](crate::Signer) for an example.
pub const MAX_SIGNING_KEYS: usize = 4;
