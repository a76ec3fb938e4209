//! Impossible settings are rejected while building, with the setting's name.

use super::*;

fn rejected(setting: &str, result: Result<HeaderScheme, ConfigError>) {
    match result {
        Err(ConfigError::Invalid { setting: named, .. }) => assert_eq!(named, setting),
        other => panic!("{setting}: {other:?}"),
    }
}

fn literal(text: &str) -> Part {
    Part::literal(text)
}

#[test]
fn ambiguous_parts_are_rejected() {
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
            // The grammar of such a time defines where it ends.
            if ends_itself(&first) && !is_time(&second) || !is_time(&first) && ends_itself(&second)
            {
                continue;
            }
            rejected("parts", scheme().with_parts([first.clone(), second.clone()]));
            rejected("parts", scheme().with_parts([literal("a"), first.clone(), second]));
        }
    }
}

#[test]
fn meaningless_lists_of_parts_are_rejected() {
    rejected("parts", scheme().with_parts([]));
    rejected("parts", scheme().with_parts([literal("a")]));
    rejected("parts", scheme().with_parts([literal(""), Part::Body]));
    rejected("parts", scheme().with_parts([Part::Path, literal(""), Part::Body]));
    rejected("parts", scheme().with_parts([Part::Body, literal("."), Part::Body]));
    rejected("parts", scheme().with_parts([timestamp(), literal("."), timestamp()]));
    rejected("parts", scheme().with_parts([header("X-Signature"), literal("."), Part::Body]));
    rejected("parts", scheme().with_parts([Part::Path, literal("/"), Part::Body]));
    rejected("parts", scheme().with_parts([timestamp(), literal("0"), Part::Body]));
    rejected("parts", scheme().with_parts([Part::Body, literal("v0"), timestamp()]));
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
fn headers_with_two_uses_are_rejected() {
    rejected("header", HeaderScheme::new("X Signature"));
    rejected("header", HeaderScheme::new(""));
    rejected("key_id_header", scheme().with_key_id_header("X Key"));
    rejected("key_id_header", scheme().with_key_id_header("x-signature"));
    let timed = scheme().with_parts([timestamp(), literal("."), Part::Body]).unwrap();
    rejected("key_id_header", timed.with_key_id_header("x-timestamp"));
    let named = scheme().with_key_id_header("x-timestamp").unwrap();
    rejected("key_id_header", named.with_parts([timestamp(), literal("."), Part::Body]));
    let named = scheme().with_key_id_header("x-key").unwrap();
    assert!(named.with_parts([header("X-Key"), literal("."), Part::Body]).is_ok());
    assert!(Part::header("X A").is_err() && Part::timestamp("", TimeFormat::UnixMillis).is_err());
}

#[test]
fn prefixes_and_separators_that_no_header_can_contain_are_rejected() {
    for prefix in ["a\n", " a", "\ta", "é", "a\0"] {
        rejected("prefix", scheme().with_prefix(prefix));
    }
    for separator in ["", "a", "+", "=", ",a", "\n", "é", "-", "_"] {
        rejected("list_separator", scheme().with_list_separator(separator));
    }
    rejected("list_separator", scheme().with_prefix("v1,").unwrap().with_list_separator(","));
    rejected("list_separator", scheme().with_list_separator(",").unwrap().with_prefix("v1,"));
    assert!(scheme().with_prefix("v1,").unwrap().with_list_separator(" ").is_ok());
}

#[test]
fn derived_text_without_a_part_is_rejected() {
    let parts = || [Part::Method, literal(" "), Part::Path];
    let derive = |scheme: HeaderScheme| scheme.dangerous_derived_text(|_, _| Ok("text"));
    rejected("derived_text", derive(scheme().with_parts(parts()).unwrap()));
    rejected("derived_text", derive(scheme()).unwrap().with_parts(parts()));
    assert!(derive(scheme()).is_ok());
}
