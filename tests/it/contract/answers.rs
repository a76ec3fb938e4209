//! The responses to rejected requests.

use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{StatusCode, Version};
use tower_hmac::layer::{GrpcRejection, StatusRejection};
use tower_hmac::scheme::Window;
use tower_hmac::{BoxError, KeySet};

use super::*;
use crate::support::script::Step;

fn scheme() -> Joints {
    Joints::new(Covers::Body).with_window(Window::timed())
}

fn layer() -> VerifyLayer {
    VerifyLayer::new(scheme(), keys())
        .unwrap()
        .with_clock(ManualClock::new(NOW))
        .with_body_limit(16)
        .only(["aservice"])
        .unwrap()
        .with_replay_guard(Seen::default())
        .unwrap()
}

/// One request for each kind of rejection, to be sent to one layer in this order.
fn rejected() -> Vec<(ErrorKind, Request<Script>)> {
    let fine = || signed(scheme(), b"body");
    let bservice = Signer::new(scheme(), key("bkey"))
        .with_key_id("bservice")
        .unwrap()
        .with_clock(ManualClock::new(NOW));
    let expired = signer(scheme().with_nonce()).with_lifetime(std::time::Duration::ZERO);
    let expired = expired.with_clock(ManualClock::new(NOW - 1));
    vec![
        (ErrorKind::Missing, Request::post("/path").body(whole(b"body")).unwrap()),
        (ErrorKind::Malformed, with_header(fine(), "x-tag", "no tag")),
        (ErrorKind::UnknownKey, with_header(fine(), "x-key", "nobody")),
        (ErrorKind::Mismatch, spoilt(fine())),
        (ErrorKind::Stale, with_header(fine(), "x-created", "1")),
        (ErrorKind::Expired, sign(&expired, b"body")),
        (ErrorKind::NotAllowed, sign(&bservice, b"body")),
        (ErrorKind::Replayed, fine()),
    ]
}

#[derive(Debug, PartialEq, Eq)]
struct Wire {
    status: StatusCode,
    version: Version,
    headers: http::HeaderMap,
    body: String,
}

fn seen(response: Response<String>) -> Wire {
    let (head, body) = response.into_parts();
    Wire { status: head.status, version: head.version, headers: head.headers, body }
}

#[tokio::test]
async fn all_rejections_of_a_caller_are_identical() {
    let layer = layer();
    assert_eq!(outcome(&layer, signed(scheme(), b"body")).await, None);
    let mut answers = Vec::new();
    for (kind, request) in rejected() {
        let response = send(&layer, request).await;
        assert_eq!(rejection_kind(&response), Some(kind));
        answers.push((kind, seen(response)));
    }
    let (_, first) = &answers[0];
    assert_eq!(first.status, StatusCode::FORBIDDEN);
    assert!(first.headers.is_empty() && first.body.is_empty());
    for (kind, answer) in &answers {
        assert_eq!(answer, first, "{kind:?}");
    }
}

#[tokio::test]
async fn a_custom_status_applies_to_all_rejections_of_a_caller() {
    let rejection = StatusRejection::new(StatusCode::IM_A_TEAPOT).unwrap();
    let layer = layer().with_rejection(rejection);
    assert_eq!(outcome(&layer, signed(scheme(), b"body")).await, None);
    for (kind, request) in rejected() {
        let response = send(&layer, request).await;
        assert_eq!(response.status(), StatusCode::IM_A_TEAPOT, "{kind:?}");
    }
}

/// RFC 9110 section 11.6.1: a 401 has a challenge.
#[tokio::test]
async fn each_401_has_a_challenge() {
    let rejection = StatusRejection::new(StatusCode::UNAUTHORIZED).unwrap();
    let layer = layer().with_rejection(rejection);
    for (kind, request) in rejected().into_iter().take(7) {
        let response = send(&layer, request).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{kind:?}");
        assert_eq!(response.headers()[WWW_AUTHENTICATE], "HMAC", "{kind:?}");
    }
}

