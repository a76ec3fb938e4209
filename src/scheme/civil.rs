//! Dates of the Gregorian calendar in UTC, years 0 to 9999, and Unix seconds.

const SECONDS_A_DAY: i64 = 86_400;
const LAST_YEAR: i64 = 9999;
/// Days from 0001-01-01 to 1970-01-01.
const UNIX_EPOCH: i64 = 719_162;
/// The first day of each month in a common year, counted from 0.
const MONTHS: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// A moment as a calendar and a clock show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    pub(crate) month: u32,
    pub(crate) day: u32,
    pub(crate) hour: u32,
    pub(crate) minute: u32,
    pub(crate) second: u32,
}

/// The Unix seconds of a moment in UTC. `None` where there is no such date or time; a leap second
/// has no Unix seconds, so second 60 is none.
pub(crate) fn unix_from_civil(
    year: i64,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
) -> Option<i64> {
    if !(0..=LAST_YEAR).contains(&year) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let first = month_start(year, month)?;
    let after = month_start(year, month.checked_add(1)?)?;
    let day = first.checked_add(i64::from(day))?.checked_sub(1)?;
    if !(first..after).contains(&day) {
        return None;
    }
    let hours = day.checked_sub(UNIX_EPOCH)?.checked_mul(24)?.checked_add(hour.into())?;
    let minutes = hours.checked_mul(60)?.checked_add(minute.into())?;
    minutes.checked_mul(60)?.checked_add(second.into())
}

/// The other way round. `None` outside the years 0 to 9999.
pub(crate) fn civil_from_unix(seconds: i64) -> Option<Civil> {
    let days = seconds.div_euclid(SECONDS_A_DAY).checked_add(UNIX_EPOCH)?;
    let of_day = u32::try_from(seconds.rem_euclid(SECONDS_A_DAY)).ok()?;
    // 400 years are 146,097 days: at most one year off, either way.
    let near = days.checked_mul(400)?.div_euclid(146_097).checked_add(1)?;
    let year = [near.checked_add(1)?, near, near.checked_sub(1)?]
        .into_iter()
        .filter(|year| (0..=LAST_YEAR).contains(year))
        .find(|year| month_start(*year, 1).is_some_and(|start| start <= days))?;
    let start = |month| month_start(year, month).filter(|start| *start <= days);
    let (month, start) = (1..=12).rev().find_map(|month| Some((month, start(month)?)))?;
    let day = u32::try_from(days.checked_sub(start)?.checked_add(1)?).ok()?;
    // A day after the last of the year.
    unix_from_civil(year, month, day, 0, 0, 0)?;
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    Some(Civil { year, month, day, hour, minute, second })
}

/// The day of the week, as `Date` abbreviates it (RFC 9110 section 5.6.7).
#[cfg(feature = "sigv4")]
pub(crate) fn weekday(at: Civil) -> &'static str {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let unix = unix_from_civil(at.year, at.month, at.day, 0, 0, 0).unwrap_or_default();
    // The first day of the Unix epoch was a Thursday.
    let day = usize::try_from(unix.div_euclid(SECONDS_A_DAY).rem_euclid(7)).unwrap_or(0);
    DAYS.get(day).copied().unwrap_or_default()
}

/// The first day of a month, in days from 0001-01-01. Month 13 is the next January.
fn month_start(year: i64, month: u32) -> Option<i64> {
    if month == 13 {
        return month_start(year.checked_add(1)?, 1);
    }
    let before = MONTHS.get(usize::try_from(month.checked_sub(1)?).ok()?)?;
    let past = year.checked_sub(1)?;
    let leap_days = past
        .div_euclid(4)
        .checked_sub(past.div_euclid(100))?
        .checked_add(past.div_euclid(400))?
        .checked_add(i64::from(month > 2 && is_leap(year)))?;
    past.checked_mul(365)?.checked_add(leap_days)?.checked_add(*before)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_have_their_unix_seconds() {
        // GNU date: `date -u -d '…' +%s`.
        for (civil, unix) in [
            ((1970, 1, 1, 0, 0, 0), 0),
            ((1969, 12, 31, 23, 59, 59), -1),
            ((2000, 2, 29, 12, 0, 0), 951_825_600),
            ((2011, 4, 27, 3, 26, 37), 1_303_874_797),
            ((1, 1, 1, 0, 0, 0), -62_135_596_800),
            ((9999, 12, 31, 23, 59, 59), 253_402_300_799),
        ] {
            let (year, month, day, hour, minute, second) = civil;
            assert_eq!(unix_from_civil(year, month, day, hour, minute, second), Some(unix));
            let back = Civil { year, month, day, hour, minute, second };
            assert_eq!(civil_from_unix(unix), Some(back));
        }
    }

    #[test]
    fn dates_that_are_none_are_refused() {
        for (year, month, day) in
            [(2011, 2, 29), (1900, 2, 29), (2011, 4, 31), (2011, 0, 1), (2011, 13, 1), (2011, 1, 0)]
        {
            assert_eq!(unix_from_civil(year, month, day, 0, 0, 0), None, "{year}-{month}-{day}");
        }
        for (hour, minute, second) in [(24, 0, 0), (0, 60, 0), (23, 59, 60), (u32::MAX, 0, 0)] {
            assert_eq!(unix_from_civil(2011, 1, 1, hour, minute, second), None);
        }
        assert_eq!(unix_from_civil(10_000, 1, 1, 0, 0, 0), None);
        assert_eq!(unix_from_civil(i64::MIN, 1, u32::MAX, 0, 0, 0), None);
    }

    #[test]
    fn years_of_more_than_four_digits_have_no_text() {
        for seconds in [253_402_300_800, i64::MAX, i64::MIN] {
            assert_eq!(civil_from_unix(seconds), None);
        }
    }

    #[test]
    fn every_day_of_four_hundred_years_goes_there_and_back() {
        let first = unix_from_civil(1799, 12, 31, 0, 0, 0).unwrap();
        for day in (first..).step_by(86_400).take(146_097) {
            let at = civil_from_unix(day).unwrap();
            assert_eq!(unix_from_civil(at.year, at.month, at.day, 0, 0, 0), Some(day));
        }
    }
}
