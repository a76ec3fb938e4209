//! A request for each family of mistakes, and requests without an explainable mistake.

use futures_util::FutureExt as _;
use serde_json::Value;
use tower_hmac::MessageSignatures;

use super::*;
use crate::support::cases;

#[test]
fn each_seeded_mistake_is_named_alone() {
    let vectors: Value = serde_json::from_str(include_str!("../../vectors/mistakes.json")).unwrap();
    let mistakes = vectors["cases"].as_array().unwrap();
    let mut wrong = Vec::new();
    for case in mistakes {
        let (head, body) = cases::request(&case["request"]);
        let verifier = cases::verifier(&case["config"]).unwrap();
        let report = verifier.explain(&head, &body).now_or_never().unwrap();
        let (outcome, likely) = (&case["expect"]["outcome"], &case["expect"]["likely"]);
        let causes: Vec<_> = report.likely().iter().map(ToString::to_string).collect();
        let is_named = matches!(&*causes, [cause] if cause.contains(likely.as_str().unwrap()));
        if report.outcome() != outcome.as_str().unwrap() || !is_named {
            wrong.push(format!("{}: {likely}\n{report}", case["id"]));
        }
    }
    assert_eq!(mistakes.len(), 24);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A generator of pseudorandom numbers, the same in each run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % most
    }

    fn one_of<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len())]
    }
}

/// Requests signed with an unknown key: no correction makes them match.
#[test]
fn random_wrong_requests_have_no_cause() {
    use tower_hmac::HeaderScheme;
    use tower_hmac::scheme::{Part, TimeFormat};

    let parts = || {
        let parts = [
            Part::timestamp("x-time", TimeFormat::UnixSeconds).unwrap(),
            Part::literal("\n"),
            Part::Method,
            Part::literal("\n"),
            Part::Path,
            Part::literal("\n"),
            Part::Query,
            Part::literal("\n"),
            Part::Body,
        ];
        let scheme = HeaderScheme::new("x-signature").unwrap().with_prefix("sha256=").unwrap();
        scheme.with_parts(parts).unwrap()
    };
    let schemes: [Arc<dyn Scheme>; 3] =
        [Arc::new(FlaskHmac::new()), Arc::new(parts()), Arc::new(MessageSignatures::new())];
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    for round in 0..1_000 {
        let scheme = &schemes[round % schemes.len()];
        let theirs = SecretKey::new(format!("a key that nobody has {}", numbers.below(1 << 30)));
        let mut signer = Signer::new(scheme.clone(), theirs.unwrap());
        let past = i64::try_from(numbers.below(2_000)).unwrap();
        signer = signer.with_clock(ManualClock::new(NOW - past));
        if round % schemes.len() != 1 {
            signer = signer.with_key_id("aservice").unwrap();
        }
        let path = numbers.one_of(&["/", "/a", "/a/b%20c/", "//x", "/%2f", "/abc/def/ghi"]);
        let query = numbers.one_of(&["", "?a=1", "?b=2&a=1", "?q=a+b", "?q=a%20b&"]);
        let body = numbers.one_of(&[
            "",
            "{}",
            "text\r\nin lines\n",
            r#"{"a": [1, 2.0], "é": "http:\/\/x/", "b": "\u00e9"}"#,
            "[1,\n 2]\n",
            "dGV4dA==",
            "nul\0",
        ]);
        let uri = format!("http://localhost{path}{query}");
        let request = Request::builder().method(numbers.one_of(&["GET", "POST", "PUT"])).uri(uri);
        let mut request = signer.sign(request.body(body.to_owned()).unwrap()).unwrap();
        if numbers.below(3) == 0 {
            let name = scheme.headers()[0].clone();
            let value = request.headers()[&name].to_str().unwrap().to_uppercase();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let keys = KeyMap::named([("aservice", KEY), ("bservice", "bkey")]).unwrap();
        let keys = keys.with_single("c2VjcmV0IQ==").unwrap();
        let verifier = Verifier::new(scheme.clone(), keys).unwrap();
        let verifier = verifier.with_clock(ManualClock::new(NOW));
        let report = explain(&verifier, &request).now_or_never().unwrap();
        assert_ne!(report.outcome(), "accepted", "{report}");
        assert_eq!(report.likely(), [], "{report}");
    }
}

#[test]
fn parts_of_the_text_have_names_and_bytes() {
    for subject in subjects() {
        let verifier = subject.verifier(KEY, "another key");
        let report = explain(&verifier, &subject.request).now_or_never().unwrap();
        let name = report.scheme().unwrap();
        let mut end = 0;
        for part in report.parts() {
            assert_eq!(part.range().start, end, "{name}");
            end = part.range().end;
            let bytes = &report.signed_bytes()[part.range()];
            assert!(!bytes.is_empty() && !part.name().is_empty(), "{name}: {part:?}");
            match part.name() {
                "method" | "@method" => assert!(matches!(bytes, b"GET" | b"POST")),
                "path" | "@path" => assert_eq!(bytes, b"/path"),
                "query" => assert_eq!(bytes, b"query=1"),
                "body" => assert_eq!(bytes, b"body"),
                "host" | "@authority" => assert_eq!(bytes, b"localhost"),
                _ => {}
            }
        }
        assert_eq!(end, report.signed_bytes().len(), "{name}");
    }
}
