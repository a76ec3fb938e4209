//! The provider presets, by name.

use std::sync::Arc;

use crate::config::members::Members;
use crate::error::ConfigError;
use crate::scheme::Scheme;
#[cfg(feature = "webhooks")]
use crate::webhooks;

/// Returns the preset with this name. Takes the settings that it needs from the configuration.
#[cfg(feature = "webhooks")]
pub(super) fn preset(name: &str, members: &mut Members) -> Result<Arc<dyn Scheme>, ConfigError> {
    Ok(match name {
        "square" => Arc::new(webhooks::square(members.required("url")?)?),
        "hubspot" => Arc::new(webhooks::hubspot(&members.required("public_origin")?)?),
        #[cfg(feature = "sha1")]
        "twilio" => Arc::new(webhooks::twilio(&members.required("public_origin")?)?),
        "shopify_app_proxy" => Arc::new(webhooks::shopify_app_proxy()),
        "shopify_oauth" => Arc::new(webhooks::shopify_oauth()),
        "dangerous_adyen_payments" => Arc::new(webhooks::dangerous_adyen_payments()),
        name => {
            webhooks::by_name(name).ok_or_else(|| ConfigError::invalid("preset", nearest(name)))?
        }
    })
}

#[cfg(not(feature = "webhooks"))]
pub(super) fn preset(_: &str, _: &mut Members) -> Result<Arc<dyn Scheme>, ConfigError> {
    Err(ConfigError::invalid("preset", "needs the feature `webhooks`"))
}

/// Returns the presets with the most similar names.
#[cfg(feature = "webhooks")]
fn nearest(name: &str) -> String {
    let letters =
        |text: &str| text.bytes().map(|byte| byte.to_ascii_lowercase()).collect::<Vec<_>>();
    let wanted = letters(name);
    let likeness = |candidate: &&str| {
        let candidate = letters(candidate);
        let start = candidate.iter().zip(&wanted).take_while(|(a, b)| a == b).count();
        let shared = wanted.iter().filter(|letter| candidate.contains(letter)).count();
        std::cmp::Reverse((start, shared))
    };
    let mut names: Vec<&str> = webhooks::names().chain(["hubspot", "square", "twilio"]).collect();
    names.sort_by_key(likeness);
    names.truncate(3);
    format!("is not a provider of this build; the nearest are {}", names.join(", "))
}
