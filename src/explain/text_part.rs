use std::ops::Range;

/// A part of the signing string, and where it comes from.
///
/// See [`Report::parts`](crate::explain::Report::parts) for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextPart {
    pub(super) name: String,
    pub(super) range: Range<usize>,
}

impl TextPart {
    /// Returns the name of the part: `method`, `path`, `query`, `body`, `literal` for constant
    /// text, the name of a header, or one of the scheme's own names, such as `@authority`. Empty if
    /// the scheme does not name the part.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the range of its bytes in
    /// [`Report::signed_bytes`](crate::explain::Report::signed_bytes).
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }
}
