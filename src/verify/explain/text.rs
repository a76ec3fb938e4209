use std::fmt::Write as _;

use http::request::Parts;

use crate::scheme::{Claim, ClaimError, Coverage, Scheme, SignedText};

/// A body up to this length is shown whole, in bytes.
const SHOWN_WHOLE: usize = 512;
/// Of a longer one, so much of its beginning, and so much of its end.
const SHOWN_OF_ENDS: (usize, usize) = (256, 64);

/// The signed text in its three parts.
pub(super) struct Assembled {
    before: Vec<u8>,
    body: Vec<u8>,
    after: Vec<u8>,
}

impl Assembled {
    pub(super) fn new(
        scheme: &dyn Scheme,
        head: &Parts,
        claim: &Claim,
        body: &[u8],
    ) -> Result<Self, ClaimError> {
        let coverage = scheme.coverage(head, claim)?;
        let before = record(|text| scheme.before_body(head, claim, text))?;
        let body = match coverage {
            Coverage::Signed => body.to_vec(),
            Coverage::Derived => record(|text| scheme.derive(head, claim, body, text))?,
            Coverage::Digest(_) | Coverage::Empty | Coverage::Uncovered(_) | Coverage::Unsigned => {
                Vec::new()
            }
        };
        let after = record(|text| scheme.after_body(head, claim, text))?;
        Ok(Self { before, body, after })
    }

    pub(super) fn whole(&self) -> Vec<u8> {
        [&*self.before, &*self.body, &*self.after].concat()
    }

    /// As text, with the body shortened.
    pub(super) fn shown(&self) -> String {
        let (first, last) = SHOWN_OF_ENDS;
        let body = &self.body;
        let end = body.len().saturating_sub(last);
        let shown = match (body.get(..first), body.get(end..)) {
            (Some(start), Some(rest)) if body.len() > SHOWN_WHOLE => {
                let left_out = end.saturating_sub(first);
                format!("{}[... {left_out} bytes ...]{}", printable(start), printable(rest))
            }
            _ => printable(body),
        };
        format!("{}{shown}{}", printable(&self.before), printable(&self.after))
    }
}

fn record(
    write: impl FnOnce(&mut SignedText) -> Result<(), ClaimError>,
) -> Result<Vec<u8>, ClaimError> {
    let mut text = SignedText::record();
    write(&mut text)?;
    Ok(text.into_recorded())
}

fn printable(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}
