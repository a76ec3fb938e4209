//! The parts of a signing string, and the names of encodings and times.

use crate::config::members::Members;
use crate::config::setting::Setting;
use crate::error::ConfigError;
use crate::scheme::{Encoding, Part, TimeFormat};

/// Makes one part of the signing string.
pub(super) fn part(setting: Setting) -> Result<Part, ConfigError> {
    let invalid = || {
        let why = "a part must be a text, or an object with `literal`, `header` or `timestamp`";
        ConfigError::invalid("parts", why)
    };
    let mut members = match setting {
        Setting::Text(name) => {
            return Ok(match name.as_str() {
                "method" => Part::Method,
                "path" => Part::Path,
                "query" => Part::Query,
                "body" => Part::Body,
                text => Part::literal(text),
            });
        }
        Setting::Map(members) => Members::new(members)?,
        _ => return Err(invalid()),
    };
    let mut text = |name| members.text(name).map_err(|error| error.named("parts"));
    let part = match (text("literal")?, text("header")?, text("timestamp")?) {
        (Some(literal), None, None) => Part::literal(literal),
        (None, Some(header), None) => Part::header(header)?,
        (None, None, Some(header)) => {
            let format =
                text("as")?.map_or(Ok(TimeFormat::default()), |name| time_format(&name))?;
            Part::timestamp(header, format)?
        }
        _ => return Err(invalid()),
    };
    members.finish().map_err(|_| invalid())?;
    Ok(part)
}

fn time_format(name: &str) -> Result<TimeFormat, ConfigError> {
    Ok(match name {
        "unix" => TimeFormat::UnixSeconds,
        "millis" => TimeFormat::UnixMillis,
        "rfc3339" => TimeFormat::Rfc3339,
        "http-date" => TimeFormat::HttpDate,
        _ => {
            let why = "`as` is not one of `unix`, `millis`, `rfc3339` and `http-date`";
            return Err(ConfigError::invalid("parts", why));
        }
    })
}

/// Returns the encoding with this name.
pub(super) fn encoding(name: &str) -> Result<Encoding, ConfigError> {
    Ok(match name {
        "hex" => Encoding::Hex,
        "hex-upper" => Encoding::HexUpper,
        "hex-any-case" => Encoding::HexAnyCase,
        "base64" => Encoding::Base64,
        "base64url" => Encoding::Base64Url,
        "base64url-nopad" => Encoding::Base64UrlNoPad,
        _ => {
            let why = "is not one of `hex`, `hex-upper`, `hex-any-case`, `base64`, `base64url` and \
                       `base64url-nopad`";
            return Err(ConfigError::invalid("encoding", why));
        }
    })
}
