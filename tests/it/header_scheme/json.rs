//! Signing strings from the members of a JSON body.

use tower_hmac::scheme::{JsonStrings, JsonText};

use super::*;

fn device() -> HeaderScheme {
    scheme()
        .dangerous_derived_text(|_, body| {
            let json = JsonStrings::read(body)?;
            Ok(format!("{}:{}", json.get("mac_address")?, json.get("timestamp")?))
        })
        .unwrap()
}

fn send(body: &str) -> Result<(), ErrorKind> {
    let sent = r#"{"mac_address": "aa", "timestamp": "1"}"#;
    let (signed, _) =
        signer(device()).sign(Request::post("/").body(sent).unwrap()).unwrap().into_parts();
    verify(&verifier(device()), &signed, body.as_bytes()).map(|_| ())
}

#[test]
fn members_outside_the_text_are_not_covered() {
    assert_eq!(
        send(r#"{"timestamp":"1","x":[{"x":1,"x":2}],"y":null,"mac_address":"aa"}"#),
        Ok(())
    );
    assert_eq!(send(r#"{"mac_address": "ab", "timestamp": "1"}"#), Err(ErrorKind::Mismatch));
}

#[test]
fn a_string_is_signed_without_its_escapes() {
    assert_eq!(send(r#"{"mac_address": "\u0061a", "timestamp": "1"}"#), Ok(()));
    let rejected = send(r#"{"mac_address": "\u0062a", "timestamp": "1"}"#);
    assert_eq!(rejected, Err(ErrorKind::Mismatch));
}

#[test]
fn joined_members_are_unambiguous() {
    let text = JsonText::new("mac_address").then(":", "timestamp").unwrap();
    let of = |mac: &str, time: &str| {
        text.of(serde_json::json!({"mac_address": mac, "timestamp": time}).to_string().as_bytes())
    };
    assert_eq!(of("00:1b:44", "7").unwrap(), "00:1b:44:7");
    assert!(of("00:1b", "44:7").is_err());
    assert!(JsonText::new("a").then("", "b").is_err());
}

#[test]
fn escaped_member_names_are_decoded() {
    assert_eq!(send(r#"{"mac\u005faddress": "aa", "timestamp": "1"}"#), Ok(()));
    let surrogates = send(r#"{"\ud83d\ude0a": 1, "mac_address": "aa", "timestamp": "1"}"#);
    assert_eq!(surrogates, Ok(()));
}

#[test]
fn each_escape_is_decoded() {
    let body = br#"{"a": "\"\\\/\b\f\n\r\t\u00e9\ud83d\ude0a."}"#;
    let text = "\"\\/\u{8}\u{c}\n\r\t\u{e9}\u{1f60a}.";
    assert_eq!(JsonStrings::read(body).unwrap().get("a").unwrap(), text);
    assert_eq!(JsonText::new("a").of(body).unwrap(), text);
}

/// More members than the scheme compares side by side.
#[test]
fn doubled_member_among_many_is_rejected() {
    let body = |last: usize| {
        let members = (0..5_000).chain([last]).map(|number| format!(r#""{number}":0"#));
        format!(r#"{{"a":"b",{}}}"#, members.collect::<Vec<_>>().join(","))
    };
    assert!(JsonStrings::read(body(5_000).as_bytes()).is_ok());
    for doubled in [0, 17, 2_500, 4_999] {
        assert!(JsonStrings::read(body(doubled).as_bytes()).is_err(), "{doubled}");
    }
    let escaped = body(5_000).replacen(r#""4321":"#, r#""\u0035\u00300\u0030":"#, 1);
    assert!(JsonStrings::read(escaped.as_bytes()).is_err());
}

#[test]
fn ambiguous_json_bodies_are_rejected() {
    for body in [
        "",
        "null",
        "[]",
        r#""mac_address""#,
        r#"{"mac_address": "aa"}"#,
        r#"{"mac_address": "aa", "timestamp": 1}"#,
        r#"{"mac_address": "aa", "timestamp": null}"#,
        r#"{"mac_address": ["aa"], "timestamp": "1"}"#,
        r#"{"mac_address": {"a": "aa"}, "timestamp": "1"}"#,
        r#"{"mac_address": "\ud800", "timestamp": "1"}"#,
        r#"{"mac_address": "\udc00", "timestamp": "1"}"#,
        r#"{"mac_address": "\ud800\u0061", "timestamp": "1"}"#,
        r#"{"mac_address": "aa", "timestamp": "1", "other": "\ud800"}"#,
        r#"{"mac_address": "aa", "timestamp": "1", "\ud800": 1}"#,
        r#"{"mac_address": "aa", "timestamp": "1", "other": 1e999}"#,
        r#"{"mac_address": "aa", "timestamp": "1", "other": 01}"#,
        r#"{"mac_address": "aa", "timestamp": "1", "timestamp": "1"}"#,
        r#"{"mac_address": "aa", "timestamp": "1", "timestamp": "2"}"#,
        r#"{"mac_address": "aa", "timestamp": "1", "\u0074imestamp": "2"}"#,
        r#"{"mac_address": "aa", "timestamp": "1", "other": 1, "other": 2}"#,
        r#"{"mac_address": "aa", "timestamp": "1"} {}"#,
        r#"{"mac_address": "aa", "timestamp": "1",}"#,
        "\u{feff}{\"mac_address\": \"aa\", \"timestamp\": \"1\"}",
        "{\"mac_address\": \"a\n\", \"timestamp\": \"1\"}",
    ] {
        assert_eq!(send(body), Err(ErrorKind::Malformed), "{body}");
    }
    let deep =
        format!(r#"{{"mac_address": "aa", "timestamp": "1", "x": {}}}"#, "[".repeat(100_000));
    assert_eq!(send(&deep), Err(ErrorKind::Malformed));
}

#[test]
fn a_body_without_the_members_is_not_signed() {
    let error = signer(device()).sign(Request::post("/").body("{}").unwrap()).unwrap_err();
    assert!(matches!(error, SignError::Request(_)));
}
