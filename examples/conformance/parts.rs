//! The parts of a `header` scheme.

use serde::Deserialize;
use tower_hmac::scheme::{JsonText, Part, TimeFormat};
use tower_hmac::{BoxError, HeaderScheme};

#[derive(Clone, Deserialize)]
#[serde(try_from = "Text")]
pub(crate) enum PartConfig {
    Body,
    Method,
    Path,
    Query,
    Literal(String),
    Header(String),
    Timestamp(String, TimeFormat),
    Json(String),
}

/// A part in the configuration.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Name(String),
    Object(Members),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    literal: Option<String>,
    header: Option<String>,
    timestamp: Option<String>,
    r#as: Option<String>,
    json: Option<String>,
}

impl TryFrom<Text> for PartConfig {
    type Error = &'static str;

    fn try_from(text: Text) -> Result<Self, &'static str> {
        let members = match text {
            Text::Name(name) => {
                return Ok(match &*name {
                    "body" => Self::Body,
                    "method" => Self::Method,
                    "path" => Self::Path,
                    "query" => Self::Query,
                    _ => return Err("parts: a name is not known"),
                });
            }
            Text::Object(members) => members,
        };
        Ok(match members {
            Members {
                literal: Some(text),
                header: None,
                timestamp: None,
                r#as: None,
                json: None,
            } => Self::Literal(text),
            Members {
                literal: None,
                header: Some(name),
                timestamp: None,
                r#as: None,
                json: None,
            } => Self::Header(name),
            Members { literal: None, header: None, timestamp: Some(name), r#as, json: None } => {
                let format = match r#as.as_deref().unwrap_or("unix") {
                    "unix" => TimeFormat::UnixSeconds,
                    "millis" => TimeFormat::UnixMillis,
                    "rfc3339" => TimeFormat::Rfc3339,
                    "http-date" => TimeFormat::HttpDate,
                    _ => return Err("parts: `as` is not known"),
                };
                Self::Timestamp(name, format)
            }
            Members {
                literal: None,
                header: None,
                timestamp: None,
                r#as: None,
                json: Some(name),
            } => Self::Json(name),
            _ => return Err("parts: a part is one of `literal`, `header`, `timestamp`, `json`"),
        })
    }
}

impl PartConfig {
    fn is_json(&self) -> bool {
        matches!(self, Self::Json(_))
    }

    fn part(&self) -> Result<Part, BoxError> {
        Ok(match self {
            Self::Body => Part::Body,
            Self::Method => Part::Method,
            Self::Path => Part::Path,
            Self::Query => Part::Query,
            Self::Literal(text) => Part::literal(text.as_str()),
            Self::Header(name) => Part::header(name.as_str())?,
            Self::Timestamp(name, format) => Part::timestamp(name.as_str(), *format)?,
            Self::Json(_) => return Err("parts: members of JSON stand together".into()),
        })
    }
}

pub(crate) fn with_parts(
    scheme: HeaderScheme,
    list: &[PartConfig],
    allows_derived: bool,
) -> Result<HeaderScheme, BoxError> {
    let parts =
        |list: &[PartConfig]| list.iter().map(PartConfig::part).collect::<Result<Vec<_>, _>>();
    let first = list.iter().position(PartConfig::is_json);
    let last = list.iter().rposition(PartConfig::is_json);
    let (Some(first), Some(last)) = (first, last) else {
        return Ok(scheme.with_parts(parts(list)?)?);
    };
    if !allows_derived {
        return Err("parts: members of JSON need `derived_text` in `dangerous`".into());
    }
    // The text from the first JSON member to the last is made from the body.
    let mut all = parts(&list[..first])?;
    all.push(Part::Body);
    all.extend(parts(&list[last + 1..])?);
    let text = json_text(&list[first..=last])?;
    Ok(scheme.with_parts(all)?.dangerous_derived_text(move |_, body| text.of(body))?)
}

/// Members of the JSON body, with a literal between them.
fn json_text(list: &[PartConfig]) -> Result<JsonText, BoxError> {
    let invalid = "parts: expected exactly one literal between two members of JSON";
    let Some((PartConfig::Json(first), pairs)) = list.split_first() else {
        return Err(invalid.into());
    };
    pairs.chunks(2).try_fold(JsonText::new(first.clone()), |text, pair| match pair {
        [PartConfig::Literal(literal), PartConfig::Json(name)] => {
            Ok(text.then(literal.clone(), name.clone())?)
        }
        _ => Err(invalid.into()),
    })
}
