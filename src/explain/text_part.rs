use std::ops::Range;

/// A part of the signed text, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextPart {
    pub(super) name: String,
    pub(super) range: Range<usize>,
}

impl TextPart {
    /// Returns what it is: `method`, `path`, `query`, `body`, `literal` for what is the same in
    /// every request, the name of a header, or a name of the format's own, such as `@authority`.
    /// Empty if the format does not say.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its bytes' place in [`Report::signed_bytes`](crate::explain::Report::signed_bytes).
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }
}
