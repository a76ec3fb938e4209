//! Describes the shape of malformed text for an error, but never its content.

use http::HeaderName;

use crate::crypto::Algorithm;
use crate::scheme::{ClaimError, Encoding, OfferedTag};

/// Returns the shape of any text, such as `64 hex digits in upper case`.
pub(crate) fn of(text: &str) -> String {
    let len = text.chars().count();
    let rest = text.trim_start();
    if text.is_empty() {
        return "nothing".to_owned();
    }
    if rest.len() < text.len() {
        return format!("whitespace and {}", of(rest));
    }
    let all = |is: fn(&u8) -> bool| text.as_bytes().iter().all(is);
    let has = |chars: &[char]| text.contains(chars);
    if all(u8::is_ascii_digit) {
        format!("{len} decimal digits")
    } else if all(u8::is_ascii_hexdigit) {
        let case = match (has_upper(text), has_lower(text)) {
            (true, true) => "both cases",
            (true, false) => "upper case",
            _ => "lower case",
        };
        format!("{len} hex digits in {case}")
    } else if !all(|byte| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte)) {
        format!("{len} characters in no known encoding")
    } else if has(&['-', '_']) && !has(&['+', '/']) {
        format!("{len} characters of url-safe base64")
    } else if !has(&['-', '_']) {
        format!("{len} characters of base64")
    } else {
        format!("{len} characters of both base64 alphabets")
    }
}

fn has_upper(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn has_lower(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_lowercase())
}

/// Returns the shape of every tag in this encoding.
pub(crate) fn of_tags(encoding: Encoding, algorithm: Algorithm) -> String {
    let len = encoding.tag_text_len(algorithm);
    match encoding {
        Encoding::Hex => format!("{len} hex digits in lower case"),
        Encoding::HexUpper => format!("{len} hex digits in upper case"),
        Encoding::HexAnyCase => format!("{len} hex digits"),
        Encoding::Base64 => format!("{len} characters of base64"),
        Encoding::Base64Url => format!("{len} characters of url-safe base64"),
        Encoding::Base64UrlNoPad => {
            format!("{len} characters of url-safe base64 without padding")
        }
    }
}

/// Reads a tag from a header, or returns an error with the shape of what was found.
pub(crate) fn read_tag(
    header: &HeaderName,
    encoding: Encoding,
    algorithm: Algorithm,
    text: &str,
) -> Result<OfferedTag, ClaimError> {
    encoding.decode_tag(text, algorithm).ok_or_else(|| {
        let tags = of_tags(encoding, algorithm);
        let found = of_other_than(&tags, text);
        ClaimError::unexpected(header, tags, found)
    })
}

/// Returns the error for a string that is not a time.
pub(crate) fn no_time(name: Option<&HeaderName>, expected: &'static str, text: &str) -> ClaimError {
    ClaimError::unexpected(name, expected, of_time(text))
}

/// Returns the shape of a string that is not a tag but may look like one.
pub(crate) fn of_other_than(expected: &str, text: &str) -> String {
    let found = of(text);
    if found == expected { format!("{found} that do not decode") } else { found }
}

/// Returns the shape of a string that should be a time, such as `a number with a fraction`.
pub(crate) fn of_time(text: &str) -> String {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((whole, fraction)) = text.split_once('.')
        && is_digits(whole)
        && is_digits(fraction)
    {
        return "a number with a fraction".to_owned();
    }
    if text.strip_prefix(['+', '-']).is_some_and(is_digits) {
        return "a number with a sign".to_owned();
    }
    if text.ends_with(" GMT") && text.contains(", ") {
        return "an HTTP date".to_owned();
    }
    of_date(text).map_or_else(|| of(text), str::to_owned)
}

fn of_date(text: &str) -> Option<&'static str> {
    let shape = |byte: u8| if byte.is_ascii_digit() { b'0' } else { byte };
    let start: Vec<u8> = text.bytes().take(19).map(shape).collect();
    let (date, rest) = text.split_at_checked(19)?;
    let zone = match rest.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    match (&*start, zone) {
        (b"0000-00-00T00:00:00" | b"0000-00-00 00:00:00", "") => {
            Some("a date and time without a zone")
        }
        (b"0000-00-00 00:00:00", _) => Some("a date and time with a space instead of `T`"),
        (b"0000-00-00T00:00:00", zone) if zone.starts_with(['+', '-']) && !zone.contains(':') => {
            Some("a date and time with an offset without its colon")
        }
        (b"0000-00-00T00:00:00", _) if date.is_ascii() => Some("a date and time"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_described_without_their_values() {
        for (text, shape) in [
            ("", "nothing"),
            ("12", "2 decimal digits"),
            ("beef", "4 hex digits in lower case"),
            ("BEEF1", "5 hex digits in upper case"),
            ("bEEF", "4 hex digits in both cases"),
            (" beef", "whitespace and 4 hex digits in lower case"),
            ("xy+/", "4 characters of base64"),
            ("xy-_", "4 characters of url-safe base64"),
            ("x/-_", "4 characters of both base64 alphabets"),
            ("sha256=beef, x", "14 characters in no known encoding"),
            ("é", "1 characters in no known encoding"),
        ] {
            assert_eq!(of(text), shape);
        }
        assert_eq!(
            of_other_than("4 characters of base64", "xy+/"),
            "4 characters of base64 that do not decode"
        );
    }

    #[test]
    fn shapes_of_times_name_the_missing_part() {
        for (text, shape) in [
            ("1700000000.123", "a number with a fraction"),
            ("-1700000000", "a number with a sign"),
            ("1700000000123", "13 decimal digits"),
            ("2023-11-14T22:13:20.123456", "a date and time without a zone"),
            ("2023-11-14 22:13:20", "a date and time without a zone"),
            ("2023-11-14 22:13:20Z", "a date and time with a space instead of `T`"),
            ("2023-11-14T22:13:20+0000", "a date and time with an offset without its colon"),
            ("2023-11-14T22:13:20Z", "a date and time"),
            ("Tue, 14 Nov 2023 22:13:20 GMT", "an HTTP date"),
            ("yesterday", "9 characters of base64"),
        ] {
            assert_eq!(of_time(text), shape);
        }
    }
}
