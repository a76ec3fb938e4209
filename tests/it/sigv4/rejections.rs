//! Breaks each rule of `docs/sigv4.md` once. The signatures match the client's request, so that
//! only the rule can reject it.

use std::collections::HashSet;
use std::sync::Mutex;

use futures_util::FutureExt as _;
use http::{HeaderMap, Request};
use tower_hmac::ErrorKind::{Expired, Malformed, Mismatch, Missing, Stale};
use tower_hmac::replay::ReplayGuard;
use tower_hmac::replay::{Replay, ReplayClaim, ReplayKey, ReplayRequest};
use tower_hmac::scheme::AwsSigV4;
use tower_hmac::{ErrorKind, Scheme};

use super::draft::{Draft, sha256};
use super::{KEY_ID, checked, scheme, verifier};

/// Returns the reason for a rejection, as readable text.
fn rejection(scheme: impl Scheme + 'static, request: &Request<Vec<u8>>) -> (ErrorKind, String) {
    let error = checked(verifier(scheme), request).unwrap_err();
    (error.kind(), error.to_string())
}

/// A change that breaks a rule, before or after signing, and the outcome.
type Break = (&'static str, ErrorKind, fn(&Draft) -> Request<Vec<u8>>);

#[track_caller]
fn assert_rejected(rule: &str, breaks: &[Break]) {
    for (what, kind, broken) in breaks {
        let draft = Draft::new();
        let (found, said) = rejection(scheme(), &broken(&draft));
        assert_eq!(found, *kind, "{what}: {said}");
        // A malformed request names the rule that it breaks.
        assert!(*kind != Malformed || said.contains(rule), "{what}: {said}");
    }
}

fn changed(draft: &Draft, change: impl FnOnce(&mut Draft)) -> Request<Vec<u8>> {
    let mut draft = draft.clone();
    change(&mut draft);
    draft.sign()
}

fn headers(mut request: Request<Vec<u8>>, change: impl FnOnce(&mut HeaderMap)) -> Request<Vec<u8>> {
    change(request.headers_mut());
    request
}

#[test]
fn unchanged_drafts_are_accepted() {
    let verified = checked(verifier(scheme()), &Draft::new().sign()).unwrap();
    assert_eq!(verified.key_id().unwrap(), KEY_ID);
    let names: Vec<_> = verified.signed_headers().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["content-type", "host", "x-amz-date"]);
    let link = Draft::new_link().link();
    assert!(checked(verifier(scheme().presigned()), &link).is_ok());
}

#[test]
fn rule_1_one_authorization_of_this_type() {
    assert_rejected(
        "(rule 1)",
        &[
            ("another kind", Missing, |draft| draft.with("Bearer AWS4-HMAC-SHA256")),
            ("SigV4a", Missing, |draft| {
                draft.with(&draft.authorization().replace("HMAC-SHA256", "ECDSA-P256-SHA256"))
            }),
            ("none", Missing, |draft| {
                headers(draft.sign(), |headers| drop(headers.remove("authorization")))
            }),
            ("signed in the query, too", Malformed, |draft| {
                changed(draft, |draft| {
                    draft.query = "X-Amz-Signature=a".into();
                    draft.target = "/orders?X-Amz-Signature=a".into();
                })
            }),
            ("a credential in the query, in another spelling", Malformed, |draft| {
                changed(draft, |draft| {
                    draft.query = "x-amz-credential=a".into();
                    draft.target = "/orders?x%2Damz-credential=a".into();
                })
            }),
        ],
    );
    let twice = |draft: &Draft, other: &str| {
        headers(draft.sign(), |headers| {
            headers.append("authorization", other.parse().unwrap());
        })
    };
    let draft = Draft::new();
    for other in [draft.authorization().as_str(), "Bearer a", "AWS4-HMAC-SHA256"] {
        assert_eq!(rejection(scheme(), &twice(&draft, other)).0, Malformed, "{other}");
    }
    let folded = draft.authorization().replace("AWS4-HMAC", "aws4-hmac");
    assert!(checked(verifier(scheme()), &draft.with(&folded)).is_ok(), "in any case");
}

