//! Providers that send the time and the tags in one header.

use std::time::Duration;

use crate::error::ConfigError;
use crate::scheme::webhooks::{ListScheme, built, minutes};
use crate::scheme::{Encoding, Part, TimeFormat};

/// Stripe: `Stripe-Signature: t=<seconds>,v1=<hex>` over `t.body` ([Stripe]). The tolerance is 300
/// s.
///
/// **Covered:** the time and the body. **Not covered:** the rest of the head. During a rotation
/// there are several `v1`; `v0` is skipped. The key is the whole text `whsec_..`, not decoded: read
/// it with [`SecretKey::new`](crate::SecretKey::new).
///
/// [Stripe]: https://docs.stripe.com/webhooks#verify-manually
#[must_use]
pub fn stripe() -> ListScheme {
    dotted("stripe", "Stripe-Signature", ("t", TimeFormat::UnixSeconds), "v1")
}

/// WorkOS: `WorkOS-Signature: t=<milliseconds>, v1=<hex>` over `t.body` ([WorkOS]). The tolerance
/// is 180 s.
///
/// **Covered:** the time and the body. **Not covered:** the rest of the head.
///
/// [WorkOS]: https://workos.com/docs/events/data-syncing/webhooks
#[must_use]
pub fn workos() -> ListScheme {
    dotted("workos", "WorkOS-Signature", ("t", TimeFormat::UnixMillis), "v1")
        .with_tolerance(minutes(3), minutes(3))
}

/// ElevenLabs: `ElevenLabs-Signature: t=<seconds>,v0=<hex>` over `t.body` ([ElevenLabs]). The
/// tolerance is 30 minutes.
///
/// **Covered:** the time and the body. **Not covered:** the rest of the head.
///
/// [ElevenLabs]: https://elevenlabs.io/docs/eleven-api/resources/webhooks
#[must_use]
pub fn elevenlabs() -> ListScheme {
    dotted("elevenlabs", "ElevenLabs-Signature", ("t", TimeFormat::UnixSeconds), "v0")
        .with_tolerance(minutes(30), minutes(30))
}

/// Sanity: `sanity-webhook-signature: t=<milliseconds>,v1=<base64url>` over `t.body`, base64url
/// without padding ([Sanity]). The tolerance is 300 s.
///
/// **Covered:** the time and the body. **Not covered:** the rest of the head.
///
/// [Sanity]: https://www.sanity.io/docs/content-lake/webhook-best-practices
#[must_use]
pub fn sanity() -> ListScheme {
    dotted("sanity", "sanity-webhook-signature", ("t", TimeFormat::UnixMillis), "v1")
        .with_encoding(Encoding::Base64UrlNoPad)
}

/// Mux: `Mux-Signature: t=<seconds>,v1=<hex>` over `t.body` ([Mux]). The tolerance is 300 s.
///
/// **Covered:** the time and the body. **Not covered:** the rest of the head.
///
/// [Mux]: https://www.mux.com/docs/core/verify-webhook-signatures
#[must_use]
pub fn mux() -> ListScheme {
    dotted("mux", "Mux-Signature", ("t", TimeFormat::UnixSeconds), "v1")
}

/// Calendly: `Calendly-Webhook-Signature: t=<seconds>,v1=<hex>` over `t.body` ([Calendly]). The
/// tolerance is 300 s.
///
/// **Covered:** the time and the body. **Not covered:** the rest of the head.
///
/// [Calendly]: https://developer.calendly.com/api-docs/overview/webhooks/webhook-signatures
#[must_use]
pub fn calendly() -> ListScheme {
    dotted("calendly", "Calendly-Webhook-Signature", ("t", TimeFormat::UnixSeconds), "v1")
}

/// Paddle: `Paddle-Signature: ts=<seconds>;h1=<hex>` over `ts:body` ([Paddle]). The tolerance is 30
/// s on both sides. Paddle's own libraries use 5 s, which fails if a clock is slightly off.
///
/// **Covered:** the time and the body. **Not covered:** the rest of the head. During a rotation
/// there are several `h1`. The key is the whole text of the secret.
///
/// [Paddle]: https://developer.paddle.com/webhooks/signature-verification
#[must_use]
pub fn paddle() -> ListScheme {
    built((|| {
        Ok(ListScheme::new("Paddle-Signature", "h1")?
            .with_separator(';')?
            .with_time("ts", TimeFormat::UnixSeconds)?
            .with_parts([Part::Time, Part::literal(":"), Part::Body])?
            .with_tolerance(Duration::from_secs(30), Duration::from_secs(30))
            .with_name("paddle"))
    })())
}

/// Makes a scheme over `<time>.<body>`, with a tolerance of 300 s on both sides.
fn dotted(
    name: &'static str,
    header: &'static str,
    (time, format): (&'static str, TimeFormat),
    tag: &'static str,
) -> ListScheme {
    let scheme = || -> Result<ListScheme, ConfigError> {
        Ok(ListScheme::new(header, tag)?
            .with_time(time, format)?
            .with_parts([Part::Time, Part::literal("."), Part::Body])?
            .with_tolerance(minutes(5), minutes(5))
            .with_name(name))
    };
    built(scheme())
}
