use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::scheme::ClaimError;

/// The string members of a JSON object, for text that is
/// [derived](crate::HeaderScheme::dangerous_derived_text) from a body.
///
/// Strict, so that no other reader of JSON sees another text in the same bytes: the body must be
/// an object, and no member may be there twice. The text of a string is what it stands for, its
/// escapes undone, whatever way a client writes it; one that stands for no Unicode text is refused.
/// Members within members are not looked at.
///
/// ```
/// use tower_hmac::{HeaderScheme, JsonStrings};
///
/// // `{mac_address}:{timestamp}`. A time without a colon ends the text, so that the address may
/// // hold colons.
/// let scheme = HeaderScheme::new("X-HMAC-Signature")?.dangerous_derived_text(|_, body| {
///     let json = JsonStrings::read(body)?;
///     let (mac, timestamp) = (json.get("mac_address")?, json.get("timestamp")?);
///     if timestamp.contains(':') {
///         return Err(tower_hmac::ClaimError::malformed("a colon in the timestamp"));
///     }
///     Ok(format!("{mac}:{timestamp}"))
/// })?;
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
pub struct JsonStrings<'b>(BTreeMap<String, Member<'b>>);

enum Member<'b> {
    Text(Cow<'b, str>),
    /// Anything but a string.
    Other,
}

impl<'b> JsonStrings<'b> {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Malformed`] if it is no JSON object, or has a member twice.
    pub fn read(body: &'b [u8]) -> Result<Self, ClaimError> {
        serde_json::from_slice(body).map_err(|_| {
            ClaimError::malformed("the body is no JSON object, or one with a doubled member")
        })
    }

    /// The text of a member.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Malformed`] if it is missing or no string.
    pub fn get(&self, name: &str) -> Result<&str, ClaimError> {
        match self.0.get(name) {
            Some(Member::Text(text)) => Ok(text),
            _ => Err(ClaimError::malformed(
                "a signed member of the JSON body is missing, or no string",
            )),
        }
    }
}

impl fmt::Debug for JsonStrings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JsonStrings(..)")
    }
}

impl<'de> Deserialize<'de> for JsonStrings<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = JsonStrings<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, member)) = object.next_entry::<String, Member<'de>>()? {
            if members.insert(name, member).is_some() {
                return Err(A::Error::custom("a doubled member"));
            }
        }
        Ok(JsonStrings(members))
    }
}

impl<'de> Deserialize<'de> for Member<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor)
    }
}

struct MemberVisitor;

impl<'de> Visitor<'de> for MemberVisitor {
    type Value = Member<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Member::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Member::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Member::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Member::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Member::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Member::Other)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Member::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Member::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Member::Other)
    }
}
