//! Configuration errors.

use std::borrow::Cow;
use std::convert::Infallible;

use http::{HeaderName, StatusCode};

/// The error of a store, a body or a service: the source of one of this crate's errors.
///
/// ```
/// use tower_hmac::{BoxError, KeyMap};
///
/// fn keys_from_the_environment() -> Result<KeyMap, BoxError> {
///     Ok(KeyMap::single(std::env::var("WEBHOOK_KEY")?)?)
/// }
/// ```
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A mistake in the configuration, found while building.
///
/// Meant for the operator: it names the setting, and never repeats a secret.
///
/// ```
/// use tower_hmac::KeyMap;
///
/// let error = KeyMap::named([("billing", "a key"), ("billing", "another key")]).unwrap_err();
/// assert_eq!(error.to_string(), r#"key ID "billing": occurs twice"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The key is empty: anybody could sign with it.
    #[error("{0}: the key is empty")]
    EmptyKey(Cow<'static, str>),
    /// The name is empty.
    #[error("{0}: the name is empty")]
    EmptyName(Cow<'static, str>),
    /// There is no key: every request would be rejected.
    #[error("{0}: there is no key")]
    NoKeys(Cow<'static, str>),
    /// The status would make a rejection look like a success or a redirect.
    #[error("{setting}: expected a status from 400 to 599, found {status}")]
    RejectionStatus {
        /// The setting's name.
        setting: Cow<'static, str>,
        /// The requested status.
        status: StatusCode,
    },
    /// Two schemes that would both claim the same request.
    #[error("the schemes `{0}` and `{1}` read the same header and cannot be distinguished")]
    AmbiguousSchemes(String, String),
    /// A replay guard for a scheme without a time.
    #[error(
        "a replay guard needs a scheme with a time, and `{0}` has none; \
         `dangerous_replay_by_tag` sets how long a tag is remembered"
    )]
    ReplayWithoutTime(String),
    /// Any other setting that does not work.
    #[error("{setting}: {why}")]
    Invalid {
        /// The setting's name.
        setting: Cow<'static, str>,
        /// What is wrong with the setting. Never repeats a secret value.
        why: Cow<'static, str>,
    },
}

impl ConfigError {
    /// Makes an error for a setting that does not work, for your own schemes.
    ///
    /// ```
    /// use tower_hmac::ConfigError;
    ///
    /// let error = ConfigError::invalid("prefix", "is not ASCII");
    /// assert_eq!(error.to_string(), "prefix: is not ASCII");
    /// ```
    pub fn invalid(
        setting: impl Into<Cow<'static, str>>,
        why: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Invalid { setting: setting.into(), why: why.into() }
    }

    pub(crate) fn header_name(setting: &'static str) -> Self {
        Self::invalid(setting, "is not a header name (RFC 9110 section 5.1)")
    }

    /// Returns the same error with the setting's name as the user knows it.
    pub(crate) fn named(self, name: impl Into<Cow<'static, str>>) -> Self {
        let setting = name.into();
        match self {
            Self::EmptyKey(_) => Self::EmptyKey(setting),
            Self::EmptyName(_) => Self::EmptyName(setting),
            Self::NoKeys(_) => Self::NoKeys(setting),
            Self::RejectionStatus { status, .. } => Self::RejectionStatus { setting, status },
            Self::Invalid { why, .. } => Self::Invalid { setting, why },
            other => other,
        }
    }
}

impl From<Infallible> for ConfigError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Parses a header name from a setting.
pub(crate) fn header_name<N>(name: N, setting: &'static str) -> Result<HeaderName, ConfigError>
where
    N: TryInto<HeaderName>,
{
    name.try_into().map_err(|_| ConfigError::header_name(setting))
}
