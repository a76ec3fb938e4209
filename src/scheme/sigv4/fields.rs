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

/// The headers that a request lists as signed, found in one pass over its head.
pub(super) struct Listed<'h> {
    list: &'h str,
    names: Vec<&'h str>,
    /// Each header with the index of its name in the list, in ascending order.
    lines: Vec<(usize, &'h HeaderName, &'h HeaderValue)>,
}

impl<'h> Listed<'h> {
    /// Rejects a list that is not in canonical form, or omits a header that must be signed.
    pub(super) fn read(
        list: &'h str,
        headers: &'h HeaderMap,
        required: &[HeaderName],
    ) -> Result<Self, ClaimError> {
        let malformed = |why| Err(ClaimError::malformed(why));
        let names: Vec<_> = list.split(';').collect();
        let has_upper_case = list.bytes().any(|byte| byte.is_ascii_uppercase());
        if has_upper_case || names.iter().any(|name| name.is_empty()) {
            return malformed("a signed header's name is empty or not in lower case (rule 5)");
        }
        if !names.is_sorted_by(|name, next| name < next) {
            return malformed("the signed headers are not in ascending order (rule 5)");
        }
        let place = |wanted: &str| names.binary_search(&wanted).ok();
        if place(HOST.as_str()).is_none() {
            return malformed("`host` is not signed (rule 5)");
        }
        let mut lines = Vec::with_capacity(names.len());
        for (name, value) in headers {
            match place(name.as_str()) {
                Some(place) => lines.push((place, name, value)),
                None if must_be_signed(name) => {
                    return Err(ClaimError::in_header(name, "is present but not signed (rule 5)"));
                }
                None => {}
            }
        }
        if let Some(name) = required.iter().find(|name| place(name.as_str()).is_none()) {
            return Err(ClaimError::in_header(name, "is required but not signed (rule 5)"));
        }
        // A stable sort keeps the lines of one name in order.
        lines.sort_by_key(|(place, ..)| *place);
        Ok(Self { list, names, lines })
    }

    pub(super) fn list(&self) -> &'h str {
        self.list
    }

    /// Writes a line for each listed header, in the order of the list.
    pub(super) fn write(&self, out: &mut Vec<u8>, host: &str) -> Result<(), ClaimError> {
        let mut rest = &*self.lines;
        for (place, name) in self.names.iter().enumerate() {
            let count = rest.iter().take_while(|line| line.0 == place).count();
            let (lines, others) = rest.split_at(count);
            rest = others;
            out.extend_from_slice(name.as_bytes());
            out.push(b':');
            if *name == HOST.as_str() {
                out.extend_from_slice(host.as_bytes());
            } else {
                write_values(out, lines.iter().map(|(_, _, value)| *value))?;
            }
            out.push(b'\n');
        }
        Ok(())
    }

    /// Returns the listed headers as they were read.
    pub(super) fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        self.lines.iter().map(|(_, name, value)| ((*name).clone(), (*value).clone())).collect()
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
        let value = value.as_bytes().trim_ascii();
        // Most values have no space at all, which is quick to detect.
        if !value.contains(&b' ') || !value.windows(2).any(|two| two == b"  ") {
            out.extend_from_slice(value);
            continue;
        }
        let mut is_after_space = false;
        for byte in value {
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
