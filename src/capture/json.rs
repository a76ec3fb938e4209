//! Parses `{"method", "url", "headers", "body" | "body_base64"}`, and the parts that HAR shares.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::capture::draft::{self, Draft, Fault, MARK};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {
    method: MethodText,
    #[serde(alias = "target")]
    url: UrlText,
    #[serde(default)]
    headers: Headers,
    body: Option<String>,
    body_base64: Option<Base64Text>,
}

pub(super) fn read(text: &[u8]) -> Result<Draft, Fault> {
    let plain: Plain = parse(text)?;
    let body = match (plain.body, plain.body_base64) {
        (Some(_), Some(_)) => {
            return Err(Fault::new(text.len(), "one of `body` and `body_base64`, not both"));
        }
        (Some(body), None) => body.into_bytes(),
        (None, base64) => base64.map(|base64| base64.0).unwrap_or_default(),
    };
    let draft = Draft::new(plain.method.0, plain.url.0, plain.headers.map);
    Ok(Draft { body, ..draft }.sent())
}

/// Parses JSON. serde reports positions as lines and columns, in bytes.
pub(super) fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, Fault> {
    let start = text.strip_prefix(MARK).map_or(0, |_| MARK.len());
    let json = text.get(start..).unwrap_or_default();
    serde_json::from_slice(json).map_err(|error| {
        let lines = json.split_inclusive(|byte| *byte == b'\n');
        let before = lines.take(error.line().saturating_sub(1)).map(<[u8]>::len);
        let before = before.fold(start, usize::saturating_add);
        let at = before.saturating_add(error.column().saturating_sub(1)).min(text.len());
        Fault { at, expected: expected(&error) }
    })
}

/// Returns what serde expected, without the value that it found.
fn expected(error: &serde_json::Error) -> Cow<'static, str> {
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(&*message, |(message, _)| message);
    let message = match message.rsplit_once("expected ") {
        Some((_, expected)) => expected.to_owned(),
        None if message.starts_with("missing field") => {
            message.replace("missing field", "the member")
        }
        None if message.starts_with("duplicate field") => "each member once".to_owned(),
        None if error.is_data() => "a request".to_owned(),
        None => format!("valid JSON ({message})"),
    };
    Cow::Owned(message)
}

/// Defines a type that is parsed from a string, so that an error has its position.
macro_rules! text {
    ($name:ident($value:ty), $read:expr) => {
        pub(super) struct $name(pub(super) $value);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <Cow<'_, str>>::deserialize(deserializer)?;
                let read: fn(&str) -> Result<$value, &'static str> = $read;
                let wrong = |expected| D::Error::custom(format_args!("expected {expected}"));
                read(&text).map(Self).map_err(wrong)
            }
        }
    };
}

text!(MethodText(Method), |text| text.parse().map_err(|_| "a method such as `POST`"));
text!(UrlText(Uri), draft::url);
text!(Base64Text(Vec<u8>), |text| STANDARD.decode(text).map_err(|_| "base64 with padding"));
text!(NameText(Option<HeaderName>), |text| match text.strip_prefix(':') {
    // An HTTP/2 pseudo-header.
    Some(_) => Ok(None),
    None => text.parse().map(Some).map_err(|_| "the name of a header"),
});
text!(ValueText(HeaderValue), |text| HeaderValue::from_bytes(text.trim().as_bytes())
    .map_err(|_| "a header's value without control characters"));

/// Headers as an object, as a list of pairs, or as HAR's list of objects.
#[derive(Default)]
pub(super) struct Headers {
    pub(super) map: HeaderMap,
    pub(super) has_pseudo: bool,
}

impl Headers {
    fn add<E: Error>(&mut self, name: NameText, value: ValueText) -> Result<(), E> {
        let Some(name) = name.0 else {
            self.has_pseudo = true;
            return Ok(());
        };
        let wrong = |expected| E::custom(format_args!("expected {expected}"));
        draft::append(&mut self.map, name, value.0).map_err(wrong)
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HeadersVisitor)
    }
}

struct HeadersVisitor;

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = Headers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("headers: an object, or a list of pairs")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Headers, A::Error> {
        let mut headers = Headers::default();
        while let Some((name, value)) = entries.next_entry()? {
            headers.add(name, value)?;
        }
        Ok(headers)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Headers, A::Error> {
        let mut headers = Headers::default();
        while let Some(Pair(name, value)) = items.next_element()? {
            headers.add(name, value)?;
        }
        Ok(headers)
    }
}

/// `["name", "value"]` or `{"name": .., "value": ..}`.
struct Pair(NameText, ValueText);

impl<'de> Deserialize<'de> for Pair {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PairVisitor)
    }
}

struct PairVisitor;

impl<'de> Visitor<'de> for PairVisitor {
    type Value = Pair;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pair of a name and a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Pair, A::Error> {
        match (items.next_element()?, items.next_element()?) {
            (Some(name), Some(value)) => Ok(Pair(name, value)),
            _ => Err(A::Error::custom("expected a pair of a name and a value")),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Pair, A::Error> {
        let (mut name, mut value) = (None, None);
        while let Some(key) = entries.next_key::<Cow<'_, str>>()? {
            match &*key {
                "name" => name = Some(entries.next_value()?),
                "value" => value = Some(entries.next_value()?),
                _ => {
                    entries.next_value::<serde::de::IgnoredAny>()?;
                }
            }
        }
        match (name, value) {
            (Some(name), Some(value)) => Ok(Pair(name, value)),
            _ => Err(A::Error::custom("expected a pair of a name and a value")),
        }
    }
}
