//! The Gregorian calendar: dates of four-digit years to Unix seconds and back.

use std::ops::RangeInclusive;

const YEARS: RangeInclusive<i64> = 0..=9999;
const SECONDS_A_DAY: i64 = 86_400;
/// The days from 0000-01-01 to 1970-01-01.
const DAYS_TO_EPOCH: i64 = 719_528;

/// The Unix time of a date in UTC; `None` if there is no such date, or for a leap second.
#[allow(clippy::arithmetic_side_effects)] // Of numbers with four digits.
pub(crate) fn unix_from_civil(
    year: i64,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
) -> Option<i64> {
    let day = i64::from(day);
    let valid = YEARS.contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !valid {
        return None;
    }
    let days_of_year = (1..month).map(|month| days_in_month(year, month)).sum::<i64>() + day - 1;
    let days = days_before_year(year) + days_of_year - DAYS_TO_EPOCH;
    let minutes = i64::from(hour) * 60 + i64::from(minute);
    Some(days * SECONDS_A_DAY + minutes * 60 + i64::from(second))
}

/// A Unix time as `YYYY-MM-DDTHH:MM:SSZ`; `None` if its year has not four digits.
#[allow(clippy::arithmetic_side_effects)] // Of numbers with four digits, once the year is known.
pub(crate) fn rfc3339_from_unix(seconds: i64) -> Option<String> {
    let mut days = seconds.div_euclid(SECONDS_A_DAY).checked_add(DAYS_TO_EPOCH)?;
    // 400 years have 146,097 days; what the mean year is off is made up for below.
    let mean = days.checked_mul(400)?.div_euclid(146_097);
    let year = (mean.saturating_sub(1)..=mean.saturating_add(1))
        .rfind(|year| YEARS.contains(year) && days_before_year(*year) <= days)?;
    if days >= days_before_year(year + 1) {
        return None;
    }
    days -= days_before_year(year);
    let mut month = 1;
    while days >= days_in_month(year, month) {
        days -= days_in_month(year, month);
        month += 1;
    }
    let second = seconds.rem_euclid(SECONDS_A_DAY);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    Some(format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", days + 1))
}

/// The days of the years from 0 on that come before this one.
#[allow(clippy::arithmetic_side_effects)] // Of numbers with four digits.
fn days_before_year(year: i64) -> i64 {
    let leap_years = (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400;
    year * 365 + leap_years
}

fn days_in_month(year: i64, month: u32) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    #[test]
    fn dates_that_others_computed() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_700_000_000, "2023-11-14T22:13:20Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
            (-62_167_219_200, "0000-01-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339_from_unix(seconds).as_deref(), Some(text));
        }
    }

    #[test]
    fn every_month_follows_the_one_before() {
        let mut next = -62_167_219_200;
        for (year, month) in YEARS.flat_map(|year| (1..=12).map(move |month| (year, month))) {
            let last = u32::try_from(days_in_month(year, month)).unwrap();
            for (date, unix) in [(1, next), (last, next + i64::from(last - 1) * SECONDS_A_DAY)] {
                assert_eq!(unix_from_civil(year, month, date, 0, 0, 0), Some(unix));
                let text = format!("{year:04}-{month:02}-{date:02}T00:00:00Z");
                assert_eq!(rfc3339_from_unix(unix), Some(text));
            }
            next += i64::from(last) * SECONDS_A_DAY;
        }
    }

    #[test]
    fn dates_that_do_not_exist_are_refused() {
        for (year, month, day, hour, minute, second) in [
            (2023, 2, 29, 0, 0, 0),
            (1900, 2, 29, 0, 0, 0),
            (2023, 4, 31, 0, 0, 0),
            (2023, 0, 1, 0, 0, 0),
            (2023, 13, 1, 0, 0, 0),
            (2023, 1, 0, 0, 0, 0),
            (2023, 1, 1, 24, 0, 0),
            (2023, 1, 1, 0, 60, 0),
            (2016, 12, 31, 23, 59, 60),
            (-1, 1, 1, 0, 0, 0),
            (10_000, 1, 1, 0, 0, 0),
            (i64::MAX, u32::MAX, u32::MAX, u32::MAX, u32::MAX, u32::MAX),
            (i64::MIN, 1, 1, 0, 0, 0),
        ] {
            assert_eq!(unix_from_civil(year, month, day, hour, minute, second), None);
        }
    }

    #[test]
    fn times_past_four_digits_have_no_text() {
        for seconds in [i64::MIN, -62_167_219_201, 253_402_300_800, i64::MAX] {
            assert_eq!(rfc3339_from_unix(seconds), None);
        }
    }
}
