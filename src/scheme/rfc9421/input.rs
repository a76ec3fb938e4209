use std::borrow::Cow;
use std::convert::Infallible;

use http::HeaderName;
use sfv::visitor::{
    DictionaryVisitor, EntryVisitor, Ignored, InnerListVisitor, ItemVisitor, ListVisitor,
    ParameterVisitor,
};
use sfv::{BareItemFromInput, KeyRef, List, ListEntry, Parser, StringRef};

use super::component::{Component, Draft};
use crate::scheme::ClaimError;

/// What is wrong with a member of `Signature-Input`.
pub(super) type Fault = &'static str;

/// A member of a dictionary.
#[derive(Clone, Copy)]
pub(super) struct Member<'h> {
    pub(super) label: &'h str,
    /// Its value as it was sent: what stands behind `label=`.
    pub(super) raw: &'h str,
}

/// Cuts a dictionary field into its members as they were sent. A label twice is refused, where
/// structured fields would let the last one win.
pub(super) fn members<'h>(name: &HeaderName, text: &'h str) -> Result<Vec<Member<'h>>, ClaimError> {
    let mut labels = Vec::with_capacity(1);
    Parser::new(text)
        .parse_dictionary_with_visitor(Labels(&mut labels))
        .map_err(|_| ClaimError::in_header(name, "is no structured dictionary"))?;
    let mut members: Vec<Member<'h>> = Vec::with_capacity(labels.len());
    for (place, label) in labels.iter().enumerate() {
        if members.iter().any(|member| member.label == *label) {
            return Err(ClaimError::in_header(name, "has a label twice"));
        }
        let end = match place.checked_add(1).and_then(|next| labels.get(next)) {
            Some(next) => offset(text, next),
            None => Some(text.len()),
        };
        let raw = offset(text, label)
            .and_then(|start| start.checked_add(label.len()))
            .and_then(|start| text.get(start..end?))
            .and_then(|raw| raw.strip_prefix('='))
            .map(|raw| raw.trim_end_matches([' ', '\t']))
            // Before the next label stands the one comma that ended this member.
            .map(|raw| raw.strip_suffix(',').unwrap_or(raw).trim_end_matches([' ', '\t']))
            .ok_or_else(|| ClaimError::in_header(name, "has a label without a value"))?;
        members.push(Member { label, raw });
    }
    Ok(members)
}

/// Where a part of a text begins in it: the parser hands out labels as parts of its input.
fn offset(text: &str, part: &str) -> Option<usize> {
    part.as_ptr().addr().checked_sub(text.as_ptr().addr())
}

struct Labels<'a, 'h>(&'a mut Vec<&'h str>);

impl<'h> DictionaryVisitor<'h> for Labels<'_, 'h> {
    type Out = ();
    type Error = Infallible;

    fn entry(&mut self, label: &'h KeyRef) -> Result<impl EntryVisitor<'h>, Infallible> {
        self.0.push(label.as_str());
        Ok(Ignored)
    }

    fn finish(self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// The `tag` of a member of which nothing else is asked: it may be another party's.
pub(super) fn tag_of(raw: &str) -> Option<String> {
    let list: List = Parser::new(raw).parse().ok()?;
    match list.first()? {
        ListEntry::InnerList(inner) => {
            Some(inner.params.get("tag")?.as_string()?.as_str().to_owned())
        }
        ListEntry::Item(_) => None,
    }
}

/// A member of `Signature-Input`: the covered components and the signature's parameters.
#[derive(Default)]
pub(super) struct Input<'h> {
    pub(super) components: Vec<Component>,
    pub(super) parameters: Parameters<'h>,
    fault: Option<Fault>,
    lists: usize,
}

/// The parameters of a signature (RFC 9421 section 2.3). Others are refused: this format knows no
/// meaning for them.
#[derive(Default)]
pub(super) struct Parameters<'h> {
    pub(super) created: Option<i64>,
    pub(super) expires: Option<i64>,
    pub(super) nonce: Text<'h>,
    pub(super) alg: Text<'h>,
    pub(super) keyid: Text<'h>,
    pub(super) tag: Text<'h>,
    any: bool,
}

type Text<'h> = Option<Cow<'h, StringRef>>;

impl<'h> Input<'h> {
    /// Reads one member: an inner list with its parameters.
    pub(super) fn parse(raw: &'h str) -> Result<Self, Fault> {
        let mut input = Self::default();
        Parser::new(raw)
            .parse_list_with_visitor(Members(&mut input))
            .map_err(|_| "is no list of components")?;
        match (input.fault, input.lists) {
            (Some(fault), _) => Err(fault),
            (None, 1) => Ok(input),
            (None, _) => Err("is no list of components"),
        }
    }

