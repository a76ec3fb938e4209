//! Reads the scheme that a service verifies or signs with from its configuration.

use std::sync::Arc;
#[cfg(feature = "sha1")]
use std::time::Duration;

use serde::Deserialize;

use crate::config::part::{EncodingName, PartConfig};
use crate::config::preset::preset;
use crate::crypto::Algorithm;
use crate::error::ConfigError;
#[cfg(feature = "sigv4")]
use crate::scheme::AwsSigV4;
use crate::scheme::{FlaskHmac, FlaskHmacPath, HeaderScheme, Scheme};
#[cfg(feature = "sha1")]
use crate::scheme::{Fost, FostUrl};
#[cfg(feature = "rfc9421")]
use crate::scheme::{MessageSignatures, Policy};

/// A scheme read from a configuration file, in any serde format.
///
/// The configuration names a preset of a provider, describes a header by its parts, or names one of
/// the crate's own schemes with its settings. A member that the scheme does not have is an error.
///
/// ```
/// use tower_hmac::config::SchemeConfig;
///
/// let config: SchemeConfig = serde_json::from_str(
///     r#"{
///         "header": "X-Signature", "prefix": "sha256=", "encoding": "hex",
///         "parts": ["method", "\n", {"timestamp": "X-Timestamp", "as": "unix"}, "\n", "body"]
///     }"#,
/// )?;
/// assert_eq!(config.scheme()?.name(), "header");
/// # Ok::<(), tower_hmac::BoxError>(())
/// ```
///
/// | member | for | meaning |
/// | --- | --- | --- |
/// | `preset` | | a provider, such as `stripe` (feature `webhooks`) |
/// | `scheme` | | `flask-hmac`, `flask-hmac-0.1`, `fost`, `fost-url`, `rfc9421`, `sigv4`, `sigv4-presigned`, `standard-webhooks`, `svix` |
/// | `header` | parts, Flask-HMAC | the header with the signature; on its own, it describes a scheme from parts |
/// | `prefix`, `encoding`, `key_id_header`, `message_id_header`, `list_separator`, `name` | parts | the settings of [`HeaderScheme`] |
/// | `parts` | parts | what is signed: `"method"`, `"path"`, `"query"`, `"body"`, any other text as it is, `{"literal": ..}`, `{"header": ..}`, `{"timestamp": .., "as": ..}` |
/// | `algorithm` | all but RFC 9421 | the hash, such as `sha256` |
/// | `label`, `tag`, `components` | RFC 9421 | the settings of `MessageSignatures` |
/// | `public_origin` | RFC 9421, HubSpot, Twilio | the address that clients use |
/// | `region`, `service` | `AwsSigV4` | the region and the service of the credential |
/// | `url` | Square | the notification URL as registered |
/// | `max_lifetime` | FOST URLs | the longest accepted lifetime, in seconds |
///
/// Encodings are `hex`, `hex-upper`, `hex-any-case`, `base64`, `base64url` and `base64url-nopad`.
/// Times are `unix`, `millis`, `rfc3339` and `http-date`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SchemeConfig {
    preset: Option<String>,
    scheme: Option<String>,
    name: Option<String>,
    header: Option<String>,
    prefix: Option<String>,
    encoding: Option<EncodingName>,
    algorithm: Option<String>,
    key_id_header: Option<String>,
    message_id_header: Option<String>,
    list_separator: Option<String>,
    parts: Option<Vec<PartConfig>>,
    label: Option<String>,
    tag: Option<String>,
    components: Option<Vec<String>>,
    public_origin: Option<String>,
    url: Option<String>,
    region: Option<String>,
    service: Option<String>,
    max_lifetime: Option<u64>,
}

impl SchemeConfig {
    /// Makes the scheme.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] with the member's name if the scheme does not accept its value, if
    /// the scheme has no such member, or if the feature it needs is not enabled.
    pub fn scheme(&self) -> Result<Arc<dyn Scheme>, ConfigError> {
        let mut rest = self.clone();
        let scheme = rest.take_scheme()?;
        match rest.first_left() {
            None => Ok(scheme),
            Some(member) => Err(ConfigError::invalid(member, "is not a setting of this scheme")),
        }
    }

