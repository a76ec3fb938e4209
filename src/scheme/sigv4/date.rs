//! `X-Amz-Date`: `YYYYMMDDTHHMMSSZ`.

use crate::scheme::{SignError, wire};

/// The length of the text `YYYYMMDD` at the start of a date.
const DAY_LEN: usize = 8;

/// Parses a date into Unix seconds. `None` if it is not a date.
pub(super) fn read(text: &str) -> Option<i64> {
    let [y1, y2, y3, y4, m1, m2, d1, d2, b'T', h1, h2, n1, n2, s1, s2, b'Z'] = *text.as_bytes()
    else {
        return None;
    };
    let date = [number([y1, y2, y3, y4])?, number([m1, m2])?, number([d1, d2])?];
    wire::utc(date, [number([h1, h2])?, number([n1, n2])?, number([s1, s2])?])
}

fn number<const N: usize>(digits: [u8; N]) -> Option<u16> {
    digits.iter().try_fold(0_u16, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u16::from(digit & 0x0f))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// Writes a date, if its year is from 0 to 9999.
pub(super) fn write(unix: i64) -> Result<String, SignError> {
    let text = wire::to_rfc3339(unix);
    text.map(|text| text.replace(['-', ':'], ""))
        .ok_or(SignError::Request("the year has more than four digits"))
}

/// Returns the day of a date.
pub(super) fn day(date: &str) -> &str {
    date.get(..DAY_LEN).unwrap_or(date)
}

/// Returns whether a string has the form of a day.
pub(super) fn is_day(text: &str) -> bool {
    text.len() == DAY_LEN && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn written_dates_are_read_back() {
        for (text, unix) in [("20150830T123600Z", 1_440_938_160), ("19700101T000000Z", 0)] {
            assert_eq!(read(text), Some(unix));
            assert_eq!(write(unix).unwrap(), text);
            assert_eq!(day(text), text.split_once('T').unwrap().0);
        }
    }

    #[test]
    fn invalid_dates_are_rejected() {
        for text in [
            "",
            "20150830T123600",
            "20150830t123600Z",
            "20150830T123600z",
            "2015-08-30T12:36:00Z",
            "20150830T1236Z",
            "20150830T123600.0Z",
            "20150230T123600Z",
            "20151330T123600Z",
            "20150830T240000Z",
            "20150830T126000Z",
            "20150830T123660Z",
            " 20150830T123600Z",
            "+0150830T123600Z",
            "20150830T+23600Z",
            "201508301T23600Z",
            "٢٠١٥T123600Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert!(write(i64::MAX).is_err());
    }
}
