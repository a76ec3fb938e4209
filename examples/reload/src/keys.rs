//! Reads a file of keys.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use tower_hmac::{BoxError, KeyMap, KeySet, SecretKey};

/// Reads the keys: TOML if the name ends in `.toml`, JSON otherwise.
///
/// # Errors
///
/// Returns an error if the file cannot be read, does not parse, or contains keys that the library
/// rejects. The error names a position, and never repeats the contents: parsers quote unexpected
/// input.
pub fn load(path: &Path) -> Result<KeyMap, BoxError> {
    let text = std::fs::read_to_string(path)?;
    let Entries(entries) = if path.extension() == Some(OsStr::new("toml")) {
        toml::from_str(&text).map_err(|error| {
            format!("not a table of keys at byte {}", error.span().map_or(0, |span| span.start))
        })?
    } else {
        serde_json::from_str(&text).map_err(|error| {
            format!("not an object of keys at line {}, column {}", error.line(), error.column())
        })?
    };
    let sets = entries.into_iter().map(|(name, keys)| Ok((name, KeySet::try_from(keys)?)));
    // `services` rejects an empty list, an empty key ID or key, and a duplicate key ID.
    Ok(KeyMap::named(sets.collect::<Result<Vec<_>, BoxError>>()?)?)
}

/// The entries in order. A map would keep the last of two with the same key ID.
struct Entries(Vec<(String, Keys)>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Keys {
    One(String),
    Several(Vec<String>),
}

impl TryFrom<Keys> for KeySet {
    type Error = BoxError;

    fn try_from(keys: Keys) -> Result<Self, BoxError> {
        let keys = match keys {
            Keys::One(key) => vec![key],
            Keys::Several(keys) => keys,
        };
        let keys = keys.into_iter().map(SecretKey::new).collect::<Result<Vec<_>, _>>()?;
        Ok(KeySet::new(keys)?)
    }
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names with their keys")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Read)
    }
}
