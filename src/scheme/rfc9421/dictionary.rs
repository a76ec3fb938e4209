//! The two dictionaries of a request that several parties sign (RFC 9421 section 4.3). Adds and
//! removes this application's member, and keeps the others as they were sent.

use http::request::Parts;
use http::{HeaderName, HeaderValue};

use super::members::{Member, Unread, members};
use super::{SIGNATURE, SIGNATURE_INPUT, field};
use crate::scheme::{ClaimError, SignError, wire};

/// Returns whether either field has a member with this label.
pub(super) fn has_label(head: &Parts, label: &str) -> bool {
    [&SIGNATURE_INPUT, &SIGNATURE].iter().any(|name| {
        let text = field::bounded(head, name).unwrap_or_default();
        let members = members::<Unread>(name, &text).unwrap_or_default();
        members.iter().any(|member| member.label == label)
    })
}

/// Adds a member to the end of the field's last line, because some servers read only one line.
pub(super) fn add(
    head: &mut Parts,
    name: &HeaderName,
    label: &str,
    value: &str,
) -> Result<(), SignError> {
    let others = match field::bounded(head, name) {
        Err(ClaimError::Missing) => None,
        text => Some(text?),
    };
    if let Some(others) = &others
        && members::<Unread>(name, others)?.iter().any(|member| member.label == label)
    {
        return Err(SignError::AlreadySigned);
    }
    let member = format!("{label}={value}");
    let last = head.headers.get_all(name).iter().next_back().and_then(|line| line.to_str().ok());
    let field = match last.map(|line| line.trim_matches([' ', '\t'])) {
        None | Some("") => wire::sensitive(name, &member)?,
        Some(line) => wire::sensitive(name, &format!("{line}, {member}"))?,
    };
    let mut lines = lines(head, name);
    lines.pop();
    lines.push(field);
    replace(head, name, lines);
    Ok(())
}

/// Removes the members with these labels from both fields. Removes the whole field if it is not a
/// dictionary, because its members have no known owner.
pub(super) fn remove(head: &mut Parts, labels: &[String]) {
    for name in [&SIGNATURE_INPUT, &SIGNATURE] {
        let without = |line| without(name, line, labels);
        let kept: Result<Vec<_>, _> = lines(head, name).into_iter().map(without).collect();
        replace(head, name, kept.unwrap_or_default().into_iter().flatten());
    }
}

fn lines(head: &Parts, name: &HeaderName) -> Vec<HeaderValue> {
    head.headers.get_all(name).iter().cloned().collect()
}

fn replace(head: &mut Parts, name: &HeaderName, lines: impl IntoIterator<Item = HeaderValue>) {
    head.headers.remove(name);
    for line in lines {
        head.headers.append(name, line);
    }
}

/// Returns a line without the members with these labels, or `None` if no member is left.
fn without(
    name: &HeaderName,
    line: HeaderValue,
    labels: &[String],
) -> Result<Option<HeaderValue>, ClaimError> {
    let members = members::<Unread>(name, wire::text(name, &line)?)?;
    let is_kept = |member: &&Member<'_, Unread>| labels.iter().all(|label| label != member.label);
    if members.iter().all(|member| is_kept(&member)) {
        return Ok(Some(line));
    }
    let kept = members.iter().filter(is_kept);
    let kept: Vec<_> = kept.map(|member| [member.label, "=", member.raw].concat()).collect();
    Ok(HeaderValue::from_str(&kept.join(", ")).ok().filter(|_| !kept.is_empty()))
}
