//! Box's scheme: two headers for two keys.

use http::HeaderName;

use crate::crypto::Algorithm;
use crate::scheme::TimeFormat;
use crate::scheme::webhooks::provider::{ProviderRules, ProviderScheme};

static SIGNATURES: [HeaderName; 2] = [
    HeaderName::from_static("box-signature-primary"),
    HeaderName::from_static("box-signature-secondary"),
];
const TIMESTAMP: HeaderName = HeaderName::from_static("box-delivery-timestamp");

/// Box: `BOX-SIGNATURE-PRIMARY` and `BOX-SIGNATURE-SECONDARY: <base64>` over the body and
/// `BOX-DELIVERY-TIMESTAMP` ([Box]). The tolerance is 600 s.
///
/// **Covered:** the body and the time (RFC 3339). **Not covered:** the rest of the head, including
/// `BOX-DELIVERY-ID`. Either signature is enough: put both keys into a [`KeySet`](crate::KeySet).
///
/// [Box]: https://developer.box.com/guides/webhooks/v2/signatures-v2/
#[must_use]
pub fn r#box() -> BoxWebhooks {
    ProviderScheme {
        name: "box",
        headers: &SIGNATURES,
        algorithm: Algorithm::Sha256,
        time: Some((TIMESTAMP, TimeFormat::Rfc3339)),
        tolerance: Some(600),
        rules: BoxRules,
    }
}

/// The scheme of [`box`](fn@box).
pub type BoxWebhooks = ProviderScheme<BoxRules>;

/// The signing rules: the body and the time, the default of every provider.
#[derive(Clone, Debug)]
pub struct BoxRules;

impl ProviderRules for BoxRules {}