#[test]
fn rule_2_three_parts_once_each() {
    for (what, from, to) in [
        ("nothing", " Credential", ""),
        ("no signature", ", Signature", ", Signature2"),
        ("no list", "SignedHeaders", "X=a, Y"),
        ("a part twice", ", SignedHeaders", ", Credential=a, SignedHeaders"),
        ("an unknown part", ", Signature", ", Extra=a, Signature"),
        ("another case", "Credential", "credential"),
        ("no `=`", ", SignedHeaders", ", a, SignedHeaders"),
        ("an empty part", ", SignedHeaders", ",, SignedHeaders"),
        ("spaces for commas", ", SignedHeaders", " SignedHeaders"),
    ] {
        let draft = Draft::new();
        let value = draft.authorization();
        let value =
            if what == "nothing" { "AWS4-HMAC-SHA256".into() } else { value.replace(from, to) };
        let (kind, said) = rejection(scheme(), &draft.with(&value));
        assert_eq!(kind, Malformed, "{what}");
        assert!(said.contains("(rule 2)") || said.contains("(rule 3)"), "{what}: {said}");
    }
    let draft = Draft::new();
    let signature = draft.signature();
    for other in [
        signature.to_uppercase(),
        signature[1..].to_owned(),
        format!("{signature}0"),
        String::new(),
        format!("\"{signature}\""),
    ] {
        let value = draft.authorization().replace(&signature, &other);
        assert_eq!(rejection(scheme(), &draft.with(&value)).0, Malformed, "{other}");
    }
    let value = draft.authorization();
    let (kind, rest) = value.split_once(' ').unwrap();
    let parts: Vec<_> = rest.split(", ").collect();
    let reordered = format!("{kind}   {},{}  ,  {}", parts[2], parts[0], parts[1]);
    assert!(checked(verifier(scheme()), &draft.with(&reordered)).is_ok(), "in any order");
}

#[test]
fn rule_3_the_credential_is_for_this_scope() {
    fn scoped(draft: &Draft, scope: &str) -> Request<Vec<u8>> {
        changed(draft, |draft| draft.scope = scope.into())
    }
    assert_rejected(
        "(rule 3)",
        &[
            ("four parts", Malformed, |draft| scoped(draft, "20150830/us-east-1/aws4_request")),
            ("another end", Malformed, |draft| {
                scoped(draft, "20150830/us-east-1/service/aws5_request")
            }),
            ("no day", Malformed, |draft| scoped(draft, "2015083/us-east-1/service/aws4_request")),
            ("no digits", Malformed, |draft| {
                scoped(draft, "2015083a/us-east-1/service/aws4_request")
            }),
            ("no key ID", Malformed, |draft| {
                draft.with(&draft.authorization().replace(KEY_ID, ""))
            }),
            ("a space in the key ID", Malformed, |draft| {
                draft.with(&draft.authorization().replace(KEY_ID, "A B"))
            }),
            ("another region", Mismatch, |draft| {
                scoped(draft, "20150830/us-east-2/service/aws4_request")
            }),
            ("no region", Mismatch, |draft| scoped(draft, "20150830//service/aws4_request")),
            ("another service", Mismatch, |draft| {
                scoped(draft, "20150830/us-east-1/services/aws4_request")
            }),
            ("another region in the credential alone", Mismatch, |draft| {
                draft.with(&draft.authorization().replace("us-east-1", "us-east-2"))
            }),
            ("another key ID", ErrorKind::UnknownKey, |draft| {
                draft.with(&draft.authorization().replace(KEY_ID, "AKIDNOBODY"))
            }),
        ],
    );
}

