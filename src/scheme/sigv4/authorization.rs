//! The `Authorization` header: the credential, the list of signed headers, and the signature.

use http::HeaderValue;
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
        let value = match wire::required(head, &AUTHORIZATION) {
            Ok(value) if is_ours(value) => value,
            Err(error) if is_there(head) => return Err(error),
            _ => return Err(ClaimError::Missing),
        };
        let text = wire::text(&AUTHORIZATION, value)?;
        let parts = text.get(ALGORITHM.len()..).unwrap_or_default();
        Self::parse(parts).map_err(|why| ClaimError::in_header(&AUTHORIZATION, why))
    }

    fn parse(parts: &'h str) -> Result<Self, &'static str> {
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for part in parts.split(',') {
            let part = part.trim_matches(' ');
            let (slot, value) = if let Some(value) = part.strip_prefix("Credential=") {
                (&mut credential, value)
            } else if let Some(value) = part.strip_prefix("SignedHeaders=") {
                (&mut signed_headers, value)
            } else if let Some(value) = part.strip_prefix("Signature=") {
                (&mut signature, value)
            } else if part.contains('=') {
                return Err("has an unknown part (rule 2)");
            } else {
                return Err("has a part without `=` (rule 2)");
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
    head.headers.get_all(AUTHORIZATION).iter().any(is_ours)
}

fn is_ours(value: &HeaderValue) -> bool {
    value.as_bytes().split_at_checked(ALGORITHM.len()).is_some_and(|(kind, rest)| {
        kind.eq_ignore_ascii_case(ALGORITHM.as_bytes()) && matches!(rest, [] | [b' ' | b'\t', ..])
    })
}
