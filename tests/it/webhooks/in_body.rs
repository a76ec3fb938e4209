//! Adyen's payment notifications.

use serde_json::{Value, json};
use tower_hmac::webhooks::dangerous_adyen_payments;
use tower_hmac::{ErrorKind, SecretKey};

use super::{head, verify_at};

const KEY: &str = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";

/// The published example: its fields, and their signature.
fn notification() -> Value {
    json!({ "live": "false", "notificationItems": [{ "NotificationRequestItem": {
        "additionalData": { "hmacSignature": "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=" },
        "amount": { "currency": "EUR", "value": 1130 },
        "eventCode": "AUTHORISATION",
        "merchantAccountCode": "TestMerchant",
        "merchantReference": "TestPayment-1407325143704",
        "pspReference": "7914073381342284",
        "success": "true",
    }}]})
}

fn outcome(body: &Value) -> Result<(), ErrorKind> {
    let key = SecretKey::from_hex(KEY).unwrap();
    let body = body.to_string();
    verify_at(dangerous_adyen_payments(), key, 0, &head(&[]), body.as_bytes()).map(drop)
}

#[test]
fn the_published_notification_verifies_and_a_changed_field_is_rejected() {
    assert_eq!(outcome(&notification()), Ok(()));
    for field in
        ["eventCode", "merchantAccountCode", "merchantReference", "pspReference", "success"]
    {
        let mut changed = notification();
        changed["notificationItems"][0]["NotificationRequestItem"][field] = "other".into();
        assert_eq!(outcome(&changed), Err(ErrorKind::Mismatch), "{field}");
    }
    let mut changed = notification();
    changed["notificationItems"][0]["NotificationRequestItem"]["amount"]["value"] = 1131.into();
    assert_eq!(outcome(&changed), Err(ErrorKind::Mismatch));
    // The name of the preset warns of this.
    let mut uncovered = notification();
    uncovered["live"] = "true".into();
    assert_eq!(outcome(&uncovered), Ok(()));
}

#[test]
fn a_body_that_is_not_exactly_one_signed_notification_is_rejected() {
    let mut two = notification();
    let item = two["notificationItems"][0].clone();
    two["notificationItems"].as_array_mut().unwrap().push(item);
    assert_eq!(outcome(&two), Err(ErrorKind::Malformed));
    assert_eq!(outcome(&json!({ "notificationItems": [] })), Err(ErrorKind::Malformed));
    assert_eq!(outcome(&json!([])), Err(ErrorKind::Malformed));
    let mut unsigned = notification();
    unsigned["notificationItems"][0]["NotificationRequestItem"]["additionalData"] = json!({});
    assert_eq!(outcome(&unsigned), Err(ErrorKind::Missing));
}

/// A handler with its own struct could read such a list in another order than the signature does.
#[test]
fn a_notification_without_the_names_of_its_fields_is_rejected() {
    let items = |item: Value| json!({ "live": "false", "notificationItems": item });
    let named = notification()["notificationItems"][0]["NotificationRequestItem"].clone();
    let additional = named["additionalData"].clone();
    let list = json!([
        "7914073381342284",
        "",
        "TestMerchant",
        "TestPayment-1407325143704",
        named["amount"],
        "AUTHORISATION",
        "true",
        additional,
    ]);
    let with = |member: &str, value: Value| {
        let mut named = named.clone();
        named[member] = value;
        items(json!([{ "NotificationRequestItem": named }]))
    };
    for body in [
        json!([[{ "NotificationRequestItem": named }]]),
        items(json!([[named]])),
        items(json!([{ "NotificationRequestItem": list }])),
        with("amount", json!([1130, "EUR"])),
        with("additionalData", json!([additional["hmacSignature"]])),
    ] {
        assert_eq!(outcome(&body), Err(ErrorKind::Malformed), "{body}");
    }
}
