use crate::scheme::civil::{self, Civil};
use crate::scheme::wire::unix_seconds;

/// How a header writes a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeFormat {
    /// Unix seconds in decimal digits: no sign, no leading zero, at most 18 digits.
    #[default]
    UnixSeconds,
    /// Unix milliseconds in decimal digits, as strictly. They count as the second they are in.
    UnixMillis,
    /// A date and time of [RFC 3339] with `T`, a fraction of up to nine digits or none, and `Z`
    /// or an offset. A leap second is refused. The signer writes whole seconds in UTC.
    ///
    /// [RFC 3339]: https://www.rfc-editor.org/rfc/rfc3339#section-5.6
    Rfc3339,
}

impl TimeFormat {
    /// The Unix seconds of a text; `None` if this format does not write it so.
    pub(crate) fn read(self, text: &str) -> Option<i64> {
        match self {
            Self::UnixSeconds => unix_seconds(text),
            Self::UnixMillis => unix_seconds(text).map(|millis| millis.div_euclid(1000)),
            Self::Rfc3339 => rfc3339(text),
        }
    }

    /// The text of a time; `None` if [`read`](Self::read) would refuse it.
    pub(crate) fn write(self, now: i64) -> Option<String> {
        let text = match self {
            Self::UnixSeconds => now.to_string(),
            Self::UnixMillis => now.checked_mul(1000)?.to_string(),
            Self::Rfc3339 => rfc3339_text(now)?,
        };
        self.read(&text).map(|_| text)
    }
}

fn rfc3339_text(now: i64) -> Option<String> {
    let Civil { year, month, day, hour, minute, second } = civil::civil_from_unix(now)?;
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
}

fn rfc3339(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once('T')?;
    let (time, rest) = rest.split_at_checked(8)?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let zone = match rest.strip_prefix('.') {
        None => rest,
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            let digits = fraction.len().checked_sub(zone.len())?;
            (1..=9).contains(&digits).then_some(zone)?
        }
    };
    civil::unix_from_civil(year.into(), month, day, hour, minute, second)?
        .checked_sub(offset(zone)?)
}

/// The seconds that a zone is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (ahead, zone) = match zone.strip_prefix('+') {
        Some(zone) => (true, zone),
        None => (false, zone.strip_prefix('-')?),
    };
    let [hour, minute] = numbers(zone, ':', [2, 2])?;
    if hour > 23 || minute > 59 {
        return None;
    }
    let seconds = i64::from(hour.checked_mul(60)?.checked_add(minute)?).checked_mul(60)?;
    if ahead { Some(seconds) } else { seconds.checked_neg() }
}

/// Decimal numbers of just so many digits.
fn numbers<const N: usize>(text: &str, separator: char, digits: [usize; N]) -> Option<[u32; N]> {
    let mut fields = text.split(separator);
    let mut numbers = [0; N];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let field = fields.next()?;
        if field.len() != digits || !field.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = field.parse().ok()?;
    }
    fields.next().is_none().then_some(numbers)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn each_format_reads_the_same_second() {
        for (format, text) in [
            (TimeFormat::UnixSeconds, "1700000000"),
            (TimeFormat::UnixMillis, "1700000000000"),
            (TimeFormat::UnixMillis, "1700000000999"),
            (TimeFormat::Rfc3339, "2023-11-14T22:13:20Z"),
            (TimeFormat::Rfc3339, "2023-11-14T22:13:20.123456789Z"),
            (TimeFormat::Rfc3339, "2023-11-15T00:13:20+02:00"),
            (TimeFormat::Rfc3339, "2023-11-14T16:43:20.5-05:30"),
        ] {
            assert_eq!(format.read(text), Some(1_700_000_000), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let text = TimeFormat::Rfc3339.write(1_700_000_000);
        assert_eq!(text.as_deref(), Some("2023-11-14T22:13:20Z"));
        for format in [TimeFormat::UnixSeconds, TimeFormat::UnixMillis, TimeFormat::Rfc3339] {
            for now in [0, 1, 951_782_399, 1_700_000_000, 253_402_300_799] {
                assert_eq!(format.read(&format.write(now).unwrap()), Some(now));
            }
            assert_eq!(format.write(i64::MAX), None);
            assert_eq!(format.write(i64::MIN), None);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let numbers = ["", "+1", "-1", "01", "00", "1e9", "1.0", "1 ", " 1", "0x1", "１"];
        let long = ["9223372036854775807", "-9223372036854775808", &"1".repeat(40)];
        for text in numbers.iter().chain(&long) {
            assert_eq!(TimeFormat::UnixSeconds.read(text), None, "{text}");
            assert_eq!(TimeFormat::UnixMillis.read(text), None, "{text}");
        }
        for text in [
            "",
            "T",
            "2023-11-14",
            "2023-11-14T22:13:20",
            "2023-11-14t22:13:20Z",
            "2023-11-14 22:13:20Z",
            "2023-11-14T22:13:20z",
            "2023-11-14T22:13:20.Z",
            "2023-11-14T22:13:20.1234567890Z",
            "2023-11-14T22:13:20+2:00",
            "2023-11-14T22:13:20+24:00",
            "2023-11-14T22:13:20+00:60",
            "2023-11-14T22:13:20+00:00Z",
            "2023-11-14T22:13:2éZ",
            "+023-11-14T22:13:20Z",
            "02023-11-14T22:13:20Z",
            "2023-1-14T22:13:20Z",
            "2023-02-30T22:13:20Z",
            "2016-12-31T23:59:60Z",
            "1700000000",
        ] {
            assert_eq!(TimeFormat::Rfc3339.read(text), None, "{text}");
        }
    }
}
