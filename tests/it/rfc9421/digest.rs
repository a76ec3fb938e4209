//! `Content-Digest` (RFC 9530), and the body that it covers.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use serde_json::Value;
use tower::{Layer as _, ServiceExt as _};
use tower_hmac::layer::VerifiedBody;
use tower_hmac::scheme::Policy;
use tower_hmac::{Algorithm, ErrorKind, MessageSignatures, VerifyLayer};

use super::{
    BODY, BODY_DIGEST, assert_rejected, covered, parameters, request, set, sign, signed, signer,
    verifier, verify, verify_by,
};

#[test]
fn published_digests_are_verified_as_published() {
    let vectors: Value = serde_json::from_str(include_str!("../../vectors/rfc9530.json")).unwrap();
    let mut seen = [0, 0];
    for case in vectors["tests"].as_array().unwrap() {
        if case["field"] != "Content-Digest" {
            // `Repr-Digest` covers the representation, which may differ from a request's content.
            continue;
        }
        let body = STANDARD.decode(case["body_base64"].as_str().unwrap()).unwrap();
        let mut head = request();
        set(&mut head, "content-digest", case["value"].as_str().unwrap());
        sign(&mut head, &(covered() + &parameters()));
        // MD5 and SHA-1 do not protect a body, so they count as unknown.
        let wanted = case["valid"] == true && case.get("deprecated").is_none();
        assert_eq!(verify(&head, &body).is_ok(), wanted, "{}", case["name"]);
        seen[usize::from(wanted)] += 1;
    }
    assert!(seen[0] >= 9 && seen[1] >= 9, "{seen:?}");
}

#[test]
fn covered_digest_that_is_missing_is_rejected() {
    let mut head = signed();
    head.headers.remove("content-digest");
    assert_rejected(verify(&head, BODY), ErrorKind::Malformed, "content-digest");
}

/// The last digest with a name is used (RFC 9651 section 4.2.2), as in one line with both.
#[test]
fn digests_in_several_lines_are_joined() {
    let sha_512 = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";
    let other = format!("sha-256=:{}:", "A".repeat(43) + "=");
    for (lines, valid) in [
        ([BODY_DIGEST, BODY_DIGEST], true),
        ([BODY_DIGEST, sha_512], true),
        ([&*other, BODY_DIGEST], true),
        ([BODY_DIGEST, &*other], false),
        ([BODY_DIGEST, &sha_512.replace("WZ", "ZW")], false),
    ] {
        let mut head = request();
        head.headers.remove("content-digest");
        for line in lines {
            head.headers.append("content-digest", line.parse().unwrap());
        }
        sign(&mut head, &(covered() + &parameters()));
        assert_eq!(verify(&head, BODY).is_ok(), valid, "{lines:?}");
        // An added or removed line changes the text.
        head.headers.append("content-digest", BODY_DIGEST.parse().unwrap());
        assert_rejected(verify(&head, BODY), ErrorKind::Mismatch, "");
    }
}