/// A 401 from a custom function gets a challenge, too.
#[tokio::test]
async fn a_custom_401_gets_a_challenge_or_keeps_its_own() {
    let own = |challenge: Option<&'static str>| {
        layer().with_rejection_fn(move |_: &VerifyError| {
            let mut response = Response::new(String::new());
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            if let Some(challenge) = challenge {
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge.parse().unwrap());
            }
            response
        })
    };
    for (challenge, expected) in [(None, "HMAC"), (Some("Signature"), "Signature")] {
        let response =
            send(&own(challenge), with_header(signed(scheme(), b""), "x-tag", "?")).await;
        let challenges: Vec<_> = response.headers().get_all(WWW_AUTHENTICATE).iter().collect();
        assert_eq!(challenges, [expected]);
    }
}

#[tokio::test]
async fn failures_of_the_server_have_their_own_status() {
    let rejection = StatusRejection::new(StatusCode::UNAUTHORIZED).unwrap();
    let layer = layer().with_rejection(rejection);
    let long = signed(scheme(), &[0; 17]);
    let broken = signed(scheme(), b"body").map(|_| Script::of([Step::Fail]));
    for (request, kind, status) in [
        (long, ErrorKind::BodyTooLarge, StatusCode::PAYLOAD_TOO_LARGE),
        (broken, ErrorKind::BodyRead, StatusCode::BAD_REQUEST),
    ] {
        let response = send(&layer, request).await;
        assert_eq!(rejection_kind(&response), Some(kind));
        assert_eq!(response.status(), status);
        assert!(response.headers().is_empty());
    }
}

#[tokio::test]
async fn a_failing_store_rejects_with_503() {
    let failing = tower_hmac::key::key_fn(|_: Option<&tower_hmac::KeyId>, _: &Parts| async {
        Err::<Option<KeySet>, BoxError>("the database is away".into())
    });
    let layer = VerifyLayer::new(scheme(), failing).unwrap().with_clock(ManualClock::new(NOW));
    let response = send(&layer, signed(scheme(), b"body")).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()[RETRY_AFTER], "1");
    assert_eq!(rejection_kind(&response), Some(ErrorKind::StoreUnavailable));
    let error = response.extensions().get::<VerifyError>().unwrap();
    let source = std::error::Error::source(error).expect("the store's own error");
    assert_eq!(source.to_string(), "the database is away");
}

#[tokio::test]
async fn a_failing_or_full_guard_rejects_with_503() {
    type Answer = Result<Replay, BoxError>;
    struct Broken(fn() -> Answer);
    impl ReplayGuard for Broken {
        fn claim(&self, _: &ReplayRequest<'_>) -> ReplayClaim {
            let answer = self.0;
            ReplayClaim::later(async move { answer() })
        }
    }
    let cases: [(fn() -> Answer, ErrorKind); 2] = [
        (|| Ok(Replay::Full), ErrorKind::ReplayFull),
        (|| Err("the store is away".into()), ErrorKind::StoreUnavailable),
    ];
    for (answer, kind) in cases {
        let layer = VerifyLayer::new(scheme(), keys())
            .unwrap()
            .with_clock(ManualClock::new(NOW))
            .with_replay_guard(Broken(answer))
            .unwrap();
        let response = send(&layer, signed(scheme(), b"body")).await;
        assert_eq!(rejection_kind(&response), Some(kind));
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[RETRY_AFTER], "1");
    }
}

/// `Retry-After` is only sent if a store failed, not with a status that the service chose for
/// rejections.
#[tokio::test]
async fn a_rejected_caller_gets_no_retry_after() {
    let rejection = StatusRejection::new(StatusCode::SERVICE_UNAVAILABLE).unwrap();
    let response = send(&layer().with_rejection(rejection), spoilt(signed(scheme(), b""))).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().is_empty());
}

#[tokio::test]
async fn a_rejection_function_sees_every_error() {
    let layer = layer().with_rejection_fn(|error: &VerifyError| {
        let mut response = Response::new(format!("{:?}", error.kind()));
        *response.status_mut() = StatusCode::BAD_REQUEST;
        response
    });
    assert_eq!(outcome(&layer, signed(scheme(), b"body")).await, None);
    for (kind, request) in rejected() {
        let response = send(&layer, request).await;
        assert_eq!(response.body(), &format!("{kind:?}"));
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    }
}

