//! Signatures over a known list of components: compares the list's text instead of parsing it.
//!
//! Accepts only the canonical text of both fields (RFC 9651 section 4.1). The value of
//! `@signature-params` is then the text in the header. Everything else, malformed or only spelled
//! differently, goes to the general parser. Only that parser reports errors.

use std::borrow::Cow;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderName, HeaderValue};
use sfv::StringRef;

use super::component::{Component, Form, Kind};
use super::input::{self, Parameters};
use super::policy::Policy;
use super::{CONTENT_DIGEST, MessageSignatures, SIGNATURE, SIGNATURE_INPUT};
use crate::crypto::{Algorithm, Digest};
use crate::scheme::wire::MAX_VALUE_LEN;
use crate::scheme::{Claim, ClaimError, ComponentNames, CoveredHead, Encoding, OfferedTag};

/// A list of components that the policy accepts.
#[derive(Debug)]
pub(super) struct Known {
    /// The inner list as written in `Signature-Input`.
    text: String,
    components: Vec<Component>,
    identifiers: ComponentNames,
    /// The fields in the list that are covered as they were sent.
    fields: Vec<HeaderName>,
    covers_body: bool,
}

/// Both fields in canonical text, with one signature.
struct Fields<'h> {
    label: &'h str,
    /// The member of `Signature-Input`.
    input: &'h str,
    signature: OfferedTag,
}

impl Known {
    /// Returns the lists that a signer with these settings writes, with a body and without.
    pub(super) fn lists(policy: &Policy, components: Option<&[Component]>) -> Vec<Arc<Self>> {
        let lists = [true, false].map(|body| {
            let mut covered = components.map_or_else(|| policy.components(body), <[_]>::to_vec);
            policy.cover_body(&mut covered, body);
            covered
        });
        let accepted = lists.into_iter().filter(|covered| policy.is_met_by(covered));
        accepted.map(|covered| Arc::new(Self::new(covered))).collect()
    }

    fn new(components: Vec<Component>) -> Self {
        let plain = |component: &Component| match component.kind() {
            Kind::Field(name, Form::Plain) => Some(name.clone()),
            _ => None,
        };
        Self {
            text: input::list(&components),
            identifiers: components
                .iter()
                .map(|component| component.identifier().clone())
                .collect(),
            fields: components.iter().filter_map(plain).collect(),
            covers_body: components.iter().any(Component::covers_body),
            components,
        }
    }

    pub(super) fn components(&self) -> &[Component] {
        &self.components
    }

    pub(super) fn covers_body(&self) -> bool {
        self.covers_body
    }

    /// Returns the value of `@signature-params` in a head that
    /// [`known_claim`](MessageSignatures::known_claim) has read.
    pub(super) fn parameters(head: &Parts) -> Result<&str, ClaimError> {
        let member = only_line(head, &SIGNATURE_INPUT).and_then(|line| line.split_once('='));
        let (_, input) =
            member.ok_or(ClaimError::malformed("the claim was made from another head"))?;
        Ok(input)
    }

    fn covered(&self, head: &Parts) -> CoveredHead {
        let lines = |name| head.headers.get_all(name).iter().map(move |line| (name, line));
        let headers = self.fields.iter().flat_map(lines);
        let headers = headers.map(|(name, line)| (name.clone(), line.clone()));
        CoveredHead::new(self.identifiers.clone(), headers)
    }
}

impl MessageSignatures {
    /// Reads a claim over a known list. Returns `None` if the general parser has to read it.
    pub(super) fn known_claim(&self, head: &Parts) -> Option<Claim> {
        let Fields { label, input, signature } = Fields::read(head)?;
        if self.label.as_ref().is_some_and(|wanted| wanted != label) {
            return None;
        }
        let (known, parameters) = self.known.iter().find_map(|known| {
            let parameters = input.strip_prefix(known.text.as_str())?;
            parameters.starts_with(';').then_some((known, parameters))
        })?;
        let parameters = read_parameters(parameters)?;
        if self.tag.is_some() && parameters.tag() != self.tag.as_deref() {
            return None;
        }
        self.policy.check_parameters(&parameters).ok()?;
        let claim = parameters.claimed(Claim::signed(signature)).ok()?;
        Some(claim.covering(known.covered(head)).with_shared_memo(known.clone()))
    }
}

impl<'h> Fields<'h> {
    fn read(head: &'h Parts) -> Option<Self> {
        let (label, input) = only_line(head, &SIGNATURE_INPUT)?.split_once('=')?;
        if !is_key(label) {
            return None;
        }
        let tag = only_line(head, &SIGNATURE)?.strip_prefix(label)?;
        let tag = tag.strip_prefix("=:")?.strip_suffix(':')?;
        let signature = Encoding::Base64.decode_tag(tag, Algorithm::Sha256)?;
        Some(Self { label, input, signature })
    }
}

/// Returns the digest of a `Content-Digest` that has only one, by SHA-256.
pub(super) fn only_sha256(head: &Parts) -> Option<Digest> {
    let text = only_line(head, &CONTENT_DIGEST)?;
    let text = text.strip_prefix("sha-256=:")?.strip_suffix(':')?;
    Encoding::Base64.decode_digest(text, Algorithm::Sha256)
}

/// Returns the only line of a field, if it is text and not too long.
fn only_line<'h>(head: &'h Parts, name: &HeaderName) -> Option<&'h str> {
    let mut lines = head.headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (Some(line), None) if line.len() <= MAX_VALUE_LEN => HeaderValue::to_str(line).ok(),
        _ => None,
    }
}

/// Returns whether a label is a key (RFC 9651 section 3.1.2).
fn is_key(label: &str) -> bool {
    label.starts_with(|first: char| first.is_ascii_lowercase() || first == '*')
        && label.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.*".contains(&byte)
        })
}

/// Reads parameters in canonical text: each after a `;`, without spaces, escapes or leading zeros.
fn read_parameters(mut rest: &str) -> Option<Parameters<'_>> {
    let mut parameters = Parameters::default();
    while !rest.is_empty() {
        let (key, value) = rest.strip_prefix(';')?.split_once('=')?;
        let fresh = if let Some(quoted) = value.strip_prefix('"') {
            let (text, after) = quoted.split_once('"')?;
            rest = after;
            let text = Cow::Borrowed(plain_text(text)?);
            let slot = match key {
                "nonce" => &mut parameters.nonce,
                "alg" => &mut parameters.alg,
                "keyid" => &mut parameters.keyid,
                "tag" => &mut parameters.tag,
                _ => return None,
            };
            slot.replace(text).is_none()
        } else {
            let (digits, after) = value.split_at(value.find(';').unwrap_or(value.len()));
            rest = after;
            let slot = match key {
                "created" => &mut parameters.created,
                "expires" => &mut parameters.expires,
                _ => return None,
            };
            slot.replace(seconds(digits)?).is_none()
        };
        if !fresh {
            return None;
        }
    }
    Some(parameters)
}

/// Reads a text without escapes, and therefore without a backslash.
fn plain_text(text: &str) -> Option<&StringRef> {
    if text.contains('\\') { None } else { StringRef::from_str(text).ok() }
}

/// Reads a structured integer of at most 15 digits (RFC 9651 section 3.3.1) in canonical form.
fn seconds(digits: &str) -> Option<i64> {
    let is_canonical = matches!(digits.as_bytes(), [b'0'] | [b'1'..=b'9', ..])
        && digits.len() <= 15
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_canonical { digits.parse().ok() } else { None }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
