use std::ffi::OsString;
use std::fmt;

use http::StatusCode;
use serde::de::{Deserialize, Deserializer};

use crate::config::keys::key_map;
use crate::config::setting::{KeyText, MembersVisitor, Setting};
use crate::error::ConfigError;
use crate::key::map::KeyMap;
use crate::layer::StatusRejection;
use crate::layer::verify_layer::VerifyLayer;
use crate::scheme::FlaskHmac;

const HMAC_KEY: &str = "HMAC_KEY";
const HMAC_KEYS: &str = "HMAC_KEYS";
const HMAC_DISARM: &str = "HMAC_DISARM";
const HMAC_ERROR_CODE: &str = "HMAC_ERROR_CODE";
const MAX_CONTENT_LENGTH: &str = "MAX_CONTENT_LENGTH";
const KNOWN: &[&str] = &[HMAC_KEY, HMAC_KEYS, HMAC_DISARM, HMAC_ERROR_CODE, MAX_CONTENT_LENGTH];

/// Flask-HMAC's own settings: `HMAC_KEY`, `HMAC_KEYS`, `HMAC_DISARM`, `HMAC_ERROR_CODE`, and
/// Flask's `MAX_CONTENT_LENGTH`. Other settings of a Flask application are ignored.
///
/// ```
/// use tower_hmac::FlaskHmac;
/// use tower_hmac::config::FlaskConfig;
///
/// let config: FlaskConfig = serde_json::from_str(
///     r#"{"HMAC_KEYS": {"aservice": "akey", "bservice": ["new", "old"]}, "HMAC_ERROR_CODE": 401}"#,
/// )?;
/// let layer = config.layer(FlaskHmac::new())?;
/// # let _ = layer;
/// # Ok::<(), tower_hmac::BoxError>(())
/// ```
///
/// | setting | value | if absent or null |
/// | --- | --- | --- |
/// | `HMAC_KEY` | a key | no anonymous key |
/// | `HMAC_KEYS` | a map from key IDs to keys | no named keys |
/// | `HMAC_DISARM` | a switch | off |
/// | `HMAC_ERROR_CODE` | a status, 400 to 599 | 403 |
/// | `MAX_CONTENT_LENGTH` | a length in bytes | 2 MiB |
///
/// A key is a string, `{"hex": text}`, `{"base64": text}`, or a list of those with the newest
/// first. Text becomes bytes as in Flask-HMAC: latin-1 if every character fits, UTF-8 otherwise. A
/// switch is `true` or `false`, also as text (`"True"`, `"1"`). Any other text is an error.
#[derive(Clone, Default)]
pub struct FlaskConfig {
    members: Vec<(String, Setting)>,
    allows_disarm: bool,
}

