//! Rejections by the strict policy, with one test for each rule.

use std::collections::HashSet;
use std::sync::Mutex;

use http::request::Parts;
use tower_hmac::replay::{Replay, ReplayClaim, ReplayGuard, ReplayKey, ReplayRequest};
use tower_hmac::{ErrorKind, MessageSignatures};

use super::{
    BODY, KEY_ID, NONCE, NOW, assert_rejected, covered, parameters, put, request, set, sign,
    signed, tag, verifier, verify, verify_by,
};

/// Signs these components, with the usual parameters.
fn covering(components: &str) -> Parts {
    let mut head = request();
    sign(&mut head, &(components.to_owned() + &parameters()));
    head
}

/// Signs the usual components, with these parameters.
fn saying(parameters: &str) -> Parts {
    let mut head = request();
    sign(&mut head, &(covered() + parameters));
    head
}

#[track_caller]
fn assert_malformed(head: &Parts, why: &str) {
    assert_rejected(verify(head, BODY), ErrorKind::Malformed, why);
}

#[test]
fn unchanged_request_is_accepted() {
    let verified = verify(&signed(), BODY).unwrap();
    assert_eq!(verified.scheme(), "rfc9421");
    assert_eq!(verified.key_id().unwrap(), KEY_ID);
    assert_eq!(verified.created(), Some(NOW));
}

