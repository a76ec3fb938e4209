//! The parts of a signing string, and the names of encodings and times.

use serde::Deserialize;

use crate::error::ConfigError;
use crate::scheme::{Encoding, Part, TimeFormat};

/// One part of the signing string.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a part must be a text, or an object with `literal`, `header` or `timestamp`"
)]
pub(super) enum PartConfig {
    Text(String),
    Literal(LiteralConfig),
    Header(HeaderConfig),
    Timestamp(TimestampConfig),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LiteralConfig {
    literal: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeaderConfig {
    header: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimestampConfig {
    timestamp: String,
    #[serde(default, rename = "as")]
    format: TimeName,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) enum TimeName {
    #[default]
    #[serde(rename = "unix")]
    Unix,
    #[serde(rename = "millis")]
    Millis,
    #[serde(rename = "rfc3339")]
    Rfc3339,
    #[serde(rename = "http-date")]
    HttpDate,
}

impl PartConfig {
    pub(super) fn part(self) -> Result<Part, ConfigError> {
        match self {
            Self::Text(name) => Ok(match &*name {
                "method" => Part::Method,
                "path" => Part::Path,
                "query" => Part::Query,
                "body" => Part::Body,
                _ => Part::literal(name),
            }),
            Self::Literal(LiteralConfig { literal }) => Ok(Part::literal(literal)),
            Self::Header(HeaderConfig { header }) => Part::header(header),
            Self::Timestamp(TimestampConfig { timestamp, format }) => {
                Part::timestamp(timestamp, format.into())
            }
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) enum EncodingName {
    #[serde(rename = "hex")]
    Hex,
    #[serde(rename = "hex-upper")]
    HexUpper,
    #[serde(rename = "hex-any-case")]
    HexAnyCase,
    #[serde(rename = "base64")]
    Base64,
    #[serde(rename = "base64url")]
    Base64Url,
    #[serde(rename = "base64url-nopad")]
    Base64UrlNoPad,
}

impl From<EncodingName> for Encoding {
    fn from(name: EncodingName) -> Self {
        match name {
            EncodingName::Hex => Self::Hex,
            EncodingName::HexUpper => Self::HexUpper,
            EncodingName::HexAnyCase => Self::HexAnyCase,
            EncodingName::Base64 => Self::Base64,
            EncodingName::Base64Url => Self::Base64Url,
            EncodingName::Base64UrlNoPad => Self::Base64UrlNoPad,
        }
    }
}

impl From<TimeName> for TimeFormat {
    fn from(name: TimeName) -> Self {
        match name {
            TimeName::Unix => Self::UnixSeconds,
            TimeName::Millis => Self::UnixMillis,
            TimeName::Rfc3339 => Self::Rfc3339,
            TimeName::HttpDate => Self::HttpDate,
        }
    }
}
