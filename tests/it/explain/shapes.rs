//! For a malformed claim, the report says what was expected and the shape of what was found, but
//! never its value.

use futures_util::FutureExt as _;
use tower_hmac::scheme::{ClaimError, TimeFormat};
use tower_hmac::scheme::{FlaskHmacPath, Fost, FostUrl, Part};
use tower_hmac::{HeaderScheme, MessageSignatures};

use super::*;

fn told(scheme: impl Scheme + 'static, request: http::request::Builder) -> String {
    let (head, ()) = request.body(()).unwrap().into_parts();
    let error = scheme.claim(&head).unwrap_err();
    assert!(matches!(error, ClaimError::Unexpected { .. }), "{error}");
    // The engine's error says the same.
    let keys = KeyMap::single(KEY).unwrap().with_key("aservice", KEY).unwrap();
    let verifier = Verifier::new(scheme, keys).unwrap();
    let report = verifier.explain(&head, b"").now_or_never().unwrap();
    let text = report.to_string();
    assert!(text.contains(&error.to_string()), "{text}");
    error.to_string()
}

#[test]
fn malformed_tag_is_described_by_its_shape() {
    let hex = "0123456789abcdef".repeat(4);
    let sha256 = || HeaderScheme::new("x-sig").unwrap().with_prefix("sha256=").unwrap();
    let get = || Request::get("http://localhost/path");
    let input = r#"sig1=("@method");created=1;keyid="a";nonce="0123456789abcdef""#;
    let expected = "header `x-sig`: expected `sha256=` and 64 hex digits in lower case, found ";
    let told = [
        (
            told(sha256(), get().header("x-sig", format!("sha256={}", hex.to_uppercase()))),
            format!("{expected}`sha256=` and 64 hex digits in upper case"),
        ),
        (
            told(sha256(), get().header("x-sig", format!("sha256= {hex}"))),
            format!("{expected}`sha256=` and whitespace and 64 hex digits in lower case"),
        ),
        (
            told(sha256(), get().header("x-sig", &hex)),
            format!("{expected}64 hex digits in lower case"),
        ),
        (
            told(FlaskHmac::new(), get().header("signature", &hex)),
            "header `signature`: expected 44 characters of base64, or base64 of a key ID, a colon \
             and that, found 64 hex digits in lower case"
                .to_owned(),
        ),
        (
            told(FlaskHmacPath::new(), get().header("hmac", &hex)),
            "header `hmac`: expected 43 characters of url-safe base64 without padding, found 64 \
             hex digits in lower case"
                .to_owned(),
        ),
        (
            told(Fost::new(), get().header("authorization", format!("FOST aservice:{hex}"))),
            "header `authorization`: expected a percent-encoded key ID, a colon and 28 characters \
             of base64, found a key ID, a colon and 64 hex digits in lower case"
                .to_owned(),
        ),
        (
            told(FostUrl::new(), Request::get(format!("/?_k=a&_e=1&_s={hex}"))),
            "expected 28 characters of base64 in `_s`, found 64 hex digits in lower case"
                .to_owned(),
        ),
        (
            told(
                MessageSignatures::new(),
                get().header("signature-input", input).header("signature", format!("sig1=:{hex}:")),
            ),
            "header `signature`: expected 44 characters of base64 between colons, found 64 hex \
             digits in lower case between colons"
                .to_owned(),
        ),
    ];
    for (told, expected) in told {
        assert_eq!(told, expected);
        assert!(!told.contains(&hex[..8]) && !told.contains(&hex.to_uppercase()[..12]));
    }
}

#[test]
fn malformed_time_is_described_by_its_shape() {
    let timed = |format| {
        let parts = [Part::timestamp("x-time", format).unwrap(), Part::literal("."), Part::Body];
        HeaderScheme::new("x-sig").unwrap().with_parts(parts).unwrap()
    };
    let seconds = "expected Unix seconds in decimal digits, found ";
    let millis = "expected Unix milliseconds in decimal digits, found ";
    let rfc3339 = "expected a date and time of RFC 3339 with `Z` or an offset, found ";
    for (format, value, expected, found) in [
        (TimeFormat::UnixSeconds, "1700000000.123", seconds, "a number with a fraction"),
        (TimeFormat::UnixSeconds, "+1700000000", seconds, "a number with a sign"),
        (TimeFormat::UnixMillis, "2023-11-14T22:13:20Z", millis, "a date and time"),
        (TimeFormat::Rfc3339, "1700000000", rfc3339, "10 decimal digits"),
        (TimeFormat::Rfc3339, "2023-11-14T22:13:20", rfc3339, "a date and time without a zone"),
        (
            TimeFormat::Rfc3339,
            "2023-11-14T22:13:20+0000",
            rfc3339,
            "a date and time with an offset without its colon",
        ),
        (TimeFormat::Rfc3339, "Tue, 14 Nov 2023 22:13:20 GMT", rfc3339, "an HTTP date"),
    ] {
        let request = Request::get("/").header("x-sig", "0".repeat(64)).header("x-time", value);
        let told = told(timed(format), request);
        assert_eq!(told, format!("header `x-time`: {expected}{found}"));
    }
}
