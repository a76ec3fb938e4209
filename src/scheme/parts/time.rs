use http::HeaderName;
use http::request::Parts;

use crate::scheme::{ClaimError, SignError, shape, wire};

/// The format of a time in a header.
///
/// ```
/// use tower_hmac::HeaderScheme;
/// use tower_hmac::scheme::{Part, TimeFormat};
///
/// // Signs `<X-Time>.<body>`, such as `2026-11-28T12:00:00Z.{}`.
/// let time = Part::timestamp("X-Time", TimeFormat::Rfc3339)?;
/// let scheme = HeaderScheme::new("X-Signature")?
///     .with_parts([time, Part::literal("."), Part::Body])?;
/// # let _ = scheme;
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeFormat {
    /// Unix seconds in decimal digits: no sign, no leading zero, at most 18 digits.
    #[default]
    UnixSeconds,
    /// Unix milliseconds in decimal digits, parsed as strictly. They are rounded down to seconds.
    UnixMillis,
    /// A date and time of [RFC 3339] with `T`, an optional fraction of up to nine digits, and `Z`
    /// or an offset. A leap second is rejected. The signer writes whole seconds in UTC.
    ///
    /// [RFC 3339]: https://www.rfc-editor.org/rfc/rfc3339#section-5.6
    Rfc3339,
    /// An HTTP date in the form that senders must write, `Sun, 06 Nov 1994 08:49:37 GMT`
    /// ([RFC 9110 section 5.6.7](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7)).
    HttpDate,
}

impl TimeFormat {
    /// Parses a string into Unix seconds. `None` if it is not in this format.
    pub(crate) fn read(self, text: &str) -> Option<i64> {
        match self {
            Self::UnixSeconds => wire::unix_seconds(text),
            Self::UnixMillis => wire::unix_millis(text),
            Self::Rfc3339 => wire::rfc3339(text),
            Self::HttpDate => wire::http_date(text),
        }
    }

    /// Reads the text of a time in this header.
    pub(crate) fn read_text(self, header: &HeaderName, text: &str) -> Result<i64, ClaimError> {
        self.read(text).ok_or_else(|| shape::no_time(Some(header), self.expected(), text))
    }

    /// Reads a header with a time. Returns it as sent and as a number.
    pub(crate) fn read_header<'h>(
        self,
        head: &'h Parts,
        name: &HeaderName,
    ) -> Result<(&'h str, i64), ClaimError> {
        let text = wire::text(name, wire::required(head, name)?)?;
        Ok((text, self.read_text(name, text)?))
    }

    /// Writes a time into a header.
    pub(crate) fn write_header(
        self,
        head: &mut Parts,
        name: &HeaderName,
        now: i64,
    ) -> Result<(), SignError> {
        let unwritable = SignError::Request("the clock shows a time that the scheme cannot write");
        let text = self.write(now).ok_or(unwritable)?;
        head.headers.insert(name, wire::value(name, &text)?);
        Ok(())
    }

    /// Describes the format in an error.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::UnixSeconds => "Unix seconds in decimal digits",
            Self::UnixMillis => "Unix milliseconds in decimal digits",
            Self::Rfc3339 => "a date and time of RFC 3339 with `Z` or an offset",
            Self::HttpDate => "an HTTP date",
        }
    }

    /// Returns whether the format's own grammar defines where a time begins and ends, whatever is
    /// next to it.
    pub(super) fn ends_itself(self) -> bool {
        matches!(self, Self::Rfc3339 | Self::HttpDate)
    }

    /// Writes a time. `None` if [`read`](Self::read) would reject it.
    pub(crate) fn write(self, now: i64) -> Option<String> {
        let text = match self {
            Self::UnixSeconds => now.to_string(),
            Self::UnixMillis => now.checked_mul(1000)?.to_string(),
            Self::Rfc3339 => wire::to_rfc3339(now)?,
            Self::HttpDate => wire::to_http_date(now)?,
        };
        self.read(&text).map(|_| text)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn each_time_form_reads_the_same_second() {
        for (format, text) in [
            (TimeFormat::UnixSeconds, "1700000000"),
            (TimeFormat::UnixMillis, "1700000000000"),
            (TimeFormat::UnixMillis, "1700000000999"),
            (TimeFormat::Rfc3339, "2023-11-14T22:13:20Z"),
            (TimeFormat::Rfc3339, "2023-11-14T22:13:20.123456789Z"),
            (TimeFormat::Rfc3339, "2023-11-15T00:13:20+02:00"),
            (TimeFormat::Rfc3339, "2023-11-14T16:43:20.5-05:30"),
            (TimeFormat::HttpDate, "Tue, 14 Nov 2023 22:13:20 GMT"),
        ] {
            assert_eq!(format.read(text), Some(1_700_000_000), "{text}");
        }
    }

    #[test]
    fn written_times_are_read_back() {
        let text = TimeFormat::Rfc3339.write(1_700_000_000);
        assert_eq!(text.as_deref(), Some("2023-11-14T22:13:20Z"));
        for format in [
            TimeFormat::UnixSeconds,
            TimeFormat::UnixMillis,
            TimeFormat::Rfc3339,
            TimeFormat::HttpDate,
        ] {
            for now in [0, 1, 951_782_399, 1_700_000_000, 253_402_300_799] {
                assert_eq!(format.read(&format.write(now).unwrap()), Some(now));
            }
            assert_eq!(format.write(i64::MAX), None);
            assert_eq!(format.write(i64::MIN), None);
        }
    }

    #[test]
    fn invalid_times_are_rejected() {
        let numbers = ["", "+1", "-1", "01", "00", "1e9", "1.0", "1 ", " 1", "0x1", "１"];
        let long = ["9223372036854775807", "-9223372036854775808", &"1".repeat(40)];
        for text in numbers.iter().chain(&long) {
            assert_eq!(TimeFormat::UnixSeconds.read(text), None, "{text}");
            assert_eq!(TimeFormat::UnixMillis.read(text), None, "{text}");
        }
    }
}
