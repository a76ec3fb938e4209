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

/// A moment in UTC as a calendar and a clock show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    pub(crate) month: u32,
    pub(crate) day: u32,
    pub(crate) hour: u32,
    pub(crate) minute: u32,
    pub(crate) second: u32,
}

/// The date of a Unix time; `None` if its year has not four digits.
#[allow(clippy::arithmetic_side_effects)] // Of numbers with four digits, once the year is known.
pub(crate) fn civil_from_unix(seconds: i64) -> Option<Civil> {
    let mut days = seconds.div_euclid(SECONDS_A_DAY).checked_add(DAYS_TO_EPOCH)?;
    // 400 years have 146,097 days: the mean year is off by one at most.
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
    let day = u32::try_from(days + 1).ok()?;
    let second = u32::try_from(seconds.rem_euclid(SECONDS_A_DAY)).ok()?;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    Some(Civil { year, month, day, hour, minute, second })
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

    fn both_ways(unix: i64, date: (i64, u32, u32), time: (u32, u32, u32)) {
        let ((year, month, day), (hour, minute, second)) = (date, time);
        assert_eq!(unix_from_civil(year, month, day, hour, minute, second), Some(unix));
        let civil = Civil { year, month, day, hour, minute, second };
        assert_eq!(civil_from_unix(unix), Some(civil));
    }

    #[test]
    fn dates_that_others_computed() {
        both_ways(0, (1970, 1, 1), (0, 0, 0));
        both_ways(-1, (1969, 12, 31), (23, 59, 59));
        both_ways(951_782_400, (2000, 2, 29), (0, 0, 0));
        both_ways(1_700_000_000, (2023, 11, 14), (22, 13, 20));
        both_ways(4_107_542_400, (2100, 3, 1), (0, 0, 0));
        both_ways(253_402_300_799, (9999, 12, 31), (23, 59, 59));
        both_ways(-62_167_219_200, (0, 1, 1), (0, 0, 0));
    }

    #[test]
    fn every_month_follows_the_one_before() {
        let mut next = -62_167_219_200;
        for (year, month) in YEARS.flat_map(|year| (1..=12).map(move |month| (year, month))) {
            let last = u32::try_from(days_in_month(year, month)).unwrap();
            both_ways(next, (year, month, 1), (0, 0, 0));
            next += i64::from(last) * SECONDS_A_DAY;
            both_ways(next - 1, (year, month, last), (23, 59, 59));
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
    fn years_past_four_digits_have_no_date() {
        for seconds in [i64::MIN, -62_167_219_201, 253_402_300_800, i64::MAX] {
            assert_eq!(civil_from_unix(seconds), None);
        }
    }
}
