//! Header fields: a single value, several lines, and values to send.

use std::borrow::Cow;

use http::request::Parts;
use http::{HeaderName, HeaderValue};

use crate::crypto::Tag;
use crate::scheme::{ClaimError, SignError};

/// The longest header value that is read, in bytes.
///
/// See [`scheme`](crate::scheme#writing-your-own-scheme) for an example.
pub const MAX_VALUE_LEN: usize = 8 * 1024;

/// Returns the only value of a header, at most [`MAX_VALUE_LEN`] bytes.
///
/// See [`scheme`](crate::scheme#writing-your-own-scheme) for an example.
///
/// # Errors
///
/// Returns [`ClaimError::Missing`] if the header is absent, and [`ClaimError::Malformed`] if it
/// occurs more than once or is too long.
#[inline]
pub fn single<'h>(head: &'h Parts, name: &HeaderName) -> Result<&'h HeaderValue, ClaimError> {
    let value = head.headers.get(name).ok_or(ClaimError::Missing)?;
    // Almost no request repeats a header, and this check needs no second lookup.
    let all_single = head.headers.len() == head.headers.keys_len();
    if !all_single && head.headers.get_all(name).iter().nth(1).is_some() {
        return Err(ClaimError::in_header(name, "occurs more than once"));
    }
    if value.len() > MAX_VALUE_LEN {
        return Err(ClaimError::in_header(name, "is longer than 8 KiB"));
    }
    Ok(value)
}

/// Returns the only value of a header that must accompany the signature.
///
/// See [`scheme`](crate::scheme#writing-your-own-scheme) for an example.
///
/// # Errors
///
/// Returns the errors of [`single`], but treats an absent header as malformed. Whitespace around
/// the value is malformed, too. It is not part of the value (RFC 9110 section 5.5), so a signature
/// over it would not match on arrival.
pub fn required<'h>(head: &'h Parts, name: &HeaderName) -> Result<&'h HeaderValue, ClaimError> {
    let value = single(head, name).map_err(|error| match error {
        ClaimError::Missing => ClaimError::in_header(name, "is missing"),
        error => error,
    })?;
    if value.as_bytes().trim_ascii() != value.as_bytes() {
        return Err(ClaimError::in_header(name, "begins or ends with whitespace"));
    }
    Ok(value)
}

/// Returns a value as text: visible ASCII, spaces and tabs.
///
/// See [`scheme`](crate::scheme#writing-your-own-scheme) for an example.
///
/// # Errors
///
/// Returns [`ClaimError::Malformed`] if it contains any other byte.
pub fn text<'h>(name: &HeaderName, value: &'h HeaderValue) -> Result<&'h str, ClaimError> {
    ascii(value).ok_or_else(|| ClaimError::in_header(name, "is not ASCII text"))
}

/// Returns the values of all field lines of a header as one, joined by `, ` (RFC 9110 section 5.3),
/// at most [`MAX_VALUE_LEN`] bytes.
///
/// Use it only for headers whose value is a list.
///
/// ```
/// use http::{HeaderName, Request};
/// use tower_hmac::scheme::wire;
///
/// const LIST: HeaderName = HeaderName::from_static("x-list");
///
/// let (head, ()) = Request::get("/").header(LIST, "a").header(LIST, "b").body(())?.into_parts();
/// assert_eq!(wire::joined(&head, &LIST)?, "a, b");
/// # Ok::<(), tower_hmac::BoxError>(())
/// ```
///
/// # Errors
///
/// Returns [`ClaimError::Missing`] if the header is absent, and [`ClaimError::Malformed`] if the
/// values are not ASCII text, or are too long together.
pub fn joined<'h>(head: &'h Parts, name: &HeaderName) -> Result<Cow<'h, str>, ClaimError> {
    let mut lines = head.headers.get_all(name).iter();
    let first = text(name, lines.next().ok_or(ClaimError::Missing)?)?;
    let mut whole = Cow::Borrowed(first);
    for line in lines {
        let whole = whole.to_mut();
        whole.push_str(", ");
        whole.push_str(text(name, line)?);
        if whole.len() > MAX_VALUE_LEN {
            break;
        }
    }
    if whole.len() > MAX_VALUE_LEN {
        return Err(ClaimError::in_header(name, "is longer than 8 KiB"));
    }
    Ok(whole)
}

/// Returns the text of a value if it is ASCII. Accepts the same values as `to_str`, but is faster:
/// a `HeaderValue` has no control characters to look for.
pub(crate) fn ascii(value: &HeaderValue) -> Option<&str> {
    std::str::from_utf8(value.as_bytes()).ok().filter(|text| text.is_ascii())
}

/// Makes a header value that arrives unchanged: whitespace around a value is lost in transit.
///
/// See [`scheme`](crate::scheme#writing-your-own-scheme) for an example.
///
/// # Errors
///
/// Returns [`SignError::Header`] if `text` is not visible ASCII and inner spaces, or is longer than
/// [`MAX_VALUE_LEN`].
pub fn value(name: &HeaderName, text: &str) -> Result<HeaderValue, SignError> {
    if text.len() > MAX_VALUE_LEN {
        return Err(SignError::in_header(name, "is longer than 8 KiB"));
    }
    if text.trim_matches([' ', '\t']) != text {
        return Err(SignError::in_header(name, "begins or ends with whitespace"));
    }
    HeaderValue::from_str(text).map_err(|_| SignError::in_header(name, "is not ASCII text"))
}

/// Makes a header value like [`value`], and marks it as sensitive, so that logs do not print it.
///
/// See [`scheme`](crate::scheme#writing-your-own-scheme) for an example.
///
/// # Errors
///
/// Returns the errors of [`value`].
pub fn sensitive(name: &HeaderName, text: &str) -> Result<HeaderValue, SignError> {
    let mut value = value(name, text)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Returns the only tag, for a scheme that writes one
/// ([`Scheme::max_tags`](crate::Scheme::max_tags)).
///
/// See [`scheme`](crate::scheme#writing-your-own-scheme) for an example.
///
/// # Errors
///
/// Returns [`SignError::Request`] if there are several, or none.
pub fn only_tag(tags: &[Tag]) -> Result<&Tag, SignError> {
    match tags {
        [tag] => Ok(tag),
        _ => Err(SignError::Request("the scheme writes exactly one tag")),
    }
}
