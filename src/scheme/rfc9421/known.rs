//! Signatures over a known list of components: compares the list's text instead of parsing it.
//!
//! Accepts only the canonical text of both fields (RFC 9651 section 4.1). The value of
//! `@signature-params` is then the text in the header. All other input, malformed or only spelled
//! differently, goes to the general parser. Only that parser reports errors.

use std::sync::Arc;

use http::HeaderName;
use http::request::Parts;

use super::CONTENT_DIGEST;
use super::component::{Component, Form, Kind};
use super::input::{self, Parameters};
use super::lines::Lines;
use super::policy::Policy;
use crate::scheme::{ComponentNames, CoveredHead};

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

/// Both fields in canonical form, with one signature.
pub(super) struct Fields<'h> {
    pub(super) label: &'h [u8],
    /// The member of `Signature-Input`, not checked yet.
    pub(super) input: &'h [u8],
    /// The tag in base64.
    pub(super) tag: &'h [u8],
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
            identifiers: components.iter().map(Component::shared_identifier).collect(),
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

    /// Returns the value of `@signature-params` in lines that [`Fields::read`] has read.
    pub(super) fn parameters<'h>(lines: &Lines<'h>) -> Option<&'h [u8]> {
        let (_, input) = member(lines.input?.as_bytes())?;
        Some(input)
    }

    /// Returns the list that a member of `Signature-Input` begins with, and the parameters after it.
    pub(super) fn find<'k, 'h>(
        lists: &'k [Arc<Self>],
        input: &'h [u8],
    ) -> Option<(&'k Arc<Self>, &'h [u8])> {
        lists.iter().find_map(|known| {
            let parameters = input.strip_prefix(known.text.as_bytes())?;
            parameters.starts_with(b";").then_some((known, parameters))
        })
    }

    pub(super) fn covered(&self, head: &Parts, lines: &Lines<'_>) -> CoveredHead {
        let mut covered = CoveredHead::of(self.identifiers.clone());
        for name in &self.fields {
            if *name == CONTENT_DIGEST {
                if let Some(line) = lines.digest {
                    covered.push((CONTENT_DIGEST, line.clone()));
                }
                continue;
            }
            for line in head.headers.get_all(name) {
                covered.push((name.clone(), line.clone()));
            }
        }
        covered
    }
}

impl<'h> Fields<'h> {
    pub(super) fn read(lines: &Lines<'h>) -> Option<Self> {
        let (label, input) = member(lines.input?.as_bytes())?;
        if !is_key(label) {
            return None;
        }
        let tag = lines.signature?.as_bytes().strip_prefix(label)?;
        let tag = tag.strip_prefix(b"=:")?.strip_suffix(b":")?;
        Some(Self { label, input, tag })
    }
}

/// Splits the only member of a dictionary into its label and its value, without checking them.
fn member(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let place = line.iter().position(|byte| *byte == b'=')?;
    Some((line.get(..place)?, line.get(place.checked_add(1)?..)?))
}

/// Returns whether a label is a key (RFC 9651 section 3.1.2).
fn is_key(label: &[u8]) -> bool {
    matches!(label, [b'a'..=b'z' | b'*', ..])
        && label
            .iter()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'*'))
}

impl<'h> Parameters<&'h [u8]> {
    /// Reads parameters in canonical text: each after a `;`, without spaces, escapes or leading
    /// zeros.
    pub(super) fn canonical(text: &'h [u8]) -> Option<Self> {
        if !is_plain(text) {
            return None;
        }
        let mut read = Self::default();
        let mut rest = text;
        while !rest.is_empty() {
            rest = if let Some(value) = rest.strip_prefix(b";created=") {
                set_time(&mut read.created, value)?
            } else if let Some(value) = rest.strip_prefix(b";keyid=\"") {
                set_text(&mut read.keyid, value)?
            } else if let Some(value) = rest.strip_prefix(b";alg=\"") {
                set_text(&mut read.alg, value)?
            } else if let Some(value) = rest.strip_prefix(b";nonce=\"") {
                set_text(&mut read.nonce, value)?
            } else if let Some(value) = rest.strip_prefix(b";expires=") {
                set_time(&mut read.expires, value)?
            } else {
                set_text(&mut read.tag, rest.strip_prefix(b";tag=\"")?)?
            };
        }
        Some(read)
    }
}

/// Returns whether all is visible ASCII and spaces, without a backslash: nothing is escaped. The
/// loop has no early end, so that the compiler can check many bytes at once.
fn is_plain(text: &[u8]) -> bool {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'[' | b']'..=b'~');
    text.iter().fold(true, |all, byte| all & is_plain(byte))
}

/// Sets a parameter that was not set, and returns what follows its closing quote.
#[inline]
fn set_text<'h>(parameter: &mut Option<&'h [u8]>, value: &'h [u8]) -> Option<&'h [u8]> {
    let (text, rest) = value.split_at_checked(value.iter().position(|byte| *byte == b'"')?)?;
    if parameter.replace(text).is_some() { None } else { rest.strip_prefix(b"\"") }
}

/// Sets a time that was not set, and returns what follows it: a structured integer of at most 15
/// digits (RFC 9651 section 3.3.1) in canonical form.
#[inline]
fn set_time<'h>(parameter: &mut Option<i64>, value: &'h [u8]) -> Option<&'h [u8]> {
    let len = value.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(value.len());
    let (digits, rest) = value.split_at_checked(len)?;
    if !matches!(digits, [b'0'] | [b'1'..=b'9', ..]) || len > 15 {
        return None;
    }
    let seconds = str::from_utf8(digits).ok()?.parse().ok()?;
    if parameter.replace(seconds).is_some() { None } else { Some(rest) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
