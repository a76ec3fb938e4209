//! Reads the configuration and hands it to the library.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use tower_hmac::config::{FlaskConfig, KeysConfig};
use tower_hmac::{
    Algorithm, BoxError, Clock, FlaskHmac, KeyMap, ManualClock, Scheme, StatusRejection,
    SystemClock, VerifyLayer,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default = "default_listen")]
    pub listen: String,
    scheme: Option<String>,
    or: Option<Format>,
    app_config: Option<FlaskConfig>,
    keys: Option<KeysConfig>,
    header: Option<String>,
    digest: Option<String>,
    prefix: Option<String>,
    encoding: Option<String>,
    parts: Option<serde_json::Value>,
    label: Option<String>,
    tag: Option<String>,
    components: Option<Vec<String>>,
    public_origin: Option<String>,
    body_limit: Option<usize>,
    now: Option<i64>,
    tolerance: Option<u64>,
    replay: Option<String>,
    rejection: Option<u16>,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    strip_signature: bool,
    #[serde(default)]
    dangerous: Vec<String>,
    max_lifetime: Option<u64>,
}

/// A second format.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Format {
    scheme: Option<String>,
    app_config: Option<FlaskConfig>,
    keys: Option<KeysConfig>,
    header: Option<String>,
    digest: Option<String>,
    prefix: Option<String>,
    encoding: Option<String>,
    parts: Option<serde_json::Value>,
}

fn default_listen() -> String {
    "127.0.0.1:0".into()
}

impl Config {
    pub fn read(path: &str) -> Result<Self, BoxError> {
        let text = std::fs::read_to_string(path)?;
        serde_json::from_str(&text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let message = error.to_string();
            // Messages about members name them; messages about values would repeat keys.
            let about_a_member = ["unknown field", "duplicate field", "missing field"];
            if about_a_member.iter().any(|start| message.starts_with(start)) {
                message.into()
            } else {
                format!("wrong type or broken JSON at line {line}, column {column}").into()
            }
        })
    }

    pub fn clock(&self) -> Arc<dyn Clock> {
        match self.now {
            Some(now) => Arc::new(ManualClock::new(now)),
            None => Arc::new(SystemClock),
        }
    }

    /// The format that requests are signed in.
    pub fn scheme(&self) -> Result<Arc<dyn Scheme>, BoxError> {
        self.format().scheme(self)
    }

    /// The keys that requests are signed with.
    pub fn key_map(&self) -> Result<KeyMap, BoxError> {
        self.format().key_map()
    }

    pub fn layer(&self) -> Result<VerifyLayer, BoxError> {
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
            layer = layer.with_rejection(StatusRejection::new(StatusCode::from_u16(status)?)?);
        }
        if self.optional {
            layer = layer.optional();
        }
        if self.strip_signature {
            layer = layer.strip_signature();
        }
        self.check_dangers()?;
        self.guard(layer)
    }

    fn guard(&self, mut layer: VerifyLayer) -> Result<VerifyLayer, BoxError> {
        if self.allows("replay_by_tag") {
            layer = layer.dangerous_replay_by_tag(Duration::from_secs(REPLAY_RETENTION));
        }
        match self.replay.as_deref() {
            None | Some("none") => Ok(layer),
            Some(_) => Err("replay: not built".into()),
        }
    }

    fn allows(&self, danger: &str) -> bool {
        self.dangerous.iter().any(|name| name == danger)
    }

    fn check_dangers(&self) -> Result<(), BoxError> {
        match self.dangerous.iter().find(|name| !DANGERS.contains(&name.as_str())) {
            Some(name) => Err(format!("dangerous: {name:?} is not known").into()),
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

/// How long a tag is remembered where the format has no time, in seconds.
const REPLAY_RETENTION: u64 = 600;

const DANGERS: &[&str] =
    &["disarm", "replay_by_tag", "unsigned_body", "unsigned_query", "derived_text", "no_expiry"];

impl Format {
    fn algorithm(&self) -> Result<Option<Algorithm>, BoxError> {
        Ok(self.digest.as_deref().map(str::parse).transpose()?)
    }

    fn flask_hmac(&self) -> Result<FlaskHmac, BoxError> {
        let mut scheme = FlaskHmac::new();
        if let Some(header) = &self.header {
            scheme = scheme.with_header(header.as_str())?;
        }
        if let Some(algorithm) = self.algorithm()? {
            scheme = scheme.with_algorithm(algorithm);
        }
        Ok(scheme)
    }

    fn scheme(&self, _config: &Config) -> Result<Arc<dyn Scheme>, BoxError> {
        match self.scheme.as_deref().unwrap_or("flask-hmac") {
            "flask-hmac" => Ok(Arc::new(self.flask_hmac()?)),
            "flask-hmac-0.1" | "fost" | "fost-url" | "header" | "rfc9421" => {
                Err("scheme: not built".into())
            }
            _ => Err("scheme: is not known".into()),
        }
    }

    fn key_map(&self) -> Result<KeyMap, BoxError> {
        match (&self.app_config, &self.keys) {
            (Some(_), Some(_)) => Err("app_config and keys: take one of them".into()),
            (Some(config), None) => Ok(config.key_map()?),
            (None, Some(keys)) => Ok(keys.key_map()?),
            (None, None) => Err("app_config or keys: there is no key".into()),
        }
    }

    /// Flask's settings are a layer of their own; the others are a format with its keys.
    fn layer(&self, config: &Config) -> Result<VerifyLayer, BoxError> {
        match (&self.app_config, self.scheme.as_deref()) {
            (Some(settings), None | Some("flask-hmac")) => {
                self.key_map()?;
                Ok(settings.clone().dangerous_allow_disarm().layer(self.flask_hmac()?)?)
            }
            _ => Ok(VerifyLayer::new(self.scheme(config)?, self.key_map()?)),
        }
    }
}
