//! The headers in the canonical request.

use http::header::{CONTENT_TYPE, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::scheme::ClaimError;

/// The prefix of header names that must all be signed.
const AMZ: &str = "x-amz-";

/// Headers that a signer leaves out, because proxies or the HTTP library change or add them.
const UNSIGNED: [&str; 17] = [
    "accept-encoding",
    "authorization",
    "connection",
    "expect",
    "forwarded",
    "keep-alive",
    "max-forwards",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-amzn-trace-id",
    "proxy-authorization",
];

/// Rejects a list of signed headers that is not in canonical form, or omits a header that must be
/// signed.
pub(super) fn check_list(
    list: &str,
    headers: &HeaderMap,
    required: &[HeaderName],
) -> Result<(), ClaimError> {
    let malformed = |why| Err(ClaimError::malformed(why));
    let names = || list.split(';');
    if names().any(|name| name.is_empty() || name.bytes().any(|byte| byte.is_ascii_uppercase())) {
        return malformed("a signed header's name is empty or not in lower case (rule 5)");
    }
    if !names().zip(names().skip(1)).all(|(name, next)| name < next) {
        return malformed("the signed headers are not in ascending order (rule 5)");
    }
    let is_listed = |wanted: &str| names().any(|name| name == wanted);
    if !is_listed(HOST.as_str()) {
        return malformed("`host` is not signed (rule 5)");
    }
    let must = |name: &&HeaderName| must_be_signed(name) && !is_listed(name.as_str());
    if let Some(name) = headers.keys().find(must) {
        return Err(ClaimError::in_header(name, "is present but not signed (rule 5)"));
    }
    match required.iter().find(|name| !is_listed(name.as_str())) {
        Some(name) => Err(ClaimError::in_header(name, "is required but not signed (rule 5)")),
        None => Ok(()),
    }
}

fn must_be_signed(name: &HeaderName) -> bool {
    *name == CONTENT_TYPE || name.as_str().starts_with(AMZ)
}

/// Returns the list that a signer writes.
pub(super) fn list(head: &Parts) -> String {
    let is_signed = |name: &&str| {
        !UNSIGNED.contains(name) && !name.starts_with("x-forwarded-") && *name != HOST.as_str()
    };
    let names = head.headers.keys().map(HeaderName::as_str).filter(is_signed);
    let mut names: Vec<_> = names.chain([HOST.as_str()]).collect();
    names.sort_unstable();
    names.join(";")
}

/// Writes a line for each listed header, in the order of the list.
pub(super) fn write(
    out: &mut Vec<u8>,
    list: &str,
    headers: &HeaderMap,
    host: &str,
) -> Result<(), ClaimError> {
    for name in list.split(';') {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        if name == HOST.as_str() {
            out.extend_from_slice(host.as_bytes());
        } else {
            write_values(out, headers.get_all(name).iter())?;
        }
        out.push(b'\n');
    }
    Ok(())
}

/// Writes values without the whitespace around them, each inner run of spaces as one space, joined
/// by commas.
fn write_values<'h>(
    out: &mut Vec<u8>,
    values: impl Iterator<Item = &'h HeaderValue>,
) -> Result<(), ClaimError> {
    let mut place = 0_usize;
    for value in values {
        if place > 0 {
            out.push(b',');
        }
        place = place.saturating_add(1);
        let mut is_after_space = false;
        for byte in value.as_bytes().trim_ascii() {
            let is_space = *byte == b' ';
            if !(is_space && is_after_space) {
                out.push(*byte);
            }
            is_after_space = is_space;
        }
    }
    if place == 0 {
        return Err(ClaimError::malformed("a header is listed as signed, but missing (rule 6)"));
    }
    Ok(())
}

/// Returns the listed headers as they were read.
pub(super) fn signed(list: &str, headers: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    let mut signed = Vec::new();
    for name in list.split(';') {
        let Ok(name) = HeaderName::try_from(name) else { continue };
        for value in headers.get_all(&name) {
            signed.push((name.clone(), value.clone()));
        }
    }
    signed
}
