//! Reads the configuration and passes it to the library.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use tower_hmac::clock::{Clock, ManualClock, SystemClock};
use tower_hmac::config::{FlaskConfig, KeysConfig, SchemeConfig};
use tower_hmac::layer::StatusRejection;
use tower_hmac::once::{MemoryOnce, OnceLayer, OnceStore, RedisOnce};
use tower_hmac::replay::RedisReplay;
use tower_hmac::scheme::Policy;
use tower_hmac::webhooks;
use tower_hmac::{
    Algorithm, BoxError, KeyMap, MemoryReplay, MessageSignatures, Scheme, VerifyLayer,
};

use crate::aws;
use crate::format::Format;
use crate::parts::PartConfig;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_field_names)] // The members' own names.
pub(crate) struct Config {
    #[serde(default = "default_listen")]
    pub(crate) listen: String,
    scheme: Option<String>,
    or: Option<Format>,
    app_config: Option<FlaskConfig>,
    keys: Option<KeysConfig>,
    header: Option<String>,
    digest: Option<String>,
    prefix: Option<String>,
    encoding: Option<String>,
    parts: Option<Vec<PartConfig>>,
    label: Option<String>,
    tag: Option<String>,
    components: Option<Vec<String>>,
    public_origin: Option<String>,
    region: Option<String>,
    service: Option<String>,
    preset: Option<String>,
    pub(crate) format: Option<SchemeConfig>,
    url: Option<String>,
    once: Option<String>,
    once_lease: Option<u64>,
    #[serde(default)]
    pub(crate) sign_all: bool,
    body_limit: Option<usize>,
    now: Option<i64>,
    tolerance: Option<u64>,
    replay: Option<String>,
    replay_key_limit: Option<usize>,
    rejection: Option<u16>,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    strip_signature: bool,
    #[serde(default)]
    dangerous: Vec<String>,
    pub(crate) max_lifetime: Option<u64>,
}

fn default_listen() -> String {
    "127.0.0.1:0".into()
}

impl Config {
    pub(crate) fn read(path: &str) -> Result<Self, BoxError> {
        let text = std::fs::read_to_string(path)?;
        let config: Self = serde_json::from_str(&text).map_err(|error| -> BoxError {
            let (line, column) = (error.line(), error.column());
            let message = error.to_string();
            // Messages about members name them, because messages about values would repeat keys.
            let about_a_member = ["unknown field", "duplicate field", "missing field"];
            if about_a_member.iter().any(|start| message.starts_with(start)) {
                message.into()
            } else {
                format!("wrong type or broken JSON at line {line}, column {column}").into()
            }
        })?;
        config.check_dangers()?;
        Ok(config)
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        match self.now {
            Some(now) => Arc::new(ManualClock::new(now)),
            None => Arc::new(SystemClock),
        }
    }

    /// The scheme with which requests are signed.
    pub(crate) fn scheme(&self) -> Result<Arc<dyn Scheme>, BoxError> {
        self.format().scheme(self)
    }

    /// The lifetime of a signed URL: the longest allowed, or the tolerance of a scheme with a time.
    pub(crate) fn lifetime(&self) -> Option<Duration> {
        let seconds = self.max_lifetime.or(self.tolerance).unwrap_or(300);
        let is_link = matches!(self.scheme.as_deref(), Some("fost-url" | "sigv4-presigned"));
        is_link.then(|| Duration::from_secs(seconds))
    }

    /// The keys with which requests are signed.
    pub(crate) fn key_map(&self) -> Result<KeyMap, BoxError> {
        self.format().key_map()
    }

    pub(crate) fn layer(&self) -> Result<VerifyLayer, BoxError> {
        let mut layer = self.format().layer(self)?.with_clock(self.clock());
        if let Some(second) = &self.or {
            layer = layer.or(second.scheme(self)?, second.key_map()?)?;
        }
        if let Some(bytes) = self.body_limit {
            layer = layer.with_body_limit(bytes);
        }
        if let Some(seconds) = self.tolerance {
            let tolerance = Duration::from_secs(seconds);
            layer = layer.with_tolerance(tolerance, tolerance);
        }
        if let Some(status) = self.rejection {
            let status = StatusCode::from_u16(status).map_err(|_| "rejection: is not a status")?;
            layer = layer.with_rejection(StatusRejection::new(status)?);
        }
        if self.optional {
            layer = layer.optional();
        }
        if self.strip_signature {
            layer = layer.strip_signature();
        }
        self.guard(layer)
    }

