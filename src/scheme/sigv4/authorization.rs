//! The `Authorization` header: the credential, the list of signed headers, and the signature.

use http::header::AUTHORIZATION;
use http::request::Parts;

use super::ALGORITHM;
use crate::scheme::{ClaimError, wire};

/// The credential, the list and the signature, as sent.
#[derive(Debug)]
pub(super) struct Authorization<'h> {
    pub(super) credential: &'h str,
    pub(super) signed_headers: &'h str,
    pub(super) signature: &'h str,
}

impl<'h> Authorization<'h> {
    /// Reads the only `Authorization`. Returns [`ClaimError::Missing`] if it has another
    /// authentication scheme.
    pub(super) fn read(head: &'h Parts) -> Result<Self, ClaimError> {
        if !is_there(head) {
            return Err(ClaimError::Missing);
        }
        let value = wire::required(head, &AUTHORIZATION)?;
        let text = wire::text(&AUTHORIZATION, value)?;
        let parts = text.get(ALGORITHM.len()..).unwrap_or_default();
        Self::parse(parts).map_err(|why| ClaimError::in_header(&AUTHORIZATION, why))
    }

    fn parse(parts: &'h str) -> Result<Self, &'static str> {
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for part in parts.split(',') {
            let (name, value) =
                part.trim_matches(' ').split_once('=').ok_or("has a part without `=` (rule 2)")?;
            let slot = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed_headers,
                "Signature" => &mut signature,
                _ => return Err("has an unknown part (rule 2)"),
            };
            if slot.replace(value).is_some() {
                return Err("has a part twice (rule 2)");
            }
        }
        match (credential, signed_headers, signature) {
            (Some(credential), Some(signed_headers), Some(signature)) => {
                Ok(Self { credential, signed_headers, signature })
            }
            _ => Err("has no `Credential`, `SignedHeaders` or `Signature` (rule 2)"),
        }
    }

    /// Writes a value that [`read`](Self::read) parses.
    pub(super) fn text(&self) -> String {
        let Self { credential, signed_headers, signature } = self;
        format!(
            "{ALGORITHM} Credential={credential}, SignedHeaders={signed_headers}, \
             Signature={signature}"
        )
    }
}

/// Returns whether there is an `Authorization` of this authentication scheme, whatever follows.
pub(super) fn is_there(head: &Parts) -> bool {
    head.headers.get_all(AUTHORIZATION).iter().any(|value| {
        let kind = value.as_bytes().split(|byte| *byte == b' ' || *byte == b'\t').next();
        kind.is_some_and(|kind| kind.eq_ignore_ascii_case(ALGORITHM.as_bytes()))
    })
}
