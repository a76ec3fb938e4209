//! The schemes of webhook providers, for the public module [`webhooks`](mod@crate::webhooks).

#[cfg(feature = "serde")]
mod adyen_payments;
mod body;
mod box_com;
mod hubspot;
mod list_scheme;
mod lists;
mod provider;
mod shopify_query;
mod standard;
mod timed;
#[cfg(feature = "sha1")]
mod twilio;

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "serde")]
pub use adyen_payments::{AdyenPayments, dangerous_adyen_payments};
pub use body::*;
pub use box_com::{BoxWebhooks, r#box};
pub use hubspot::{HubSpot, hubspot};
pub use list_scheme::ListScheme;
pub use lists::*;
pub use provider::ProviderScheme;
pub use shopify_query::{ShopifyQuery, shopify_app_proxy, shopify_oauth};
pub use standard::{StandardWebhooks, message_id};
pub use timed::*;
#[cfg(feature = "sha1")]
pub use twilio::{Twilio, twilio};

use crate::error::ConfigError;
use crate::scheme::Scheme;

macro_rules! list {
    ($( $(#[$meta:meta])* $name:ident $(,)? )+) => {
        /// Returns the names of the presets that need no setting, such as `stripe`.
        pub fn names() -> impl Iterator<Item = &'static str> {
            [$( $(#[$meta])* stringify!($name).trim_start_matches("r#"), )+].into_iter()
        }

        /// Returns the preset with the name of its function, such as `stripe`.
        #[must_use]
        pub fn by_name(name: &str) -> Option<Arc<dyn Scheme>> {
            $(
                $(#[$meta])*
                if name == stringify!($name).trim_start_matches("r#") {
                    return Some(Arc::new($name()));
                }
            )+
            None
        }
    };
}

list! {
    adyen_platform, bitbucket, r#box, calcom, calendly, coinbase_commerce, customerio, dropbox,
    elevenlabs, github, gocardless, #[cfg(feature = "sha1")] intercom, lemonsqueezy, line, linear,
    mux, notion, paddle, pusher, razorpay, sanity, shopify, slack, stripe, twitch, typeform,
    #[cfg(feature = "sha1")] vercel, woocommerce, workos, zendesk, zoom,
}

/// Unwraps a preset made of constants. A test builds every preset.
fn built<T>(scheme: Result<T, ConfigError>) -> T {
    #[allow(clippy::expect_used)]
    scheme.expect("a preset is built of constants")
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes.saturating_mul(60))
}
