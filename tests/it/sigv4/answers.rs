//! The responses to rejected clients.

use std::sync::Arc;

use axum::body::Body;
use axum::routing::{any, get};
use axum::{Router, body};
use futures_util::FutureExt as _;
use http::{HeaderMap, Request, StatusCode};
use tower::ServiceExt as _;
use tower_hmac::clock::ManualClock;
use tower_hmac::key::{KeyQuery, Lookup};
use tower_hmac::layer::AwsRejection;
use tower_hmac::{ErrorKind, KeyStore, VerifyError, VerifyLayer};

use super::draft::Draft;
use super::{KEY_ID, NOW, keys, scheme};

fn layer(rejection: AwsRejection) -> VerifyLayer<AwsRejection> {
    let clock = ManualClock::new(NOW);
    VerifyLayer::new(scheme(), keys())
        .unwrap()
        .with_clock(clock.clone())
        .with_body_limit(100)
        .with_rejection(rejection.with_clock(clock))
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
    kind: Option<ErrorKind>,
}

fn answer(layer: VerifyLayer<AwsRejection>, request: Request<Vec<u8>>) -> Answer {
    let app = Router::new().fallback_service(any(async || "handled").layer(layer));
    let response = app.oneshot(request.map(Body::from)).now_or_never().unwrap().unwrap();
    let kind = response.extensions().get::<VerifyError>().map(VerifyError::kind);
    let (head, body) = response.into_parts();
    let body = body::to_bytes(body, 1000).now_or_never().unwrap().unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    Answer { status: head.status, headers: head.headers, body, kind }
}

/// One request for each rejection of a caller, except for its time.
fn rejected() -> Vec<Request<Vec<u8>>> {
    let draft = Draft::new();
    let mut region = draft.clone();
    region.scope = draft.scope.replace("us-east-1", "us-east-2");
    let mut path = draft.clone();
    path.target = "/a//b".into();
    vec![
        Request::get("/").body(Vec::new()).unwrap(),
        draft.with("AWS4-HMAC-SHA256 malformed"),
        draft.with(&draft.authorization().replace(KEY_ID, "AKIDNOBODY")),
        draft.sign().map(|_| b"another body".to_vec()),
        region.sign(),
        path.sign(),
    ]
}

#[test]
fn all_sigv4_rejections_of_a_caller_are_identical() {
    for (rejection, kind, expected) in [
        (
            AwsRejection::xml(),
            "application/xml",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>SignatureDoesNotMatch</Code>\
             <Message>The signature of the request does not match.</Message></Error>",
        ),
        (
            AwsRejection::json(),
            "application/json",
            "{\"__type\":\"SignatureDoesNotMatch\",\
             \"message\":\"The signature of the request does not match.\"}",
        ),
    ] {
        let mut kinds = Vec::new();
        let mut first: Option<HeaderMap> = None;
        for request in rejected() {
            let answer = answer(layer(rejection.clone()), request);
            assert_eq!(answer.status, StatusCode::FORBIDDEN);
            assert_eq!(answer.body, expected, "{:?}", answer.kind);
            assert_eq!(answer.headers["content-type"], kind);
            assert_eq!(*first.get_or_insert(answer.headers.clone()), answer.headers);
            kinds.push(answer.kind.unwrap());
        }
        kinds.dedup();
        assert!(kinds.len() >= 4, "{kinds:?}");
    }
    let json = answer(layer(AwsRejection::json()), rejected().remove(1));
    assert_eq!(json.headers["x-amzn-errortype"], "SignatureDoesNotMatch");
}

