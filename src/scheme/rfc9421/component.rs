use std::borrow::Cow;

use http::HeaderName;
use sfv::{BareItemFromInput, KeyRef, StringRef};

use super::DIGESTS;
use crate::crypto::Algorithm;

/// The description of an error in a member of `Signature-Input`.
pub(super) type Fault = &'static str;

/// A covered component: its kind, and its serialized identifier (RFC 9421 section 2).
#[derive(Clone, Debug)]
pub(super) struct Component {
    /// The beginning of its line in the base: a line feed, the serialized identifier, and `: `.
    line_start: Cow<'static, str>,
    kind: Kind,
}

/// The kind of a component. Two identifiers name the same component if their kinds are equal: the
/// order of their parameters does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Method,
    TargetUri,
    Authority,
    Scheme,
    RequestTarget,
    Path,
    Query,
    QueryParam(String),
    Field(HeaderName, Form),
}

/// The form of a field's value in the base (sections 2.1 to 2.1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The value as it was sent.
    Plain,
    /// `sf`: as a structured field, serialized strictly.
    Strict,
    /// `key`: one member of a dictionary, serialized strictly with or without `sf`.
    Member { key: String, sf: bool },
    /// `bs`: each line as a byte sequence.
    Bytes,
}

impl Component {
    /// Makes a common component without parameters.
    pub(super) fn named(name: &str) -> Option<Self> {
        let (line_start, kind) = match name {
            "@method" => ("\n\"@method\": ", Kind::Method),
            "@target-uri" => ("\n\"@target-uri\": ", Kind::TargetUri),
            "@authority" => ("\n\"@authority\": ", Kind::Authority),
            "@scheme" => ("\n\"@scheme\": ", Kind::Scheme),
            "@request-target" => ("\n\"@request-target\": ", Kind::RequestTarget),
            "@path" => ("\n\"@path\": ", Kind::Path),
            "@query" => ("\n\"@query\": ", Kind::Query),
            "content-digest" => {
                ("\n\"content-digest\": ", Kind::Field(super::CONTENT_DIGEST, Form::Plain))
            }
            _ => return None,
        };
        Some(Self { line_start: Cow::Borrowed(line_start), kind })
    }

    /// The identifier, serialized.
    pub(super) fn identifier(&self) -> &str {
        identifier(&self.line_start)
    }

    /// Returns the identifier, without a copy for common components.
    pub(super) fn shared_identifier(&self) -> Cow<'static, str> {
        match &self.line_start {
            Cow::Borrowed(line) => Cow::Borrowed(identifier(line)),
            Cow::Owned(line) => Cow::Owned(identifier(line).to_owned()),
        }
    }

    /// Returns the beginning of the component's line in the signature base, with the line feed
    /// before it.
    pub(super) fn line_start(&self) -> &str {
        &self.line_start
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Returns whether the component is a whole field as it was sent.
    pub(super) fn is_content_digest(&self) -> bool {
        self.kind == Kind::Field(super::CONTENT_DIGEST, Form::Plain)
    }

    /// Returns whether the component is `content-digest` in any form.
    pub(super) fn is_of_content_digest(&self) -> bool {
        matches!(&self.kind, Kind::Field(name, _) if *name == super::CONTENT_DIGEST)
    }

    /// Returns whether the component covers a digest of the body: the whole field in any form, or
    /// the member of a known hash.
    pub(super) fn covers_body(&self) -> bool {
        match &self.kind {
            Kind::Field(name, Form::Member { .. }) if *name == super::CONTENT_DIGEST => {
                self.covered_digest().is_some()
            }
            _ => self.is_of_content_digest(),
        }
    }

    /// Returns the hash of a digest covered as a separate member, if it is a known hash.
    pub(super) fn covered_digest(&self) -> Option<Algorithm> {
        match &self.kind {
            Kind::Field(name, Form::Member { key, .. }) if *name == super::CONTENT_DIGEST => {
                DIGESTS.iter().find(|(name, _)| *name == key).map(|(_, algorithm)| *algorithm)
            }
            _ => None,
        }
    }
}

