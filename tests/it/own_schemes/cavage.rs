//! `Authorization: Signature keyId="..",algorithm="..",headers="..",signature=".."`: the drafts before
//! RFC 9421, with the time in `Date` and the body in `Digest`.
//!
//! <https://datatracker.ietf.org/doc/html/draft-cavage-http-signatures-12>

use axum::body::Body;
use http::header::{AUTHORIZATION, DATE, HOST};
use http::request::Parts;
use http::{HeaderName, Request};
use serde_json::json;
use tower_hmac::clock::ManualClock;
use tower_hmac::crypto::{Digest, Tag};
use tower_hmac::scheme::{Claim, ClaimError, Encoding};
use tower_hmac::scheme::{Coverage, SignedText, Stamp, Window, wire};
use tower_hmac::{
    Algorithm, ErrorKind, KeyId, KeyMap, Scheme, SecretKey, SignError, Signer, VerifyLayer,
};

use super::send;
use crate::support::ask_node;

const DIGEST: HeaderName = HeaderName::from_static("digest");
static HEADERS: [HeaderName; 1] = [AUTHORIZATION];

#[derive(Clone)]
struct Cavage;

/// The covered headers, in order and in lower case.
struct Covered(Vec<String>);

impl Covered {
    fn has_digest(&self) -> bool {
        self.0.iter().any(|name| name == "digest")
    }
}

fn covered(claim: &Claim) -> Result<&Covered, ClaimError> {
    claim.memo().ok_or(ClaimError::malformed("is no claim of this scheme"))
}

impl Scheme for Cavage {
    fn name(&self) -> &str {
        "cavage"
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::Sha256
    }

    fn headers(&self) -> &[HeaderName] {
        &HEADERS
    }

    /// A time ahead of ours is never accepted.
    fn window(&self) -> Window {
        Window::timed().with_tolerance(300, 0)
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        let malformed = |why| ClaimError::in_header(&AUTHORIZATION, why);
        let text = wire::credentials(head, &AUTHORIZATION, "Signature")?;
        let params = wire::auth_params(&AUTHORIZATION, text)?;
        let required = |name| params.get(name).ok_or(malformed("lacks a parameter"));
        if !matches!(params.get("algorithm"), None | Some("hmac-sha256" | "hs2019")) {
            return Err(malformed("names another algorithm"));
        }
        let list: Vec<_> = required("headers")?.split(' ').map(str::to_owned).collect();
        if !["(request-target)", "host", "date"].iter().all(|name| list.iter().any(|n| n == name)) {
            return Err(malformed("does not cover target, host and date"));
        }
        let date = wire::text(&DATE, wire::required(head, &DATE)?)?;
        let created = wire::http_date(date);
        let id = KeyId::new(required("keyId")?).map_err(|_| malformed("`keyId` is empty"))?;
        let tag = Encoding::Base64.decode_tag(required("signature")?, Algorithm::Sha256);
        Ok(Claim::signed(tag.ok_or(malformed("`signature` is no tag"))?)
            .with_key_id(id)
            .with_created(created.ok_or(ClaimError::in_header(&DATE, "is no HTTP date"))?)
            .with_memo(Covered(list)))
    }

    fn coverage(&self, head: &Parts, claim: &Claim) -> Result<Coverage, ClaimError> {
        if !covered(claim)?.has_digest() {
            return Ok(Coverage::Empty);
        }
        let text = wire::text(&DIGEST, wire::required(head, &DIGEST)?)?;
        let digest = text.strip_prefix("SHA-256=");
        let digest =
            digest.and_then(|text| Encoding::Base64.decode_digest(text, Algorithm::Sha256));
        let digest = digest.ok_or(ClaimError::in_header(&DIGEST, "is not a SHA-256 digest"))?;
        Ok(Coverage::Digest(vec![digest.into()]))
    }

    fn before_body(
        &self,
        head: &Parts,
        claim: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        let mut lines = Vec::new();
        for name in &covered(claim)?.0 {
            let value = match name.as_str() {
                "(request-target)" => {
                    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
                    format!("{} {target}", head.method.as_str().to_ascii_lowercase())
                }
                "host" => wire::host(head)?.to_owned(),
                name => {
                    let name = HeaderName::from_lowercase(name.as_bytes());
                    let name = name.map_err(|_| ClaimError::malformed("covers no header"))?;
                    wire::text(&name, wire::required(head, &name)?)?.to_owned()
                }
            };
            lines.push(format!("{name}: {value}"));
        }
        text.update(lines.join("\n").as_bytes());
        Ok(())
    }

    fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        let id = stamp.key_id().ok_or(SignError::KeyId("this format asks for one"))?;
        let date = wire::to_http_date(stamp.now()).ok_or(SignError::Request("no such date"))?;
        head.headers.insert(DATE, wire::value(&DATE, &date)?);
        let mut list = vec!["(request-target)".to_owned(), "host".into(), "date".into()];
        if !stamp.body().is_empty() {
            let digest = Digest::of(Algorithm::Sha256, stamp.body());
            let text = format!("SHA-256={}", Encoding::Base64.encode(digest.as_bytes()));
            head.headers.insert(DIGEST, wire::value(&DIGEST, &text)?);
            list.push("digest".into());
        }
        let claim = Claim::new().with_key_id(id.clone()).with_created(stamp.now());
        Ok(claim.with_memo(Covered(list)))
    }

    fn attach(&self, head: &mut Parts, claim: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        let id = claim.key_id().and_then(|id| wire::quoted(id.as_str()));
        let id = id.ok_or(SignError::KeyId("is not ASCII text"))?;
        let list = covered(claim)?.0.join(" ");
        let tag = Encoding::Base64.encode(wire::only_tag(tags)?.as_bytes());
        let text = format!(
            "Signature keyId={id},algorithm=\"hmac-sha256\",headers=\"{list}\",signature=\"{tag}\""
        );
        head.headers.insert(AUTHORIZATION, wire::sensitive(&AUTHORIZATION, &text)?);
        Ok(())
    }
}

