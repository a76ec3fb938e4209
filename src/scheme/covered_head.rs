//! The parts of the head that a signature covers.

use std::borrow::Cow;
use std::sync::Arc;

use http::{HeaderName, HeaderValue};

/// The parts of the head that the signature covers.
#[derive(Clone, Debug, Default)]
pub(crate) struct CoveredHead {
    /// Stored inline, since most signatures cover at most one header.
    first_header: Option<SignedHeader>,
    more_headers: Vec<SignedHeader>,
    pub(super) components: ComponentNames,
}

type SignedHeader = (HeaderName, HeaderValue);

/// Names of covered components. Shared, since most requests to a service cover the same ones.
pub(crate) type ComponentNames = Arc<[Cow<'static, str>]>;

impl CoveredHead {
    pub(crate) fn new(
        components: ComponentNames,
        headers: impl IntoIterator<Item = SignedHeader>,
    ) -> Self {
        let mut headers = headers.into_iter();
        Self { first_header: headers.next(), more_headers: headers.collect(), components }
    }

    /// Makes a covered head that has no headers yet.
    #[cfg(feature = "rfc9421")]
    pub(crate) fn of(components: ComponentNames) -> Self {
        Self { first_header: None, more_headers: Vec::new(), components }
    }

    #[cfg(feature = "rfc9421")]
    pub(crate) fn push(&mut self, header: SignedHeader) {
        if self.first_header.is_none() {
            self.first_header = Some(header);
        } else {
            self.more_headers.push(header);
        }
    }

    pub(crate) fn headers(&self) -> impl Iterator<Item = &SignedHeader> {
        self.first_header.iter().chain(&self.more_headers)
    }

    /// Returns the value of a covered header with a single line.
    #[cfg(feature = "rfc9421")]
    pub(crate) fn only_line(&self, name: &HeaderName) -> Option<&HeaderValue> {
        let mut lines = self.headers().filter(|(covered, _)| covered == name);
        let (_, line) = lines.next()?;
        lines.next().is_none().then_some(line)
    }

    pub(crate) fn components(&self) -> &[Cow<'static, str>] {
        &self.components
    }
}
