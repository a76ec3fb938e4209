//! Methods and targets that were signed in another form, or with other text between the parts.
// The rows of a table have the same type.
#![allow(clippy::unnecessary_wraps)]

use std::borrow::Cow;

use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;

use crate::explain::Cause;
use crate::explain::prefix::{added_prefixes, cut_prefixes};
use crate::explain::segments::{Role, Segments};
use crate::explain::trial::Trial;
use crate::scheme::wire::{percent_decoded, percent_encoded};
use crate::shown::Shown;

/// Returns another form of a path or a query, if it has one.
type Change = fn(&str) -> Option<String>;

const METHODS: [(Change, &str); 1] =
    [(|method| Some(method.to_lowercase()), "the method in lower case")];

const PATHS: [(Change, &str); 9] = [
    (with_slash, "a slash at the end of the path"),
    (without_slash, "the slash at the end of the path cut off"),
    (single_slashes, "one `/` for each `//` of the path"),
    (double_slash, "`//` at the beginning of the path"),
    (percent_decoded, "the path percent-decoded"),
    (lower_escapes, "the escapes of the path in lower case"),
    (upper_escapes, "the escapes of the path in upper case"),
    (encoded, "the path percent-encoded"),
    (|path| Some(path.to_lowercase()), "the path in lower case"),
];

const QUERIES: [(Change, &str); 8] = [
    (sorted, "the query sorted"),
    (|query| Some(query.replace("%20", "+")), "`+` for `%20` in the query"),
    (|query| Some(query.replace('+', "%20")), "`%20` for `+` in the query"),
    (percent_decoded, "the query percent-decoded"),
    (form_decoded, "the query decoded, with a space for each `+`"),
    (lower_escapes, "the escapes of the query in lower case"),
    (upper_escapes, "the escapes of the query in upper case"),
    (sorted_and_encoded, "the query sorted and percent-encoded"),
];

/// Separators between the parts.
const SEPARATORS: [(&[u8], &str); 12] = [
    (b"", "nothing between the parts"),
    (b"\n", "a newline between the parts"),
    (b"\r\n", "CRLF between the parts"),
    (b" ", "a space between the parts"),
    (b".", "a dot between the parts"),
    (b":", "a colon between the parts"),
    (b",", "a comma between the parts"),
    (b"|", "a `|` between the parts"),
    (b";", "a semicolon between the parts"),
    (b"&", "an `&` between the parts"),
    (b"-", "a hyphen between the parts"),
    (b"_", "an underscore between the parts"),
];