const NOW: i64 = 1_700_000_000;
const DATED: &str = "Tue, 14 Nov 2023 22:13:20 GMT";

fn key() -> SecretKey {
    SecretKey::new("a key of the tests").unwrap()
}

fn layer(now: i64) -> VerifyLayer {
    let keys = KeyMap::default().with_key("billing", key()).unwrap();
    VerifyLayer::new(Cavage, keys).unwrap().with_clock(ManualClock::new(now))
}

fn signed(body: &'static str) -> Request<Body> {
    let signer = Signer::new(Cavage, key()).with_key_id("billing").unwrap();
    let signer = signer.with_clock(ManualClock::new(NOW));
    let request = Request::post("http://example.com/orders?page=1").body(body).unwrap();
    signer.sign(request).unwrap().map(Body::from)
}

async fn outcome(now: i64, request: Request<Body>) -> Option<ErrorKind> {
    send(&layer(now), request).await.err()
}

#[tokio::test]
async fn a_time_ahead_of_the_clock_is_rejected() {
    for (age, expected) in
        [(300, None), (301, Some(ErrorKind::Stale)), (0, None), (-1, Some(ErrorKind::Stale))]
    {
        assert_eq!(outcome(NOW + age, signed("{}")).await, expected, "{age}");
    }
}

#[tokio::test]
async fn a_date_in_another_spelling_is_malformed() {
    let request = signed("");
    assert_eq!(request.headers()[DATE], DATED);
    for date in ["Tue, 14 Nov 2023 22:13:20 +0000", "Wed, 14 Nov 2023 22:13:20 GMT", "1700000000"] {
        let mut request = signed("");
        request.headers_mut().insert(DATE, date.parse().unwrap());
        assert_eq!(outcome(NOW, request).await, Some(ErrorKind::Malformed), "{date}");
    }
}

#[tokio::test]
async fn changed_requests_are_rejected() {
    let mut other_target = signed("{}");
    *other_target.uri_mut() = "http://example.com/orders?page=2".parse().unwrap();
    let mut other_host = signed("{}");
    *other_host.uri_mut() = "http://example.org/orders?page=1".parse().unwrap();
    let mut other_digest = signed("{}");
    let digest = Digest::of(Algorithm::Sha256, b"[]");
    let digest = format!("SHA-256={}", Encoding::Base64.encode(digest.as_bytes()));
    other_digest.headers_mut().insert(DIGEST, digest.parse().unwrap());
    let other_body = signed("{}").map(|_| Body::from("[]"));
    for request in [other_target, other_host, other_digest, other_body] {
        assert_eq!(outcome(NOW, request).await, Some(ErrorKind::Mismatch));
    }
    let unsigned_body = signed("").map(|_| Body::from("[]"));
    assert_eq!(outcome(NOW, unsigned_body).await, Some(ErrorKind::Malformed));
    assert_eq!(outcome(NOW, signed("{}")).await, None);
}

#[tokio::test]
async fn covering_less_than_target_host_and_date_is_malformed() {
    for (from, to) in [
        ("(request-target) host date", "host date"),
        ("(request-target) host date", "date"),
        ("hmac-sha256", "rsa-sha256"),
        ("keyId=", "keyid=\"x\",keyId="),
    ] {
        let mut request = signed("");
        let value = request.headers()[AUTHORIZATION].to_str().unwrap().replace(from, to);
        request.headers_mut().insert(AUTHORIZATION, value.parse().unwrap());
        assert_eq!(outcome(NOW, request).await, Some(ErrorKind::Malformed), "{to}");
    }
}

/// `http-signature` from npm, which implements the draft, both ways.
#[tokio::test]
async fn a_peer_signs_what_we_verify_and_verifies_what_we_sign() {
    let head = |request: &Request<Body>| {
        let headers = request.headers().iter();
        let headers = headers.map(|(name, value)| json!([name.as_str(), value.to_str().unwrap()]));
        headers.collect::<Vec<_>>()
    };
    let ours = {
        let mut request = signed("");
        request.headers_mut().insert(HOST, "example.com".parse().unwrap());
        request
    };
    let base = json!({"method": "POST", "path": "/orders?page=1", "key_id": "billing",
        "key": "a key of the tests"});
    let with = |verb: &str, headers: serde_json::Value| {
        let mut asked = base.clone();
        asked["verb"] = verb.into();
        asked["headers"] = headers;
        asked
    };
    let mut changed = head(&ours);
    changed.retain(|header| header[0] != "date");
    changed.push(json!(["date", "Tue, 14 Nov 2023 22:13:21 GMT"]));
    let asked = [
        with("sign", json!([["host", "example.com"], ["date", DATED]])),
        with("verify", head(&ours).into()),
        with("verify", changed.into()),
    ];
    let Some(answers) = ask_node("http-signature", "cavage.mjs", &asked) else { return };
    let theirs = Request::post("/orders?page=1")
        .header(HOST, "example.com")
        .header(DATE, DATED)
        .header(AUTHORIZATION, answers[0]["authorization"].as_str().unwrap())
        .body(Body::empty())
        .unwrap();
    assert_eq!(outcome(NOW, theirs).await, None, "{}", answers[0]);
    assert_eq!(answers[1], json!({"verified": true}));
    assert_eq!(answers[2], json!({"verified": false}));
}
