//! A signing string in parts, including the method, the path and the query.

use std::borrow::Cow;

use http::request::Parts;

use crate::explain::text::Segment;
use crate::explain::trial::Trial;

/// The role of a part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Method,
    Path,
    /// The query, without its `?`.
    Query,
    Separator,
    Other,
}

/// The parts of a string, each with its bytes.
#[derive(Clone)]
pub(super) struct Segments<'t>(Vec<(Role, Cow<'t, [u8]>)>);

impl<'t> Segments<'t> {
    pub(super) fn of(trial: &'t Trial<'_>) -> Self {
        let mut parts = Vec::new();
        for segment in trial.text.segments() {
            push(segment, trial.head, &mut parts);
        }
        let parts = parts.into_iter().map(|(role, bytes)| (role, Cow::Borrowed(bytes)));
        Self(parts.collect())
    }

    pub(super) fn pieces(&self) -> Vec<&[u8]> {
        self.0.iter().map(|(_, bytes)| &**bytes).collect()
    }

    /// Returns the text with each part of this role changed, or `None` if nothing changes.
    pub(super) fn changed(
        &self,
        role: Role,
        change: &dyn Fn(&str) -> Option<String>,
    ) -> Option<Self> {
        self.mapped(|is, bytes| {
            let text = std::str::from_utf8(bytes).ok().filter(|_| is == role)?;
            change(text).map(String::into_bytes)
        })
    }

    /// Returns the text with every separator replaced.
    pub(super) fn separated_by(&self, separator: &[u8]) -> Option<Self> {
        self.mapped(|role, _| (role == Role::Separator).then(|| separator.to_vec()))
    }

    /// Returns the text without the query and the `?` before it.
    pub(super) fn without_query(&self) -> Option<Self> {
        let mut parts = self.without_mark().unwrap_or_else(|| self.clone());
        let len = parts.0.len();
        parts.0.retain(|(role, _)| *role != Role::Query);
        (parts.0.len() < len).then_some(parts)
    }

    /// Returns the text with a `?` before the query.
    pub(super) fn with_mark(&self) -> Option<Self> {
        self.changed(Role::Query, &|query| Some(format!("?{query}")))
    }

    /// Returns the text without the `?` before the query.
    pub(super) fn without_mark(&self) -> Option<Self> {
        let mut parts = self.clone();
        let query = parts.0.iter().position(|(role, _)| *role == Role::Query)?;
        let (_, before) = parts.0.get_mut(query.checked_sub(1)?)?;
        *before = before.strip_suffix(b"?")?.to_vec().into();
        Some(parts)
    }

    fn mapped(&self, change: impl Fn(Role, &[u8]) -> Option<Vec<u8>>) -> Option<Self> {
        let mut mapped = self.clone();
        let mut is_changed = false;
        for (role, bytes) in &mut mapped.0 {
            if let Some(other) = change(*role, bytes).filter(|other| **other != **bytes) {
                *bytes = other.into();
                is_changed = true;
            }
        }
        is_changed.then_some(mapped)
    }
}

/// Adds a named part, or the parts found in text that the scheme did not name.
fn push<'t>(segment: Segment<'t>, head: &Parts, parts: &mut Vec<(Role, &'t [u8])>) {
    let Segment { name, bytes } = segment;
    match name.trim_start_matches('@') {
        "method" => parts.push((Role::Method, bytes)),
        "path" => parts.push((Role::Path, bytes)),
        "query" => match bytes.strip_prefix(b"?") {
            Some(query) => parts
                .extend([(Role::Other, bytes.get(..1).unwrap_or_default()), (Role::Query, query)]),
            None => parts.push((Role::Query, bytes)),
        },
        "literal" if is_separator(bytes) => parts.push((Role::Separator, bytes)),
        "" | "target-uri" | "request-target" | "url" => push_found(bytes, head, parts),
        _ => parts.push((Role::Other, bytes)),
    }
}

/// The longest value that is searched for in a string, in bytes.
const LONGEST: usize = 1024;

/// Splits a string that contains the path of the request, with the method before it and the query
/// after it.
fn push_found<'t>(text: &'t [u8], head: &Parts, parts: &mut Vec<(Role, &'t [u8])>) {
    let (before, path, after) = cut(text, head.uri.path());
    let (method, query) = (head.method.as_str(), head.uri.query().unwrap_or_default());
    let (start, method, between) = cut(before, method);
    let (mark, query, end) = cut(after, query);
    let found = [
        (Role::Other, start),
        (Role::Method, method),
        (Role::Other, between),
        (Role::Path, path),
        (Role::Other, mark),
        (Role::Query, query),
        (Role::Other, end),
    ];
    let found = found.into_iter().filter(|(_, bytes)| !bytes.is_empty());
    parts.extend(found.map(|(role, bytes)| match role {
        Role::Other if is_separator(bytes) => (Role::Separator, bytes),
        _ => (role, bytes),
    }));
}

/// Splits text into what comes before a value, the value, and what comes after. If the value is
/// absent, the first part is the whole text.
fn cut<'t>(text: &'t [u8], value: &str) -> (&'t [u8], &'t [u8], &'t [u8]) {
    let found = (1..=LONGEST).contains(&value.len()).then(|| {
        let start = text.windows(value.len()).position(|window| window == value.as_bytes())?;
        let (before, rest) = text.split_at_checked(start)?;
        let (value, after) = rest.split_at_checked(value.len())?;
        Some((before, value, after))
    });
    found.flatten().unwrap_or((text, &[], &[]))
}

/// Returns whether a string has at most two bytes, none of them a letter or a digit.
fn is_separator(text: &[u8]) -> bool {
    (1..=2).contains(&text.len()) && !text.iter().any(u8::is_ascii_alphanumeric)
}
