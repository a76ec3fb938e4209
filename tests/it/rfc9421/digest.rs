//! `Content-Digest` (RFC 9530), and the body that it stands for.

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
use tower_hmac::{Algorithm, ErrorKind, MessageSignatures, VerifiedBody, VerifyLayer};

use super::{
    BODY, assert_refused, covered, parameters, request, set, sign, signed, signer, verifier,
    verify, verify_by,
};

#[test]
fn published_digests_are_judged_as_published() {
    let vectors: Value = serde_json::from_str(include_str!("../../vectors/rfc9530.json")).unwrap();
    let mut seen = [0, 0];
    for case in vectors["tests"].as_array().unwrap() {
        if case["field"] != "Content-Digest" {
            // `Repr-Digest` is over the representation, which a request's content need not be.
            continue;
        }
        let body = STANDARD.decode(case["body_base64"].as_str().unwrap()).unwrap();
        let mut head = request();
        set(&mut head, "content-digest", case["value"].as_str().unwrap());
        sign(&mut head, &(covered() + &parameters()));
        // MD5 and SHA-1 are no proof of a body: they count as unknown.
        let wanted = case["valid"] == true && case.get("deprecated").is_none();
        assert_eq!(verify(&head, &body).is_ok(), wanted, "{}", case["name"]);
        seen[usize::from(wanted)] += 1;
    }
    assert!(seen[0] >= 9 && seen[1] >= 9, "{seen:?}");
}

#[test]
fn covered_digest_that_is_missing_is_refused() {
    let mut head = signed();
    head.headers.remove("content-digest");
    assert_refused(verify(&head, BODY), ErrorKind::Malformed, "content-digest");
}

#[test]
fn second_digest_field_is_refused() {
    let mut head = request();
    head.headers.append("content-digest", head.headers["content-digest"].clone());
    sign(&mut head, &(covered() + &parameters()));
    assert_refused(verify(&head, BODY), ErrorKind::Malformed, "more than once");
}

#[test]
fn digest_of_one_member_does_not_stand_for_the_body() {
    let mut head = request();
    let input = covered().replace(r#""content-digest""#, r#""content-digest";key="sha-256""#);
    sign(&mut head, &(input + &parameters()));
    assert_refused(verify(&head, BODY), ErrorKind::Malformed, "not among the covered");
}

#[test]
fn body_without_bytes_needs_no_digest() {
    let mut head = request();
    let input = covered().replace(r#" "content-digest""#, "");
    sign(&mut head, &(input + &parameters()));
    assert!(verify(&head, b"").is_ok());
}

#[test]
fn sha_512_is_written_where_it_is_asked_for() {
    let scheme = MessageSignatures::new().with_digest(Algorithm::Sha512).unwrap();
    let request = Request::post("https://example.com/").body(BODY).unwrap();
    let (head, body) = signer(scheme.clone()).sign(request).unwrap().into_parts();
    assert_eq!(
        head.headers["content-digest"],
        "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
    );
    assert!(verify_by(&verifier(scheme), &head, body).is_ok());
}

/// A body that tells whether it was asked for.
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
        let request = Request::from_parts(head, Watched(read.clone()));
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        // The right head is followed by the body, which turns out to be another one.
        assert_eq!(read.load(Ordering::SeqCst), !wrong);
    }
}
