//! `only`, `optional`, `strip_signature`, `dangerous_disarmed`, and `Verifier` without a layer.

use http::HeaderMap;
use tower_hmac::{ConfigError, Verifier};

use super::*;

fn scheme() -> Joints {
    Joints::new(Covers::Body)
}

fn layer() -> VerifyLayer {
    VerifyLayer::new(scheme(), keys().with_single(key("single")).unwrap()).unwrap()
}

fn anonymous() -> Request<Script> {
    sign(&Signer::new(scheme(), key("single")), b"body")
}

fn unsigned() -> Request<Script> {
    Request::post("/path?q=1").body(whole(b"body")).unwrap()
}

fn head_seen(response: &Response<String>) -> &HeaderMap {
    response.extensions().get().unwrap()
}

#[tokio::test]
async fn only_checks_the_proven_key_id() {
    let cases: [(&[&str], Option<ErrorKind>); 5] = [
        (&["aservice"], None),
        (&["bservice", "aservice"], None),
        (&["bservice"], Some(ErrorKind::NotAllowed)),
        (&["Aservice", "aservice ", "aservic", "aservicee"], Some(ErrorKind::NotAllowed)),
        (&[], Some(ErrorKind::NotAllowed)),
    ];
    for (names, expected) in cases {
        let layer = layer().only(names.iter().copied()).unwrap();
        assert_eq!(outcome(&layer, signed(scheme(), b"body")).await, expected, "{names:?}");
        assert_eq!(outcome(&layer, anonymous()).await, Some(ErrorKind::NotAllowed), "{names:?}");
    }
}

#[tokio::test]
async fn a_second_list_narrows_the_first() {
    let both = ["aservice", "bservice"];
    for (first, second) in [(both.as_slice(), ["aservice"].as_slice()), (&["aservice"], &both)] {
        let layer = layer().only(first.iter().copied()).unwrap();
        let layer = layer.only(second.iter().copied()).unwrap();
        assert_eq!(outcome(&layer, signed(scheme(), b"")).await, None);
        let by_b = Signer::new(scheme(), key("bkey")).with_key_id("bservice").unwrap();
        assert_eq!(outcome(&layer, sign(&by_b, b"")).await, Some(ErrorKind::NotAllowed));
    }
}

#[tokio::test]
async fn an_empty_list_stays_empty_after_another_one() {
    let none: [&str; 0] = [];
    for layer in [
        layer().only(none).unwrap().only(["aservice"]).unwrap(),
        layer().only(["aservice"]).unwrap().only(none).unwrap(),
    ] {
        assert_eq!(outcome(&layer, signed(scheme(), b"")).await, Some(ErrorKind::NotAllowed));
    }
}

#[test]
fn disjoint_allow_lists_and_empty_key_ids_are_config_errors() {
    let error = layer().only(["aservice"]).unwrap().only(["bservice"]).unwrap_err();
    assert!(error.to_string().starts_with("only: "), "{error}");
    let error = layer().only(["aservice", ""]).unwrap_err();
    assert_eq!(error, ConfigError::EmptyName("only".into()));
    assert!(Verifier::new(scheme(), keys()).unwrap().only([String::new()]).is_err());
}

/// A list from a configuration contains borrowed strings.
#[tokio::test]
async fn an_allow_list_accepts_borrowed_texts() {
    let names = vec!["aservice".to_owned()];
    let layer = layer().only(&names).unwrap().only(names.iter().map(String::as_str)).unwrap();
    assert_eq!(outcome(&layer, signed(scheme(), b"")).await, None);
}

#[tokio::test]
async fn an_optional_layer_passes_unsigned_requests_unchanged() {
    let layer = layer().optional().with_body_limit(1);
    let response = send(&layer, unsigned()).await;
    assert_eq!(rejection_kind(&response), None);
    assert_eq!(response.body(), "body");
    assert!(response.extensions().get::<Verified>().is_none());
}

#[tokio::test]
async fn an_optional_layer_rejects_a_wrong_signature() {
    let layer = layer().optional();
    assert_eq!(outcome(&layer, spoilt(signed(scheme(), b""))).await, Some(ErrorKind::Mismatch));
    for broken in ["", " ", "0", "no tag"] {
        let request = with_header(unsigned(), "x-tag", broken);
        assert_eq!(outcome(&layer, request).await, Some(ErrorKind::Malformed), "{broken:?}");
    }
    assert_eq!(outcome(&layer, signed(scheme(), b"body")).await, None);
}

#[tokio::test]
async fn the_signature_is_stripped_on_request_and_is_marked_sensitive_otherwise() {
    let kept = send(&layer(), signed(scheme(), b"body")).await;
    assert!(head_seen(&kept)["x-tag"].is_sensitive());

    let stripped = send(&layer().strip_signature(), signed(scheme(), b"body")).await;
    assert_eq!(rejection_kind(&stripped), None);
    assert!(!head_seen(&stripped).contains_key("x-tag"));
    assert!(!head_seen(&stripped).contains_key("x-key"));
}