#[test]
fn rule_4_the_date_is_that_of_the_credential() {
    fn dated(draft: &Draft, date: &str, day: &str) -> Request<Vec<u8>> {
        changed(draft, |draft| {
            draft.date = date.into();
            draft.set("x-amz-date", date);
            draft.scope = draft.scope.replace("20150830", day);
        })
    }
    assert_rejected(
        "(rule 4)",
        &[
            ("another form", Malformed, |draft| dated(draft, "2015-08-30T12:36:00Z", "20150830")),
            ("no such day", Malformed, |draft| dated(draft, "20150832T123600Z", "20150832")),
            ("another day", Malformed, |draft| dated(draft, "20150830T123600Z", "20150829")),
            ("301 s ago", Stale, |draft| dated(draft, "20150830T123059Z", "20150830")),
            ("301 s ahead", Stale, |draft| dated(draft, "20150830T124101Z", "20150830")),
            ("another date than is signed", Mismatch, |draft| {
                headers(draft.sign(), |headers| {
                    headers.insert("x-amz-date", "20150830T123601Z".parse().unwrap());
                })
            }),
        ],
    );
    assert_rejected(
        "x-amz-date",
        &[
            ("`Date` alone", Malformed, |draft| {
                changed(draft, |draft| {
                    draft.headers[1] = ("date", "Sun, 30 Aug 2015 12:36:00 GMT".into());
                    draft.list = "content-type;date;host".into();
                })
            }),
            ("twice", Malformed, |draft| {
                headers(draft.sign(), |headers| {
                    headers.append("x-amz-date", "20150830T123600Z".parse().unwrap());
                })
            }),
        ],
    );
    for date in ["20150830T123100Z", "20150830T124100Z"] {
        assert!(checked(verifier(scheme()), &dated(&Draft::new(), date, "20150830")).is_ok());
    }
}

#[test]
fn rule_5_the_list_is_canonical_and_complete() {
    assert_rejected(
        "(rule 5)",
        &[
            ("upper case", Malformed, |draft| {
                changed(draft, |draft| draft.list = "Host;content-type;x-amz-date".into())
            }),
            ("descending", Malformed, |draft| {
                changed(draft, |draft| draft.list = "host;content-type;x-amz-date".into())
            }),
            ("a name twice", Malformed, |draft| {
                changed(draft, |draft| draft.list = "content-type;host;host;x-amz-date".into())
            }),
            ("an empty name", Malformed, |draft| {
                changed(draft, |draft| draft.list = "content-type;host;x-amz-date;".into())
            }),
            ("nothing", Malformed, |draft| changed(draft, |draft| draft.list = String::new())),
            ("without the host", Malformed, |draft| {
                changed(draft, |draft| draft.list = "content-type;x-amz-date".into())
            }),
            ("without the content type", Malformed, |draft| {
                changed(draft, |draft| draft.list = "host;x-amz-date".into())
            }),
            ("without the date", Malformed, |draft| {
                changed(draft, |draft| draft.list = "content-type;host".into())
            }),
            ("without another x-amz header", Malformed, |draft| {
                changed(draft, |draft| draft.headers.push(("x-amz-acl", "private".into())))
            }),
            ("an x-amz header added", Malformed, |draft| {
                headers(draft.sign(), |headers| {
                    headers.insert("x-amz-acl", "public-read".parse().unwrap());
                })
            }),
        ],
    );
    let strict = || scheme().with_required_headers(["X-Note"]).unwrap();
    let (kind, said) = rejection(strict(), &Draft::new().sign());
    assert!(kind == Malformed && said.contains("(rule 5)"), "{said}");
    let mut noted = Draft::new();
    noted.header("x-note", "a");
    assert!(checked(verifier(strict()), &noted.sign()).is_ok());
}

#[test]
fn rule_6_a_listed_header_is_present() {
    assert_rejected(
        "(rule 6)",
        &[
            ("never there", Malformed, |draft| {
                changed(draft, |draft| draft.list = "content-type;host;x-amz-date;x-note".into())
            }),
            ("dropped on the way", Malformed, |draft| {
                headers(draft.sign(), |headers| drop(headers.remove("content-type")))
            }),
            ("no name of a header", Malformed, |draft| {
                changed(draft, |draft| draft.list = "a b;content-type;host;x-amz-date".into())
            }),
        ],
    );
}