#[test]
fn wrong_clock_gets_the_server_time() {
    let mut draft = Draft::new();
    draft.date = "20150830T120000Z".into();
    draft.set("x-amz-date", "20150830T120000Z");
    // An unknown key ID gets the same answer.
    let unknown = draft.with(&draft.authorization().replace(KEY_ID, "AKIDNOBODY"));
    for request in [draft.sign(), unknown] {
        let xml = answer(layer(AwsRejection::xml()), request.clone());
        assert_eq!(xml.kind, Some(ErrorKind::Stale));
        assert_eq!(xml.status, StatusCode::FORBIDDEN);
        assert!(xml.body.contains("<Code>RequestTimeTooSkewed</Code>"), "{}", xml.body);
        assert!(xml.body.contains("<ServerTime>2015-08-30T12:36:00Z</ServerTime>"), "{}", xml.body);
        assert_eq!(xml.headers["date"], "Sun, 30 Aug 2015 12:36:00 GMT");
        let json = answer(layer(AwsRejection::json()), request);
        let parsed: serde_json::Value = serde_json::from_str(&json.body).unwrap();
        assert_eq!(parsed["__type"], "RequestTimeTooSkewed");
        assert_eq!(parsed["ServerTime"], "2015-08-30T12:36:00Z");
        assert_eq!(json.headers["date"], "Sun, 30 Aug 2015 12:36:00 GMT");
    }
}

#[test]
fn other_answers_have_their_own_codes() {
    let denied =
        answer(layer(AwsRejection::xml()).only(["other/key"]).unwrap(), Draft::new().sign());
    assert_eq!((denied.status, denied.kind), (StatusCode::FORBIDDEN, Some(ErrorKind::NotAllowed)));
    assert!(denied.body.contains("<Code>AccessDenied</Code>"), "{}", denied.body);

    let mut large = Draft::new();
    large.body = vec![b'a'; 101];
    let large = answer(layer(AwsRejection::xml()), large.sign());
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(large.body.contains("<Code>EntityTooLarge</Code>"), "{}", large.body);

    let short = answer(layer(AwsRejection::json()), {
        let mut request = Draft::new().sign();
        request.headers_mut().insert("content-length", 50.into());
        request
    });
    assert_eq!(short.status, StatusCode::BAD_REQUEST);
    assert!(short.body.contains("IncompleteBody"), "{}", short.body);

    struct Broken;
    impl KeyStore for Broken {
        fn lookup(&self, _: &KeyQuery<'_>) -> Lookup {
            Lookup::ready(Err("the database is down".into()))
        }
    }
    let broken = VerifyLayer::new(scheme(), Broken)
        .unwrap()
        .with_clock(ManualClock::new(NOW))
        .with_rejection(AwsRejection::json());
    let broken = answer(broken, Draft::new().sign());
    assert_eq!(broken.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(broken.body.contains("ServiceUnavailable"), "{}", broken.body);
    assert!(!broken.body.contains("database"));
}

/// A session token identifies the session: the store reads it from the head.
#[test]
fn store_reads_the_session_token() {
    struct Sessions;
    impl KeyStore for Sessions {
        fn lookup(&self, query: &KeyQuery<'_>) -> Lookup {
            let token = query.head().headers.get("x-amz-security-token");
            let is_known = token.is_some_and(|token| token == "a session");
            let keys = keys().get(query.key_id()).filter(|_| is_known).cloned();
            Lookup::ready(Ok(keys))
        }
    }
    let layer = || {
        VerifyLayer::new(scheme(), Arc::new(Sessions))
            .unwrap()
            .with_clock(ManualClock::new(NOW))
            .with_rejection(AwsRejection::json())
    };
    for (token, kind) in [("a session", None), ("another", Some(ErrorKind::UnknownKey))] {
        let mut draft = Draft::new();
        draft.header("x-amz-security-token", token);
        assert_eq!(answer(layer(), draft.sign()).kind, kind);
    }
}

#[tokio::test]
async fn strip_removes_the_signature_and_keeps_the_token() {
    let handler = get(|headers: HeaderMap| async move {
        let mut names: Vec<_> = headers.keys().map(|name| name.as_str().to_owned()).collect();
        names.sort();
        let token = &headers["x-amz-security-token"];
        format!("{} {}", names.join(","), token.is_sensitive())
    });
    let stripping = layer(AwsRejection::xml()).strip_signature();
    let app = Router::new().route("/orders", handler.layer(stripping));
    let mut draft = Draft::new();
    draft.method = "GET";
    draft.header("x-amz-security-token", "a session");
    draft.header("x-amz-content-sha256", &draft.payload.clone());
    let response = app.oneshot(draft.sign().map(Body::from)).await.unwrap();
    let body = body::to_bytes(response.into_body(), 1000).await.unwrap();
    assert_eq!(body, "content-type,host,x-amz-security-token true");
}
