//! Reads the scheme that a service verifies or signs with from its configuration.

use std::fmt;
use std::sync::Arc;
#[cfg(feature = "sha1")]
use std::time::Duration;

use serde::de::{Deserialize, Deserializer};

use crate::config::members::Members;
use crate::config::part::{encoding, part};
use crate::config::preset::preset;
use crate::config::setting::{MembersVisitor, Setting};
use crate::crypto::Algorithm;
use crate::error::ConfigError;
#[cfg(feature = "sigv4")]
use crate::scheme::AwsSigV4;
use crate::scheme::parts::HeaderScheme;
use crate::scheme::{FlaskHmac, FlaskHmacPath, Scheme};
#[cfg(feature = "sha1")]
use crate::scheme::{Fost, FostUrl};
#[cfg(feature = "rfc9421")]
use crate::scheme::{Policy, rfc9421::MessageSignatures};

/// A scheme read from a configuration file, in any serde format.
///
/// The configuration names a preset of a provider, describes a header by its parts, or names one of
/// the crate's own schemes with its settings. A member that the scheme does not have is an error
/// of [`scheme`](Self::scheme).
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
#[derive(Clone, Default)]
pub struct SchemeConfig(Vec<(String, Setting)>);

impl SchemeConfig {
    /// Makes the scheme.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] with the member's name if the scheme does not accept its value, if
    /// the scheme has no such member, or if the feature it needs is not enabled.
    pub fn scheme(&self) -> Result<Arc<dyn Scheme>, ConfigError> {
        let mut members = Members::new(self.0.clone())?;
        let scheme = members.take_scheme()?;
        members.finish()?;
        Ok(scheme)
    }
}

impl Members {
    /// Takes the members that the scheme uses.
    fn take_scheme(&mut self) -> Result<Arc<dyn Scheme>, ConfigError> {
        match (self.text("preset")?, self.text("scheme")?) {
            (Some(_), Some(_)) => Err(ConfigError::invalid(
                "preset",
                "is set together with `scheme`; expected only one of them",
            )),
            (Some(name), None) => preset(&name, self),
            (None, None) => {
                let missing = "is missing, and neither `preset` nor `header` is set";
                let header = self.text("header")?;
                let header = header.ok_or_else(|| ConfigError::invalid("scheme", missing))?;
                Ok(Arc::new(self.take_parts(header)?))
            }
            (None, Some(name)) => match &*name {
                "header" => {
                    let header = self.required("header")?;
                    Ok(Arc::new(self.take_parts(header)?))
                }
                "flask-hmac" => {
                    let scheme = FlaskHmac::new().with_algorithm(self.take_algorithm()?);
                    Ok(match self.text("header")? {
                        Some(header) => Arc::new(scheme.with_header(header)?),
                        None => Arc::new(scheme),
                    })
                }
                "flask-hmac-0.1" => {
                    let scheme = FlaskHmacPath::new().with_algorithm(self.take_algorithm()?);
                    Ok(match self.text("header")? {
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
                    Ok(match self.number("max_lifetime")? {
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
                _ => Err(ConfigError::invalid(
                    "scheme",
                    "is not a scheme of this build; some need a feature",
                )),
            },
        }
    }

    fn take_parts(&mut self, header: String) -> Result<HeaderScheme, ConfigError> {
        let mut scheme = HeaderScheme::new(header)?.with_algorithm(self.take_algorithm()?);
        if let Some(name) = self.text("name")? {
            scheme = scheme.with_name(name);
        }
        if let Some(name) = self.text("encoding")? {
            scheme = scheme.with_encoding(encoding(&name)?);
        }
        if let Some(prefix) = self.text("prefix")? {
            scheme = scheme.with_prefix(prefix)?;
        }
        if let Some(parts) = self.list("parts")? {
            let parts = parts.into_iter().map(part);
            scheme = scheme.with_parts(parts.collect::<Result<Vec<_>, _>>()?)?;
        }
        if let Some(name) = self.text("key_id_header")? {
            scheme = scheme.with_key_id_header(name)?;
        }
        if let Some(name) = self.text("message_id_header")? {
            scheme = scheme.with_message_id_header(name)?;
        }
        if let Some(separator) = self.text("list_separator")? {
            scheme = scheme.with_list_separator(separator)?;
        }
        if let Some(origin) = self.text("public_origin")? {
            scheme = scheme.with_public_origin(&origin)?;
        }
        Ok(scheme)
    }

    /// Components replace the strict policy.
    #[cfg(feature = "rfc9421")]
    fn take_message_signatures(&mut self) -> Result<MessageSignatures, ConfigError> {
        let mut scheme = MessageSignatures::new();
        if let Some(components) = self.list("components")? {
            let components = components.into_iter().map(|name| name.into_text("components"));
            let components = components.collect::<Result<Vec<_>, _>>()?;
            let policy = Policy::strict().dangerous_require_only(&components)?;
            scheme = scheme.with_components(components)?.with_policy(policy);
        }
        if let Some(label) = self.text("label")? {
            scheme = scheme.with_label(label)?;
        }
        if let Some(tag) = self.text("tag")? {
            scheme = scheme.with_tag(tag)?;
        }
        if let Some(origin) = self.text("public_origin")? {
            scheme = scheme.with_public_origin(origin)?;
        }
        Ok(scheme)
    }

    #[cfg(feature = "sigv4")]
    fn take_sigv4(&mut self) -> Result<AwsSigV4, ConfigError> {
        AwsSigV4::new(self.required("region")?, self.required("service")?)
    }

    fn take_algorithm(&mut self) -> Result<Algorithm, ConfigError> {
        self.take_algorithm_or(Algorithm::default())
    }

    fn take_algorithm_or(&mut self, default: Algorithm) -> Result<Algorithm, ConfigError> {
        match self.text("algorithm")? {
            None => Ok(default),
            Some(name) => name.parse().map_err(|error: ConfigError| error.named("algorithm")),
        }
    }
}

impl<'de> Deserialize<'de> for SchemeConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visitor = MembersVisitor { what: "a map of a scheme's settings", known: &[] };
        deserializer.deserialize_any(visitor).map(Self)
    }
}

impl fmt::Debug for SchemeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|(name, _)| name).collect();
        f.debug_struct("SchemeConfig").field("settings", &names).finish_non_exhaustive()
    }
}