/// A response body without `Default`, and a response that depends on the head.
#[tokio::test]
async fn a_custom_rejection_sees_the_head_and_needs_no_default() {
    #[derive(Debug)]
    struct Own(String);
    struct Named;
    impl Rejection<Own> for Named {
        fn reject(&self, error: &VerifyError, head: &Parts) -> Response<Own> {
            Response::new(Own(format!("{} {}", head.uri, error.kind().as_str())))
        }
    }
    let handler = service_fn(|_: Request<VerifiedBody<Script>>| async {
        Ok::<_, Infallible>(Response::new(Own("handler".into())))
    });
    let service = layer().with_rejection(Named).layer(handler);
    let unsigned = Request::get("/here").body(Script::empty()).unwrap();
    let response = service.oneshot(unsigned).await.unwrap();
    assert_eq!(response.body().0, "/here missing");
}

/// Empty or equal log messages would help nobody.
#[test]
fn each_kind_of_error_has_its_own_text() {
    let texts = |kind: ErrorKind| VerifyError::from(kind).to_string();
    let kinds = rejected().into_iter().map(|(kind, _)| kind);
    let kinds: Vec<_> = kinds.chain([ErrorKind::BodyRead, ErrorKind::StoreUnavailable]).collect();
    for (place, kind) in kinds.iter().enumerate() {
        let text = texts(*kind);
        assert!(text.starts_with("the "), "{kind:?}: {text}");
        assert!(kinds[..place].iter().all(|other| other == kind || texts(*other) != text));
    }
    assert_eq!(texts(ErrorKind::Mismatch), "the signature does not match");
}

/// Errors of the client are described in the text. A source is a failure of the server.
#[tokio::test]
async fn only_server_failures_have_a_source() {
    use std::error::Error as _;
    let source = async |layer: &VerifyLayer, request: Request<Script>| {
        let response = send(layer, request).await;
        let error = response.extensions().get::<VerifyError>().unwrap();
        (error.kind(), error.source().map(ToString::to_string))
    };
    let malformed = with_header(signed(scheme(), b"body"), "x-tag", "no tag");
    assert_eq!(source(&layer(), malformed).await, (ErrorKind::Malformed, None));
    let broken = tower_hmac::key::key_fn(|_, _| async { Err::<Option<KeySet>, _>("no database") });
    let layer = VerifyLayer::new(scheme(), broken).unwrap().with_clock(ManualClock::new(NOW));
    let said = Some("no database".to_owned());
    assert_eq!(
        source(&layer, signed(scheme(), b"body")).await,
        (ErrorKind::StoreUnavailable, said)
    );
}

#[tokio::test]
async fn an_error_has_the_claimed_key_id_and_no_signature() {
    let layer = layer();
    let request = with_header(signed(scheme(), b"body"), "x-key", "nobody");
    let tag = request.headers()["x-tag"].to_str().unwrap().to_owned();
    let response = send(&layer, request).await;
    let error = response.extensions().get::<VerifyError>().unwrap();
    let claimed = error.claimed_key_id().unwrap();
    assert_eq!((claimed.as_str(), claimed.to_string().as_str()), ("nobody", "nobody"));
    let debug = "VerifyError { kind: UnknownKey, step: Keys, scheme: Some(\"joints\"), \
                 claimed_key_id: Some(\"nobody\"), .. }";
    assert_eq!(format!("{error:?}"), debug);
    assert_eq!(error.scheme(), Some("joints"));
    for text in [format!("{error}"), format!("{error:?}")] {
        assert!(!text.contains(&tag[..8]), "{text}");
    }
}

/// A gRPC client reads neither the HTTP status nor the body.
#[tokio::test]
async fn grpc_rejections_of_a_caller_are_identical() {
    let layer = layer().with_rejection(GrpcRejection::new());
    assert_eq!(outcome(&layer, signed(scheme(), b"body")).await, None);
    for (kind, request) in rejected() {
        let answer = seen(send(&layer, request).await);
        assert_eq!(answer.status, StatusCode::OK, "{kind:?}");
        assert_eq!(answer.headers["content-type"], "application/grpc");
        assert_eq!(answer.headers["grpc-status"], "16", "{kind:?}");
        assert_eq!((answer.headers.len(), &*answer.body), (2, ""), "{kind:?}");
    }
    let long = signed(scheme(), &[0; 17]);
    let broken = signed(scheme(), b"body").map(|_| Script::of([Step::Fail]));
    for (request, code) in [(long, "8"), (broken, "1")] {
        assert_eq!(send(&layer, request).await.headers()["grpc-status"], code);
    }
}
