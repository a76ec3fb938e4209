//! The query in the canonical request.

use std::borrow::Cow;

use super::percent;
use crate::scheme::ClaimError;

/// Writes the canonical query: names and values are decoded, encoded again, and sorted by name,
/// then by value.
pub(super) fn write<'q>(
    out: &mut Vec<u8>,
    pieces: impl Iterator<Item = &'q str>,
) -> Result<(), ClaimError> {
    let mut pairs = pieces.map(pair).collect::<Result<Vec<_>, _>>()?;
    // A stable sort keeps the values of one name in the sent order.
    pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
    let is_in_order = pairs.windows(2).all(|both| match both {
        [(one, first), (other, second)] => one != other || first <= second,
        _ => true,
    });
    if !is_in_order {
        return Err(ClaimError::malformed(
            "the query repeats a name with its values out of order (rule 9)",
        ));
    }
    for (place, (name, value)) in pairs.iter().enumerate() {
        if place > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(name);
        out.push(b'=');
        out.extend_from_slice(value);
    }
    Ok(())
}

/// Returns the pieces of a query. An empty query has none.
pub(super) fn pieces(query: &str) -> impl Iterator<Item = &str> {
    // Splitting an empty string would return one piece.
    let query = Some(query).filter(|query| !query.is_empty());
    query.into_iter().flat_map(|query| query.split('&'))
}

/// Returns the name and the value of a piece, as sent.
pub(super) fn divide(piece: &str) -> (&str, &str) {
    piece.split_once('=').unwrap_or((piece, ""))
}

/// A name or a value in canonical form.
type Text<'q> = Cow<'q, [u8]>;

/// Returns a name and a value, decoded and encoded again.
fn pair(piece: &str) -> Result<(Text<'_>, Text<'_>), ClaimError> {
    if piece.is_empty() {
        return Err(ClaimError::malformed("the query has an empty part (rule 9)"));
    }
    let (name, value) = divide(piece);
    if piece.contains('+') {
        return Err(ClaimError::malformed("the query has a `+`, which is ambiguous (rule 9)"));
    }
    Ok((recoded(name)?, recoded(value)?))
}

fn recoded(text: &str) -> Result<Text<'_>, ClaimError> {
    if text.bytes().all(percent::is_unreserved) {
        return Ok(Cow::Borrowed(text.as_bytes()));
    }
    let mut out = Vec::with_capacity(text.len());
    percent::push_recoded(&mut out, text)
        .ok_or(ClaimError::malformed("the query has a malformed escape (rule 9)"))?;
    Ok(Cow::Owned(out))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(query: &str) -> Result<String, ClaimError> {
        let mut out = Vec::new();
        write(&mut out, pieces(query)).map(|()| String::from_utf8(out).unwrap())
    }

    #[test]
    fn queries_are_sorted_by_the_encoded_name_and_then_the_value() {
        for (query, canonical) in [
            ("", ""),
            ("a", "a="),
            ("=", "="),
            ("=b&a", "=b&a="),
            ("b=1&a=2", "a=2&b=1"),
            ("a-b=1&a=2", "a=2&a-b=1"),
            ("a=b=c", "a=b%3Dc"),
            ("b=%7e&%E1%88%B4=1&B=é", "%E1%88%B4=1&B=%C3%A9&b=~"),
            ("a=1&b=3&a=2", "a=1&a=2&b=3"),
            ("a=1&%61=1", "a=1&a=1"),
            ("a&a=&a=1", "a=&a=&a=1"),
            ("a=/?", "a=%2F%3F"),
        ] {
            assert_eq!(of(query).unwrap(), canonical);
        }
    }

    #[test]
    fn ambiguous_queries_are_rejected() {
        for query in [
            "a=1+2",
            "a+b",
            "a=2&a=1",
            "a=2&b&%61=1",
            "&",
            "a&",
            "&a",
            "a&&b",
            "a=%",
            "%2=a",
            "%zz",
        ] {
            assert!(of(query).is_err(), "{query}");
        }
    }
}
