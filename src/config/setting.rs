use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

use crate::error::ConfigError;
use crate::key::{KeySet, SecretKey};

/// The unchecked value of a setting. Opaque in [`Debug`]: it may be a key.
#[derive(Clone)]
pub(super) enum Setting {
    Null,
    Bool(bool),
    Integer(u64),
    Text(Zeroizing<String>),
    Bytes(Zeroizing<Vec<u8>>),
    List(Vec<Setting>),
    Map(Vec<(String, Setting)>),
    /// A value that no setting here can have, such as a fraction.
    Other,
}

/// The conversion of a key's text into bytes.
#[derive(Clone, Copy)]
pub(super) enum KeyText {
    Utf8,
    /// As in Flask-HMAC: latin-1 if every character fits, UTF-8 otherwise.
    Latin1,
}

impl KeyText {
    fn bytes(self, text: &str) -> Vec<u8> {
        let latin1 = |c| u8::try_from(c).ok();
        // Allocate the full length: growing would leave parts of the key behind.
        let mut bytes = Vec::with_capacity(text.len());
        match self {
            Self::Latin1 if text.chars().all(|c| latin1(c).is_some()) => {
                bytes.extend(text.chars().filter_map(latin1));
            }
            Self::Latin1 | Self::Utf8 => bytes.extend_from_slice(text.as_bytes()),
        }
        bytes
    }
}

impl Setting {
    pub(super) fn text(text: String) -> Self {
        Self::Text(Zeroizing::new(text))
    }

    /// Returns the text of a setting that is no key.
    pub(super) fn into_text(self, name: &'static str) -> Result<String, ConfigError> {
        match self {
            Self::Text(mut text) => Ok(std::mem::take(&mut *text)),
            _ => Err(ConfigError::invalid(name, "is not a text")),
        }
    }

    /// Returns a switch. Text is matched exactly, so that `"False"` is not true.
    pub(super) fn switch(&self, name: &'static str) -> Result<bool, ConfigError> {
        match self {
            Self::Null => Ok(false),
            Self::Bool(on) => Ok(*on),
            Self::Text(text) => match text.as_str() {
                "true" | "True" | "1" => Ok(true),
                "false" | "False" | "0" => Ok(false),
                _ => Err(ConfigError::invalid(name, "is neither true nor false")),
            },
            _ => Err(ConfigError::invalid(name, "is neither true nor false")),
        }
    }

    /// Returns a number, or a string read as one. `None` for null.
    pub(super) fn number<T: TryFrom<u64>>(
        &self,
        name: &'static str,
    ) -> Result<Option<T>, ConfigError> {
        let number = match self {
            Self::Null => return Ok(None),
            Self::Integer(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        };
        match number.and_then(|number| T::try_from(number).ok()) {
            None => Err(ConfigError::invalid(name, "is not a whole number in its range")),
            number => Ok(number),
        }
    }

    /// Returns a key, or a list of keys with the newest first.
    pub(super) fn keys(
        &self,
        name: impl Into<Cow<'static, str>>,
        text: KeyText,
    ) -> Result<KeySet, ConfigError> {
        let keys = match self {
            Self::List(keys) => keys.iter().map(|key| key.key(text)).collect::<Result<Vec<_>, _>>(),
            key => key.key(text).map(|key| vec![key]),
        };
        keys.and_then(KeySet::new).map_err(|error| error.named(name))
    }

    fn key(&self, text: KeyText) -> Result<SecretKey, ConfigError> {
        let invalid = || {
            ConfigError::invalid(
                "key",
                "is neither a text nor {\"hex\": text} nor {\"base64\": text}",
            )
        };
        match self {
            Self::Text(key) => SecretKey::new(text.bytes(key)),
            Self::Bytes(key) => SecretKey::new(key.as_slice()),
            Self::Map(members) => match members.as_slice() {
                [(form, Self::Text(key))] => match form.as_str() {
                    "hex" => SecretKey::from_hex(key),
                    "base64" | "bytes_base64" => SecretKey::from_base64(key),
                    #[cfg(feature = "webhooks")]
                    "whsec" => SecretKey::from_whsec(key),
                    _ => Err(invalid()),
                },
                _ => Err(invalid()),
            },
            _ => Err(invalid()),
        }
    }

    /// Returns the members of a map. `None` for null.
    pub(super) fn members(
        &self,
        name: &'static str,
    ) -> Result<Option<&[(String, Setting)]>, ConfigError> {
        match self {
            Self::Null => Ok(None),
            Self::Map(members) => Ok(Some(members)),
            _ => Err(ConfigError::invalid(name, "is not a map from key IDs to keys")),
        }
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Setting(..)")
    }
}

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SettingVisitor)
    }
}

/// Accepts any type: the serde format's own error about a wrong type would repeat the value.
struct SettingVisitor;

impl<'de> Visitor<'de> for SettingVisitor {
    type Value = Setting;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a setting")
    }

    fn visit_bool<E>(self, on: bool) -> Result<Setting, E> {
        Ok(Setting::Bool(on))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Setting, E> {
        Ok(u64::try_from(number).map_or(Setting::Other, Setting::Integer))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Setting, E> {
        Ok(Setting::Integer(number))
    }

    fn visit_i128<E>(self, _: i128) -> Result<Setting, E> {
        Ok(Setting::Other)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Setting, E> {
        Ok(Setting::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Setting, E> {
        Ok(Setting::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<Setting, E> {
        Ok(Setting::text(text.into()))
    }

    fn visit_string<E>(self, text: String) -> Result<Setting, E> {
        Ok(Setting::text(text))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Setting, E> {
        Ok(Setting::Bytes(Zeroizing::new(bytes.into())))
    }

    fn visit_unit<E>(self) -> Result<Setting, E> {
        Ok(Setting::Null)
    }

    fn visit_none<E>(self) -> Result<Setting, E> {
        Ok(Setting::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Setting, D::Error> {
        Setting::deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Setting, D::Error> {
        Setting::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Setting, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Setting::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Setting, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = entries.next_entry()? {
            members.push(member);
        }
        Ok(Setting::Map(members))
    }
}

/// Reads a map of settings and keeps those with a known name. Duplicates are kept, too: they are
/// found when the settings are checked.
pub(super) struct MembersVisitor {
    /// The expected type, for the error of a serde format that finds no map.
    pub(super) what: &'static str,
    /// The names to keep. Empty to keep every name.
    pub(super) known: &'static [&'static str],
}

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Vec<(String, Setting)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = entries.next_key::<String>()? {
            if self.known.is_empty() || self.known.contains(&name.as_str()) {
                members.push((name, entries.next_value()?));
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(members)
    }

    // A string in place of a map may be a key, so the error does not repeat it.
    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(E::custom(format_args!("a text is not {}", self.what)))
    }

    fn visit_bytes<E: serde::de::Error>(self, _: &[u8]) -> Result<Self::Value, E> {
        Err(E::custom(format_args!("bytes are not {}", self.what)))
    }
}