#[test]
fn rule_7_values_are_those_that_were_signed() {
    assert_rejected(
        "",
        &[
            ("another host", Mismatch, |draft| {
                headers(draft.sign(), |headers| {
                    headers.insert("host", "example.org".parse().unwrap());
                })
            }),
            ("a port that was not sent", Mismatch, |draft| {
                headers(draft.sign(), |headers| {
                    headers.insert("host", "example.amazonaws.com:80".parse().unwrap());
                })
            }),
            ("two hosts", Malformed, |draft| {
                headers(draft.sign(), |headers| {
                    headers.append("host", "example.org".parse().unwrap());
                })
            }),
            ("another content type", Mismatch, |draft| {
                headers(draft.sign(), |headers| {
                    headers.insert("content-type", "text/plain".parse().unwrap());
                })
            }),
            ("a second value", Mismatch, |draft| {
                headers(draft.sign(), |headers| {
                    headers.append("content-type", "text/plain".parse().unwrap());
                })
            }),
        ],
    );
    let mut spaced = Draft::new();
    spaced.header("x-note", "a b,c");
    let request = headers(spaced.sign(), |headers| {
        headers.insert("x-note", "a    b".parse().unwrap());
        headers.append("x-note", "c".parse().unwrap());
    });
    assert!(checked(verifier(scheme()), &request).is_ok(), "runs of spaces, and several values");
    let request = headers(spaced.sign(), |headers| {
        headers.insert("x-note", "a b, c".parse().unwrap());
    });
    assert_eq!(rejection(scheme(), &request).0, Mismatch);
}

fn at(draft: &Draft, target: &str, path: &str) -> Request<Vec<u8>> {
    changed(draft, |draft| {
        draft.target = target.into();
        draft.path = path.into();
        draft.query = String::new();
    })
}

#[test]
fn rule_8_the_path_is_encoded_as_the_service_does() {
    assert_rejected(
        "(rule 8)",
        &[
            ("`.`", Malformed, |draft| at(draft, "/a/./b", "/a/b")),
            ("`..`", Malformed, |draft| at(draft, "/a/../b", "/b")),
            ("`..` at the end", Malformed, |draft| at(draft, "/a/..", "/")),
            ("`//`", Malformed, |draft| at(draft, "/a//b", "/a/b")),
            ("`//`, signed as it is", Malformed, |draft| at(draft, "/a//b", "/a//b")),
            ("an escape that is not needed", Malformed, |draft| at(draft, "/%61", "/a")),
            ("an escaped `.`", Malformed, |draft| at(draft, "/%2e%2E/b", "/%252e%252E/b")),
            ("an escape that is none", Malformed, |draft| at(draft, "/a%zz", "/a%25zz")),
            ("no path", Malformed, |draft| at(draft, "*", "/")),
            ("encoded once", Mismatch, |draft| at(draft, "/a%20b", "/a%20b")),
            ("encoded thrice", Mismatch, |draft| at(draft, "/a%20b", "/a%252520b")),
            ("another path", Mismatch, |draft| at(draft, "/orders/8", "/orders/7")),
        ],
    );
    assert!(checked(verifier(scheme()), &at(&Draft::new(), "/a%20b", "/a%2520b")).is_ok());
    let normalized = scheme().dangerous_normalized_path();
    assert!(checked(verifier(normalized), &at(&Draft::new(), "/a/../b//c", "/b/c")).is_ok());
    let once = || scheme().with_s3_paths();
    for (target, path) in [("/a%20b", "/a%20b"), ("/%61//../$", "/a//../%24")] {
        assert!(checked(verifier(once()), &at(&Draft::new(), target, path)).is_ok(), "{target}");
    }
    let twice = at(&Draft::new(), "/a%20b", "/a%2520b");
    assert_eq!(rejection(once(), &twice).0, Mismatch);
}

fn asking(draft: &Draft, sent: &str, signed: &str) -> Request<Vec<u8>> {
    changed(draft, |draft| {
        draft.target = format!("/orders?{sent}");
        draft.query = signed.into();
    })
}

#[test]
fn rule_9_an_ambiguous_query_is_rejected() {
    assert_rejected(
        "(rule 9)",
        &[
            ("`+` as a space", Malformed, |draft| asking(draft, "a=1+2", "a=1%202")),
            ("`+` as itself", Malformed, |draft| asking(draft, "a=1+2", "a=1%2B2")),
            ("`+` in a name", Malformed, |draft| asking(draft, "a+b=1", "a%20b=1")),
            ("values out of order", Malformed, |draft| asking(draft, "a=2&a=1", "a=1&a=2")),
            ("the same through an escape", Malformed, |draft| {
                asking(draft, "a=2&%61=1", "a=1&a=2")
            }),
            ("an empty part", Malformed, |draft| asking(draft, "a=1&&b=2", "a=1&b=2")),
            ("an escape that is none", Malformed, |draft| asking(draft, "a=%2", "a=%252")),
            ("signed unsorted", Mismatch, |draft| asking(draft, "b=2&a=1", "b=2&a=1")),
            ("signed without a `=`", Mismatch, |draft| asking(draft, "a", "a")),
            ("signed in lower case", Mismatch, |draft| asking(draft, "a=%c3%a9", "a=%c3%a9")),
            ("a name more", Mismatch, |draft| asking(draft, "a=1&b=2", "a=1")),
            ("another value", Mismatch, |draft| asking(draft, "a=1&b=3", "a=1&b=2")),
        ],
    );
    for (sent, signed) in [
        ("b=2&a=1", "a=1&b=2"),
        ("a", "a="),
        ("a=%c3%a9&b=~", "a=%C3%A9&b=~"),
        ("a=1&a=2", "a=1&a=2"),
    ] {
        let request = asking(&Draft::new(), sent, signed);
        assert!(checked(verifier(scheme()), &request).is_ok(), "{sent}");
    }
}

