use std::fmt;

use crate::crypto::{Mac, Tag};

/// The signing string, as a scheme writes it. Bytes can only be appended: they update the MAC under
/// every candidate key.
///
/// See [`scheme`](crate::scheme#writing-your-own-scheme) for an example.
pub struct SignedText(Sink);

enum Sink {
    /// One MAC for almost every request, and more while keys are rotated.
    Macs {
        first: Mac,
        more: Box<[Mac]>,
    },
    Record(RecordedText),
}

/// A recorded signing string, and the offsets at which its parts begin.
#[derive(Default)]
pub(crate) struct RecordedText {
    pub(crate) bytes: Vec<u8>,
    pub(crate) parts: Vec<(String, usize)>,
}

impl SignedText {
    #[inline]
    pub(crate) fn new(first: Mac, more: Box<[Mac]>) -> Self {
        Self(Sink::Macs { first, more })
    }

    /// Records the text instead, to explain why a signature does not match.
    pub(crate) fn record() -> Self {
        Self(Sink::Record(RecordedText::default()))
    }

    /// Appends bytes to the text.
    #[inline]
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Sink::Macs { first, more } => {
                first.update(bytes);
                for mac in more {
                    mac.update(bytes);
                }
            }
            Sink::Record(text) => text.bytes.extend_from_slice(bytes),
        }
    }

    /// Names the next part of the text, up to the next name. Use `method`, `path`, `query`,
    /// `literal` for constant text, the name of a header, or one of the scheme's own names.
    /// [`Verifier::explain`](crate::Verifier::explain) shows where each byte comes from, and tries
    /// the usual mistakes of a part. Naming parts costs nothing while a request is verified.
    ///
    /// ```
    /// use http::request::Parts;
    /// use tower_hmac::scheme::SignedText;
    ///
    /// // `POST /order`
    /// fn write(head: &Parts, text: &mut SignedText) {
    ///     text.part("method").update(head.method.as_str().as_bytes());
    ///     text.part("literal").update(b" ");
    ///     text.part("path").update(head.uri.path().as_bytes());
    /// }
    /// # let _ = write;
    /// ```
    #[inline]
    pub fn part(&mut self, name: &str) -> &mut Self {
        if let Sink::Record(text) = &mut self.0 {
            text.parts.push((name.to_owned(), text.bytes.len()));
        }
        self
    }

    /// Returns whether the text is recorded, so that the names of its parts matter.
    #[cfg(feature = "rfc9421")]
    pub(crate) fn is_record(&self) -> bool {
        matches!(self.0, Sink::Record(_))
    }

    /// Returns the number of candidates.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        match &self.0 {
            Sink::Macs { more, .. } => more.len().saturating_add(1),
            Sink::Record(_) => 0,
        }
    }

    /// Passes the tags of all candidates to `take`, in order. Call it once: the text ends here.
    #[inline]
    pub(crate) fn finalize(&mut self, mut take: impl FnMut(Tag)) {
        if let Sink::Macs { first, more } = &mut self.0 {
            take(first.finalize_in_place());
            for mac in more {
                take(mac.finalize_in_place());
            }
        }
    }

    pub(crate) fn into_recorded(self) -> RecordedText {
        match self.0 {
            Sink::Macs { .. } => RecordedText::default(),
            Sink::Record(text) => text,
        }
    }
}

impl fmt::Debug for SignedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedText(..)")
    }
}