    /// Takes the members that the scheme uses.
    fn take_scheme(&mut self) -> Result<Arc<dyn Scheme>, ConfigError> {
        match (self.preset.take(), self.scheme.take()) {
            (Some(_), Some(_)) => Err(ConfigError::invalid(
                "preset",
                "is set together with `scheme`; expected only one of them",
            )),
            (Some(name), None) => preset(
                &name,
                || taken("public_origin", &mut self.public_origin),
                || taken("url", &mut self.url),
            ),
            (None, None) => Ok(Arc::new(self.take_parts()?)),
            (None, Some(name)) => match &*name {
                "header" => Ok(Arc::new(self.take_parts()?)),
                "flask-hmac" => {
                    let scheme = FlaskHmac::new().with_algorithm(self.take_algorithm()?);
                    Ok(match self.header.take() {
                        Some(header) => Arc::new(scheme.with_header(header)?),
                        None => Arc::new(scheme),
                    })
                }
                "flask-hmac-0.1" => {
                    let scheme = FlaskHmacPath::new().with_algorithm(self.take_algorithm()?);
                    Ok(match self.header.take() {
                        Some(header) => Arc::new(scheme.with_header(header)?),
                        None => Arc::new(scheme),
                    })
                }
                #[cfg(feature = "sha1")]
                "fost" => Ok(Arc::new(
                    Fost::new().with_algorithm(self.take_algorithm_or(Algorithm::Sha1)?),
                )),
                #[cfg(feature = "sha1")]
                "fost-url" => {
                    let scheme =
                        FostUrl::new().with_algorithm(self.take_algorithm_or(Algorithm::Sha1)?);
                    Ok(match self.max_lifetime.take() {
                        Some(most) => Arc::new(scheme.with_max_lifetime(Duration::from_secs(most))),
                        None => Arc::new(scheme),
                    })
                }
                #[cfg(feature = "rfc9421")]
                "rfc9421" => Ok(Arc::new(self.take_message_signatures()?)),
                #[cfg(feature = "sigv4")]
                "sigv4" => Ok(Arc::new(self.take_sigv4()?)),
                #[cfg(feature = "sigv4")]
                "sigv4-presigned" => Ok(Arc::new(self.take_sigv4()?.presigned())),
                #[cfg(feature = "webhooks")]
                "standard-webhooks" => Ok(Arc::new(crate::webhooks::StandardWebhooks::new())),
                #[cfg(feature = "webhooks")]
                "svix" => Ok(Arc::new(crate::webhooks::StandardWebhooks::svix())),
                _ => Err(ConfigError::invalid("scheme", "is not a scheme of this build")),
            },
        }
    }

    fn take_parts(&mut self) -> Result<HeaderScheme, ConfigError> {
        let header = taken("header", &mut self.header)?;
        let mut scheme = HeaderScheme::new(header)?.with_algorithm(self.take_algorithm()?);
        if let Some(name) = self.name.take() {
            scheme = scheme.with_name(name);
        }
        if let Some(encoding) = self.encoding.take() {
            scheme = scheme.with_encoding(encoding.into());
        }
        if let Some(prefix) = self.prefix.take() {
            scheme = scheme.with_prefix(prefix)?;
        }
        if let Some(parts) = self.parts.take() {
            let parts = parts.into_iter().map(PartConfig::part);
            scheme = scheme.with_parts(parts.collect::<Result<Vec<_>, _>>()?)?;
        }
        if let Some(name) = self.key_id_header.take() {
            scheme = scheme.with_key_id_header(name)?;
        }
        if let Some(name) = self.message_id_header.take() {
            scheme = scheme.with_message_id_header(name)?;
        }
        if let Some(separator) = self.list_separator.take() {
            scheme = scheme.with_list_separator(separator)?;
        }
        if let Some(origin) = self.public_origin.take() {
            scheme = scheme.with_public_origin(&origin)?;
        }
        Ok(scheme)
    }

    /// Components replace the strict policy.
    #[cfg(feature = "rfc9421")]
    fn take_message_signatures(&mut self) -> Result<MessageSignatures, ConfigError> {
        let mut scheme = MessageSignatures::new();
        if let Some(components) = self.components.take() {
            let policy = Policy::strict().dangerous_require_only(&components)?;
            scheme = scheme.with_components(components)?.with_policy(policy);
        }
        if let Some(label) = self.label.take() {
            scheme = scheme.with_label(label)?;
        }
        if let Some(tag) = self.tag.take() {
            scheme = scheme.with_tag(tag)?;
        }
        if let Some(origin) = self.public_origin.take() {
            scheme = scheme.with_public_origin(origin)?;
        }
        Ok(scheme)
    }

    #[cfg(feature = "sigv4")]
    fn take_sigv4(&mut self) -> Result<AwsSigV4, ConfigError> {
        AwsSigV4::new(taken("region", &mut self.region)?, taken("service", &mut self.service)?)
    }

    fn take_algorithm(&mut self) -> Result<Algorithm, ConfigError> {
        self.take_algorithm_or(Algorithm::default())
    }

    fn take_algorithm_or(&mut self, default: Algorithm) -> Result<Algorithm, ConfigError> {
        match self.algorithm.take() {
            None => Ok(default),
            Some(name) => name.parse().map_err(|error: ConfigError| error.named("algorithm")),
        }
    }

    /// Returns a member that the scheme did not take.
    fn first_left(&self) -> Option<&'static str> {
        let members = [
            ("name", self.name.is_some()),
            ("header", self.header.is_some()),
            ("prefix", self.prefix.is_some()),
            ("encoding", self.encoding.is_some()),
            ("algorithm", self.algorithm.is_some()),
            ("key_id_header", self.key_id_header.is_some()),
            ("message_id_header", self.message_id_header.is_some()),
            ("list_separator", self.list_separator.is_some()),
            ("parts", self.parts.is_some()),
            ("label", self.label.is_some()),
            ("tag", self.tag.is_some()),
            ("components", self.components.is_some()),
            ("public_origin", self.public_origin.is_some()),
            ("url", self.url.is_some()),
            ("region", self.region.is_some()),
            ("service", self.service.is_some()),
            ("max_lifetime", self.max_lifetime.is_some()),
        ];
        members.into_iter().find(|(_, is_left)| *is_left).map(|(name, _)| name)
    }
}

/// Takes a member that the scheme needs.
fn taken(member: &'static str, value: &mut Option<String>) -> Result<String, ConfigError> {
    value.take().ok_or_else(|| ConfigError::invalid(member, "is missing"))
}