impl FlaskConfig {
    /// Reads the settings from the environment. There, `HMAC_KEYS` is JSON text.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if a setting is not Unicode, or `HMAC_KEYS` is not JSON.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_vars(std::env::vars_os())
    }

    /// Reads the settings from variables, given as the environment stores them.
    ///
    /// ```
    /// use tower_hmac::FlaskHmac;
    /// use tower_hmac::config::FlaskConfig;
    ///
    /// let config = FlaskConfig::from_vars([("HMAC_KEYS", r#"{"aservice": "akey"}"#)])?;
    /// assert!(config.layer(FlaskHmac::new()).is_ok());
    /// assert!(FlaskConfig::from_vars([("HMAC_KEYS", "{")]).is_err());
    /// # Ok::<(), tower_hmac::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the errors of [`from_env`](Self::from_env).
    pub fn from_vars<N, V>(vars: impl IntoIterator<Item = (N, V)>) -> Result<Self, ConfigError>
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        let mut members = Vec::new();
        for (name, value) in vars {
            let name = name.into();
            let Some(name) = KNOWN.iter().copied().find(|known| name == **known) else { continue };
            let text = value
                .into()
                .into_string()
                .map_err(|_| ConfigError::invalid(name, "is not Unicode"))?;
            let setting = if name == HMAC_KEYS {
                // The parser's error is left out, because it may repeat the input.
                serde_json::from_str(&text)
                    .map_err(|_| ConfigError::invalid(name, "is not JSON"))?
            } else {
                Setting::text(text)
            };
            members.push((name.into(), setting));
        }
        Ok(Self { members, allows_disarm: false })
    }

    /// Applies `HMAC_DISARM`, which turns off all protection. Without this call, a configuration
    /// with `HMAC_DISARM` on is an error.
    ///
    /// ```
    /// use tower_hmac::FlaskHmac;
    /// use tower_hmac::config::FlaskConfig;
    ///
    /// let vars = [("HMAC_KEY", "s3cr3tk3y"), ("HMAC_DISARM", "1")];
    /// let config = FlaskConfig::from_vars(vars)?;
    /// assert!(config.layer(FlaskHmac::new()).is_err());
    /// assert!(config.dangerous_allow_disarm().layer(FlaskHmac::new()).is_ok());
    /// # Ok::<(), tower_hmac::ConfigError>(())
    /// ```
    #[must_use]
    pub fn dangerous_allow_disarm(mut self) -> Self {
        self.allows_disarm = true;
        self
    }

    /// Checks the settings and makes a layer. Pass `FlaskHmac::new()`, or a scheme with the header
    /// and the hash that the application used.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] with the setting's name if there is no key, a key or key ID is
    /// empty, a setting has the wrong type or occurs twice, or the status is not that of a
    /// rejection.
    pub fn layer(&self, scheme: FlaskHmac) -> Result<VerifyLayer, ConfigError> {
        let mut layer = VerifyLayer::new(scheme, self.key_map()?)?;
        if let Some(limit) = self.number(MAX_CONTENT_LENGTH)? {
            layer = layer.with_body_limit(limit);
        }
        if let Some(code) = self.number::<u16>(HMAC_ERROR_CODE)? {
            let status = StatusCode::from_u16(code)
                .map_err(|_| ConfigError::invalid(HMAC_ERROR_CODE, "is not an HTTP status"))?;
            let rejection =
                StatusRejection::new(status).map_err(|error| error.named(HMAC_ERROR_CODE))?;
            layer = layer.with_rejection(rejection);
        }
        match self.setting(HMAC_DISARM)?.map(|setting| setting.switch(HMAC_DISARM)) {
            None | Some(Ok(false)) => Ok(layer),
            Some(Ok(true)) if self.allows_disarm => Ok(layer.dangerous_disarmed(true)),
            Some(Ok(true)) => Err(ConfigError::invalid(
                HMAC_DISARM,
                "is on, which `dangerous_allow_disarm` must allow",
            )),
            Some(Err(error)) => Err(error),
        }
    }

    /// Checks the keys and makes a store of them.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] with the setting's name if there is no key, or a key or key ID is
    /// empty.
    pub fn key_map(&self) -> Result<KeyMap, ConfigError> {
        let named = match self.setting(HMAC_KEYS)? {
            None => None,
            Some(setting) => setting.members(HMAC_KEYS)?,
        };
        let mut map = key_map(named.unwrap_or_default(), HMAC_KEYS, KeyText::Latin1, false)?;
        match self.setting(HMAC_KEY)? {
            None | Some(Setting::Null) => {}
            Some(key) => map = map.with_single(key.keys(HMAC_KEY, KeyText::Latin1)?)?,
        }
        if map.is_empty() {
            return Err(ConfigError::NoKeys("HMAC_KEY and HMAC_KEYS".into()));
        }
        Ok(map)
    }

    fn number<T: TryFrom<u64>>(&self, name: &'static str) -> Result<Option<T>, ConfigError> {
        self.setting(name)?.map_or(Ok(None), |setting| setting.number(name))
    }

    /// Returns the only setting of this name.
    fn setting(&self, name: &'static str) -> Result<Option<&Setting>, ConfigError> {
        let mut found = self.members.iter().filter(|(member, _)| member == name);
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(ConfigError::invalid(name, "occurs twice")),
            (found, None) => Ok(found.map(|(_, setting)| setting)),
        }
    }
}

impl<'de> Deserialize<'de> for FlaskConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visitor = MembersVisitor { what: "a map of Flask's settings", known: KNOWN };
        let members = deserializer.deserialize_any(visitor)?;
        Ok(Self { members, allows_disarm: false })
    }
}

impl fmt::Debug for FlaskConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.members.iter().map(|(name, _)| name).collect();
        f.debug_struct("FlaskConfig").field("settings", &names).finish_non_exhaustive()
    }
}
