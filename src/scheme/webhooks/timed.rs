//! Providers that sign a time in its own header.

use crate::error::ConfigError;
use crate::scheme::Encoding;
use crate::scheme::parts::{HeaderScheme, Part, TimeFormat};
use crate::scheme::webhooks::{built, minutes};

/// Slack: `X-Slack-Signature: v0=<hex>` over `v0:<X-Slack-Request-Timestamp>:<body>` ([Slack]).
/// The tolerance is 300 s.
///
/// **Covered:** the time and the body. **Not covered:** the rest of the head. Bodies are forms, and
/// the challenge `url_verification` is signed as well.
///
/// [Slack]: https://docs.slack.dev/authentication/verifying-requests-from-slack
#[must_use]
pub fn slack() -> HeaderScheme {
    built(versioned("X-Slack-Signature", "v0=", "X-Slack-Request-Timestamp")).with_name("slack")
}

/// Zoom: `x-zm-signature: v0=<hex>` over `v0:<x-zm-request-timestamp>:<body>` ([Zoom]). The
/// tolerance is 300 s.
///
/// **Covered:** the time and the body. **Not covered:** the rest of the head. The challenge
/// `endpoint.url_validation` is signed as well.
///
/// [Zoom]: https://developers.zoom.us/docs/api/webhooks/#verify-webhook-events
#[must_use]
pub fn zoom() -> HeaderScheme {
    built(versioned("x-zm-signature", "v0=", "x-zm-request-timestamp")).with_name("zoom")
}

/// Customer.io: `X-CIO-Signature: <hex>` over `v0:<X-CIO-Timestamp>:<body>` ([Customer.io]). The
/// tolerance is 300 s.
///
/// **Covered:** the time and the body. **Not covered:** the rest of the head.
///
/// [Customer.io]: https://docs.customer.io/api/webhooks/
#[must_use]
pub fn customerio() -> HeaderScheme {
    built(versioned("X-CIO-Signature", "", "X-CIO-Timestamp")).with_name("customerio")
}

/// Zendesk: `X-Zendesk-Webhook-Signature: <base64>` over the time and the body, without a delimiter
/// ([Zendesk]). The time is RFC 3339, in `X-Zendesk-Webhook-Signature-Timestamp`. The tolerance is
/// 300 s.
///
/// **Covered:** the time and the body. **Not covered:** the rest of the head.
///
/// [Zendesk]: https://developer.zendesk.com/documentation/webhooks/verifying/
#[must_use]
pub fn zendesk() -> HeaderScheme {
    built((|| {
        let time = Part::timestamp("X-Zendesk-Webhook-Signature-Timestamp", TimeFormat::Rfc3339)?;
        Ok(HeaderScheme::new("X-Zendesk-Webhook-Signature")?
            .with_encoding(Encoding::Base64)
            .with_parts([time, Part::Body])?
            .with_tolerance(minutes(5), minutes(5))
            .with_name("zendesk"))
    })())
}

/// Twitch EventSub: `Twitch-Eventsub-Message-Signature: sha256=<hex>` over the ID, the time and the
/// body ([Twitch]). The tolerance is 600 s.
///
/// **Covered:** `Twitch-Eventsub-Message-Id`, which is the message ID, the time (RFC 3339) and the
/// body. **Not covered:** the rest of the head. An ID with a `:` is rejected, since there is no
/// delimiter between the ID and the time. The challenge of a subscription is signed, and must be
/// answered.
///
/// [Twitch]: https://dev.twitch.tv/docs/eventsub/handling-webhook-events/#verifying-the-event-message
#[must_use]
pub fn twitch() -> HeaderScheme {
    built((|| {
        let time = Part::timestamp("Twitch-Eventsub-Message-Timestamp", TimeFormat::Rfc3339)?;
        let id = "Twitch-Eventsub-Message-Id";
        Ok(HeaderScheme::new("Twitch-Eventsub-Message-Signature")?
            .with_prefix("sha256=")?
            .with_parts([Part::header(id)?, time, Part::Body])?
            .with_message_id_header(id)?
            .with_tolerance(minutes(10), minutes(10))
            .with_name("twitch"))
    })())
}

/// Returns the parts of `v0:<time>:<body>`.
fn versioned(
    header: &'static str,
    prefix: &'static str,
    time: &'static str,
) -> Result<HeaderScheme, ConfigError> {
    Ok(HeaderScheme::new(header)?
        .with_prefix(prefix)?
        .with_parts([
            Part::literal("v0:"),
            Part::timestamp(time, TimeFormat::UnixSeconds)?,
            Part::literal(":"),
            Part::Body,
        ])?
        .with_tolerance(minutes(5), minutes(5)))
}
