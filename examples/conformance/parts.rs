//! The parts of a `header` format.

use serde::Deserialize;
use tower_hmac::{BoxError, HeaderScheme, JsonText, Part, TimeFormat};

#[derive(Clone, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PartConfig {
    Body,
    Method,
    Path,
    Query,
    Literal(String),
    Header(String),
    Timestamp(String),
    Json(String),
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
            Self::Timestamp(name) => Part::timestamp(name.as_str(), TimeFormat::UnixSeconds)?,
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
    // From the first member of JSON to the last, the text is made from the body.
    let mut all = parts(&list[..first])?;
    all.push(Part::Body);
    all.extend(parts(&list[last + 1..])?);
    let text = json_text(&list[first..=last])?;
    Ok(scheme.with_parts(all)?.dangerous_derived_text(move |_, body| text.of(body))?)
}

/// Members of the JSON body, a literal between two of them.
fn json_text(list: &[PartConfig]) -> Result<JsonText, BoxError> {
    let invalid = "parts: between two members of JSON stands one literal, and nothing else";
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
