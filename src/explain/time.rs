//! Times of signing that are written differently, or set by a wrong clock.

use http::HeaderValue;
use http::request::Parts;

use crate::explain::Cause;
use crate::explain::edit::{Edit, Place};
use crate::explain::tag::value;
use crate::scheme::Scheme;
use crate::scheme::wire::{http_date, rfc3339, to_http_date, to_rfc3339};

/// The maximum number of headers whose value is treated as a time.
const MOST_HEADERS: usize = 8;

/// Returns the likely cause of a time too far from now: another unit, if that brings it within a
/// day, or the clock.
pub(super) fn cause(then: i64, now: i64) -> Cause {
    const SECONDS_A_DAY: u64 = 86_400;
    let is_near = |then: i64| then.abs_diff(now) <= SECONDS_A_DAY;
    if is_near(then / 1000) {
        Cause::TimeForm { sent: "milliseconds", expected: "seconds" }
    } else if is_near(then / 1_000_000) {
        Cause::TimeForm { sent: "microseconds", expected: "seconds" }
    } else if is_near(then.saturating_mul(1000)) {
        Cause::TimeForm { sent: "seconds", expected: "milliseconds" }
    } else {
        Cause::Clock { seconds: then.saturating_sub(now) }
    }
}

/// Returns changes that rewrite each header with a time in every other form that a scheme may
/// expect. The time was signed as it was sent.
pub(super) fn edits(scheme: &dyn Scheme, head: &Parts) -> Vec<Edit> {
    let names = head.headers.keys().filter_map(|name| {
        let value = value(head, name).filter(|value| value.len() <= 256)?;
        let is_owned = scheme.headers().contains(name);
        let times = times(value, is_owned);
        (!times.is_empty()).then_some((name, value, times))
    });
    let mut edits = Vec::new();
    for (name, value, times) in names.take(MOST_HEADERS) {
        for Time { place, seconds, sent } in times {
            for (expected, text) in forms(seconds).into_iter().filter(|form| form.0 != sent) {
                let before = value.get(..place.start).unwrap_or_default();
                let after = value.get(place.end..).unwrap_or_default();
                let Ok(value) = HeaderValue::try_from([before, &*text, after].concat()) else {
                    continue;
                };
                edits.push(Edit {
                    cause: Cause::TimeForm { sent, expected },
                    place: Place::Header(name.clone(), value),
                    signs_original: true,
                    hash: None,
                });
            }
        }
    }
    edits
}

/// A time in a value.
struct Time {
    place: std::ops::Range<usize>,
    seconds: i64,
    sent: &'static str,
}

/// Finds times in the whole value, or, in a header of the scheme, in each of its fields.
fn times(value: &str, is_owned: bool) -> Vec<Time> {
    let whole = read(value).map(|(seconds, sent)| Time { place: 0..value.len(), seconds, sent });
    if whole.is_some() || !is_owned {
        return whole.into_iter().collect();
    }
    let mut end = 0_usize;
    let fields = value.split([',', ';', '=', '"', ' ', ':']).filter_map(|field| {
        let start = end;
        end = start.saturating_add(field.len()).saturating_add(1);
        let (seconds, sent) = read(field)?;
        Some(Time { place: start..start.saturating_add(field.len()), seconds, sent })
    });
    fields.take(MOST_HEADERS).collect()
}

/// Returns the forms that schemes expect.
fn forms(seconds: i64) -> Vec<(&'static str, String)> {
    let mut forms = vec![
        ("seconds", seconds.to_string()),
        ("milliseconds", seconds.saturating_mul(1000).to_string()),
    ];
    if let Some(text) = to_rfc3339(seconds) {
        forms.push(("`YYYY-MM-DD HH:MM:SS`", text.replace('T', " ").replace('Z', "")));
        forms.push(("ISO 8601 without separators", text.replace(['-', ':'], "")));
        forms.push(("RFC 3339", text));
    }
    forms.extend(to_http_date(seconds).map(|text| ("an HTTP date", text)));
    forms
}

/// Parses a string into Unix seconds, and returns its form.
fn read(text: &str) -> Option<(i64, &'static str)> {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_digits(text) {
        let number: i64 = text.parse().ok()?;
        return Some(match text.len() {
            9..=11 => (number, "seconds"),
            12..=14 => (number / 1000, "milliseconds"),
            15..=17 => (number / 1_000_000, "microseconds"),
            18..=19 => (number / 1_000_000_000, "nanoseconds"),
            _ => return None,
        });
    }
    if let Some((whole, fraction)) = text.split_once('.')
        && is_digits(whole)
        && is_digits(fraction)
    {
        return Some((whole.parse().ok()?, "seconds with a fraction"));
    }
    iso(text).or_else(|| http_date(text).map(|seconds| (seconds, "an HTTP date")))
}

/// Parses a date and time of ISO 8601, even without the parts that RFC 3339 requires.
fn iso(text: &str) -> Option<(i64, &'static str)> {
    let (date, rest) = text.split_at_checked(10)?;
    let (separator, rest) = rest.split_at_checked(1)?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.'));
    let (time, zone) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
    let sent = match (separator, zone) {
        ("T", "Z") => "RFC 3339",
        ("T", "") => "RFC 3339 without a zone",
        (" ", "") => "`YYYY-MM-DD HH:MM:SS`",
        ("T", zone) if zone.starts_with(['+', '-']) && zone.contains(':') => {
            "RFC 3339 with an offset"
        }
        ("T", zone) if zone.starts_with(['+', '-']) => "RFC 3339 with an offset without its colon",
        _ => "a date and time that is not RFC 3339",
    };
    // Schemes accept at most nanoseconds in RFC 3339.
    let time = time.get(..18).unwrap_or(time);
    let zone = match zone.trim_start() {
        "" | "z" | "UTC" | "GMT" => "Z".to_owned(),
        zone if zone.contains(':') => zone.to_owned(),
        zone => match zone.split_at_checked(3) {
            Some((hours, minutes)) => format!("{hours}:{minutes}"),
            None => zone.to_owned(),
        },
    };
    Some((rfc3339(&format!("{date}T{time}{zone}"))?, sent))
}