fn paid(draft: &Draft, header: &str, payload: &str) -> Request<Vec<u8>> {
    changed(draft, |draft| {
        draft.header("x-amz-content-sha256", header);
        draft.payload = payload.into();
    })
}

#[test]
fn rule_10_the_payload_is_the_one_that_was_signed() {
    assert_rejected(
        "(rule 10)",
        &[
            ("unsigned", Malformed, |draft| paid(draft, "UNSIGNED-PAYLOAD", "UNSIGNED-PAYLOAD")),
            ("in chunks", Malformed, |draft| {
                let kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
                paid(draft, kind, kind)
            }),
            ("in upper case", Malformed, |draft| {
                let digest = draft.payload.to_uppercase();
                paid(draft, &digest, &digest)
            }),
            ("too short", Malformed, |draft| paid(draft, &draft.payload[2..], &draft.payload[2..])),
            ("empty", Malformed, |draft| paid(draft, "", "")),
            ("of another body", Mismatch, |draft| {
                let digest = sha256(b"another");
                paid(draft, &digest, &digest)
            }),
            ("another in the text", Mismatch, |draft| {
                paid(draft, &draft.payload, &sha256(b"another"))
            }),
            ("another body", Mismatch, |draft| draft.sign().map(|_| b"another".to_vec())),
            ("no body", Mismatch, |draft| draft.sign().map(|_| Vec::new())),
        ],
    );
    assert_rejected(
        "(rule 5)",
        &[("not signed", Malformed, |draft| {
            headers(draft.sign(), |headers| {
                headers.insert("x-amz-content-sha256", draft.payload.parse().unwrap());
            })
        })],
    );
    assert_rejected(
        "x-amz-content-sha256",
        &[("twice", Malformed, |draft| {
            changed(draft, |draft| {
                draft.header("x-amz-content-sha256", &draft.payload.clone());
                draft.header("x-amz-content-sha256", &draft.payload.clone());
            })
        })],
    );
    let draft = Draft::new();
    let request = paid(&draft, &draft.payload, &draft.payload);
    assert!(checked(verifier(scheme()), &request).is_ok());
    let other = request.map(|_| b"another".to_vec());
    assert_eq!(rejection(scheme(), &other).0, Mismatch);
    let unsigned = paid(&draft, "UNSIGNED-PAYLOAD", "UNSIGNED-PAYLOAD").map(|_| b"any".to_vec());
    let careless = scheme().dangerous_unsigned_payload();
    assert!(checked(verifier(careless.clone()), &unsigned).is_ok());
    assert!(checked(verifier(careless), &other).is_err(), "a digest that is there counts");
}

#[test]
fn rule_11_each_step_of_the_key_derivation_matters() {
    let draft = Draft::new();
    for from in ["20150830", "us-east-1", "service", "aws4_request"] {
        let mut other = draft.clone();
        other.scope = draft.scope.replace(from, "other");
        let value = draft.authorization().replace(&draft.signature(), &other.signature());
        assert_eq!(rejection(scheme(), &draft.with(&value)).0, Mismatch, "{from}");
    }
}

#[test]
fn rule_12_a_session_token_is_signed() {
    assert_rejected(
        "(rule 5)",
        &[("not signed", Malformed, |draft| {
            headers(draft.sign(), |headers| {
                headers.insert("x-amz-security-token", "a token".parse().unwrap());
            })
        })],
    );
    let mut draft = Draft::new();
    draft.header("x-amz-security-token", "a token");
    assert!(checked(verifier(scheme()), &draft.sign()).is_ok());
    let other = headers(draft.sign(), |headers| {
        headers.insert("x-amz-security-token", "another".parse().unwrap());
    });
    assert_eq!(rejection(scheme(), &other).0, Mismatch);
}

