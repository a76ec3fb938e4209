//! FOST's headers other than the tag: the time, and the list of signed headers.

use http::request::Parts;
use http::{HeaderName, HeaderValue};

use crate::scheme::{ClaimError, SignError, shape, wire};

pub(super) const TIMESTAMP: HeaderName = HeaderName::from_static("x-fost-timestamp");
pub(super) const LIST: HeaderName = HeaderName::from_static("x-fost-headers");
pub(super) const USER: HeaderName = HeaderName::from_static("x-fost-user");

/// Returns the headers that `X-FOST-Headers` lists, beginning with itself.
pub(super) fn listed(head: &Parts) -> Result<Vec<(HeaderName, HeaderValue)>, ClaimError> {
    let malformed = |why| Err(ClaimError::in_header(&LIST, why));
    let list = wire::text(&LIST, wire::required(head, &LIST)?)?;
    // The list has at most as many names as the request has headers, since each is listed once.
    let mut listed: Vec<(HeaderName, HeaderValue)> = Vec::new();
    for name in list.split(' ') {
        let Ok(name) = HeaderName::try_from(name) else {
            return malformed("lists something that is not a header name");
        };
        if listed.is_empty() && name != LIST {
            return malformed("does not begin with itself");
        }
        if listed.iter().any(|(other, _)| *other == name) {
            return malformed("lists a header twice");
        }
        let value = wire::required(head, &name)?.clone();
        listed.push((name, value));
    }
    if head.headers.contains_key(USER) && !listed.iter().any(|(name, _)| *name == USER) {
        return Err(ClaimError::in_header(&USER, "is present but not signed"));
    }
    Ok(listed)
}

/// Returns the time of signing, in Unix seconds.
pub(super) fn created(head: &Parts) -> Result<i64, ClaimError> {
    let text = wire::text(&TIMESTAMP, wire::required(head, &TIMESTAMP)?)?;
    unix_from_timestamp(text)
        .ok_or_else(|| shape::no_time(Some(&TIMESTAMP), "`YYYY-MM-DD HH:MM:SS` in UTC", text))
}

/// Parses `YYYY-MM-DD HH:MM:SS`, or the same with a `T`, and ignores anything after it.
fn unix_from_timestamp(text: &str) -> Option<i64> {
    let (date, time) = text.get(..19)?.split_at_checked(10)?;
    let time = time.strip_prefix([' ', 'T'])?;
    wire::rfc3339(&format!("{date}T{time}Z"))
}

/// Sets the time of signing.
pub(super) fn write_created(head: &mut Parts, now: i64) -> Result<(), SignError> {
    let text = wire::to_rfc3339(now).map(|text| text.replace('T', " "));
    let text = text.as_deref().and_then(|text| text.strip_suffix('Z'));
    let text = text.ok_or(SignError::Request("the time is not in the years 0 to 9999"))?;
    head.headers.insert(TIMESTAMP, wire::value(&TIMESTAMP, text)?);
    Ok(())
}
