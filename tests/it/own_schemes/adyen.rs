//! Payment notifications of Adyen: the signature is in the JSON that it signs, and covers eight of
//! its fields.
//!
//! <https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures>

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use http::request::Parts;
use http::{HeaderName, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use tower::ServiceExt as _;
use tower_hmac::crypto::Tag;
use tower_hmac::extract::{SharedVerifier, Signed};
use tower_hmac::scheme::{Claim, ClaimError, Encoding};
use tower_hmac::scheme::{Coverage, SignedText, Stamp};
use tower_hmac::testing::{sign, signed_text};
use tower_hmac::{
    Algorithm, ErrorKind, HeaderScheme, KeyMap, Scheme, SecretKey, SignError, Signer, Verified,
    Verifier, VerifyLayer,
};

use super::send;

#[derive(Clone)]
struct AdyenPayments;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    #[serde(default)]
    notification_items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "NotificationRequestItem")]
    item: Notification,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    #[serde(default)]
    additional_data: AdditionalData,
    psp_reference: String,
    #[serde(default)]
    original_reference: String,
    merchant_account_code: String,
    merchant_reference: String,
    amount: Amount,
    event_code: String,
    success: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AdditionalData {
    hmac_signature: Option<String>,
}

#[derive(Deserialize)]
struct Amount {
    value: i64,
    currency: String,
}

/// The signed text, kept with the claim.
struct Text(String);

impl Scheme for AdyenPayments {
    fn name(&self) -> &str {
        "adyen-payments"
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::Sha256
    }

    fn headers(&self) -> &[HeaderName] {
        &[]
    }

    fn claim(&self, _: &Parts) -> Result<Claim, ClaimError> {
        Err(ClaimError::Missing)
    }

    fn is_in_body(&self) -> bool {
        true
    }

    fn claim_from_body(&self, _: &Parts, body: &[u8]) -> Result<Claim, ClaimError> {
        if body.is_empty() {
            return Err(ClaimError::Missing);
        }
        let no_notification = ClaimError::malformed("the body is no notification");
        let Envelope { notification_items } =
            serde_json::from_slice(body).map_err(|_| no_notification)?;
        let Notification {
            additional_data: AdditionalData { hmac_signature },
            psp_reference,
            original_reference,
            merchant_account_code,
            merchant_reference,
            amount: Amount { value, currency },
            event_code,
            success,
        } = match <[Item; 1]>::try_from(notification_items) {
            Ok([Item { item }]) => item,
            // Each notification has its own signature.
            Err(items) if items.len() > 1 => {
                return Err(ClaimError::malformed("there are several notifications"));
            }
            Err(_) => return Err(ClaimError::Missing),
        };
        let tag = Encoding::Base64
            .decode_tag(hmac_signature.ok_or(ClaimError::Missing)?, self.algorithm())
            .ok_or(ClaimError::malformed("`hmacSignature` is no tag"))?;
        let id = format!("{psp_reference}:{event_code}");
        let text = format!(
            "{psp_reference}:{original_reference}:{merchant_account_code}:{merchant_reference}:\
             {value}:{currency}:{event_code}:{success}"
        );
        Ok(Claim::signed(tag).with_message_id(id).with_memo(Text(text)))
    }

    fn coverage(&self, _: &Parts, _: &Claim) -> Result<Coverage, ClaimError> {
        Ok(Coverage::Derived)
    }

    fn before_body(&self, _: &Parts, _: &Claim, _: &mut SignedText) -> Result<(), ClaimError> {
        Ok(())
    }

    fn derive(
        &self,
        _: &Parts,
        claim: &Claim,
        _: &[u8],
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        let Text(derived) = claim.memo().ok_or(ClaimError::malformed("no claim of this scheme"))?;
        text.update(derived.as_bytes());
        Ok(())
    }

    fn stamp(&self, _: &mut Parts, _: &Stamp<'_>) -> Result<Claim, SignError> {
        Err(SignError::Request("the sender writes the signature into the body"))
    }

    fn attach(&self, _: &mut Parts, _: &Claim, _: &[Tag]) -> Result<(), SignError> {
        Err(SignError::Request("the sender writes the signature into the body"))
    }
}

/// The values that the provider's own libraries are tested with.
const KEY: &str = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";
const TAG: &str = "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=";
const SIGNED: &str =
    "7914073381342284::TestMerchant:TestPayment-1407325143704:1130:EUR:AUTHORISATION:true";

