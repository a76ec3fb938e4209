//! The header lines that most signatures need, found in one pass over the head. Looking up a name
//! hashes it, which takes longer than comparing the few names of a usual head.

use http::HeaderValue;
use http::request::Parts;

use crate::scheme::wire::MAX_VALUE_LEN;

/// The only lines of these headers.
#[derive(Clone, Copy, Default)]
pub(super) struct Lines<'h> {
    pub(super) host: Option<&'h HeaderValue>,
    pub(super) digest: Option<&'h HeaderValue>,
    pub(super) input: Option<&'h HeaderValue>,
    pub(super) signature: Option<&'h HeaderValue>,
}

impl<'h> Lines<'h> {
    /// Returns `None` if one of the headers occurs twice or is too long to be read.
    pub(super) fn find(head: &'h Parts) -> Option<Self> {
        let mut lines = Self::default();
        for (name, value) in &head.headers {
            let line = match name.as_str() {
                "host" => &mut lines.host,
                "content-digest" => &mut lines.digest,
                "signature-input" => &mut lines.input,
                "signature" => &mut lines.signature,
                _ => continue,
            };
            if line.replace(value).is_some() || value.len() > MAX_VALUE_LEN {
                return None;
            }
        }
        Some(lines)
    }
}
