//! The parts of a `header` format.

use serde::Deserialize;
use tower_hmac::{BoxError, ClaimError, HeaderScheme, JsonStrings, Part, TimeFormat};

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
    let members = Members::new(&list[first..=last])?;
    let derive = move |_: &http::request::Parts, body: &[u8]| members.text(body);
    Ok(scheme.with_parts(all)?.dangerous_derived_text(derive)?)
}

/// Members of the JSON body, a literal between two of them.
struct Members {
    first: String,
    rest: Vec<(String, String)>,
}

impl Members {
    fn new(list: &[PartConfig]) -> Result<Self, BoxError> {
        let invalid = "parts: between two members of JSON stands one literal, and nothing else";
        let Some((PartConfig::Json(first), pairs)) = list.split_first() else {
            return Err(invalid.into());
        };
        let mut rest = Vec::new();
        for pair in pairs.chunks(2) {
            match pair {
                [PartConfig::Literal(literal), PartConfig::Json(name)] if !literal.is_empty() => {
                    rest.push((literal.clone(), name.clone()));
                }
                _ => return Err(invalid.into()),
            }
        }
        Ok(Self { first: first.clone(), rest })
    }

    /// The first member may hold anything. Each later one is found from the end of the text, down
    /// to the literal before it, which it must not hold.
    fn text(&self, body: &[u8]) -> Result<String, ClaimError> {
        let json = JsonStrings::read(body)?;
        let mut text = json.get(&self.first)?.to_owned();
        for (literal, name) in &self.rest {
            let value = json.get(name)?;
            if literal.chars().last().is_some_and(|end| value.contains(end)) {
                return Err(ClaimError::malformed("a member holds the delimiter before it"));
            }
            text.push_str(literal);
            text.push_str(value);
        }
        Ok(text)
    }
}
