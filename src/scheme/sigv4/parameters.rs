//! The parameters of a presigned URL.

use http::Uri;

use super::query::{divide, pieces};
use crate::scheme::{ClaimError, target, wire};

const NAMES: [&str; 6] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    SIGNATURE,
];

/// The parameter that the signature does not cover.
pub(super) const SIGNATURE: &str = "X-Amz-Signature";

/// The values of the six parameters as they were sent.
#[derive(Debug)]
pub(super) struct Parameters<'q> {
    pub(super) algorithm: &'q str,
    pub(super) credential: &'q str,
    pub(super) date: &'q str,
    pub(super) expires: &'q str,
    pub(super) signed_headers: &'q str,
    pub(super) signature: &'q str,
}

impl<'q> Parameters<'q> {
    /// Reads them; [`ClaimError::Missing`] if there is none of them.
    pub(super) fn read(uri: &'q Uri) -> Result<Self, ClaimError> {
        let mut values = [None; NAMES.len()];
        for piece in pieces(uri.query().unwrap_or_default()) {
            let (name, value) = divide(piece);
            if let Some(place) = NAMES.iter().position(|known| *known == name) {
                if values.get_mut(place).and_then(|slot| slot.replace(value)).is_some() {
                    return Err(ClaimError::malformed(
                        "a parameter of the signature is there twice (rule 14)",
                    ));
                }
            } else if NAMES.iter().any(|known| is_alias(name, known)) {
                return Err(ClaimError::malformed(
                    "a parameter of the signature is spelled in another way (rule 14)",
                ));
            }
        }
        match values {
            [None, None, None, None, None, None] => Err(ClaimError::Missing),
            [
                Some(algorithm),
                Some(credential),
                Some(date),
                Some(expires),
                Some(signed_headers),
                Some(signature),
            ] => Ok(Self { algorithm, credential, date, expires, signed_headers, signature }),
            _ => Err(ClaimError::malformed("a parameter of the signature is missing (rule 14)")),
        }
    }
}

/// Whether a query carries a signature or the credential of one, in whatever spelling.
pub(super) fn are_there(uri: &Uri) -> bool {
    pieces(uri.query().unwrap_or_default()).any(|piece| {
        let (name, _) = divide(piece);
        ["X-Amz-Credential", SIGNATURE].iter().any(|known| is_alias(name, known))
    })
}

/// Whether two names are one for somebody who decodes them, or folds their case.
fn is_alias(name: &str, known: &str) -> bool {
    // An escape makes a name longer, and never shorter.
    name.len() >= known.len()
        && wire::percent_decoded(name).is_some_and(|name| name.eq_ignore_ascii_case(known))
}

/// Takes the six parameters out of a target.
pub(super) fn strip(uri: &mut Uri) {
    let is_left = |piece: &&str| !NAMES.contains(&divide(piece).0);
    let left: Vec<_> = pieces(uri.query().unwrap_or_default()).filter(is_left).collect();
    if let Some(stripped) = target::with_query(uri, &left.join("&")) {
        *uri = stripped;
    }
}

/// Adds a parameter at the end of a target.
pub(super) fn add(uri: &Uri, name: &str, value: &str) -> Option<Uri> {
    let mut query = uri.query().unwrap_or_default().to_owned();
    if !query.is_empty() {
        query.push('&');
    }
    query.push_str(name);
    query.push('=');
    query.push_str(&wire::percent_encoded(value));
    target::with_query(uri, &query)
}