    /// The components alone, if there are no parameters.
    pub(super) fn into_bare_list(self) -> Option<Vec<Component>> {
        (!self.parameters.any).then_some(self.components)
    }

    fn keep(&mut self, component: Result<Component, Fault>) {
        let fault = match component {
            Ok(component) if self.components.iter().any(|c| c.kind() == component.kind()) => {
                "covers a component twice"
            }
            Ok(component) => return self.components.push(component),
            Err(fault) => fault,
        };
        self.fault.get_or_insert(fault);
    }
}

impl<'h> Parameters<'h> {
    fn set(&mut self, key: &KeyRef, value: BareItemFromInput<'h>) -> Result<(), Fault> {
        self.any = true;
        let fresh = match (key.as_str(), value) {
            ("created", value) => self.created.replace(seconds(&value)?).is_none(),
            ("expires", value) => self.expires.replace(seconds(&value)?).is_none(),
            ("nonce", BareItemFromInput::String(text)) => self.nonce.replace(text).is_none(),
            ("alg", BareItemFromInput::String(text)) => self.alg.replace(text).is_none(),
            ("keyid", BareItemFromInput::String(text)) => self.keyid.replace(text).is_none(),
            ("tag", BareItemFromInput::String(text)) => self.tag.replace(text).is_none(),
            ("nonce" | "alg" | "keyid" | "tag", _) => {
                return Err("has a parameter that is no text");
            }
            _ => return Err("has a parameter that this format does not know"),
        };
        if fresh { Ok(()) } else { Err("has a parameter twice") }
    }
}

/// A time in Unix seconds. Structured integers have at most 15 digits.
fn seconds(value: &BareItemFromInput<'_>) -> Result<i64, Fault> {
    match value {
        BareItemFromInput::Integer(seconds) if i64::from(*seconds) >= 0 => Ok((*seconds).into()),
        _ => Err("has a time that is no count of seconds"),
    }
}

struct Members<'a, 'h>(&'a mut Input<'h>);

impl<'h> ListVisitor<'h> for Members<'_, 'h> {
    type Out = ();
    type Error = Infallible;

    fn entry(&mut self) -> Result<impl EntryVisitor<'h>, Infallible> {
        self.0.lists = self.0.lists.saturating_add(1);
        Ok(Members(self.0))
    }

    fn finish(self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl<'h> EntryVisitor<'h> for Members<'_, 'h> {
    type Error = Infallible;

    fn item(self) -> Result<impl ItemVisitor<'h>, Infallible> {
        self.0.fault.get_or_insert("is no list of components");
        Ok(Ignored)
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'h>, Infallible> {
        Ok(self)
    }
}

impl<'h> InnerListVisitor<'h> for Members<'_, 'h> {
    type Error = Infallible;

    fn item(&mut self) -> Result<impl ItemVisitor<'h>, Infallible> {
        Ok(Members(self.0))
    }

    fn finish(self) -> Result<impl ParameterVisitor<'h>, Infallible> {
        Ok(self)
    }
}

impl<'h> ItemVisitor<'h> for Members<'_, 'h> {
    type Out = ();
    type Error = Infallible;

    fn bare_item(
        self,
        name: BareItemFromInput<'h>,
    ) -> Result<impl ParameterVisitor<'h, Out = ()>, Infallible> {
        Ok(Identifier { draft: Draft::new(name), input: self.0 })
    }
}

impl<'h> ParameterVisitor<'h> for Members<'_, 'h> {
    type Out = ();
    type Error = Infallible;

    fn parameter(
        &mut self,
        key: &'h KeyRef,
        value: BareItemFromInput<'h>,
    ) -> Result<(), Infallible> {
        if let Err(fault) = self.0.parameters.set(key, value) {
            self.0.fault.get_or_insert(fault);
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// One covered component and its parameters.
struct Identifier<'a, 'h> {
    draft: Result<Draft<'h>, Fault>,
    input: &'a mut Input<'h>,
}

impl<'h> ParameterVisitor<'h> for Identifier<'_, 'h> {
    type Out = ();
    type Error = Infallible;

    fn parameter(
        &mut self,
        key: &'h KeyRef,
        value: BareItemFromInput<'h>,
    ) -> Result<(), Infallible> {
        if let Ok(draft) = &mut self.draft
            && let Err(fault) = draft.parameter(key, &value)
        {
            self.draft = Err(fault);
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Infallible> {
        self.input.keep(self.draft.and_then(Draft::finish));
        Ok(())
    }
}