#[test]
fn digest_covers_the_body_in_every_form() {
    for form in ["", ";sf", ";bs", ";key=\"sha-256\"", ";sf;key=\"sha-256\""] {
        let mut head = request();
        let input = covered().replace("\"content-digest\"", &format!("\"content-digest\"{form}"));
        sign(&mut head, &(input + &parameters()));
        assert!(verify(&head, BODY).is_ok(), "{form}");
        assert_rejected(verify(&head, b"another"), ErrorKind::Mismatch, "");
        // If a digest is required, each form is sufficient.
        let policy = Policy::strict().add_component("content-digest").unwrap();
        let asking = verifier(MessageSignatures::new().with_policy(policy));
        assert!(verify_by(&asking, &head, BODY).is_ok(), "{form}");
        set(&mut head, "content-digest", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:");
        assert_rejected(verify(&head, b""), ErrorKind::Mismatch, "");
    }
}

#[test]
fn unknown_digest_does_not_cover_the_body() {
    let mut head = request();
    set(&mut head, "content-digest", &format!("{BODY_DIGEST}, md5=:AAAAAAAAAAAAAAAAAAAAAA==:"));
    let input = covered().replace("\"content-digest\"", "\"content-digest\";key=\"md5\"");
    sign(&mut head, &(input + &parameters()));
    assert!(verify(&head, b"").is_ok());
    assert_rejected(verify(&head, BODY), ErrorKind::Malformed, "");
}

/// Anybody can add a digest next to the covered one, but it must match the body.
#[test]
fn uncovered_digest_must_match_as_well() {
    let mut head = request();
    let input = covered().replace("\"content-digest\"", "\"content-digest\";key=\"sha-256\"");
    sign(&mut head, &(input + &parameters()));
    let wrong = format!("sha-512=:{}==:", "A".repeat(86));
    head.headers.append("content-digest", wrong.parse().unwrap());
    assert_rejected(verify(&head, BODY), ErrorKind::Mismatch, "");
    // The added digest cannot replace the covered one either.
    set(&mut head, "content-digest", &wrong);
    assert_rejected(verify(&head, BODY), ErrorKind::Malformed, "is not a structured field");
}

#[test]
fn signer_writes_the_digests_that_are_covered_as_members() {
    for (members, wanted) in [
        (["sha-256"].as_slice(), "sha-256=:"),
        (&["sha-512"], "sha-512=:"),
        (&["sha-512", "sha-256"], "sha-256=:"),
    ] {
        let mut policy = Policy::strict();
        for member in members {
            policy = policy.add_component(format!("\"content-digest\";key=\"{member}\"")).unwrap();
        }
        let scheme = MessageSignatures::new().with_policy(policy);
        let request = Request::post("https://example.com/").body(BODY).unwrap();
        let (head, body) = signer(scheme.clone()).sign(request).unwrap().into_parts();
        let digest = head.headers["content-digest"].to_str().unwrap();
        assert!(digest.starts_with(wanted), "{digest}");
        assert_eq!(digest.matches("sha-").count(), members.len(), "{digest}");
        let input = head.headers["signature-input"].to_str().unwrap();
        assert!(!input.contains("\"content-digest\")"), "{input}");
        assert!(verify_by(&verifier(scheme), &head, body).is_ok());
    }
    let policy = Policy::strict().add_component("\"content-digest\";key=\"md5\"").unwrap();
    let request = Request::post("https://example.com/").body(BODY).unwrap();
    assert!(signer(MessageSignatures::new().with_policy(policy)).sign(request).is_err());
}

/// Another party's signature may cover the existing digest.
#[test]
fn correct_digest_is_kept() {
    let right = format!("md5=:AAAAAAAAAAAAAAAAAAAAAA==:,  {BODY_DIGEST}");
    for (there, stays) in [(right.as_str(), true), ("sha-256=:AAAA:", false), ("a b", false)] {
        let request = Request::post("https://example.com/").header("content-digest", there);
        let request = request.body(BODY).unwrap();
        let (head, body) = signer(MessageSignatures::new()).sign(request).unwrap().into_parts();
        assert_eq!(head.headers["content-digest"] == there, stays, "{there}");
        assert!(verify(&head, body).is_ok(), "{there}");
    }
}

#[test]
fn empty_body_needs_no_digest() {
    let mut head = request();
    let input = covered().replace(r#" "content-digest""#, "");
    sign(&mut head, &(input + &parameters()));
    assert!(verify(&head, b"").is_ok());
}

#[test]
fn sha_512_digest_is_written_if_configured() {
    let scheme = MessageSignatures::new().with_digest(Algorithm::Sha512).unwrap();
    let request = Request::post("https://example.com/").body(BODY).unwrap();
    let (head, body) = signer(scheme.clone()).sign(request).unwrap().into_parts();
    assert_eq!(
        head.headers["content-digest"],
        "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
    );
    assert!(verify_by(&verifier(scheme), &head, body).is_ok());
}

/// A body that records whether it was polled.
struct Watched(Arc<AtomicBool>);

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.store(true, Ordering::SeqCst);
        Poll::Ready(None)
    }
}

/// Over HTTP/2. On HTTP/1.x the connection could not be reused, so the body is read and dropped.
#[tokio::test]
async fn unsigned_upload_is_never_read() {
    let layer = VerifyLayer::from(verifier(MessageSignatures::new()));
    let service = layer.layer(tower::service_fn(|_: Request<VerifiedBody<Watched>>| async {
        Ok::<_, std::convert::Infallible>(Response::new(String::new()))
    }));
    for wrong in [true, false] {
        let mut head = signed();
        if wrong {
            set(&mut head, "signature", &format!("sig=:{}:", super::tag("something else")));
        }
        let read = Arc::new(AtomicBool::new(false));
        head.version = http::Version::HTTP_2;
        let request = Request::from_parts(head, Watched(read.clone()));
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        // The correct head is followed by another body.
        assert_eq!(read.load(Ordering::SeqCst), !wrong);
    }
}
