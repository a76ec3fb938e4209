//! Bodies that are in memory.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http_body_util::Empty;

/// A body in memory, which can be signed: text, bytes, and empty bodies such as `()`,
/// `http_body_util::Empty` and `axum::body::Body::empty()`.
///
/// ```
/// use http::Request;
/// use tower_hmac::{FlaskHmac, SecretKey, Signer};
///
/// let signer = Signer::new(FlaskHmac::new(), SecretKey::new("s3cr3tk3y")?);
/// let signed = signer.sign(Request::get("/plain").body(())?)?;
/// // Flask-HMAC's signature for an empty body.
/// assert_eq!(
///     signed.headers()["signature"],
///     "LSXp2AnBSNGHEcjN2CIBCD0n+HMR4DPunreKdyp6u8w=",
/// );
/// # Ok::<(), tower_hmac::BoxError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "the body `{Self}` is not known to be in memory",
    note = "a signature needs the whole body: collect it first, or use `SignLayer`, which does that"
)]
pub trait WholeBody {
    /// Returns the bytes of the body, or `None` if it is not in memory, such as a stream.
    fn whole(&self) -> Option<&[u8]>;
}

macro_rules! whole_bodies {
    ( $( $body:ty ),* $(,)? ) => { $(
        impl WholeBody for $body {
            fn whole(&self) -> Option<&[u8]> {
                Some(self.as_ref())
            }
        }
    )* };
}

whole_bodies!(str, String, [u8], Vec<u8>, Bytes, BytesMut);

impl<const N: usize> WholeBody for [u8; N] {
    fn whole(&self) -> Option<&[u8]> {
        Some(self)
    }
}

/// No body.
impl WholeBody for () {
    fn whole(&self) -> Option<&[u8]> {
        Some(&[])
    }
}

impl<D> WholeBody for Empty<D> {
    fn whole(&self) -> Option<&[u8]> {
        Some(&[])
    }
}

/// Only an empty body can be signed: the contents of an axum body cannot be read in place.
#[cfg(feature = "axum")]
impl WholeBody for axum::body::Body {
    fn whole(&self) -> Option<&[u8]> {
        let is_empty = http_body::Body::size_hint(self).exact() == Some(0);
        is_empty.then_some(&[])
    }
}

impl<B: WholeBody + ?Sized> WholeBody for &B {
    fn whole(&self) -> Option<&[u8]> {
        (**self).whole()
    }
}

impl<B: WholeBody + ?Sized> WholeBody for Box<B> {
    fn whole(&self) -> Option<&[u8]> {
        (**self).whole()
    }
}

impl<B: WholeBody + ?Sized> WholeBody for Arc<B> {
    fn whole(&self) -> Option<&[u8]> {
        (**self).whole()
    }
}

impl<B: WholeBody + ToOwned + ?Sized> WholeBody for Cow<'_, B> {
    fn whole(&self) -> Option<&[u8]> {
        (**self).whole()
    }
}
