//! One scheme of each kind that the crate has, for tests and for fuzzing.

use std::sync::Arc;

use tower_hmac::scheme::{AwsSigV4, FlaskHmacPath, Fost, FostUrl};
use tower_hmac::{FlaskHmac, HeaderScheme, MessageSignatures, Scheme, webhooks};

/// Returns each scheme with the name of its type. `every_scheme_of_the_crate_is_in_the_list` checks
/// that none is missing.
pub fn all() -> Vec<(&'static str, Arc<dyn Scheme>)> {
    let aws = AwsSigV4::new("us-east-1", "service").unwrap();
    vec![
        ("AdyenPayments", Arc::new(webhooks::dangerous_adyen_payments())),
        ("AwsPresigned", Arc::new(aws.clone().presigned())),
        ("AwsSigV4", Arc::new(aws)),
        ("BoxWebhooks", Arc::new(webhooks::r#box())),
        ("FlaskHmac", Arc::new(FlaskHmac::new())),
        ("FlaskHmacPath", Arc::new(FlaskHmacPath::new())),
        ("Fost", Arc::new(Fost::new())),
        ("FostUrl", Arc::new(FostUrl::new())),
        ("HeaderScheme", Arc::new(HeaderScheme::new("x-signature").unwrap())),
        ("HubSpot", Arc::new(webhooks::hubspot("https://example.com").unwrap())),
        ("ListScheme", Arc::new(webhooks::stripe())),
        ("MessageSignatures", Arc::new(MessageSignatures::new())),
        ("ShopifyQuery", Arc::new(webhooks::shopify_app_proxy())),
        ("StandardWebhooks", Arc::new(webhooks::StandardWebhooks::new())),
        ("Twilio", Arc::new(webhooks::twilio("https://example.com").unwrap())),
    ]
}
