//! The headers in the canonical request.

use http::header::{CONTENT_TYPE, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::scheme::{ClaimError, ComponentNames, CoveredHead};

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

/// The length up to which a list is searched from its start, and not by bisection. Comparing
/// lengths first makes that faster.
const SHORT: usize = 16;

/// The headers that a request lists as signed, found in one pass over its head.
pub(super) struct Listed<'h> {
    list: &'h str,
    /// The names, in ascending order, each with its first line in the head.
    names: Vec<(&'h [u8], Option<Line<'h>>)>,
    headers: &'h HeaderMap,
    /// Whether any header of the head has more than one line.
    repeats: bool,
}

type Line<'h> = (&'h HeaderName, &'h HeaderValue);

impl<'h> Listed<'h> {
    /// Rejects a list that is not in canonical form, or omits a header that must be signed.
    pub(super) fn read(
        list: &'h str,
        headers: &'h HeaderMap,
        required: &[HeaderName],
    ) -> Result<Self, ClaimError> {
        let malformed = |why| Err(ClaimError::malformed(why));
        // No early end, so that the compiler can check many bytes at once.
        let has_upper_case =
            list.bytes().fold(false, |found, byte| found | byte.is_ascii_uppercase());
        let mut names: Vec<(&[u8], Option<Line<'_>>)> = Vec::with_capacity(SHORT);
        names.extend(list.as_bytes().split(|byte| *byte == b';').map(|name| (name, None)));
        if has_upper_case || names.iter().any(|(name, _)| name.is_empty()) {
            return malformed("a signed header's name is empty or not in lower case (rule 5)");
        }
        if !names.is_sorted_by(|(name, _), (next, _)| name < next) {
            return malformed("the signed headers are not in ascending order (rule 5)");
        }
        for line in headers {
            match place(&names, line.0.as_str()).and_then(|place| names.get_mut(place)) {
                Some((_, first)) => drop(first.get_or_insert(line)),
                None if must_be_signed(line.0) => {
                    return Err(ClaimError::in_header(
                        line.0,
                        "is present but not signed (rule 5)",
                    ));
                }
                None => {}
            }
        }
        if place(&names, HOST.as_str()).is_none() {
            return malformed("`host` is not signed (rule 5)");
        }
        if let Some(name) = required.iter().find(|name| place(&names, name.as_str()).is_none()) {
            return Err(ClaimError::in_header(name, "is required but not signed (rule 5)"));
        }
        Ok(Self { list, names, headers, repeats: headers.len() != headers.keys_len() })
    }

    pub(super) fn list(&self) -> &'h str {
        self.list
    }

    /// Writes a line for each listed header, in the order of the list.
    pub(super) fn write(&self, out: &mut Vec<u8>, host: &str) -> Result<(), ClaimError> {
        for (name, first) in &self.names {
            out.extend_from_slice(name);
            out.push(b':');
            if *name == HOST.as_str().as_bytes() {
                out.extend_from_slice(host.as_bytes());
            } else {
                let missing = "a header is listed as signed, but missing (rule 6)";
                let first = first.ok_or(ClaimError::malformed(missing))?;
                write_value(out, first.1);
                for value in self.more(first) {
                    out.push(b',');
                    write_value(out, value);
                }
            }
            out.push(b'\n');
        }
        Ok(())
    }

    /// Returns the listed headers as they were read.
    pub(super) fn covered(&self) -> CoveredHead {
        let mut headers = Vec::with_capacity(self.names.len());
        for first in self.names.iter().filter_map(|(_, first)| *first) {
            headers.push((first.0.clone(), first.1.clone()));
            for value in self.more(first) {
                headers.push((first.0.clone(), value.clone()));
            }
        }
        CoveredHead::new(ComponentNames::default(), headers)
    }

    /// Returns the values of a header after its first.
    fn more(&self, (name, _): Line<'h>) -> impl Iterator<Item = &'h HeaderValue> {
        // Almost no request repeats a header, so most need no lookup.
        let values = self.repeats.then(|| self.headers.get_all(name).iter().skip(1));
        values.into_iter().flatten()
    }
}

/// Returns the position of a name in a list.
fn place(names: &[(&[u8], Option<Line<'_>>)], wanted: &str) -> Option<usize> {
    let wanted = wanted.as_bytes();
    if names.len() > SHORT {
        return names.binary_search_by_key(&wanted, |(name, _)| name).ok();
    }
    names.iter().position(|(name, _)| *name == wanted)
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

/// Writes a value without the whitespace around it, each inner run of spaces as one space.
fn write_value(out: &mut Vec<u8>, value: &HeaderValue) {
    let value = value.as_bytes().trim_ascii();
    // Most values have no space at all, which is quick to detect.
    if !value.contains(&b' ') || !value.windows(2).any(|two| two == b"  ") {
        out.extend_from_slice(value);
        return;
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