fn identifier(line_start: &str) -> &str {
    line_start.strip_prefix('\n').and_then(|line| line.strip_suffix(": ")).unwrap_or(line_start)
}

/// An identifier while it is being parsed.
pub(super) struct Draft<'de> {
    name: Cow<'de, StringRef>,
    /// The parameters, serialized in the order of arrival.
    parameters: String,
    sf: bool,
    bs: bool,
    key: Option<String>,
    query_name: Option<String>,
}

impl<'de> Draft<'de> {
    pub(super) fn new(name: BareItemFromInput<'de>) -> Result<Self, Fault> {
        let BareItemFromInput::String(name) = name else {
            return Err("covers a component that is not text");
        };
        Ok(Self {
            name,
            parameters: String::new(),
            sf: false,
            bs: false,
            key: None,
            query_name: None,
        })
    }

    pub(super) fn parameter(
        &mut self,
        key: &KeyRef,
        value: &BareItemFromInput<'de>,
    ) -> Result<(), Fault> {
        let fresh = match (key.as_str(), value) {
            ("sf", BareItemFromInput::Boolean(true)) => !std::mem::replace(&mut self.sf, true),
            ("bs", BareItemFromInput::Boolean(true)) => !std::mem::replace(&mut self.bs, true),
            ("key", BareItemFromInput::String(text)) => {
                // Only a dictionary key can name a member. A key needs no escapes here.
                KeyRef::from_str(text.as_str())
                    .map_err(|_| "names a member that is not a dictionary key")?;
                self.key.replace(text.as_str().to_owned()).is_none()
            }
            ("name", BareItemFromInput::String(text)) => {
                if !text.as_str().bytes().all(is_form_encoded) {
                    return Err("names a query parameter that is not percent-encoded");
                }
                self.query_name.replace(text.as_str().to_owned()).is_none()
            }
            _ => return Err("has a component with a parameter that requests do not have"),
        };
        if !fresh {
            return Err("has a component with a parameter twice");
        }
        self.parameters.push(';');
        self.parameters.push_str(key.as_str());
        if let BareItemFromInput::String(text) = value {
            self.parameters.push_str("=\"");
            self.parameters.push_str(text.as_str());
            self.parameters.push('"');
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Component, Fault> {
        let name = self.name.as_str();
        if self.parameters.is_empty()
            && let Some(component) = Component::named(name)
        {
            return Ok(component);
        }
        let kind = match (self.key, self.sf, self.bs, self.query_name) {
            (None, false, false, Some(parameter)) if name == "@query-param" => {
                Kind::QueryParam(parameter)
            }
            _ if name.starts_with('@') => {
                return Err("covers an unknown component, or one with a wrong parameter");
            }
            (key, sf, bs, None) => {
                let field = HeaderName::from_lowercase(name.as_bytes())
                    .map_err(|_| "covers a component that is not a field name in lower case")?;
                Kind::Field(field, Form::new(key, sf, bs)?)
            }
            _ => return Err("names a query parameter of a field"),
        };
        let line_start = ["\n\"", name, "\"", &self.parameters, ": "].concat();
        Ok(Component { line_start: Cow::Owned(line_start), kind })
    }
}

impl Form {
    fn new(key: Option<String>, sf: bool, bs: bool) -> Result<Self, Fault> {
        match (key, sf, bs) {
            (None, false, false) => Ok(Self::Plain),
            (None, true, false) => Ok(Self::Strict),
            (Some(key), sf, false) => Ok(Self::Member { key, sf }),
            (None, false, true) => Ok(Self::Bytes),
            (_, _, true) => Err("has a component with parameters that exclude each other"),
        }
    }
}

/// Returns whether a byte occurs in the form encoding of section 2.2.8.
fn is_form_encoded(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"*-._%".contains(&byte)
}
