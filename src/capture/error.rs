use std::borrow::Cow;

use crate::capture::draft::Fault;

/// The error for a capture that cannot be read: the position, and the input expected there.
///
/// Never repeats the capture, which may contain credentials.
///
/// See [`capture`](crate::capture) for an example.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: expected {expected}")]
pub struct CaptureError {
    line: usize,
    column: usize,
    expected: Cow<'static, str>,
}

impl CaptureError {
    pub(super) fn new(text: &[u8], fault: Fault) -> Self {
        let before = text.get(..fault.at).unwrap_or(text);
        let line = before.split(|byte| *byte == b'\n').count();
        let last = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        let column = String::from_utf8_lossy(last).chars().count().saturating_add(1);
        Self { line, column, expected: fault.expected }
    }

    /// Returns the line number, starting at 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// Returns the column in characters, starting at 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// Returns the input that was expected at this position.
    #[must_use]
    pub fn expected(&self) -> &str {
        &self.expected
    }
}
