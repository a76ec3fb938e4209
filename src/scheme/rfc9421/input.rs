use std::borrow::Cow;
use std::convert::Infallible;

use sfv::visitor::{
    EntryVisitor, Ignored, InnerListVisitor, ItemVisitor, ListVisitor, ParameterVisitor,
};
use sfv::{BareItemFromInput, ItemSerializer, KeyRef, Parser, StringRef};

use super::component::{Component, Draft, Fault, Form, Kind};
use crate::error::ConfigError;
use crate::key::KeyId;
use crate::scheme::Claim;

/// The maximum number of components that one signature may cover. With so few, comparing all pairs
/// is cheap.
const MAX_COMPONENTS: usize = 64;

/// A member of `Signature-Input`: the covered components and the signature's parameters. The member
/// may belong to another party, so an error is only reported if the member is selected.
#[derive(Default)]
pub(super) struct Input<'h> {
    pub(super) components: Vec<Component>,
    pub(super) parameters: Parameters<Cow<'h, [u8]>>,
    /// All parameters, serialized in the order of arrival.
    serialized: String,
    fault: Option<Fault>,
    lists: usize,
}

/// The parameters of a signature (RFC 9421 section 2.3). Unknown parameters are rejected.
#[derive(Default)]
pub(super) struct Parameters<T> {
    pub(super) created: Option<i64>,
    pub(super) expires: Option<i64>,
    pub(super) nonce: Option<T>,
    pub(super) alg: Option<T>,
    pub(super) keyid: Option<T>,
    pub(super) tag: Option<T>,
}

impl<'h> Input<'h> {
    /// Reads one member: an inner list with its parameters.
    pub(super) fn parse(raw: &'h str) -> Result<Self, Fault> {
        let mut input = Self::default();
        Parser::new(raw)
            .parse_list_with_visitor(&mut input)
            .map_err(|_| "is not a list of components")?;
        if input.lists == 1 { input.checked() } else { Err("is not a list of components") }
    }

    /// Returns the member, or its error if a part of it could not be parsed.
    pub(super) fn checked(self) -> Result<Self, Fault> {
        match self.fault {
            Some(fault) => Err(fault),
            None => Ok(self),
        }
    }

    /// Returns only the components, if there are no parameters.
    fn into_bare_list(self) -> Option<Vec<Component>> {
        self.serialized.is_empty().then_some(self.components)
    }

    /// Returns the value of `@signature-params`: the parsed member, serialized again (RFC 9421
    /// sections 2.3 and 3.2). The sent text may differ in spaces and in the form of the values.
    pub(super) fn serialized(&self) -> String {
        list(&self.components) + &self.serialized
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

impl<T: AsRef<[u8]>> Parameters<T> {
    pub(super) fn tag(&self) -> Option<&[u8]> {
        self.tag.as_ref().map(AsRef::as_ref)
    }

    /// Adds the parameters to a claim.
    pub(super) fn add_to(&self, claim: &mut Claim) -> Result<(), Fault> {
        if let Some(keyid) = &self.keyid {
            let keyid =
                str::from_utf8(keyid.as_ref()).map_err(|_| "has a `keyid` that is not text")?;
            claim.set_key_id(KeyId::new(keyid).map_err(|_| "has an empty `keyid`")?);
        }
        claim.set_times(self.created, self.expires);
        if let Some(nonce) = &self.nonce {
            claim.set_nonce(nonce.as_ref());
        }
        Ok(())
    }
}

impl<'h> Parameters<Cow<'h, [u8]>> {
    fn set(&mut self, key: &KeyRef, value: BareItemFromInput<'h>) -> Result<(), Fault> {
        let fresh = match (key.as_str(), value) {
            ("created", value) => self.created.replace(seconds(&value)?).is_none(),
            ("expires", value) => self.expires.replace(seconds(&value)?).is_none(),
            ("nonce", BareItemFromInput::String(text)) => self.nonce.replace(plain(text)).is_none(),
            ("alg", BareItemFromInput::String(text)) => self.alg.replace(plain(text)).is_none(),
            ("keyid", BareItemFromInput::String(text)) => self.keyid.replace(plain(text)).is_none(),
            ("tag", BareItemFromInput::String(text)) => self.tag.replace(plain(text)).is_none(),
            ("nonce" | "alg" | "keyid" | "tag", _) => {
                return Err("has a parameter that is not text");
            }
            _ => return Err("has an unknown parameter"),
        };
        if fresh { Ok(()) } else { Err("has a parameter twice") }
    }
}

fn plain(text: Cow<'_, StringRef>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_str().as_bytes()),
        Cow::Owned(text) => Cow::Owned(String::from(text).into_bytes()),
    }
}

/// Reads a setting: a bare name such as `@method`, or an identifier as written in
/// `Signature-Input`, such as `"@query-param";name="a"`.
pub(super) fn component(text: &str, setting: &'static str) -> Result<Component, ConfigError> {
    let list = if text.starts_with('"') { format!("({text})") } else { format!("(\"{text}\")") };
    let mut parsed = Input::parse(&list)
        .map_err(|why| ConfigError::invalid(setting, why))?
        .into_bare_list()
        .ok_or_else(|| ConfigError::invalid(setting, "is not a component identifier"))?;
    let (Some(component), None) = (parsed.pop(), parsed.pop()) else {
        return Err(ConfigError::invalid(setting, "is more than one component identifier"));
    };
    match component.kind() {
        // A signature cannot cover the field that will contain it.
        Kind::Field(name, form)
            if !matches!(form, Form::Member { .. })
                && (*name == super::SIGNATURE || *name == super::SIGNATURE_INPUT) =>
        {
            Err(ConfigError::invalid(setting, "a signature cannot cover its own field"))
        }
        _ => Ok(component),
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

/// Parses a time in Unix seconds. Structured integers have at most 15 digits.
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
        self.serialized.extend([";", key.as_str(), "="]);
        let _ = ItemSerializer::with_buffer(&mut self.serialized).bare_item(&value).finish();
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
