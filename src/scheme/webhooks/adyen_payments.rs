//! Adyen's payment notifications: a signature in the body.

use std::fmt;
use std::marker::PhantomData;

use http::request::Parts;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};

use crate::crypto::Algorithm;
use crate::scheme::webhooks::provider::{ProviderRules, ProviderScheme};
use crate::scheme::{Claim, ClaimError, Coverage, Encoding, SignError, SignedText, Stamp};

/// Leaves the body unprotected except for eight fields: anybody can change the rest.
///
/// Adyen's payment notifications: `hmacSignature` in the body, over `pspReference`,
/// `originalReference`, `merchantAccountCode`, `merchantReference`, `amount.value`,
/// `amount.currency`, `eventCode` and `success`, joined by `:` ([Adyen]). The key is hex: read it
/// with [`SecretKey::from_hex`](crate::SecretKey::from_hex).
///
/// **Covered:** these eight fields. **Not covered:** everything else, and the time: a notification
/// can be replayed forever. Fields are joined without escaping, so a field with a `:` can run into
/// the next. A body with several notifications is rejected: Adyen sends one.
///
/// Only Adyen can sign these notifications. A [`Signer`](crate::Signer) returns an error.
///
/// [Adyen]: https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures
///
/// ```
/// use tower_hmac::{ConfigError, KeyMap, SecretKey, VerifyLayer, webhooks};
///
/// fn payments(hex: &str) -> Result<VerifyLayer, ConfigError> {
///     let key = SecretKey::from_hex(hex)?;
///     VerifyLayer::new(webhooks::dangerous_adyen_payments(), KeyMap::single(key)?)
/// }
/// ```
#[must_use]
pub fn dangerous_adyen_payments() -> AdyenPayments {
    ProviderScheme {
        name: "adyen_payments",
        headers: &[],
        algorithm: Algorithm::Sha256,
        time: None,
        tolerance: None,
        rules: AdyenRules,
    }
}

/// The scheme of [`dangerous_adyen_payments`].
pub type AdyenPayments = ProviderScheme<AdyenRules>;

/// The signing rules: eight fields of a notification.
#[derive(Clone, Debug)]
pub struct AdyenRules;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    /// A list of exactly one item. Any other list ends the parser.
    notification_items: [Object<Item>; 1],
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    notification_request_item: Object<Notification>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Notification {
    psp_reference: String,
    original_reference: String,
    merchant_account_code: String,
    merchant_reference: String,
    amount: Object<Amount>,
    event_code: String,
    success: String,
    additional_data: Object<AdditionalData>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Amount {
    value: Option<i64>,
    currency: String,
}

#[derive(Default, Deserialize)]
struct AdditionalData {
    #[serde(rename = "hmacSignature")]
    hmac_signature: Option<String>,
}

/// A value that is a JSON object. Of a struct, serde also reads a list of the fields, in the order of
/// this file. The handler's struct may have another order.
#[derive(Default)]
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData)).map(Self)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members))
    }
}

/// Returns the only notification in a body.
fn notification(body: &[u8]) -> Result<Notification, ClaimError> {
    let Object::<Body>(body) = serde_json::from_slice(body)
        .map_err(|_| ClaimError::malformed("the body is not one notification of Adyen"))?;
    let [Object(item)] = body.notification_items;
    Ok(item.notification_request_item.0)
}

impl ProviderRules for AdyenRules {
    const IS_IN_BODY: bool = true;

    fn claim_from_body(&self, body: &[u8]) -> Result<Claim, ClaimError> {
        let tag =
            notification(body)?.additional_data.0.hmac_signature.ok_or(ClaimError::Missing)?;
        let tag = Encoding::Base64.decode_tag(tag, Algorithm::Sha256);
        let tag =
            tag.ok_or(ClaimError::malformed("`hmacSignature` is not an HMAC-SHA-256 in base64"))?;
        Ok(Claim::signed(tag))
    }

    fn coverage(&self, _: &Parts) -> Result<Coverage, ClaimError> {
        Ok(Coverage::Derived)
    }

    fn derive(&self, body: &[u8], text: &mut SignedText) -> Result<(), ClaimError> {
        let item = notification(body)?;
        let value = item.amount.0.value.map(|value| value.to_string()).unwrap_or_default();
        let fields = [
            item.psp_reference,
            item.original_reference,
            item.merchant_account_code,
            item.merchant_reference,
            value,
            item.amount.0.currency,
            item.event_code,
            item.success,
        ];
        text.update(fields.join(":").as_bytes());
        Ok(())
    }

    fn prepare(&self, _: &mut Parts, _: &Stamp<'_>) -> Result<(), SignError> {
        Err(SignError::Request("only Adyen signs such requests"))
    }
}
