//! The signing string of one request, part by part.

use std::fmt::Write as _;

use http::request::Parts;

use crate::explain::text_part::TextPart;
use crate::scheme::{Claim, ClaimError, Coverage, RecordedText, Scheme, SignedText, write_body};

/// A body up to this length is shown whole, in bytes.
const SHOWN_WHOLE: usize = 512;
/// The number of bytes shown from the beginning and from the end of a longer body.
const SHOWN_OF_ENDS: (usize, usize) = (256, 64);

/// The signing string: the text before the body, in place of the body, and after it.
pub(super) struct Assembled<'b> {
    before: RecordedText,
    body: Body<'b>,
    after: RecordedText,
}

enum Body<'b> {
    Raw(&'b [u8]),
    Derived(RecordedText),
}

/// A part of the text: its name in the scheme, if any, and its bytes.
#[derive(Clone, Copy)]
pub(super) struct Segment<'t> {
    pub(super) name: &'t str,
    pub(super) bytes: &'t [u8],
}

impl<'b> Assembled<'b> {
    pub(super) fn new(
        scheme: &dyn Scheme,
        head: &Parts,
        claim: &Claim,
        coverage: &Coverage,
        body: &'b [u8],
    ) -> Result<Self, ClaimError> {
        let before = record(|text| scheme.before_body(head, claim, text))?;
        let body = match coverage {
            Coverage::Signed => Body::Raw(body),
            Coverage::Derived | Coverage::Hashed(_) => Body::Derived(record(|text| {
                write_body(scheme, head, claim, (coverage, body), text)
            })?),
            _ => Body::Raw(&[]),
        };
        let after = record(|text| scheme.after_body(head, claim, text))?;
        Ok(Self { before, body, after })
    }

    /// Returns the text with these bytes in place of the body's.
    pub(super) fn around<'t>(&'t self, body: &'t [u8]) -> [&'t [u8]; 3] {
        [&self.before.bytes, body, &self.after.bytes]
    }

    /// Returns the unchanged text.
    pub(super) fn pieces(&self) -> [&[u8]; 3] {
        self.around(self.body())
    }

    /// Returns the parts of the text in order. Some may be empty.
    pub(super) fn segments(&self) -> Vec<Segment<'_>> {
        let mut segments = named(&self.before, "");
        match &self.body {
            Body::Raw(bytes) => segments.push(Segment { name: "body", bytes }),
            Body::Derived(text) => segments.extend(named(text, "body")),
        }
        segments.extend(named(&self.after, ""));
        segments
    }

    /// Returns the parts for a report.
    pub(super) fn parts(&self) -> Vec<TextPart> {
        let mut end = 0_usize;
        let part = |segment: Segment<'_>| {
            let start = end;
            end = end.saturating_add(segment.bytes.len());
            TextPart { name: segment.name.to_owned(), range: start..end }
        };
        let segments = self.segments().into_iter();
        segments.filter(|segment| !segment.bytes.is_empty()).map(part).collect()
    }

    /// Returns the text with the body shortened, for display.
    pub(super) fn shown(&self) -> String {
        let (first, last) = SHOWN_OF_ENDS;
        let body = self.body();
        let end = body.len().saturating_sub(last);
        let shown = match (body.get(..first), body.get(end..)) {
            (Some(start), Some(rest)) if body.len() > SHOWN_WHOLE => {
                let left_out = end.saturating_sub(first);
                format!("{}[... {left_out} bytes ...]{}", printable(start), printable(rest))
            }
            _ => printable(body),
        };
        format!("{}{shown}{}", printable(&self.before.bytes), printable(&self.after.bytes))
    }

    fn body(&self) -> &[u8] {
        match &self.body {
            Body::Raw(bytes) => bytes,
            Body::Derived(text) => &text.bytes,
        }
    }
}

fn record(
    write: impl FnOnce(&mut SignedText) -> Result<(), ClaimError>,
) -> Result<RecordedText, ClaimError> {
    let mut text = SignedText::record();
    write(&mut text)?;
    Ok(text.into_recorded())
}

/// Splits the scheme's text at each name of a part. The text before the first name is named
/// `first`.
fn named<'t>(text: &'t RecordedText, first: &'t str) -> Vec<Segment<'t>> {
    let starts = std::iter::once((first, 0));
    let starts = starts.chain(text.parts.iter().map(|(name, start)| (name.as_str(), *start)));
    let ends = text.parts.iter().map(|(_, start)| *start).chain([text.bytes.len()]);
    let segment = |((name, start), end)| Segment {
        name,
        bytes: text.bytes.get(start..end).unwrap_or_default(),
    };
    starts.zip(ends).map(segment).collect()
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