#[test]
fn target_uri_replaces_authority_path_and_query() {
    let head = covering(r#"("@target-uri" "@method" "content-digest")"#);
    assert!(verify(&head, BODY).is_ok());
}

#[test]
fn unsigned_request_is_missing_not_malformed() {
    assert_rejected(verify(&request(), BODY), ErrorKind::Missing, "");
}

#[test]
fn signature_that_covers_nothing_is_rejected() {
    assert_malformed(&covering("()"), "less than the policy requires");
}

#[test]
fn each_component_of_the_strict_policy_is_required() {
    for left_out in [r#""@method" "#, r#""@authority" "#, r#""@path" "#, r#""@query" "#] {
        assert_malformed(&covering(&covered().replace(left_out, "")), "less than the policy");
    }
}

#[test]
fn body_without_covered_digest_is_rejected() {
    let mut head = covering(&covered().replace(r#" "content-digest""#, ""));
    // The existing digest is correct, but not covered.
    assert_malformed(&head, "not among the covered");
    head.headers.remove("content-digest");
    assert_malformed(&head, "not among the covered");
}

#[test]
fn created_missing_is_rejected() {
    assert_malformed(&saying(&parameters().replace(&format!(";created={NOW}"), "")), "`created`");
}

#[test]
fn created_beyond_the_tolerance_is_rejected_on_both_sides() {
    for (age, kind) in
        [(-301, Some(ErrorKind::Stale)), (-300, None), (300, None), (301, Some(ErrorKind::Stale))]
    {
        let created = (NOW - age).to_string();
        let head = saying(&parameters().replace(&NOW.to_string(), &created));
        match kind {
            None => assert!(verify(&head, BODY).is_ok(), "{age}"),
            Some(kind) => assert_rejected(verify(&head, BODY), kind, ""),
        }
    }
}

/// Signs if the base cannot be taken from the library, because it already rejects the input.
fn sign_raw(input: &str) -> Parts {
    let mut head = request();
    let lines = MessageSignatures::new().signature_base(&head, &covered()).unwrap();
    let (lines, _) = lines.rsplit_once(": ").unwrap();
    let base = format!("{lines}: {input}");
    put(&mut head, input, &tag(&base));
    head
}

#[test]
fn created_that_is_not_whole_seconds_is_rejected() {
    for created in
        ["1618884473.5", "-1", "\"1618884473\"", "@1618884473", "9999999999999999", "?1", "now"]
    {
        let input = covered() + &parameters().replace(&NOW.to_string(), created);
        assert_malformed(&sign_raw(&input), "signature-input");
    }
    assert!(verify(&sign_raw(&(covered() + &parameters())), BODY).is_ok());
}

/// Every request has a correct tag, so that only the time matters.
#[test]
fn extreme_or_misspelled_created_is_rejected() {
    let forty_digits = "1".repeat(40);
    for created in [
        "-9223372036854775808",
        "9223372036854775807",
        "999999999999999",
        "-999999999999999",
        "+1",
        "01",
        "0",
        "",
        &forty_digits,
        "1e9",
    ] {
        let input = covered() + &parameters().replace(&NOW.to_string(), created);
        assert!(verify(&sign_raw(&input), BODY).is_err(), "{created}");
    }
    let input = covered() + &parameters();
    assert!(verify(&sign_raw(&input), BODY).is_ok());
}

#[test]
fn expires_in_the_past_is_rejected() {
    let expiring = |at: i64| saying(&format!("{};expires={at}", parameters()));
    assert!(verify(&expiring(NOW), BODY).is_ok());
    assert_rejected(verify(&expiring(NOW - 1), BODY), ErrorKind::Expired, "");
}

#[test]
fn nonce_missing_is_rejected() {
    assert_malformed(&saying(&parameters().replace(&format!(";nonce=\"{NONCE}\""), "")), "`nonce`");
}

#[test]
fn nonce_of_fifteen_bytes_is_rejected() {
    assert_malformed(&saying(&parameters().replace(NONCE, &NONCE[1..])), "`nonce`");
}

#[derive(Default)]
pub struct Seen(Mutex<HashSet<ReplayKey>>);

impl ReplayGuard for Seen {
    fn claim(&self, request: &ReplayRequest<'_>) -> ReplayClaim {
        assert!(request.keep_until() >= request.now());
        let fresh = self.0.lock().unwrap().insert(*request.key());
        ReplayClaim::ready(Ok(if fresh { Replay::Claimed } else { Replay::Seen }))
    }
}

#[test]
fn reused_nonce_is_rejected() {
    let verifier = verifier(MessageSignatures::new()).with_replay_guard(Seen::default()).unwrap();
    assert!(verify_by(&verifier, &signed(), BODY).is_ok());
    // The same nonce with another time, and therefore another tag.
    let later = saying(&parameters().replace(&NOW.to_string(), &(NOW + 1).to_string()));
    assert_rejected(verify_by(&verifier, &later, BODY), ErrorKind::Replayed, "");
    let fresh = saying(&parameters().replace(NONCE, "fedcba9876543210"));
    assert!(verify_by(&verifier, &fresh, BODY).is_ok());
}

#[test]
fn other_alg_is_rejected() {
    for alg in ["hmac-sha512", "HMAC-SHA256", "none", "", "ed25519"] {
        assert_malformed(&saying(&format!("{};alg=\"{alg}\"", parameters())), "`alg`");
    }
    assert_malformed(&sign_raw(&(covered() + &parameters() + ";alg=hmac-sha256")), "is not text");
    assert!(verify(&saying(&(parameters() + ";alg=\"hmac-sha256\"")), BODY).is_ok());
}

#[test]
fn keyid_missing_or_empty_is_rejected() {
    let without = parameters().replace(&format!(";keyid=\"{KEY_ID}\""), "");
    assert_malformed(&saying(&without), "`keyid`");
    assert_malformed(&saying(&parameters().replace(KEY_ID, "")), "`keyid`");
}

#[test]
fn keyid_of_another_key_is_rejected() {
    let other = saying(&parameters().replace(KEY_ID, "other"));
    assert_rejected(verify(&other, BODY), ErrorKind::Mismatch, "");
    let nobody = saying(&parameters().replace(KEY_ID, "nobody"));
    assert_rejected(verify(&nobody, BODY), ErrorKind::UnknownKey, "");
}

#[test]
fn unknown_or_duplicate_parameter_is_rejected() {
    assert_malformed(
        &sign_raw(&(covered() + &parameters() + ";when=1")),
        "has an unknown parameter",
    );
    for parameter in [
        ";created=1618884473",
        ";keyid=\"test-shared-secret\"",
        ";alg=\"hmac-sha256\";alg=\"hmac-sha256\"",
    ] {
        assert_malformed(&sign_raw(&(covered() + &parameters() + parameter)), "twice");
    }
}

#[test]
fn duplicate_label_is_rejected() {
    let head = signed();
    for name in ["signature-input", "signature"] {
        let mut doubled = head.clone();
        let value = head.headers[name].to_str().unwrap();
        set(&mut doubled, name, &format!("{value}, {value}"));
        assert_malformed(&doubled, "has a label twice");
    }
}

#[test]
fn duplicate_label_in_another_line_is_rejected() {
    let head = signed();
    for name in ["signature-input", "signature"] {
        let mut doubled = head.clone();
        doubled.headers.append(name, head.headers[name].clone());
        assert_malformed(&doubled, "has a label twice");
    }
}

/// The two schemes look alike, so an error should name the mix-up.
#[test]
fn signature_of_draft_cavage_is_rejected_by_name() {
    let mut head = request();
    let text = r#"keyId="billing",algorithm="hmac-sha256",headers="host date",signature="AAAA""#;
    set(&mut head, "signature", text);
    assert_malformed(
        &head,
        "header `signature-input`: is missing; `signature` is that of the older",
    );
}

#[test]
fn second_label_by_another_key_is_rejected() {
    let mut head = signed();
    let input = head.headers["signature-input"].to_str().unwrap();
    let other = input.replacen("sig=", "sig2=", 1).replace(KEY_ID, "other");
    let (inputs, tags) =
        (format!("{input}, {other}"), head.headers["signature"].to_str().unwrap().to_owned());
    set(&mut head, "signature-input", &inputs);
    assert_malformed(&head, "different labels");
    set(&mut head, "signature", &format!("{tags}, {}", tags.replacen("sig=", "sig2=", 1)));
    assert_malformed(&head, "several signatures");
}

#[test]
fn different_labels_are_rejected() {
    let mut head = signed();
    let value = head.headers["signature"].to_str().unwrap().to_owned();
    set(&mut head, "signature", &value.replacen("sig=", "sig1=", 1));
    assert_malformed(&head, "different labels");
    // Add one more member to either field.
    set(&mut head, "signature", &format!("{value}, sig1=:AAAA:"));
    assert_malformed(&head, "different labels");
    let mut head = signed();
    let input = head.headers["signature-input"].to_str().unwrap().to_owned();
    set(&mut head, "signature-input", &format!("{input}, sig1=()"));
    assert_malformed(&head, "different labels");
}

#[test]
fn signature_and_signature_input_need_each_other() {
    for name in ["signature-input", "signature"] {
        let mut head = signed();
        head.headers.remove(name);
        assert_malformed(&head, "is missing, but `signature");
    }
}

#[test]
fn covered_field_that_is_missing_is_rejected() {
    let mut head = covering(&covered().replace(')', " \"date\")"));
    assert!(verify(&head, BODY).is_ok());
    head.headers.remove("date");
    assert_malformed(&head, "header `date`: is covered and missing");
}

#[test]
fn added_line_of_a_covered_field_is_rejected() {
    let mut head = covering(&covered().replace(')', " \"date\")"));
    head.headers.append("date", head.headers["date"].clone());
    assert_rejected(verify(&head, BODY), ErrorKind::Mismatch, "");
}

#[test]
fn duplicate_component_is_rejected_in_any_parameter_order() {
    for twice in [
        r#""@method""#,
        r#""date" "date""#,
        r#""x";sf;key="a" "x";key="a";sf"#,
        r#""@query-param";name="Pet" "@query-param";name="Pet""#,
    ] {
        let input = covered().replace(')', &format!(" {twice})")) + &parameters();
        assert_malformed(&sign_raw(&input), "twice");
    }
}

#[test]
fn unknown_components_and_parameters_are_rejected() {
    for component in [
        r#""@signature-params""#,
        r#""@status""#,
        r#""@unknown""#,
        r#""@method";req"#,
        r#""date";req"#,
        r#""date";tr"#,
        r#""date";unknown"#,
        r#""date";sf=?0"#,
        r#""date";sf="x""#,
        r#""date";bs;sf"#,
        r#""date";bs;key="a""#,
        r#""date";bs;bs"#,
        r#""date";sf;sf=?1"#,
        r#""date";sf=?0;sf"#,
        r#""x";key="a";key="a""#,
        r#""x";key="a";key="b""#,
        r#""@query-param";name="a";name="b""#,
        r#""@query-param";name="a";name="a""#,
        r#""date";key=a"#,
        r#""date";key="A""#,
        r#""date";name="a""#,
        r#""@method";sf"#,
        r#""@path";name="a""#,
        r#""@query-param""#,
        r#""@query-param";name="a b""#,
        r#""Date""#,
        r#""da te""#,
        r#""""#,
        "date",
        "1",
        ":AAAA:",
    ] {
        let input = covered().replace(')', &format!(" {component})")) + &parameters();
        assert_malformed(&sign_raw(&input), "signature-input");
    }
}

#[test]
fn base64url_instead_of_base64_is_rejected() {
    // A tag that contains `+` or `/`, so that the alphabets differ.
    let (mut head, tag) = (0..100)
        .map(|n| saying(&parameters().replace(NONCE, &format!("{NONCE}{n}"))))
        .map(|head| {
            let value = head.headers["signature"].to_str().unwrap().to_owned();
            (head, value)
        })
        .find(|(_, tag)| tag.contains(['+', '/']))
        .unwrap();
    assert!(verify(&head, BODY).is_ok());
    set(&mut head, "signature", &tag.replace('+', "-").replace('/', "_"));
    assert_malformed(&head, "signature");
}

#[test]
fn tag_in_another_spelling_is_rejected() {
    let head = signed();
    let value = head.headers["signature"].to_str().unwrap();
    let tag = &value["sig=:".len()..value.len() - 1];
    let last = tag.as_bytes()[tag.len() - 2];
    // The last character before the padding has two unused bits.
    let slack = format!("{}{}=", &tag[..tag.len() - 2], char::from(last + 1));
    for other in [
        format!("sig=:{}:", tag.trim_end_matches('=')),
        format!("sig=:{slack}:"),
        format!("sig=:{tag}:;q=1"),
        format!("sig={tag}"),
        format!("sig=\"{tag}\""),
        format!("sig=(:{tag}:)"),
        "sig".to_owned(),
        "sig=::".to_owned(),
        tag.to_owned(),
        String::new(),
    ] {
        let mut head = head.clone();
        set(&mut head, "signature", &other);
        assert_malformed(&head, "");
    }
}

#[test]
fn second_host_is_rejected() {
    let mut head = signed();
    head.headers.append("host", head.headers["host"].clone());
    assert_malformed(&head, "header `host`: occurs more than once");
}

#[test]
fn body_one_byte_longer_is_rejected() {
    let mut body = BODY.to_vec();
    body.push(b' ');
    assert_rejected(verify(&signed(), &body), ErrorKind::Mismatch, "");
    assert_rejected(verify(&signed(), &BODY[1..]), ErrorKind::Mismatch, "");
}

#[test]
fn input_over_8_kib_is_rejected() {
    let mut head = signed();
    set(&mut head, "signature-input", &format!("sig=();tag=\"{}\"", "x".repeat(8 * 1024)));
    assert_malformed(&head, "longer than 8 KiB");
}

#[test]
fn too_many_signatures_or_components_are_rejected() {
    let many = |count: usize| (0..count).map(|n| format!("\"x{n}\"")).collect::<Vec<_>>().join(" ");
    let covering = |count| covered().replace(')', &format!(" {})", many(count))) + &parameters();
    assert_malformed(&sign_raw(&covering(60)), "more than 64 components");
    let mut head = request();
    for n in 0..59 {
        head.headers
            .insert(http::HeaderName::try_from(format!("x{n}")).unwrap(), "v".parse().unwrap());
    }
    sign(&mut head, &covering(59));
    assert!(verify(&head, BODY).is_ok());

    let field = |value: &str, count| {
        (0..count).map(|n| format!("s{n}={value}")).collect::<Vec<_>>().join(", ")
    };
    for (count, why) in [(16, "several signatures"), (17, "more than 16"), (600, "more than 16")] {
        set(&mut head, "signature-input", &field("()", count));
        set(&mut head, "signature", &field("::", count));
        assert_malformed(&head, why);
    }
}

#[test]
fn invalid_dictionaries_are_rejected() {
    for text in [
        "",
        "=",
        "sig",
        "sig=1",
        "sig=()()",
        "sig=(",
        "sig=\"",
        "sig=();",
        "sig=(),",
        "Sig=()",
        "sig=(\"a\"\"b\")",
    ] {
        let mut head = signed();
        set(&mut head, "signature-input", text);
        assert_malformed(&head, "");
    }
    let mut head = signed();
    let raw = http::HeaderValue::from_bytes(b"sig=(\"\xc3\xa9\")").unwrap();
    head.headers.insert("signature-input", raw);
    assert_malformed(&head, "not ASCII");
}

/// One signature may cover 64 members or parameters, and each reads its whole field or query. A
/// long one would let anybody cause a lot of work.
#[test]
fn long_fields_and_queries_are_not_parsed() {
    let covering = |component: &str| {
        let input = covered().replace(')', &format!(" {component})")) + &parameters();
        sign_raw(&input)
    };
    for (len, fits) in [(8 * 1024, true), (8 * 1024 + 1, false)] {
        for component in [r#""priority";key="u""#, r#""priority";sf"#] {
            let mut head = covering(component);
            set(&mut head, "priority", &format!("u=1, x=\"{}\"", "a".repeat(len - 9)));
            assert_eq!(head.headers["priority"].len(), len);
            if fits {
                assert_rejected(verify(&head, BODY), ErrorKind::Mismatch, "");
            } else {
                assert_malformed(&head, "`priority`: is longer than 8 KiB");
            }
        }
        let mut head = covering(r#""@query-param";name="u""#);
        head.uri = format!("/?u=1&x={}", "a".repeat(len - 6)).parse().unwrap();
        if fits {
            assert_rejected(verify(&head, BODY), ErrorKind::Mismatch, "");
        } else {
            assert_malformed(&head, "over 8 KiB");
        }
    }
}
