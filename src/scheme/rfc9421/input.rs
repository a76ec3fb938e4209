use std::borrow::Cow;
use std::convert::Infallible;

use sfv::visitor::{
    EntryVisitor, Ignored, InnerListVisitor, ItemVisitor, ListVisitor, ParameterVisitor,
};
use sfv::{BareItemFromInput, ItemSerializer, KeyRef, Parser, StringRef};

use super::component::{Component, Draft};
use crate::key::KeyId;
use crate::scheme::Claim;

/// What is wrong with a member of `Signature-Input`.
pub(super) type Fault = &'static str;

/// The most components that one signature may cover: comparing all pairs of so few is cheap.
const MAX_COMPONENTS: usize = 64;

/// A member of `Signature-Input`: the covered components and the signature's parameters. It may
/// belong to another party, so an error is kept and only reported if this member is selected.
#[derive(Default)]
pub(super) struct Input<'h> {
    pub(super) components: Vec<Component>,
    pub(super) parameters: Parameters<'h>,
    fault: Option<Fault>,
    lists: usize,
}

/// The parameters of a signature (RFC 9421 section 2.3). Unknown parameters are rejected.
#[derive(Default)]
pub(super) struct Parameters<'h> {
    /// All of them, serialized in the order of arrival.
    serialized: String,
    pub(super) created: Option<i64>,
    pub(super) expires: Option<i64>,
    pub(super) nonce: Text<'h>,
    pub(super) alg: Text<'h>,
    pub(super) keyid: Text<'h>,
    pub(super) tag: Text<'h>,
}

type Text<'h> = Option<Cow<'h, StringRef>>;

impl<'h> Input<'h> {
    /// Reads one member: an inner list with its parameters.
    pub(super) fn parse(raw: &'h str) -> Result<Self, Fault> {
        let mut input = Self::default();
        Parser::new(raw)
            .parse_list_with_visitor(&mut input)
            .map_err(|_| "is not a list of components")?;
        if input.lists == 1 { input.checked() } else { Err("is not a list of components") }
    }

    /// Returns the member, or its error if it was not understood as a whole.
    pub(super) fn checked(self) -> Result<Self, Fault> {
        match self.fault {
            Some(fault) => Err(fault),
            None => Ok(self),
        }
    }

    /// Returns the components alone, if there are no parameters.
    pub(super) fn into_bare_list(self) -> Option<Vec<Component>> {
        self.parameters.serialized.is_empty().then_some(self.components)
    }

    /// Returns the value of `@signature-params`: what was read, serialized again (RFC 9421 sections
    /// 2.3 and 3.2). The sent text may have other spaces and other forms of the same values.
    pub(super) fn serialized(&self) -> String {
        list(&self.components) + &self.parameters.serialized
    }

    fn keep(&mut self, component: Result<Component, Fault>) {
        let fault = match component {
            Ok(_) if self.components.len() >= MAX_COMPONENTS => "covers more than 64 components",
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
    pub(super) fn tag(&self) -> Option<&str> {
        self.tag.as_ref().map(|tag| tag.as_str())
    }

    /// Adds the parameters to a claim.
    pub(super) fn claimed(&self, mut claim: Claim) -> Result<Claim, Fault> {
        if let Some(keyid) = &self.keyid {
            let key_id = KeyId::new(keyid.as_str()).map_err(|_| "has an empty `keyid`")?;
            claim = claim.with_key_id(key_id);
        }
        if let Some(created) = self.created {
            claim = claim.with_created(created);
        }
        if let Some(expires) = self.expires {
            claim = claim.with_expires(expires);
        }
        if let Some(nonce) = &self.nonce {
            claim = claim.with_nonce(nonce.as_str().as_bytes());
        }
        Ok(claim)
    }

    fn set(&mut self, key: &KeyRef, value: BareItemFromInput<'h>) -> Result<(), Fault> {
        self.serialized.extend([";", key.as_str(), "="]);
        let _ = ItemSerializer::with_buffer(&mut self.serialized).bare_item(&value).finish();
        let fresh = match (key.as_str(), value) {
            ("created", value) => self.created.replace(seconds(&value)?).is_none(),
            ("expires", value) => self.expires.replace(seconds(&value)?).is_none(),
            ("nonce", BareItemFromInput::String(text)) => self.nonce.replace(text).is_none(),
            ("alg", BareItemFromInput::String(text)) => self.alg.replace(text).is_none(),
            ("keyid", BareItemFromInput::String(text)) => self.keyid.replace(text).is_none(),
            ("tag", BareItemFromInput::String(text)) => self.tag.replace(text).is_none(),
            ("nonce" | "alg" | "keyid" | "tag", _) => {
                return Err("has a parameter that is not text");
            }
            _ => return Err("has an unknown parameter"),
        };
        if fresh { Ok(()) } else { Err("has a parameter twice") }
    }
}

/// Serializes the inner list of these components.
pub(super) fn list(components: &[Component]) -> String {
    let mut text = String::with_capacity(128);
    for component in components {
        text.push(if text.is_empty() { '(' } else { ' ' });
        text.push_str(component.identifier());
    }
    if text.is_empty() {
        text.push('(');
    }
    text.push(')');
    text
}

/// A time in Unix seconds. Structured integers have at most 15 digits.
fn seconds(value: &BareItemFromInput<'_>) -> Result<i64, Fault> {
    match value {
        BareItemFromInput::Integer(seconds) if i64::from(*seconds) >= 0 => Ok((*seconds).into()),
        BareItemFromInput::Decimal(_) => Err("has a time with a fraction; expected whole seconds"),
        BareItemFromInput::String(_) => Err("has a time that is text; expected whole seconds"),
        _ => Err("has a time that is not whole seconds"),
    }
}

impl<'h> ListVisitor<'h> for &mut Input<'h> {
    type Out = ();
    type Error = Infallible;

    fn entry(&mut self) -> Result<impl EntryVisitor<'h>, Infallible> {
        self.lists = self.lists.saturating_add(1);
        Ok(&mut **self)
    }

    fn finish(self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl<'h> EntryVisitor<'h> for &mut Input<'h> {
    type Error = Infallible;

    fn item(self) -> Result<impl ItemVisitor<'h>, Infallible> {
        self.fault.get_or_insert("is not a list of components");
        Ok(Ignored)
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'h>, Infallible> {
        self.components.reserve(8);
        Ok(self)
    }
}

impl<'h> InnerListVisitor<'h> for &mut Input<'h> {
    type Error = Infallible;

    fn item(&mut self) -> Result<impl ItemVisitor<'h>, Infallible> {
        Ok(&mut **self)
    }

    fn finish(self) -> Result<impl ParameterVisitor<'h>, Infallible> {
        Ok(self)
    }
}

impl<'h> ItemVisitor<'h> for &mut Input<'h> {
    type Out = ();
    type Error = Infallible;

    fn bare_item(
        self,
        name: BareItemFromInput<'h>,
    ) -> Result<impl ParameterVisitor<'h, Out = ()>, Infallible> {
        Ok(Identifier { draft: Draft::new(name), input: self })
    }
}

impl<'h> ParameterVisitor<'h> for &mut Input<'h> {
    type Out = ();
    type Error = Infallible;

    fn parameter(
        &mut self,
        key: &'h KeyRef,
        value: BareItemFromInput<'h>,
    ) -> Result<(), Infallible> {
        if let Err(fault) = self.parameters.set(key, value) {
            self.fault.get_or_insert(fault);
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
