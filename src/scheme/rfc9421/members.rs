use std::convert::Infallible;

use http::HeaderName;
use sfv::visitor::{DictionaryVisitor, EntryVisitor, Ignored, InnerListVisitor, ItemVisitor};
use sfv::{KeyRef, Parser};

use crate::scheme::ClaimError;

/// The maximum number of signatures that one request may carry. With so few, comparing all pairs is
/// cheap.
const MAX_MEMBERS: usize = 16;

/// A member of a dictionary.
pub(super) struct Member<'h, T> {
    pub(super) label: &'h str,
    /// The value as sent, after `label=`.
    pub(super) raw: &'h str,
    /// The parsed value.
    pub(super) value: T,
}

/// Splits a dictionary field into its members, and keeps their text as sent. Rejects a duplicate
/// label, although structured fields would use the last one.
pub(super) fn members<'h, T>(
    name: &HeaderName,
    text: &'h str,
) -> Result<Vec<Member<'h, T>>, ClaimError>
where
    T: Default,
    for<'a> &'a mut T: EntryVisitor<'h>,
{
    let mut members = Vec::new();
    Parser::new(text)
        .parse_dictionary_with_visitor(Members(&mut members))
        .map_err(|_| ClaimError::in_header(name, "is not a structured dictionary"))?;
    if members.len() > MAX_MEMBERS {
        return Err(ClaimError::in_header(name, "has more than 16 signatures"));
    }
    let mut end = text.len();
    for member in members.iter_mut().rev() {
        let start = offset(text, member.label);
        member.raw = start
            .and_then(|start| start.checked_add(member.label.len()))
            .and_then(|start| text.get(start..end))
            .and_then(|raw| raw.strip_prefix('='))
            .map(|raw| raw.trim_end_matches([' ', '\t']))
            // The next label follows the comma that ended this member.
            .map(|raw| raw.strip_suffix(',').unwrap_or(raw).trim_end_matches([' ', '\t']))
            .ok_or_else(|| ClaimError::in_header(name, "has a label without a value"))?;
        end = start.unwrap_or_default();
    }
    let twice = |(place, member): (usize, &Member<'h, T>)| {
        members.iter().take(place).any(|other| other.label == member.label)
    };
    if members.iter().enumerate().any(twice) {
        return Err(ClaimError::in_header(name, "has a label twice"));
    }
    Ok(members)
}

/// Returns the offset of a part of a string: the parser returns labels as slices of its input.
fn offset(text: &str, part: &str) -> Option<usize> {
    part.as_ptr().addr().checked_sub(text.as_ptr().addr())
}

struct Members<'a, 'h, T>(&'a mut Vec<Member<'h, T>>);

impl<'h, T> DictionaryVisitor<'h> for Members<'_, 'h, T>
where
    T: Default,
    for<'a> &'a mut T: EntryVisitor<'h>,
{
    type Out = ();
    type Error = Infallible;

    fn entry(&mut self, label: &'h KeyRef) -> Result<impl EntryVisitor<'h>, Infallible> {
        if self.0.len() > MAX_MEMBERS {
            return Ok(None);
        }
        self.0.push(Member { label: label.as_str(), raw: "", value: T::default() });
        Ok(self.0.last_mut().map(|member| &mut member.value))
    }

    fn finish(self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// A value that is not parsed, because only its text is needed.
#[derive(Default)]
pub(super) struct Unread;

impl<'h> EntryVisitor<'h> for &mut Unread {
    type Error = Infallible;

    fn item(self) -> Result<impl ItemVisitor<'h>, Infallible> {
        Ok(Ignored)
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'h>, Infallible> {
        Ok(Ignored)
    }
}
