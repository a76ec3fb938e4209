use std::borrow::Cow;

use http::HeaderName;
use http::header::HOST;

use crate::error::{ConfigError, header_name};
use crate::scheme::parts::TimeFormat;
use crate::scheme::parts::source::PartSource;
use crate::scheme::{ClaimError, wire};

/// A part of the signing string of a [`HeaderScheme`](super::HeaderScheme).
///
/// ```
/// use tower_hmac::scheme::{Part, TimeFormat};
///
/// let time = Part::timestamp("X-Timestamp", TimeFormat::UnixSeconds)?;
/// let parts = [time, Part::literal("."), Part::Body];
/// assert_eq!(parts.len(), 3);
/// assert!(Part::header("not a header").is_err());
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The same bytes in every request: a version, or a delimiter.
    Literal(Vec<u8>),
    /// The method as sent, such as `POST`.
    Method,
    /// The path as sent, percent-escapes included.
    Path,
    /// The query as sent, without its `?`. Empty if there is none. A `?` with nothing after it is
    /// rejected: it would have the same signature as no query.
    Query,
    /// The value of a header, which must occur exactly once. For `Host`, this is the host of the
    /// request as read by [`wire::host`]: over HTTP/2, `:authority`.
    Header(HeaderName),
    /// The value of a header, which must occur exactly once and is checked against the clock.
    Timestamp(HeaderName, TimeFormat),
    /// The time of a `ListScheme` (feature `webhooks`), as written in the signature's own header.
    Time,
    /// The raw body, or the text that
    /// [`dangerous_derived_text`](super::HeaderScheme::dangerous_derived_text) makes from it.
    Body,
}

impl Part {
    /// Makes a part of bytes that are the same in every request.
    #[must_use]
    pub fn literal(bytes: impl Into<Vec<u8>>) -> Self {
        Self::Literal(bytes.into())
    }

    /// Makes a part of the value of a header.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if `name` is not a valid header name.
    pub fn header<N: TryInto<HeaderName>>(name: N) -> Result<Self, ConfigError> {
        header_name(name, "parts").map(Self::Header)
    }

    /// Makes a part of the value of a header that is checked against the clock.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if `name` is not a valid header name.
    pub fn timestamp<N>(name: N, format: TimeFormat) -> Result<Self, ConfigError>
    where
        N: TryInto<HeaderName>,
    {
        header_name(name, "parts").map(|name| Self::Timestamp(name, format))
    }

    pub(super) fn is_literal(&self) -> bool {
        matches!(self, Self::Literal(_))
    }

    /// Returns the name of the part in the signing string.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Literal(_) => "literal",
            Self::Method => "method",
            Self::Path => "path",
            Self::Query => "query",
            Self::Header(name) | Self::Timestamp(name, _) => name.as_str(),
            Self::Time => "time",
            Self::Body => "body",
        }
    }

    /// Returns the format of the time, if the part is one.
    pub(super) fn time_format(&self, of_list: Option<TimeFormat>) -> Option<TimeFormat> {
        match self {
            Self::Timestamp(_, format) => Some(*format),
            Self::Time => of_list,
            _ => None,
        }
    }

    /// Returns the header that the part reads.
    pub(super) fn header_name(&self) -> Option<&HeaderName> {
        match self {
            Self::Header(name) | Self::Timestamp(name, _) => Some(name),
            _ => None,
        }
    }

    /// Returns the part's bytes in this request. Empty for the body, which is not in the head.
    pub(super) fn value<'a>(
        &'a self,
        source: &'a PartSource<'_>,
    ) -> Result<Cow<'a, [u8]>, ClaimError> {
        let sent = source.sent;
        let head = sent.head;
        Ok(Cow::Borrowed(match self {
            Self::Literal(bytes) => bytes,
            Self::Method => head.method.as_str().as_bytes(),
            Self::Path => {
                return Ok(match sent.path() {
                    Cow::Borrowed(path) => Cow::Borrowed(path.as_bytes()),
                    Cow::Owned(path) => Cow::Owned(path.into_bytes()),
                });
            }
            Self::Query => match head.uri.query() {
                Some("") => return Err(ClaimError::malformed("the target ends in a bare `?`")),
                query => query.unwrap_or_default().as_bytes(),
            },
            Self::Header(name) if *name == HOST => sent.host()?.as_bytes(),
            Self::Header(name) | Self::Timestamp(name, _) => wire::required(head, name)?.as_bytes(),
            Self::Time => source.time.as_bytes(),
            Self::Body => &[],
        }))
    }
}