/// A guard that never forgets.
#[derive(Default)]
struct Seen(Mutex<HashSet<ReplayKey>>);

impl ReplayGuard for Seen {
    fn claim(&self, request: &ReplayRequest<'_>) -> ReplayClaim {
        let is_new = self.0.lock().unwrap().insert(*request.key());
        ReplayClaim::ready(Ok(if is_new { Replay::Claimed } else { Replay::Seen }))
    }
}

#[test]
fn rule_13_a_request_is_accepted_once() {
    let guarded = verifier(scheme())
        .or(scheme().presigned(), super::keys())
        .unwrap()
        .with_replay_guard(Seen::default())
        .unwrap();
    let verify = |request: Request<Vec<u8>>| {
        let (head, body) = request.into_parts();
        guarded.verify(&head, &body).now_or_never().unwrap().map_err(|error| error.kind())
    };
    let mut later = Draft::new();
    later.header("x-note", "another request");
    for request in [Draft::new().sign(), later.sign(), Draft::new_link().link()] {
        assert!(verify(request.clone()).is_ok());
        assert_eq!(verify(request).unwrap_err(), ErrorKind::Replayed);
    }
}

type BreakLink = (&'static str, ErrorKind, fn(&mut Draft));

#[track_caller]
fn assert_link_rejected(rule: &str, breaks: &[BreakLink]) {
    for (what, kind, change) in breaks {
        let mut draft = Draft::new_link();
        change(&mut draft);
        let (found, said) = rejection(scheme().presigned(), &draft.link());
        assert_eq!(found, *kind, "{what}: {said}");
        assert!(*kind != Malformed || said.contains(rule), "{what}: {said}");
    }
}

#[test]
fn rule_14_six_parameters_once_each() {
    for name in ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"] {
        let link = Draft::new_link().link();
        let target = link.uri().to_string();
        let (path, query) = target.split_once('?').unwrap();
        let name = format!("X-Amz-{name}=");
        let place = query.find(&name).unwrap();
        let own = query[place..].split('&').next().unwrap();
        let left = query.replace(own, "").replace("&&", "&");
        let left = left.trim_matches('&');
        for (what, query) in [
            ("missing", left.to_owned()),
            ("twice", format!("{query}&{own}")),
            ("twice, once empty", format!("{name}&{query}")),
            ("another case", query.replace(&name, &name.to_lowercase())),
            ("an escape", query.replace(&name, &name.replace('-', "%2D"))),
            ("twice, once with an escape", format!("{query}&{}", own.replace("X-", "X%2d"))),
            ("empty", query.replace(own, &name)),
        ] {
            let mut request = Draft::new_link().link();
            *request.uri_mut() = format!("{path}?{query}").parse().unwrap();
            let (kind, said) = rejection(scheme().presigned(), &request);
            assert_eq!(kind, Malformed, "{name} {what}: {said}");
        }
    }
    assert_link_rejected(
        "(rule 14)",
        &[("another algorithm", Malformed, |draft| {
            draft.replace_in_query("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512");
        })],
    );
    let upper = Draft::new_link();
    let target = upper.link().uri().to_string();
    let (start, signature) = target.rsplit_once('=').unwrap();
    for other in [signature.to_uppercase(), signature[1..].into(), format!("+{}", &signature[1..])]
    {
        let mut request = upper.link();
        *request.uri_mut() = format!("{start}={other}").parse().unwrap();
        assert_eq!(rejection(scheme().presigned(), &request).0, Malformed, "{other}");
    }
    for target in ["/", "/?a=1", "/?X-Amz-Sig=1&X-Amz-Security-Token=a", "/?a=X-Amz-Signature"] {
        let mut request = Draft::new_link().link();
        *request.uri_mut() = target.parse().unwrap();
        assert_eq!(rejection(scheme().presigned(), &request).0, Missing, "{target}");
    }
}

