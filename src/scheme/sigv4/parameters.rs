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

/// The decoded values of the six parameters.
#[derive(Debug)]
pub(super) struct Parameters {
    pub(super) algorithm: String,
    pub(super) credential: String,
    pub(super) date: String,
    pub(super) expires: String,
    pub(super) signed_headers: String,
    pub(super) signature: String,
}

impl Parameters {
    /// Reads the parameters. Returns [`ClaimError::Missing`] if there are none.
    pub(super) fn read(uri: &Uri) -> Result<Self, ClaimError> {
        let mut values = [None; NAMES.len()];
        for piece in pieces(uri.query().unwrap_or_default()) {
            let (name, value) = divide(piece);
            if let Some(place) = NAMES.iter().position(|known| *known == name) {
                if values.get_mut(place).and_then(|slot| slot.replace(value)).is_some() {
                    return Err(ClaimError::malformed(
                        "a parameter of the signature occurs twice (rule 14)",
                    ));
                }
            } else if NAMES.iter().any(|known| is_alias(name, known)) {
                return Err(ClaimError::malformed(
                    "a parameter of the signature has another spelling (rule 14)",
                ));
            }
        }
        if values.iter().all(Option::is_none) {
            return Err(ClaimError::Missing);
        }
        match values.map(|value| value.and_then(decoded)) {
            [
                Some(algorithm),
                Some(credential),
                Some(date),
                Some(expires),
                Some(signed_headers),
                Some(signature),
            ] => Ok(Self { algorithm, credential, date, expires, signed_headers, signature }),
            _ => Err(ClaimError::malformed(
                "a parameter of the signature is missing or not text (rule 14)",
            )),
        }
    }
}

/// Decodes a value. A `+` may mean a space or itself, and none of these values contains one.
fn decoded(value: &str) -> Option<String> {
    if value.contains('+') { None } else { wire::percent_decoded(value) }
}

/// Returns whether a query carries a signature or its credential, in any spelling.
pub(super) fn are_there(uri: &Uri) -> bool {
    pieces(uri.query().unwrap_or_default()).any(|piece| {
        let (name, _) = divide(piece);
        ["X-Amz-Credential", SIGNATURE].iter().any(|known| is_alias(name, known))
    })
}

/// Returns whether two names are equal after decoding or case folding.
fn is_alias(name: &str, known: &str) -> bool {
    // Escaping never makes a name shorter.
    name.len() >= known.len()
        && wire::percent_decoded(name).is_some_and(|name| name.eq_ignore_ascii_case(known))
}

/// Returns whether a target has one of the six parameters in another spelling, which
/// [`Parameters::read`] rejects.
pub(super) fn are_misspelled(uri: &Uri) -> bool {
    pieces(uri.query().unwrap_or_default()).any(|piece| {
        let (name, _) = divide(piece);
        NAMES.iter().any(|known| name != *known && is_alias(name, known))
    })
}

/// Removes the six parameters from a target.
pub(super) fn strip(uri: &mut Uri) {
    let is_left = |piece: &&str| !NAMES.contains(&divide(piece).0);
    let left: Vec<_> = pieces(uri.query().unwrap_or_default()).filter(is_left).collect();
    if let Some(stripped) = target::with_query(uri, &left.join("&")) {
        *uri = stripped;
    }
}

/// Adds a parameter to the end of a target.
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
