//! Times as text. Each function reads or writes exactly one spelling.

use std::time::{Duration, UNIX_EPOCH};

use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

/// Parses Unix seconds in decimal digits: no sign, no leading zero, at most 18 digits.
///
/// ```
/// use tower_hmac::scheme::wire::unix_seconds;
///
/// assert_eq!(unix_seconds("1700000000"), Some(1_700_000_000));
/// for other in ["", "+1", "-1", "01", " 1", "1.5", "1e9"] {
///     assert_eq!(unix_seconds(other), None);
/// }
/// ```
#[must_use]
pub fn unix_seconds(text: &str) -> Option<i64> {
    let canonical = text == "0" || !text.starts_with('0');
    let digits = !text.is_empty() && text.len() <= 18 && text.bytes().all(|b| b.is_ascii_digit());
    if canonical && digits { text.parse().ok() } else { None }
}

/// Parses Unix milliseconds as strictly as [`unix_seconds`], and returns the second they fall into.
///
/// ```
/// use tower_hmac::scheme::wire::unix_millis;
///
/// assert_eq!(unix_millis("1700000000999"), Some(1_700_000_000));
/// ```
#[must_use]
pub fn unix_millis(text: &str) -> Option<i64> {
    unix_seconds(text).map(|millis| millis.div_euclid(1000))
}

/// Parses a date and time of [RFC 3339], and returns the second it falls into, in Unix seconds.
///
/// A `T` separates the date and the time. A fraction of up to nine digits is optional, and `Z` or
/// an offset follows. A leap second has no Unix time, and is rejected.
///
/// ```
/// use tower_hmac::scheme::wire::rfc3339;
///
/// assert_eq!(rfc3339("2023-11-14T22:13:20Z"), Some(1_700_000_000));
/// assert_eq!(rfc3339("2023-11-15T00:13:20.5+02:00"), Some(1_700_000_000));
/// for other in ["2023-11-14T22:13:20", "2023-11-14 22:13:20Z", "2023-02-30T00:00:00Z"] {
///     assert_eq!(rfc3339(other), None);
/// }
/// ```
///
/// [RFC 3339]: https://www.rfc-editor.org/rfc/rfc3339#section-5.6
#[must_use]
pub fn rfc3339(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once('T')?;
    let (time, rest) = rest.split_at_checked(8)?;
    let date = numbers(date, '-', [4, 2, 2])?;
    let time = numbers(time, ':', [2, 2, 2])?;
    let zone = match rest.strip_prefix('.') {
        None => rest,
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            let digits = fraction.len().checked_sub(zone.len())?;
            (1..=9).contains(&digits).then_some(zone)?
        }
    };
    utc(date, time)?.checked_sub(offset(zone)?)
}

/// Returns the Unix seconds of a date and a time in UTC. `None` if there is no such time.
pub(crate) fn utc([year, month, day]: [u16; 3], [hour, minute, second]: [u16; 3]) -> Option<i64> {
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(year.into(), month, u8::try_from(day).ok()?).ok()?;
    let time = clock_time(hour, minute, second)?;
    Some(PrimitiveDateTime::new(date, time).assume_utc().unix_timestamp())
}

/// Writes Unix seconds for [`rfc3339`], in UTC. Returns `None` outside the years 0 to 9999.
///
/// ```
/// use tower_hmac::scheme::wire::to_rfc3339;
///
/// assert_eq!(to_rfc3339(1_700_000_000).as_deref(), Some("2023-11-14T22:13:20Z"));
/// ```
#[must_use]
pub fn to_rfc3339(unix_seconds: i64) -> Option<String> {
    let at = OffsetDateTime::from_unix_timestamp(unix_seconds).ok()?;
    let (date, month, (hour, minute, second)) = (at.date(), u8::from(at.month()), at.to_hms());
    let year = u16::try_from(date.year()).ok()?;
    Some(format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", date.day()))
}

/// Parses an HTTP date in the form that senders must write ([RFC 9110 section 5.6.7],
/// `IMF-fixdate`), and returns its Unix seconds.
///
/// The weekday must match the date, and the year must not be before 1970.
///
/// ```
/// use tower_hmac::scheme::wire::http_date;
///
/// assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
/// // The obsolete forms, and the wrong weekday.
/// assert_eq!(http_date("Sun Nov  6 08:49:37 1994"), None);
/// assert_eq!(http_date("Mon, 06 Nov 1994 08:49:37 GMT"), None);
/// ```
///
/// [RFC 9110 section 5.6.7]: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7
#[must_use]
pub fn http_date(text: &str) -> Option<i64> {
    let date = httpdate::parse_http_date(text).ok()?;
    let seconds = date.duration_since(UNIX_EPOCH).ok()?.as_secs();
    let seconds = i64::try_from(seconds).ok()?;
    // The library accepts the obsolete forms, and whitespace around them.
    to_http_date(seconds).filter(|canonical| canonical == text).map(|_| seconds)
}

/// Writes Unix seconds for [`http_date`]. Returns `None` outside the years 1970 to 9999.
///
/// ```
/// use tower_hmac::scheme::wire::to_http_date;
///
/// assert_eq!(to_http_date(784_111_777).as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
/// ```
#[must_use]
pub fn to_http_date(unix_seconds: i64) -> Option<String> {
    // The library panics after the year 9999.
    to_rfc3339(unix_seconds)?;
    let since = Duration::from_secs(u64::try_from(unix_seconds).ok()?);
    UNIX_EPOCH.checked_add(since).map(httpdate::fmt_http_date)
}

/// Returns how many seconds a zone is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (ahead, zone) = match zone.strip_prefix('+') {
        Some(zone) => (true, zone),
        None => (false, zone.strip_prefix('-')?),
    };
    let [hour, minute] = numbers(zone, ':', [2, 2])?;
    let (hour, minute, _) = clock_time(hour, minute, 0)?.as_hms();
    let minutes = i64::from(hour).checked_mul(60)?.checked_add(minute.into())?;
    minutes.checked_mul(if ahead { 60 } else { -60 })
}