    /// Makes one guard for all routes. If the scheme has no time, a tag is remembered for twice the
    /// tolerance.
    fn guard(&self, mut layer: VerifyLayer) -> Result<VerifyLayer, BoxError> {
        if self.allows("replay_by_tag") {
            let tolerance = self.tolerance.unwrap_or(300);
            let retention = Duration::from_secs(tolerance.saturating_mul(2));
            layer = layer.dangerous_replay_by_tag(retention);
        }
        match (self.replay.as_deref(), self.replay_key_limit) {
            (Some("memory"), limit) => {
                let mut guard = MemoryReplay::new(REPLAY_CAPACITY)?;
                if let Some(entries) = limit {
                    guard = guard.with_key_limit(entries)?;
                }
                Ok(layer.with_replay_guard(guard)?)
            }
            (_, Some(_)) => Err("replay_key_limit: is for `memory`".into()),
            (None | Some("none"), None) => Ok(layer),
            (Some(url), None) => Ok(layer.with_replay_guard(RedisReplay::lazy(url)?)?),
        }
    }

    /// Configured components replace the strict policy.
    pub(crate) fn message_signatures(
        &self,
        digest: Option<Algorithm>,
    ) -> Result<MessageSignatures, BoxError> {
        let mut policy = Policy::strict();
        let mut scheme = MessageSignatures::new();
        if let Some(components) = &self.components {
            policy = policy.dangerous_require_only(components)?.dangerous_without_nonce();
            scheme = scheme.with_components(components)?;
        }
        if self.allows("unsigned_body") {
            policy = policy.dangerous_unsigned_body()?;
        }
        if let Some(label) = &self.label {
            scheme = scheme.with_label(label.as_str())?;
        }
        if let Some(tag) = &self.tag {
            scheme = scheme.with_tag(tag.as_str())?;
        }
        if let Some(origin) = &self.public_origin {
            scheme = scheme.with_public_origin(origin)?;
        }
        if let Some(digest) = digest {
            scheme = scheme.with_digest(digest)?;
        }
        Ok(scheme.with_policy(policy))
    }

    pub(crate) fn aws(&self) -> Result<tower_hmac::scheme::AwsSigV4, BoxError> {
        aws::scheme(self.region.as_deref(), self.service.as_deref(), |name| self.allows(name))
    }

    /// The preset of a provider.
    pub(crate) fn preset(&self) -> Result<Arc<dyn Scheme>, BoxError> {
        let name = self.preset.as_deref().ok_or("preset: is missing")?;
        let origin = || self.public_origin.as_deref().ok_or("public_origin: is missing");
        Ok(match name {
            "square" => Arc::new(webhooks::square(self.url.as_deref().ok_or("url: is missing")?)?),
            "hubspot" => Arc::new(webhooks::hubspot(origin()?)?),
            "twilio" => Arc::new(webhooks::twilio(origin()?)?),
            "shopify_app_proxy" => Arc::new(webhooks::shopify_app_proxy()),
            "shopify_oauth" => Arc::new(webhooks::shopify_oauth()),
            "adyen_payments" | "dangerous_adyen_payments" => {
                Arc::new(webhooks::dangerous_adyen_payments())
            }
            name => webhooks::by_name(name).ok_or("preset: is not known")?,
        })
    }

    /// The layer inside the verifier, if there is one.
    pub(crate) fn once(&self) -> Result<Option<OnceLayer>, BoxError> {
        let store: Arc<dyn OnceStore> = match self.once.as_deref() {
            None | Some("none") => return Ok(None),
            Some("memory") => Arc::new(MemoryOnce::new(REPLAY_CAPACITY)?),
            Some(url) => Arc::new(RedisOnce::lazy(url)?),
        };
        let layer = OnceLayer::new(store).with_clock(self.clock());
        Ok(Some(match self.once_lease {
            Some(seconds) => layer.with_lease(Duration::from_secs(seconds)),
            None => layer,
        }))
    }

    pub(crate) fn allows(&self, danger: &str) -> bool {
        self.dangerous.iter().any(|name| name == danger)
    }

    fn check_dangers(&self) -> Result<(), BoxError> {
        let known = |name: &str| DANGERS.contains(&name) || aws::DANGERS.contains(&name);
        match self.dangerous.iter().find(|name| !known(name)) {
            Some(_) => Err(format!("dangerous: takes none but {}", DANGERS.join(", ")).into()),
            None => Ok(()),
        }
    }

    fn format(&self) -> Format {
        Format {
            scheme: self.scheme.clone(),
            app_config: self.app_config.clone(),
            keys: self.keys.clone(),
            header: self.header.clone(),
            digest: self.digest.clone(),
            prefix: self.prefix.clone(),
            encoding: self.encoding.clone(),
            parts: self.parts.clone(),
        }
    }
}

/// The capacity of the memory guard.
const REPLAY_CAPACITY: usize = 1_000_000;

const DANGERS: &[&str] =
    &["disarm", "replay_by_tag", "unsigned_body", "unsigned_query", "derived_text", "no_expiry"];
