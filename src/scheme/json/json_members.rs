//! Visits the members of a JSON object without storing any.

use std::borrow::Cow;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::str::Chars;

use serde::de::{Deserializer as _, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The error for a body that is not a JSON object, or that two parsers could read differently.
pub(super) struct Fault;

/// The number of body bytes per stored hash of a name. Hashes then take a twelfth of the body's
/// size.
const BYTES_A_HASH: usize = 48;
/// The minimum capacity for hashes, so that almost every body is read once.
const LEAST_ROOM: usize = 64;

/// Calls `visit` with the name and value of each member, as written in the body, until one is
/// rejected.
pub(super) fn visit<'b>(
    body: &'b [u8],
    visit: impl FnMut(&'b str, &'b str) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    reader.deserialize_map(Members(visit)).map_err(|_| Fault)?;
    reader.end().map_err(|_| Fault)
}

struct Members<F>(F);

impl<'b, F: FnMut(&'b str, &'b str) -> Result<(), Fault>> Visitor<'b> for Members<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'b>>(mut self, mut object: A) -> Result<(), A::Error> {
        while let Some((name, value)) = object.next_entry::<&RawValue, &RawValue>()? {
            self.0(name.get(), value.get()).map_err(|Fault| A::Error::custom("rejected"))?;
        }
        Ok(())
    }
}

/// Rejects a body with a duplicate member, or with an invalid name, string or number.
///
/// Storing the names of a large body would take more memory than the body. So hashes are compared
/// instead, in several passes if there is no room for all of them.
pub(super) fn check(body: &[u8]) -> Result<(), Fault> {
    let hasher = RandomState::new();
    let room = (body.len() / BYTES_A_HASH).max(LEAST_ROOM);
    let mut hashes = Vec::with_capacity(room);
    let mut count = 0_usize;
    visit(body, |name, value| {
        check_value(value)?;
        let hash = hash(&hasher, name)?;
        count = count.saturating_add(1);
        if hashes.len() < room {
            hashes.push(hash);
        }
        Ok(())
    })?;
    if count <= room {
        return check_equals(body, &hasher, &mut hashes);
    }
    // An eighth stays free, since the parts are not equally large.
    let parts = count.div_ceil(room.saturating_sub(room / 8));
    let parts = u32::try_from(parts).unwrap_or(u32::MAX).max(1);
    for part in 0..parts {
        hashes.clear();
        visit(body, |name, _| {
            let hash = hash(&hasher, name)?;
            if hash.checked_rem(parts) == Some(part) {
                hashes.push(hash);
            }
            Ok(())
        })?;
        check_equals(body, &hasher, &mut hashes)?;
    }
    Ok(())
}

/// Rejects equal names among those with equal hashes.
fn check_equals(body: &[u8], hasher: &RandomState, hashes: &mut [u32]) -> Result<(), Fault> {
    hashes.sort_unstable();
    let equal: Vec<u32> = hashes.windows(2).filter_map(same).collect();
    if equal.is_empty() {
        return Ok(());
    }
    let mut seen: Vec<&str> = Vec::new();
    visit(body, |name, _| {
        if equal.binary_search(&hash(hasher, name)?).is_err() {
            return Ok(());
        }
        if seen.iter().any(|other| characters(other).eq(characters(name))) {
            return Err(Fault);
        }
        seen.push(name);
        Ok(())
    })
}

fn same(pair: &[u32]) -> Option<u32> {
    match pair {
        [one, other] if one == other => Some(*one),
        _ => None,
    }
}

/// Returns the hash of a decoded name.
fn hash(hasher: &RandomState, name: &str) -> Result<u32, Fault> {
    let hash = hasher.hash_one(decoded(name).ok_or(Fault)?);
    #[allow(clippy::cast_possible_truncation)] // Half of the hash is enough.
    Ok(hash as u32)
}

/// Rejects values that are valid syntax but have no meaning.
fn check_value(value: &str) -> Result<(), Fault> {
    let is_valid = match value.as_bytes().first() {
        Some(b'"') => characters(value).all(|c| c.is_some()),
        Some(b'-' | b'0'..=b'9') => value.parse().is_ok_and(f64::is_finite),
        _ => true,
    };
    if is_valid { Ok(()) } else { Err(Fault) }
}

/// Decodes a JSON string, if it is valid Unicode.
pub(super) fn decoded(string: &str) -> Option<Cow<'_, str>> {
    let text = unquoted(string);
    if !text.contains('\\') {
        return Some(Cow::Borrowed(text));
    }
    let mut decoded = String::with_capacity(text.len());
    for c in characters(string) {
        decoded.push(c?);
    }
    Some(Cow::Owned(decoded))
}

fn unquoted(string: &str) -> &str {
    string.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default()
}

/// Returns the characters of a JSON string, with `None` for an escape that encodes no character.
/// The syntax must have been checked before.
pub(super) fn characters(string: &str) -> impl Iterator<Item = Option<char>> {
    let mut rest = unquoted(string).chars();
    std::iter::from_fn(move || match rest.next()? {
        '\\' => Some(escaped(&mut rest)),
        c => Some(Some(c)),
    })
}

fn escaped(rest: &mut Chars<'_>) -> Option<char> {
    Some(match rest.next()? {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => {
            let first = code_unit(rest)?;
            let is_first_of_two = (0xd800..0xdc00).contains(&first);
            let second = is_first_of_two && rest.next()? == '\\' && rest.next()? == 'u';
            let second = second.then(|| code_unit(rest)).flatten();
            let mut decoded = char::decode_utf16([first].into_iter().chain(second));
            decoded.next()?.ok()?
        }
        c => c,
    })
}

/// Parses four hex digits (RFC 8259 section 7).
fn code_unit(rest: &mut Chars<'_>) -> Option<u16> {
    let (digits, after) = rest.as_str().split_at_checked(4)?;
    let unit = u16::from_str_radix(digits, 16).ok()?;
    *rest = after.chars();
    Some(unit)
}
