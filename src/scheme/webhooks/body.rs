//! Providers that sign only the body, with one tag in one header.

use crate::crypto::Algorithm;
use crate::scheme::Encoding;
use crate::scheme::parts::HeaderScheme;
use crate::scheme::webhooks::built;

macro_rules! body_presets {
    ($( $(#[$meta:meta])* $name:ident: $header:literal, $prefix:literal, $encoding:ident, $algorithm:ident; )+) => { $(
        $(#[$meta])*
        ///
        /// **Covered:** only the body. **Not covered:** the time and everything else in the head: a
        /// delivery can be replayed forever. Use a layer that handles each delivery once, with an
        /// ID from the body.
        #[must_use]
        pub fn $name() -> HeaderScheme {
            let scheme = built(HeaderScheme::new($header).and_then(|scheme| scheme.with_prefix($prefix)));
            scheme
                .with_name(stringify!($name))
                .with_encoding(Encoding::$encoding)
                .with_algorithm(Algorithm::$algorithm)
        }
    )+ };
}

body_presets! {
    /// GitHub, Meta, Gitea and Forgejo: `X-Hub-Signature-256: sha256=<hex>` ([GitHub], [Meta]).
    /// `X-GitHub-Delivery` is not signed.
    ///
    /// [GitHub]: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    /// [Meta]: https://developers.facebook.com/docs/graph-api/webhooks/getting-started
    github: "X-Hub-Signature-256", "sha256=", Hex, Sha256;
    /// Bitbucket Cloud and Data Center: `X-Hub-Signature: sha256=<hex>` ([Bitbucket]). A webhook
    /// without a secret is not signed.
    ///
    /// [Bitbucket]: https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/
    bitbucket: "X-Hub-Signature", "sha256=", Hex, Sha256;
    /// Shopify: `X-Shopify-Hmac-SHA256: <base64>` ([Shopify]).
    ///
    /// [Shopify]: https://shopify.dev/docs/apps/build/webhooks/subscribe/https
    shopify: "X-Shopify-Hmac-SHA256", "", Base64, Sha256;
    /// LINE: `X-Line-Signature: <base64>` ([LINE]).
    ///
    /// [LINE]: https://developers.line.biz/en/docs/messaging-api/verify-webhook-signature/
    line: "X-Line-Signature", "", Base64, Sha256;
    /// Notion: `X-Notion-Signature: sha256=<hex>` ([Notion]). The first request contains the
    /// verification token, and is not signed.
    ///
    /// [Notion]: https://developers.notion.com/reference/webhooks
    notion: "X-Notion-Signature", "sha256=", Hex, Sha256;
    /// Linear: `Linear-Signature: <hex>` ([Linear]). The header `Linear-Timestamp` is not signed;
    /// the signed time is in the body, as `webhookTimestamp`.
    ///
    /// [Linear]: https://linear.app/developers/webhooks#securing-webhooks
    linear: "Linear-Signature", "", Hex, Sha256;
    /// Razorpay: `X-Razorpay-Signature: <hex>` ([Razorpay]).
    ///
    /// [Razorpay]: https://razorpay.com/docs/webhooks/validate-test/
    razorpay: "X-Razorpay-Signature", "", Hex, Sha256;
    /// GoCardless: `Webhook-Signature: <hex>` ([GoCardless]).
    ///
    /// [GoCardless]: https://developer.gocardless.com/getting-started/staying-up-to-date-with-webhooks
    gocardless: "Webhook-Signature", "", Hex, Sha256;
    /// Coinbase Commerce: `X-CC-Webhook-Signature: <hex>` ([Coinbase Commerce]).
    ///
    /// [Coinbase Commerce]: https://docs.cdp.coinbase.com/commerce/introduction/webhooks
    coinbase_commerce: "X-CC-Webhook-Signature", "", Hex, Sha256;
    /// Dropbox: `X-Dropbox-Signature: <hex>` ([Dropbox]).
    ///
    /// [Dropbox]: https://www.dropbox.com/developers/reference/webhooks
    dropbox: "X-Dropbox-Signature", "", Hex, Sha256;
    /// Typeform: `Typeform-Signature: sha256=<base64>` ([Typeform]).
    ///
    /// [Typeform]: https://www.typeform.com/developers/webhooks/secure-your-webhooks/
    typeform: "Typeform-Signature", "sha256=", Base64, Sha256;
    /// WooCommerce: `X-WC-Webhook-Signature: <base64>` ([WooCommerce]).
    ///
    /// [WooCommerce]: https://woocommerce.com/document/webhooks/
    woocommerce: "X-WC-Webhook-Signature", "", Base64, Sha256;
    /// Lemon Squeezy: `X-Signature: <hex>` ([Lemon Squeezy]).
    ///
    /// [Lemon Squeezy]: https://docs.lemonsqueezy.com/help/webhooks/signing-requests
    lemonsqueezy: "X-Signature", "", Hex, Sha256;
    /// Cal.com: `X-Cal-Signature-256: <hex>` ([Cal.com]). A webhook without a secret is not signed.
    ///
    /// [Cal.com]: https://calcom.gitbook.io/docs/core-features/webhooks
    calcom: "X-Cal-Signature-256", "", Hex, Sha256;
    /// Adyen's platform webhooks: `HmacSignature: <base64>` ([Adyen]). The key that Adyen shows is
    /// hex: read it with [`SecretKey::from_hex`](crate::SecretKey::from_hex).
    ///
    /// [Adyen]: https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures
    adyen_platform: "HmacSignature", "", Base64, Sha256;
}

#[cfg(feature = "sha1")]
body_presets! {
    /// Intercom: `X-Hub-Signature: sha1=<hex>`, HMAC-SHA-1 ([Intercom]).
    ///
    /// [Intercom]: https://developers.intercom.com/docs/references/webhooks/webhook-models
    intercom: "X-Hub-Signature", "sha1=", Hex, Sha1;
    /// Vercel: `x-vercel-signature: <hex>`, HMAC-SHA-1 ([Vercel]).
    ///
    /// [Vercel]: https://vercel.com/docs/webhooks/webhooks-api
    vercel: "x-vercel-signature", "", Hex, Sha1;
}

/// Pusher Channels: `X-Pusher-Signature: <hex>` over the body, and the app key in `X-Pusher-Key` as
/// the key ID ([Pusher]).
///
/// **Covered:** only the body. **Not covered:** the key ID (a signature matches only under its own
/// secret), the time, and everything else in the head: a delivery can be replayed forever. The
/// signed time is in the body, as `time_ms`.
///
/// [Pusher]: https://pusher.com/docs/channels/server_api/webhooks/
#[must_use]
pub fn pusher() -> HeaderScheme {
    built(
        HeaderScheme::new("X-Pusher-Signature")
            .and_then(|scheme| scheme.with_key_id_header("X-Pusher-Key")),
    )
    .with_name("pusher")
}

/// Square: `x-square-hmacsha256-signature: <base64>` over the notification URL and the body
/// ([Square]).
///
/// Give the URL exactly as registered with Square.
///
/// **Covered:** the registered URL and the body. **Not covered:** the time and the head: a delivery
/// can be replayed forever. Use a layer that handles each delivery once, with the `event_id` in the
/// body.
///
/// [Square]: https://developer.squareup.com/docs/webhooks/step3validate
///
/// # Errors
///
/// Returns [`ConfigError`](crate::ConfigError) if the URL is empty.
pub fn square(notification_url: impl Into<Vec<u8>>) -> Result<HeaderScheme, crate::ConfigError> {
    let parts = [crate::scheme::Part::literal(notification_url), crate::scheme::Part::Body];
    Ok(HeaderScheme::new("x-square-hmacsha256-signature")?
        .with_parts(parts)?
        .with_name("square")
        .with_encoding(Encoding::Base64))
}
