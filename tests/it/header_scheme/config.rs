//! Impossible settings are rejected while building, with the setting's name.

use super::*;

fn refused(setting: &str, result: Result<HeaderScheme, ConfigError>) {
    match result {
        Err(ConfigError::Invalid { setting: named, .. }) => assert_eq!(named, setting),
        other => panic!("{setting}: {other:?}"),
    }
}

fn literal(text: &str) -> Part {
    Part::literal(text)
}

#[test]
fn parts_that_could_run_into_each_other_are_refused() {
    let variable = || {
        [
            Part::Method,
            Part::Path,
            Part::Query,
            header("X-A"),
            timestamp(),
            Part::timestamp("X-Date", TimeFormat::Rfc3339).unwrap(),
            Part::Body,
        ]
    };
    let is_time = |part: &Part| matches!(part, Part::Timestamp(..));
    let ends_itself = |part: &Part| matches!(part, Part::Timestamp(_, TimeFormat::Rfc3339));
    for first in variable() {
        for second in variable() {
            // Such a time ends where its grammar says.
            if ends_itself(&first) && !is_time(&second) || !is_time(&first) && ends_itself(&second)
            {
                continue;
            }
            refused("parts", scheme().with_parts([first.clone(), second.clone()]));
            refused("parts", scheme().with_parts([literal("a"), first.clone(), second]));
        }
    }
}

#[test]
fn lists_that_cannot_be_meant_are_refused() {
    refused("parts", scheme().with_parts([]));
    refused("parts", scheme().with_parts([literal("a")]));
    refused("parts", scheme().with_parts([literal(""), Part::Body]));
    refused("parts", scheme().with_parts([Part::Path, literal(""), Part::Body]));
    refused("parts", scheme().with_parts([Part::Body, literal("."), Part::Body]));
    refused("parts", scheme().with_parts([timestamp(), literal("."), timestamp()]));
    refused("parts", scheme().with_parts([header("X-Signature"), literal("."), Part::Body]));
    refused("parts", scheme().with_parts([Part::Path, literal("/"), Part::Body]));
    refused("parts", scheme().with_parts([timestamp(), literal("0"), Part::Body]));
    refused("parts", scheme().with_parts([Part::Body, literal("v0"), timestamp()]));
}

#[test]
fn lists_in_common_use_are_accepted() {
    let lines = || literal("\n");
    let lists = [
        vec![Part::Body],
        vec![literal("v0:"), timestamp(), literal(":"), Part::Body],
        vec![literal("v"), literal("0"), literal(":"), timestamp(), literal(":"), Part::Body],
        vec![header("X-Id"), literal("."), timestamp(), literal("."), Part::Body],
        vec![Part::Method, lines(), Part::Path, lines(), Part::Query, lines(), Part::Body],
        vec![Part::Method, literal(" "), Part::Path, literal("?"), Part::Query],
        vec![Part::Body, literal("."), timestamp()],
        vec![Part::Path, literal(":"), timestamp()],
        vec![timestamp()],
        vec![
            Part::timestamp("X-Date", TimeFormat::Rfc3339).unwrap(),
            literal(":"),
            Part::Path,
            literal("2"),
            Part::Body,
        ],
    ];
    for list in lists {
        assert!(scheme().with_parts(list.clone()).is_ok(), "{list:?}");
    }
}

#[test]
fn headers_with_two_uses_are_refused() {
    refused("header", HeaderScheme::new("X Signature"));
    refused("header", HeaderScheme::new(""));
    refused("key_id_header", scheme().with_key_id_header("X Key"));
    refused("key_id_header", scheme().with_key_id_header("x-signature"));
    let timed = scheme().with_parts([timestamp(), literal("."), Part::Body]).unwrap();
    refused("key_id_header", timed.with_key_id_header("x-timestamp"));
    let named = scheme().with_key_id_header("x-timestamp").unwrap();
    refused("key_id_header", named.with_parts([timestamp(), literal("."), Part::Body]));
    let named = scheme().with_key_id_header("x-key").unwrap();
    assert!(named.with_parts([header("X-Key"), literal("."), Part::Body]).is_ok());
    assert!(Part::header("X A").is_err() && Part::timestamp("", TimeFormat::UnixMillis).is_err());
}

#[test]
fn prefixes_and_separators_that_no_header_can_hold_are_refused() {
    for prefix in ["a\n", " a", "\ta", "é", "a\0"] {
        refused("prefix", scheme().with_prefix(prefix));
    }
    for separator in ["", "a", "+", "=", ",a", "\n", "é", "-", "_"] {
        refused("list_separator", scheme().with_list_separator(separator));
    }
    refused("list_separator", scheme().with_prefix("v1,").unwrap().with_list_separator(","));
    refused("list_separator", scheme().with_list_separator(",").unwrap().with_prefix("v1,"));
    assert!(scheme().with_prefix("v1,").unwrap().with_list_separator(" ").is_ok());
}

#[test]
fn derived_text_without_a_place_is_refused() {
    let parts = || [Part::Method, literal(" "), Part::Path];
    let derive = |scheme: HeaderScheme| scheme.dangerous_derived_text(|_, _| Ok("text"));
    refused("derived_text", derive(scheme().with_parts(parts()).unwrap()));
    refused("derived_text", derive(scheme()).unwrap().with_parts(parts()));
    assert!(derive(scheme()).is_ok());
}