fn notification(tag: &str) -> String {
    format!(
        r#"{{"live": "false", "notificationItems": [{{"NotificationRequestItem": {{
            "additionalData": {{"hmacSignature": "{tag}"}},
            "amount": {{"value": 1130, "currency": "EUR"}},
            "eventCode": "AUTHORISATION", "eventDate": "2014-08-06T17:15:34.121+02:00",
            "merchantAccountCode": "TestMerchant",
            "merchantReference": "TestPayment-1407325143704",
            "pspReference": "7914073381342284", "success": "true"}}}}]}}"#
    )
}

fn unsigned() -> String {
    notification(TAG).replace("hmacSignature", "other")
}

fn keys() -> KeyMap {
    KeyMap::single(SecretKey::from_hex(&KEY.to_ascii_lowercase()).unwrap()).unwrap()
}

fn layer() -> VerifyLayer {
    VerifyLayer::new(AdyenPayments, keys()).unwrap()
}

fn delivery(body: impl Into<Body>) -> Request<Body> {
    Request::post("/").body(body.into()).unwrap()
}

async fn outcome(body: String) -> Option<ErrorKind> {
    send(&layer(), delivery(body)).await.err()
}

/// The length and the end of the body are unknown.
fn streamed(body: &str) -> Body {
    let chunks: Vec<_> = body.as_bytes().chunks(7).map(bytes::Bytes::copy_from_slice).collect();
    Body::from_stream(futures_util::stream::iter(chunks.into_iter().map(Ok::<_, std::io::Error>)))
}

#[tokio::test]
async fn the_providers_published_signature_is_accepted() {
    let verified = send(&layer(), delivery(notification(TAG))).await.unwrap();
    assert_eq!(verified.scheme(), "adyen-payments");
    assert_eq!(verified.message_id(), Some("7914073381342284:AUTHORISATION"));
    assert!(send(&layer(), delivery(streamed(&notification(TAG)))).await.is_ok());
    let head = delivery("").into_parts().0;
    let text = signed_text(&AdyenPayments, &head, notification(TAG).as_bytes()).unwrap();
    assert_eq!(text, SIGNED.as_bytes());
}

#[tokio::test]
async fn a_changed_covered_field_is_rejected() {
    for (from, to) in [("1130", "1131"), ("EUR", "USD"), ("\"true\"", "\"false\"")] {
        let changed = notification(TAG).replace(from, to);
        assert_eq!(outcome(changed).await, Some(ErrorKind::Mismatch), "{to}");
    }
    // Anybody can change what a derived text omits.
    assert_eq!(outcome(notification(TAG).replace("17:15", "17:16")).await, None);
}

