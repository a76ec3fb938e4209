//! A scheme with its keys: the first one, or the second one of `or`.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tower_hmac::config::{FlaskConfig, KeysConfig};
use tower_hmac::scheme::{Encoding, FlaskHmacPath, Fost, FostUrl};
use tower_hmac::webhooks::StandardWebhooks;
use tower_hmac::{Algorithm, BoxError, FlaskHmac, HeaderScheme, KeyMap, Scheme, VerifyLayer};

use crate::config::Config;
use crate::parts::{self, PartConfig};

/// The members of `or`, which the first scheme has, too.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Format {
    pub(crate) scheme: Option<String>,
    pub(crate) app_config: Option<FlaskConfig>,
    pub(crate) keys: Option<KeysConfig>,
    pub(crate) header: Option<String>,
    pub(crate) digest: Option<String>,
    pub(crate) prefix: Option<String>,
    pub(crate) encoding: Option<String>,
    pub(crate) parts: Option<Vec<PartConfig>>,
}

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

    pub(crate) fn scheme(&self, config: &Config) -> Result<Arc<dyn Scheme>, BoxError> {
        Ok(match self.scheme.as_deref().unwrap_or("flask-hmac") {
            "flask-hmac" => Arc::new(self.flask_hmac()?),
            "flask-hmac-0.1" => Arc::new(self.flask_path(config)?),
            "fost" => Arc::new(self.fost(config)?),
            "fost-url" => Arc::new(self.fost_url(config)?),
            "header" => Arc::new(self.header_scheme(config)?),
            "sigv4" => Arc::new(config.aws()?),
            "sigv4-presigned" => Arc::new(config.aws()?.presigned()),
            "rfc9421" => Arc::new(config.message_signatures(self.algorithm()?)?),
            "standard-webhooks" => Arc::new(StandardWebhooks::new()),
            "svix" => Arc::new(StandardWebhooks::svix()),
            "webhook" => config.preset()?,
            "format" => config.format.as_ref().ok_or("format: is missing")?.scheme()?,
            _ => return Err("scheme: is not known".into()),
        })
    }

    fn flask_path(&self, config: &Config) -> Result<FlaskHmacPath, BoxError> {
        let mut scheme = FlaskHmacPath::new();
        if let Some(header) = &self.header {
            scheme = scheme.with_header(header.as_str())?;
        }
        if let Some(algorithm) = self.algorithm()? {
            scheme = scheme.with_algorithm(algorithm);
        }
        if config.allows("unsigned_body") {
            scheme = scheme.dangerous_unsigned_body();
        }
        Ok(scheme)
    }

    fn fost(&self, config: &Config) -> Result<Fost, BoxError> {
        let mut scheme = Fost::new();
        if let Some(algorithm) = self.algorithm()? {
            scheme = scheme.with_algorithm(algorithm);
        }
        if config.allows("unsigned_query") {
            scheme = scheme.dangerous_unsigned_query();
        }
        Ok(scheme)
    }

    fn fost_url(&self, config: &Config) -> Result<FostUrl, BoxError> {
        let mut scheme = FostUrl::new();
        if let Some(algorithm) = self.algorithm()? {
            scheme = scheme.with_algorithm(algorithm);
        }
        if let Some(seconds) = config.max_lifetime {
            scheme = scheme.with_max_lifetime(Duration::from_secs(seconds));
        }
        if config.allows("no_expiry") {
            scheme = scheme.dangerous_no_expiry();
        }
        if config.allows("unsigned_body") {
            scheme = scheme.dangerous_unsigned_body();
        }
        Ok(scheme)
    }

    fn header_scheme(&self, config: &Config) -> Result<HeaderScheme, BoxError> {
        let header = self.header.as_deref().unwrap_or("X-HMAC-Signature");
        let mut scheme = HeaderScheme::new(header)?;
        if let Some(prefix) = &self.prefix {
            scheme = scheme.with_prefix(prefix.clone())?;
        }
        if let Some(encoding) = &self.encoding {
            scheme = scheme.with_encoding(match encoding.as_str() {
                "hex" => Encoding::Hex,
                "base64" => Encoding::Base64,
                "base64url" => Encoding::Base64Url,
                "base64url-nopad" => Encoding::Base64UrlNoPad,
                _ => return Err("encoding: is not known".into()),
            });
        }
        if let Some(algorithm) = self.algorithm()? {
            scheme = scheme.with_algorithm(algorithm);
        }
        if let Some(list) = &self.parts {
            scheme = parts::with_parts(scheme, list, config.allows("derived_text"))?;
        }
        if config.allows("unsigned_body") {
            scheme = scheme.dangerous_unsigned_body();
        }
        Ok(scheme)
    }

    pub(crate) fn key_map(&self) -> Result<KeyMap, BoxError> {
        match (&self.app_config, &self.keys) {
            (Some(_), Some(_)) => Err("app_config and keys: take one of them".into()),
            (Some(config), None) => Ok(config.key_map()?),
            (None, Some(keys)) => Ok(keys.key_map()?),
            (None, None) => Err("app_config or keys: there is no key".into()),
        }
    }

    /// Makes a layer from Flask's settings, or from a scheme with its keys.
    pub(crate) fn layer(&self, config: &Config) -> Result<VerifyLayer, BoxError> {
        match (&self.app_config, self.scheme.as_deref()) {
            (Some(settings), None | Some("flask-hmac")) => {
                self.key_map()?;
                Ok(settings.clone().dangerous_allow_disarm().layer(self.flask_hmac()?)?)
            }
            _ => Ok(VerifyLayer::new(self.scheme(config)?, self.key_map()?)?),
        }
    }
}
