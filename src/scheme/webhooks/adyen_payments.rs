//! Adyen's payment notifications: a signature in the body.

use http::HeaderName;
use http::request::Parts;
use serde::Deserialize;

use crate::crypto::{Algorithm, Tag};
use crate::scheme::{Claim, ClaimError, Coverage, Encoding, Scheme, SignError, SignedText, Stamp};

/// Leaves everything in the body unprotected except eight fields: anybody can change the rest.
///
/// Adyen's payment notifications: `hmacSignature` in the body, over `pspReference`,
/// `originalReference`, `merchantAccountCode`, `merchantReference`, `amount.value`,
/// `amount.currency`, `eventCode` and `success`, joined by `:` ([Adyen]). The key is hex: read it
/// with [`SecretKey::from_hex`](crate::SecretKey::from_hex).
///
/// **Covered:** these eight fields. **Not covered:** everything else, and the time: a notification
/// can be replayed forever. Fields are joined unescaped, so one with a `:` can run into the next. A
/// body with several notifications is rejected: Adyen sends one.
///
/// Only Adyen signs these; a [`Signer`](crate::Signer) does not.
///
/// [Adyen]: https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures
#[must_use]
pub fn dangerous_adyen_payments() -> AdyenPayments {
    AdyenPayments(())
}

/// The scheme of [`dangerous_adyen_payments`].
#[derive(Clone, Debug)]
pub struct AdyenPayments(());

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    notification_items: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    notification_request_item: Notification,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    #[serde(default)]
    psp_reference: String,
    #[serde(default)]
    original_reference: String,
    #[serde(default)]
    merchant_account_code: String,
    #[serde(default)]
    merchant_reference: String,
    #[serde(default)]
    amount: Amount,
    #[serde(default)]
    event_code: String,
    #[serde(default)]
    success: String,
    #[serde(default)]
    additional_data: AdditionalData,
}

#[derive(Default, Deserialize)]
struct Amount {
    #[serde(default)]
    value: Option<i64>,
    #[serde(default)]
    currency: String,
}

#[derive(Default, Deserialize)]
struct AdditionalData {
    #[serde(rename = "hmacSignature")]
    hmac_signature: Option<String>,
}

/// Returns the only notification in a body.
fn notification(body: &[u8]) -> Result<Notification, ClaimError> {
    let body: Body = serde_json::from_slice(body)
        .map_err(|_| ClaimError::malformed("the body is not a notification of Adyen"))?;
    let mut items = body.notification_items.into_iter();
    match (items.next(), items.next()) {
        (Some(item), None) => Ok(item.notification_request_item),
        _ => Err(ClaimError::malformed("the body does not contain exactly one notification")),
    }
}

impl Scheme for AdyenPayments {
    fn name(&self) -> &'static str {
        "adyen_payments"
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::Sha256
    }

    fn headers(&self) -> &[HeaderName] {
        &[]
    }

    fn carries_key_id(&self) -> bool {
        false
    }

    fn is_in_body(&self) -> bool {
        true
    }

    /// Not called: the signature is in the body.
    fn claim(&self, _: &Parts) -> Result<Claim, ClaimError> {
        Err(ClaimError::Missing)
    }

    fn claim_from_body(&self, _: &Parts, body: &[u8]) -> Result<Claim, ClaimError> {
        let tag = notification(body)?.additional_data.hmac_signature.ok_or(ClaimError::Missing)?;
        let tag = Encoding::Base64.decode_tag(tag, Algorithm::Sha256);
        let tag =
            tag.ok_or(ClaimError::malformed("`hmacSignature` is not an HMAC-SHA-256 in base64"))?;
        Ok(Claim::signed(tag))
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
        _: &Claim,
        body: &[u8],
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        let item = notification(body)?;
        let value = item.amount.value.map(|value| value.to_string()).unwrap_or_default();
        let fields = [
            item.psp_reference,
            item.original_reference,
            item.merchant_account_code,
            item.merchant_reference,
            value,
            item.amount.currency,
            item.event_code,
            item.success,
        ];
        text.update(fields.join(":").as_bytes());
        Ok(())
    }

    fn stamp(&self, _: &mut Parts, _: &Stamp<'_>) -> Result<Claim, SignError> {
        Err(SignError::Request("Adyen alone signs such requests"))
    }

    fn attach(&self, _: &mut Parts, _: &Claim, _: &[Tag]) -> Result<(), SignError> {
        Err(SignError::Request("Adyen alone signs such requests"))
    }
}