#[tokio::test]
async fn malformed_bodies_are_rejected() {
    let right = notification(TAG);
    let item = right.split_once('[').unwrap().1.rsplit_once(']').unwrap().0;
    for malformed in [
        "not json".to_owned(),
        "7".to_owned(),
        right[..right.len() - 1].to_owned(),
        notification(&TAG[1..]),
        right.replace("1130", "\"1130\""),
        right.replace("pspReference", "x"),
        right.replace("\"success\"", "\"success\": \"true\", \"success\""),
        format!(r#"{{"notificationItems": [{item}, {item}]}}"#),
    ] {
        assert_eq!(outcome(malformed.clone()).await, Some(ErrorKind::Malformed), "{malformed}");
    }
    for missing in ["".to_owned(), "{}".to_owned(), unsigned()] {
        assert_eq!(outcome(missing.clone()).await, Some(ErrorKind::Missing), "{missing}");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_gets_413_with_any_framing() {
    let body = notification(TAG);
    let limit = body.len();
    let exact = layer().with_body_limit(limit);
    assert!(send(&exact, delivery(streamed(&body))).await.is_ok());
    let less = layer().with_body_limit(limit - 1);
    for body in [Body::from(body.clone()), streamed(&body)] {
        assert_eq!(send(&less, delivery(body)).await.unwrap_err(), ErrorKind::BodyTooLarge);
    }
    // The server cannot know that the request is unsigned.
    let optional = layer().with_body_limit(unsigned().len() - 1).optional();
    let outcome = send(&optional, delivery(streamed(&unsigned()))).await;
    assert_eq!(outcome.unwrap_err(), ErrorKind::BodyTooLarge);
}

#[tokio::test]
async fn an_optional_layer_passes_on_an_unsigned_body_unchanged() {
    let handler =
        async |verified: Option<Verified>, body: String| format!("{} {body}", verified.is_some());
    let app = Router::new().route("/", post(handler)).layer(layer().optional());
    let answer = async |body: Body| {
        let response = app.clone().oneshot(delivery(body)).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (head.status, String::from_utf8(body.to_vec()).unwrap())
    };
    for body in ["", "{}", &unsigned()] {
        let expected = (StatusCode::OK, format!("false {body}"));
        assert_eq!(answer(Body::from(body.to_owned())).await, expected);
        assert_eq!(answer(streamed(body)).await, expected);
    }
    let right = notification(TAG);
    assert_eq!(answer(streamed(&right)).await, (StatusCode::OK, format!("true {right}")));
    let changed = right.replace("1130", "1131");
    assert_eq!(answer(Body::from(changed)).await, (StatusCode::FORBIDDEN, String::new()));
    assert_eq!(answer(Body::from("not json")).await, (StatusCode::FORBIDDEN, String::new()));
}

/// The body is only read for a claim if the head has none.
#[tokio::test]
async fn a_body_scheme_and_a_header_scheme_are_distinguished() {
    let header = || HeaderScheme::new("X-Signature").unwrap();
    let other = || SecretKey::new("another key").unwrap();
    let layers = [
        layer().or(header(), KeyMap::single(other()).unwrap()).unwrap(),
        VerifyLayer::new(header(), KeyMap::single(other()).unwrap())
            .unwrap()
            .or(AdyenPayments, keys())
            .unwrap(),
    ];
    for layer in layers {
        let by_header = |body: &str| {
            let request = Request::post("/").body(body.to_owned()).unwrap();
            sign(&Signer::new(header(), other()), request).map(Body::new)
        };
        let scheme = async |request| send(&layer, request).await.map(|v| v.scheme().to_owned());
        assert_eq!(scheme(delivery(notification(TAG))).await.unwrap(), "adyen-payments");
        assert_eq!(scheme(by_header("any body")).await.unwrap(), "header");
        // The head has a claim, so only that one is verified.
        assert_eq!(scheme(by_header(&notification(TAG))).await.unwrap(), "header");
        let changed = by_header(&notification(TAG)).map(|_| Body::from(notification(TAG) + " "));
        assert_eq!(scheme(changed).await.unwrap_err(), ErrorKind::Mismatch);
        assert_eq!(scheme(delivery("{}")).await.unwrap_err(), ErrorKind::Missing);
        assert_eq!(scheme(delivery("not json")).await.unwrap_err(), ErrorKind::Malformed);
        let mut malformed = delivery(notification(TAG));
        malformed.headers_mut().insert("x-signature", "nonsense".parse().unwrap());
        assert_eq!(scheme(malformed).await.unwrap_err(), ErrorKind::Malformed);
    }
}

#[tokio::test]
async fn signed_extractor_verifies_without_a_layer() {
    let handler = async |Signed(body, caller): Signed<String>| {
        format!("{} {}", caller.message_id().unwrap(), body.len())
    };
    // `optional` has no effect here.
    for layer in [layer(), layer().optional()] {
        let state: SharedVerifier = layer.shared();
        let app: Router = Router::new().route("/", post(handler)).with_state(state);
        let answer = async |body: String| app.clone().oneshot(delivery(body)).await.unwrap();
        let right = answer(notification(TAG)).await;
        assert_eq!(right.status(), StatusCode::OK);
        let said = right.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(said, format!("7914073381342284:AUTHORISATION {}", notification(TAG).len()));
        for rejected in [unsigned(), String::new(), notification(TAG).replace("1130", "1")] {
            assert_eq!(answer(rejected).await.status(), StatusCode::FORBIDDEN);
        }
    }
}

#[tokio::test]
async fn verify_and_explain_agree() {
    let verifier = Verifier::new(AdyenPayments, keys()).unwrap().with_body_limit(1_000);
    let head = delivery("").into_parts().0;
    let kind = async |body: &str| {
        verifier.verify(&head, body.as_bytes()).await.map_err(|error| error.kind()).err()
    };
    assert_eq!(kind(&notification(TAG)).await, None);
    assert_eq!(kind(&unsigned()).await, Some(ErrorKind::Missing));
    assert_eq!(kind("not json").await, Some(ErrorKind::Malformed));
    assert_eq!(kind(&" ".repeat(1_001)).await, Some(ErrorKind::BodyTooLarge));
    let changed = notification(TAG).replace("1130", "1131");
    assert_eq!(kind(&changed).await, Some(ErrorKind::Mismatch));
    let report = verifier.explain(&head, changed.as_bytes()).await;
    assert_eq!(report.outcome(), "mismatch");
    assert_eq!(report.scheme(), Some("adyen-payments"));
}

#[test]
fn signing_a_body_scheme_is_an_error() {
    let key = SecretKey::new("a key").unwrap();
    let signer = Signer::new(AdyenPayments, key);
    let sign = |body: String| signer.sign(Request::post("/").body(body).unwrap()).unwrap_err();
    assert!(matches!(sign(unsigned()), SignError::Request(_)));
    assert_eq!(sign(notification(TAG)), SignError::AlreadySigned);
}
