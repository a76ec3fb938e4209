use std::borrow::Cow;
use std::convert::Infallible;

use http::request::Parts;
use http::{HeaderName, HeaderValue};
use sfv::visitor::{DictionaryVisitor, EntryVisitor};
use sfv::{Dictionary, FieldType, Item, KeyRef, List, Parser};

use super::CONTENT_DIGEST;
use super::component::Form;
use super::lines::Lines;
use crate::scheme::wire::{self, MAX_VALUE_LEN};
use crate::scheme::{ClaimError, Encoding};

/// The type of a structured field (RFC 9651), which cannot be derived from its value.
///
/// See [`MessageSignatures::with_structured_field`](crate::MessageSignatures::with_structured_field).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StructuredType {
    /// A list (section 3.1).
    List,
    /// A dictionary (section 3.2).
    Dictionary,
    /// An item (section 3.3).
    Item,
}

/// The request fields that are registered as structured.
const REGISTERED: [(&str, StructuredType); 13] = [
    ("accept-ch", StructuredType::List),
    ("accept-signature", StructuredType::Dictionary),
    ("cache-status", StructuredType::List),
    ("client-cert", StructuredType::Item),
    ("client-cert-chain", StructuredType::List),
    ("content-digest", StructuredType::Dictionary),
    ("priority", StructuredType::Dictionary),
    ("proxy-status", StructuredType::List),
    ("repr-digest", StructuredType::Dictionary),
    ("signature", StructuredType::Dictionary),
    ("signature-input", StructuredType::Dictionary),
    ("want-content-digest", StructuredType::Dictionary),
    ("want-repr-digest", StructuredType::Dictionary),
];

/// The types of structured fields: registered fields, and those that the application adds.
#[derive(Clone, Debug, Default)]
pub(super) struct Types(Vec<(HeaderName, StructuredType)>);

impl Types {
    pub(super) fn set(&mut self, name: HeaderName, kind: StructuredType) {
        self.0.retain(|(known, _)| *known != name);
        self.0.push((name, kind));
    }

    fn of(&self, name: &HeaderName) -> Option<StructuredType> {
        let own = self.0.iter().find(|(known, _)| known == name).map(|(_, kind)| *kind);
        own.or_else(|| {
            REGISTERED.iter().find(|(known, _)| *known == name.as_str()).map(|(_, kind)| *kind)
        })
    }
}

/// Returns the value of a covered field (RFC 9421 sections 2.1 to 2.1.3).
pub(super) fn value<'h>(
    head: &'h Parts,
    name: &HeaderName,
    form: &Form,
    types: &Types,
    lines: Option<Lines<'h>>,
) -> Result<Cow<'h, [u8]>, ClaimError> {
    // Almost every signature covers this field.
    if *form == Form::Plain
        && *name == CONTENT_DIGEST
        && let Some(line) = lines.and_then(|lines| lines.digest)
        && line.as_bytes().is_ascii()
    {
        return Ok(Cow::Borrowed(line.as_bytes().trim_ascii()));
    }
    Ok(match text(head, name, form, types)? {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    })
}

fn text<'h>(
    head: &'h Parts,
    name: &HeaderName,
    form: &Form,
    types: &Types,
) -> Result<Cow<'h, str>, ClaimError> {
    let missing = || ClaimError::in_header(name, "is covered and missing");
    match form {
        Form::Plain => joined(head, name)?.ok_or_else(missing),
        Form::Bytes => {
            let lines = head.headers.get_all(name).iter();
            let wrapped: Vec<_> = lines
                .map(|line| format!(":{}:", Encoding::Base64.encode(line.as_bytes().trim_ascii())))
                .collect();
            if wrapped.is_empty() { Err(missing()) } else { Ok(wrapped.join(", ").into()) }
        }
        Form::Strict | Form::Member { .. } => {
            // Each covered member reads the whole field, before anything is verified.
            let value = bounded(head, name).map_err(|error| match error {
                ClaimError::Missing => missing(),
                other => other,
            })?;
            let value = value.as_bytes();
            let strict = match (form, types.of(name)) {
                (Form::Member { key, .. }, _) => member(value, key),
                (_, Some(StructuredType::Dictionary)) => serialized::<Dictionary>(value),
                (_, Some(StructuredType::List)) => serialized::<List>(value),
                (_, Some(StructuredType::Item)) => serialized::<Item>(value),
                (_, None) => None,
            };
            let strict = strict.map(Cow::Owned);
            strict
                .ok_or_else(|| ClaimError::in_header(name, "is not a structured field of its type"))
        }
    }
}

/// Returns all lines of a field, trimmed and joined as in section 2.1. Structured fields are read
/// in the same way (RFC 9651 section 4.2).
fn joined<'h>(head: &'h Parts, name: &HeaderName) -> Result<Option<Cow<'h, str>>, ClaimError> {
    let mut joined: Option<Cow<'h, str>> = None;
    for line in head.headers.get_all(name) {
        let line = trimmed(name, line)?;
        match &mut joined {
            None => joined = Some(Cow::Borrowed(line)),
            Some(joined) => joined.to_mut().extend([", ", line]),
        }
    }
    Ok(joined)
}

fn trimmed<'h>(name: &HeaderName, line: &'h HeaderValue) -> Result<&'h str, ClaimError> {
    let line = wire::ascii(line)
        .ok_or_else(|| ClaimError::in_header(name, "is not ASCII; only `bs` covers such values"))?;
    Ok(line.trim_matches([' ', '\t']))
}

/// Returns all lines of a field that will be parsed, at most 8 KiB together.
pub(super) fn bounded<'h>(head: &'h Parts, name: &HeaderName) -> Result<Cow<'h, str>, ClaimError> {
    let joined = joined(head, name)?.ok_or(ClaimError::Missing)?;
    if joined.len() > MAX_VALUE_LEN {
        return Err(ClaimError::in_header(name, "is longer than 8 KiB"));
    }
    Ok(joined)
}

fn serialized<T: FieldType>(value: &[u8]) -> Option<String> {
    Parser::new(value).parse::<T>().ok()?.serialize().into()
}

fn member(value: &[u8], key: &str) -> Option<String> {
    let mut wanted = Wanted { key, found: Dictionary::new() };
    Parser::new(value).parse_dictionary_with_visitor(&mut wanted).ok()?;
    List::from([wanted.found.swap_remove(key)?]).serialize()
}

/// Reads a whole dictionary and keeps one member.
struct Wanted<'k> {
    key: &'k str,
    found: Dictionary,
}

impl<'h> DictionaryVisitor<'h> for &mut Wanted<'_> {
    type Out = ();
    type Error = Infallible;

    fn entry(&mut self, name: &'h KeyRef) -> Result<impl EntryVisitor<'h>, Infallible> {
        let is_wanted = name.as_str() == self.key;
        is_wanted.then(|| DictionaryVisitor::entry(&mut self.found, name)).transpose()
    }

    fn finish(self) -> Result<(), Infallible> {
        Ok(())
    }
}