/// A rejection may log the head. If a header occurs twice, both values are hidden.
#[tokio::test]
async fn a_rejection_cannot_print_the_signature() {
    struct Prints;
    impl Rejection<String> for Prints {
        fn reject(&self, _: &VerifyError, head: &Parts) -> Response<String> {
            Response::new(format!("{:?}", head.headers))
        }
    }
    let layer = layer().with_rejection(Prints);
    let mut twice = with_header(unsigned(), "x-tag", "1111");
    twice.headers_mut().append("x-tag", "2222".parse().unwrap());
    for request in [twice, with_header(unsigned(), "x-tag", "1111")] {
        let response = send(&layer, request).await;
        assert_eq!(rejection_kind(&response), Some(ErrorKind::Malformed));
        let printed = response.body();
        assert!(!printed.contains("1111") && !printed.contains("2222"), "{printed}");
    }
}

#[tokio::test]
async fn a_disarmed_layer_passes_everything_without_a_key_id() {
    let layer = layer().only(["bservice"]).unwrap().dangerous_disarmed(true);
    let requests = [
        unsigned(),
        anonymous(),
        signed(scheme(), b"body"),
        spoilt(signed(scheme(), b"body")),
        with_header(unsigned(), "x-tag", "no tag"),
    ];
    for request in requests {
        let response = send(&layer, request).await;
        assert_eq!(rejection_kind(&response), None);
        assert_eq!(response.body(), "body");
        let verified = verified(&response);
        assert!(verified.is_disarmed());
        assert!(verified.key_id().is_none(), "whatever the head claims");
    }
}

#[tokio::test]
async fn a_disarmed_layer_still_limits_bodies() {
    let layer = layer().with_body_limit(3).dangerous_disarmed(true);
    assert_eq!(outcome(&layer, unsigned()).await, Some(ErrorKind::BodyTooLarge));
    let declared = with_header(unsigned().map(|_| Script::hanging()), "content-length", "4");
    assert_eq!(outcome(&layer, over_http_2(declared)).await, Some(ErrorKind::BodyTooLarge));
}

#[tokio::test]
async fn disarming_can_be_undone() {
    let layer = layer().dangerous_disarmed(true).dangerous_disarmed(false);
    assert_eq!(outcome(&layer, unsigned()).await, Some(ErrorKind::Missing));
}

#[tokio::test]
async fn verifier_and_layer_agree() {
    let verifier =
        Verifier::new(scheme(), keys()).unwrap().with_body_limit(4).only(["aservice"]).unwrap();
    let (head, _) = signed(scheme(), b"body").into_parts();
    let caller = verifier.verify(&head, b"body").await.unwrap();
    assert_eq!(caller.key_id().unwrap(), "aservice");
    let rejected = async |body: &[u8]| verifier.verify(&head, body).await.unwrap_err().kind();
    assert_eq!(rejected(b"bodY").await, ErrorKind::Mismatch);
    assert_eq!(rejected(b"bodyy").await, ErrorKind::BodyTooLarge);

    let guarded = verifier
        .dangerous_replay_by_tag(std::time::Duration::from_secs(60))
        .with_replay_guard(Seen::default())
        .unwrap();
    assert!(guarded.verify(&head, b"body").await.is_ok());
    let again = guarded.verify(&head, b"body").await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Replayed);
}

#[tokio::test]
async fn verifier_ignores_optional() {
    let verifier = Verifier::new(scheme(), keys()).unwrap().optional();
    let (head, _) = unsigned().into_parts();
    let error = verifier.verify(&head, b"body").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Missing);
}

/// In a handler under `nest`, the target is shortened, and `OriginalUri` has the signed one.
#[cfg(feature = "axum")]
#[tokio::test]
async fn verifier_uses_the_target_as_first_received() {
    let verifier = Verifier::new(scheme(), keys()).unwrap();
    let (mut head, _) = signed(scheme(), b"").into_parts();
    let original = std::mem::replace(&mut head.uri, "/cut".parse().unwrap());
    assert!(verifier.verify(&head, b"").await.is_err());
    head.extensions.insert(axum::extract::OriginalUri(original));
    assert!(verifier.verify(&head, b"").await.is_ok());
}

/// A shortened target can share memory with the signed one.
#[cfg(feature = "axum")]
#[tokio::test]
async fn verifier_restores_a_target_without_its_query() {
    let verifier = Verifier::new(scheme(), keys()).unwrap();
    let text = Bytes::from_static(b"/orders?page=2");
    let uri = |text: Bytes| http::Uri::from_maybe_shared(text).unwrap();
    let (mut head, _) = unsigned().into_parts();
    head.uri = uri(text.clone());
    signer(scheme()).sign_head(&mut head, b"").unwrap();
    assert!(verifier.verify(&head, b"").await.is_ok());
    head.uri = uri(text.slice(..7));
    assert!(verifier.verify(&head, b"").await.is_err());
    head.extensions.insert(axum::extract::OriginalUri(uri(text)));
    assert!(verifier.verify(&head, b"").await.is_ok());
}