pub(super) fn find(trial: &Trial<'_>) -> Option<Cause> {
    let segments = Segments::of(trial);
    let fits = |signed: Cow<'static, str>, changed: Option<Segments<'_>>| {
        trial.fits(&changed?.pieces()).then_some(Cause::Target { signed })
    };
    let changed = |role: Role, changes: &[(Change, &'static str)]| {
        let mut changes = changes.iter();
        changes.find_map(|(change, signed)| {
            fits((*signed).into(), segments.changed(role, &|text| change(text)))
        })
    };
    query_left_out(trial, &segments)
        .or_else(|| changed(Role::Method, &METHODS))
        .or_else(|| changed(Role::Path, &PATHS))
        .or_else(|| changed(Role::Query, &QUERIES))
        .or_else(|| {
            let kept = fits("a `?` before the query".into(), segments.with_mark());
            kept.or_else(|| fits("the query without its `?`".into(), segments.without_mark()))
        })
        .or_else(|| {
            urls(trial.head).into_iter().find_map(|(url, signed)| {
                fits(signed.into(), segments.changed(Role::Path, &|_| Some(url.clone())))
            })
        })
        .or_else(|| {
            SEPARATORS.iter().find_map(|(separator, signed)| {
                fits((*signed).into(), segments.separated_by(separator))
            })
        })
        .or_else(|| {
            cut_prefixes(trial.head.uri.path()).find_map(|prefix| {
                let cut = |path: &str| path.strip_prefix(prefix).map(str::to_owned);
                let signed =
                    format!("`{}` taken off the path: a proxy may have put it on", Shown(prefix));
                fits(signed.into(), segments.changed(Role::Path, &cut))
            })
        })
        .or_else(|| {
            added_prefixes(trial.head).into_iter().find_map(|prefix| {
                let add = |path: &str| Some(format!("{prefix}{path}"));
                let signed =
                    format!("`{}` before the path: a proxy may have taken it off", Shown(&prefix));
                fits(signed.into(), segments.changed(Role::Path, &add))
            })
        })
}

/// Tries the signing string without the query, or with it.
fn query_left_out(trial: &Trial<'_>, segments: &Segments<'_>) -> Option<Cause> {
    let fits =
        |changed: Option<Segments<'_>>| changed.is_some_and(|text| trial.fits(&text.pieces()));
    if fits(segments.without_query()) {
        return Some(Cause::QueryDropped);
    }
    let query = trial.head.uri.query()?;
    let add = |path: &str| Some(format!("{path}?{query}"));
    fits(segments.changed(Role::Path, &add)).then_some(Cause::QueryAdded)
}

/// Returns the whole URL as a client may sign it, with and without its query.
fn urls(head: &Parts) -> Vec<(String, &'static str)> {
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok());
    let Some(host) = host.or(head.uri.authority().map(Authority::as_str)) else {
        return Vec::new();
    };
    let (path, query) = (head.uri.path(), head.uri.query());
    let mut urls = Vec::new();
    for scheme in ["https", "http"] {
        let url = format!("{scheme}://{host}{path}");
        urls.extend(query.map(|query| (format!("{url}?{query}"), "the whole URL for the path")));
        urls.push((url, "the whole URL for the path"));
    }
    urls.push((format!("{host}{path}"), "the host before the path"));
    urls
}

fn with_slash(path: &str) -> Option<String> {
    Some(format!("{path}/"))
}

fn without_slash(path: &str) -> Option<String> {
    path.strip_suffix('/').map(str::to_owned)
}

fn single_slashes(path: &str) -> Option<String> {
    let mut single = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !single.ends_with('/') {
            single.push(c);
        }
    }
    Some(single)
}

fn double_slash(path: &str) -> Option<String> {
    path.starts_with('/').then(|| format!("/{path}"))
}

fn lower_escapes(text: &str) -> Option<String> {
    with_escapes(text, |digit| digit.to_ascii_lowercase())
}

fn upper_escapes(text: &str) -> Option<String> {
    with_escapes(text, |digit| digit.to_ascii_uppercase())
}

fn with_escapes(text: &str, change: fn(char) -> char) -> Option<String> {
    let mut digits = 0_u8;
    let changed = text.chars().map(|c| {
        let is_digit = digits > 0;
        digits = if c == '%' { 2 } else { digits.saturating_sub(1) };
        if is_digit { change(c) } else { c }
    });
    Some(changed.collect())
}

/// Encodes the characters that a server decodes in a path.
fn encoded(path: &str) -> Option<String> {
    let segments: Vec<_> = path.split('/').map(percent_encoded).collect();
    Some(segments.join("/"))
}

fn sorted(query: &str) -> Option<String> {
    let mut pairs: Vec<_> = query.split('&').collect();
    pairs.sort_unstable();
    Some(pairs.join("&"))
}

fn form_decoded(query: &str) -> Option<String> {
    percent_decoded(&query.replace('+', " "))
}

fn sorted_and_encoded(query: &str) -> Option<String> {
    let part = |text: &str| form_decoded(text).map(|text| percent_encoded(&text));
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, value)) => Some(format!("{}={}", part(name)?, part(value)?)),
        None => part(pair),
    };
    let mut pairs = query.split('&').map(pair).collect::<Option<Vec<_>>>()?;
    pairs.sort_unstable();
    Some(pairs.join("&"))
}
