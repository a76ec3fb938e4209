//! Mistakes and situations that people reported in public, one request each. Checks the decision,
//! and that a mistake is named.

use futures_util::FutureExt as _;
use serde_json::Value;

use crate::support::cases::{request, verifier};

/// Cases that are still wrong, with the reason.
const MISSING: [(&str, &str); 0] = [];

/// The text that a report must contain if a case describes a cause in its own words.
const SAID: [(&str, &str); 23] = [
    ("key-whsec", "decoded from base64 behind its prefix `whsec_`"),
    ("key-quotes", "the quotes around the key taken off"),
    ("key-base64-newline", "the key decoded without the newline"),
    ("json-compact", "the body's JSON written anew: compact"),
    ("json-slash", "`\\/` for each `/`"),
    ("emoji-question-marks", "`?` for what is not ASCII in the body, two for a surrogate pair"),
    ("crlf", "LF for each CRLF of the body"),
    ("empty-object", "`{}` in place of the body"),
    ("flask-form-empty", "right with an empty body"),
    ("tag-space", "no space between the prefix `sha256=` and the tag"),
    ("tag-no-prefix", "the prefix `sha256=` before the tag"),
    ("time-millis", "the time is in milliseconds, but the scheme expects seconds"),
    ("time-no-zone", "with `Z` or an offset, found a date and time without a zone"),
    ("time-float", "expected Unix seconds in decimal digits, found a number with a fraction"),
    ("path-prefix", "`/abc` before the path"),
    ("path-decoded", "the path percent-decoded"),
    ("query-plus-signed", "`+` for `%20` in the query"),
    ("digest-other-body", "the signature is right, but the body does not match its digest"),
    ("digest-not-covered", "`content-digest` is not among the covered components"),
    ("digest-upper", "content-digest"),
    ("base-newline", "a newline at the end of the signature base"),
    ("base-query", "an empty `@query` in place of `?`"),
    ("cavage", "the older draft-cavage"),
];

/// Returns what is wrong with a case, if anything.
fn fault(case: &Value) -> Option<String> {
    let (id, expect) = (case["id"].as_str().unwrap(), &case["expect"]);
    let (head, body) = request(&case["request"]);
    let verifier = match verifier(&case["config"]) {
        Ok(verifier) => verifier,
        // If the configuration may be rejected, the error says what to do instead.
        Err(error) => {
            let is_told = expect["outcome"].as_str().unwrap().contains("an error of the config")
                && error.to_string().contains("put a literal between");
            return (!is_told).then(|| format!("{id}: {error}"));
        }
    };
    let report = verifier.explain(&head, &body).now_or_never().unwrap();
    let outcome = verifier.verify(&head, &body).now_or_never().unwrap();
    let outcome = outcome.err().map_or("accepted", |error| error.kind().as_str());
    let (expected, text) = (expect["outcome"].as_str().unwrap(), report.to_string());
    if !expected.starts_with(outcome) || report.outcome() != outcome {
        return Some(format!("{id}: expected {expected:?}\n{text}"));
    }
    let likely = expect.get("likely").and_then(Value::as_str);
    if let Some(cause) = likely.filter(|cause| cause.starts_with("right with")) {
        let causes: Vec<_> = report.likely().iter().map(ToString::to_string).collect();
        return (causes != [cause]).then(|| format!("{id}: expected {cause:?}\n{text}"));
    }
    let asks = ["likely", "message", "explain"].iter().any(|member| expect.get(member).is_some());
    let said = SAID.iter().find(|(other, _)| *other == id).map(|(_, said)| *said);
    match said {
        None if asks => Some(format!("{id}: nobody says what to look for")),
        Some(said) if !text.contains(said) => Some(format!("{id}: does not say {said:?}\n{text}")),
        // A cause is on its own line.
        Some(said) if likely.is_some() && report.likely().len() != 1 => {
            Some(format!("{id}: {said:?} is not alone\n{text}"))
        }
        _ => None,
    }
}

#[test]
fn each_public_case_is_decided_and_its_mistake_named() {
    let vectors: Value =
        serde_json::from_str(include_str!("../vectors/public_cases.json")).unwrap();
    let cases = vectors["cases"].as_array().unwrap().iter();
    // Other cases are described in words, or as Rust code.
    let cases: Vec<_> = cases.filter(|case| case.get("request").is_some()).collect();
    assert_eq!(cases.len(), 42);
    let mut wrong = Vec::new();
    for case in cases {
        let id = case["id"].as_str().unwrap();
        match (fault(case), MISSING.iter().find(|(missing, _)| *missing == id)) {
            (Some(fault), None) => wrong.push(fault),
            (None, Some(_)) => {
                wrong.push(format!("{id}: is right, and on the list of missing ones"))
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