#[test]
fn rule_15_a_link_is_valid_for_seven_days_at_most() {
    assert_link_rejected(
        "(rule 15)",
        &[
            ("no second", Malformed, |draft| draft.replace_in_query("Expires=60", "Expires=0")),
            ("longer", Malformed, |draft| draft.replace_in_query("Expires=60", "Expires=604801")),
            ("no number", Malformed, |draft| draft.replace_in_query("Expires=60", "Expires=1m")),
            ("negative", Malformed, |draft| draft.replace_in_query("Expires=60", "Expires=-1")),
            ("a leading zero", Malformed, |draft| {
                draft.replace_in_query("Expires=60", "Expires=060")
            }),
            ("over", Expired, |draft| {
                draft.date = "20150830T123459Z".into();
                draft.replace_in_query("20150830T123600Z", "20150830T123459Z");
            }),
            ("not yet", Stale, |draft| {
                draft.date = "20150830T124101Z".into();
                draft.replace_in_query("20150830T123600Z", "20150830T124101Z");
            }),
            ("longer than was signed", Mismatch, |draft| {
                draft.target = draft.target.replace("Expires=60", "Expires=61");
            }),
        ],
    );
    let mut longest = Draft::new_link();
    longest.replace_in_query("Expires=60", "Expires=604800");
    assert!(checked(verifier(scheme().presigned()), &longest.link()).is_ok());
}

#[test]
fn rule_16_a_link_is_for_one_method_and_no_body() {
    assert_link_rejected(
        "(rule 16)",
        &[
            ("POST", Malformed, |draft| draft.method = "POST"),
            ("a hash of the payload", Malformed, |draft| {
                draft.replace_in_query(
                    "SignedHeaders=host",
                    "SignedHeaders=host%3Bx-amz-content-sha256",
                );
                draft.header("x-amz-content-sha256", &sha256(b""));
            }),
        ],
    );
    assert_link_rejected(
        "cannot sign a body",
        &[("a body", Malformed, |draft| draft.body = b"a".to_vec())],
    );
    assert_link_rejected(
        "(rule 1)",
        &[("an Authorization, too", Malformed, |draft| {
            draft.headers.push(("authorization", "AWS4-HMAC-SHA256 a".into()));
        })],
    );
    assert_link_rejected(
        "(rule 5)",
        &[("an x-amz header", Malformed, |draft| {
            draft.headers.push(("x-amz-acl", "private".into()));
        })],
    );
    assert_link_rejected(
        "",
        &[
            ("HEAD in the place of GET", Mismatch, |draft| {
                let signed_as_get = draft.signature();
                draft.method = "HEAD";
                assert_ne!(draft.signature(), signed_as_get);
                draft.payload = "signed as another".into();
            }),
            ("another region", Mismatch, |draft| {
                draft.scope = draft.scope.replace("us-east-1", "us-east-2");
                draft.replace_in_query("us-east-1", "us-east-2");
            }),
        ],
    );
}

#[test]
fn links_for_other_methods_cover_the_body() {
    let posts = || scheme().presigned().with_methods([http::Method::POST]);
    let mut draft = Draft::new_link();
    assert_eq!(rejection(posts(), &draft.link()).0, Malformed, "a GET");
    draft.method = "POST";
    draft.body = b"a body".to_vec();
    draft.payload = sha256(b"a body");
    assert!(checked(verifier(posts()), &draft.link()).is_ok());
    let other = draft.link().map(|_| b"another".to_vec());
    assert_eq!(rejection(posts(), &other).0, Mismatch);
}

#[test]
fn s3_links_with_a_body_are_rejected_unless_configured() {
    let s3 = || AwsSigV4::new("us-east-1", "s3").unwrap();
    let mut draft = Draft::new_link();
    draft.scope = draft.scope.replace("service", "s3");
    draft.replace_in_query("service", "s3");
    draft.method = "PUT";
    draft.payload = "UNSIGNED-PAYLOAD".into();
    let puts = |scheme: AwsSigV4| scheme.presigned().with_methods([http::Method::PUT]);
    assert!(checked(verifier(puts(s3())), &draft.link()).is_ok());
    draft.body = b"any".to_vec();
    assert_eq!(rejection(puts(s3()), &draft.link()).0, Malformed);
    assert!(checked(verifier(puts(s3().dangerous_unsigned_payload())), &draft.link()).is_ok());
}
