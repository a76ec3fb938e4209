use std::borrow::Cow;

use crate::scheme::SentHead;

/// The source of the parts' values.
pub(crate) struct PartSource<'v> {
    pub(crate) sent: SentHead<'v>,
    /// The value of [`Part::Time`](crate::scheme::Part::Time). Empty in schemes whose time has its own
    /// header.
    pub(crate) time: Cow<'v, str>,
}

impl<'v> PartSource<'v> {
    pub(super) fn of(sent: SentHead<'v>) -> Self {
        Self { sent, time: Cow::Borrowed("") }
    }
}