fn clock_time(hour: u16, minute: u16, second: u16) -> Option<Time> {
    let [hour, minute, second] = [hour, minute, second].map(u8::try_from);
    Time::from_hms(hour.ok()?, minute.ok()?, second.ok()?).ok()
}

/// Parses decimal numbers with exactly this many digits.
fn numbers<const N: usize>(text: &str, separator: char, digits: [usize; N]) -> Option<[u16; N]> {
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
    fn known_times_have_their_unix_seconds() {
        // GNU date: `date -u -d '…' +%s`.
        for (text, unix) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1969-12-31T23:59:59Z", -1),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2011-04-27T03:26:37Z", 1_303_874_797),
            ("0001-01-01T00:00:00Z", -62_135_596_800),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            assert_eq!(rfc3339(text), Some(unix), "{text}");
            assert_eq!(to_rfc3339(unix).as_deref(), Some(text));
        }
    }

    #[test]
    fn dates_and_times_that_do_not_exist_are_rejected() {
        for text in [
            "2011-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2011-04-31T00:00:00Z",
            "2011-00-01T00:00:00Z",
            "2011-13-01T00:00:00Z",
            "2011-01-00T00:00:00Z",
            "2011-01-01T24:00:00Z",
            "2011-01-01T00:60:00Z",
            "2016-12-31T23:59:60Z",
        ] {
            assert_eq!(rfc3339(text), None, "{text}");
        }
        for text in [
            "Thu, 31 Feb 1994 08:49:37 GMT",
            "Sat, 31 Dec 2016 23:59:60 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
        ] {
            assert_eq!(http_date(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_of_four_hundred_years_is_read_back() {
        let first = rfc3339("1799-12-31T00:00:00Z").unwrap();
        for day in (first..).step_by(86_400).take(146_097) {
            assert_eq!(rfc3339(&to_rfc3339(day).unwrap()), Some(day));
            assert_eq!(
                to_http_date(day).and_then(|text| http_date(&text)),
                (day >= 0).then_some(day)
            );
        }
    }

    #[test]
    fn times_out_of_range_are_not_written() {
        for seconds in [253_402_300_800, i64::MAX, i64::MIN] {
            assert_eq!(to_rfc3339(seconds), None);
            assert_eq!(to_http_date(seconds), None);
        }
        assert_eq!(to_rfc3339(-62_167_219_201), None);
        assert_eq!(to_http_date(-1), None);
    }

    #[test]
    fn other_spellings_are_rejected() {
        for text in [
            "",
            "T",
            "2023-11-14",
            "2023-11-14T22:13:20",
            "2023-11-14T22:13Z",
            "20231114T221320Z",
            "2023-11-14t22:13:20Z",
            "2023-11-14 22:13:20Z",
            "2023-11-14T22:13:20z",
            "2023-11-14T22:13:20.Z",
            "2023-11-14T22:13:20,5Z",
            "2023-11-14T22:13:20.1234567890Z",
            "2023-11-14T22:13:20+2:00",
            "2023-11-14T22:13:20+02",
            "2023-11-14T22:13:20+0200",
            "2023-11-14T22:13:20+24:00",
            "2023-11-14T22:13:20+00:60",
            "2023-11-14T22:13:20+00:00Z",
            "2023-11-14T22:13:20Z[UTC]",
            "2023-11-14T22:13:2éZ",
            "+023-11-14T22:13:20Z",
            "02023-11-14T22:13:20Z",
            "2023-1-14T22:13:20Z",
            "1700000000",
        ] {
            assert_eq!(rfc3339(text), None, "{text}");
        }
        for text in [
            "",
            "sun, 06 nov 1994 08:49:37 gmt",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 +0000",
            "Sun,  06 Nov 1994 08:49:37 GMT",
            " Sun, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT ",
            "Sunday, 06-Nov-94 08:49:37 GMT",
        ] {
            assert_eq!(http_date(text), None, "{text}");
        }
    }
}
