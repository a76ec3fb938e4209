//! What tests of signed routes need.

use http::request::Parts;

use crate::scheme::{ClaimError, Scheme, SignedText};
use crate::sign::write_text;

pub use crate::clock::ManualClock;
pub use crate::sign::FixedNonce;

/// The text that a format signs for this request, as a server assembles it from what it received.
/// It holds no key and no tag: for tests of a format of one's own.
///
/// # Errors
///
/// [`ClaimError`] if the request is not one of the format.
pub fn signed_text(
    scheme: &(impl Scheme + ?Sized),
    head: &Parts,
    body: &[u8],
) -> Result<Vec<u8>, ClaimError> {
    let claim = scheme.claim(head)?;
    let mut text = SignedText::record();
    write_text(scheme, head, &claim, body, &mut text)?;
    Ok(text.into_recorded())
}
