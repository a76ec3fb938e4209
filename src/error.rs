//! What can be wrong with a configuration.

use std::borrow::Cow;
use std::convert::Infallible;

use http::{HeaderName, StatusCode};

/// An error behind one of ours: a store's, a body's.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A mistake in the configuration, found while building.
///
/// It is for the person who configures: it names the setting, and never repeats a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A key without a byte: anybody could sign with it.
    #[error("{0}: the key is empty")]
    EmptyKey(Cow<'static, str>),
    /// A name without a character.
    #[error("{0}: the name is empty")]
    EmptyName(Cow<'static, str>),
    /// No key at all: nothing could ever be let through.
    #[error("{0}: there is no key")]
    NoKeys(Cow<'static, str>),
    /// A refusal that would look like a success or a redirect.
    #[error("{setting}: {status} is no status of a refusal; take one from 400 to 599")]
    RejectionStatus {
        /// The setting's name.
        setting: Cow<'static, str>,
        /// The status that was asked for.
        status: StatusCode,
    },
    /// Two formats that would both claim the same request.
    #[error("the formats `{0}` and `{1}` read the same header and cannot be told apart")]
    AmbiguousSchemes(String, String),
    /// A replay guard over a format that gives it nothing to tell two requests apart by.
    #[error(
        "a replay guard needs a time in the format, and `{0}` has none; \
         `dangerous_replay_by_tag` sets how long a tag is remembered"
    )]
    ReplayWithoutTime(String),
    /// Any other setting that cannot work.
    #[error("{setting}: {why}")]
    Invalid {
        /// The setting's name.
        setting: Cow<'static, str>,
        /// What is wrong with it; never its value where that is secret.
        why: Cow<'static, str>,
    },
}

impl ConfigError {
    /// For a scheme of one's own: a setting that cannot work.
    pub fn invalid(
        setting: impl Into<Cow<'static, str>>,
        why: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Invalid { setting: setting.into(), why: why.into() }
    }

    pub(crate) fn header_name(setting: &'static str) -> Self {
        Self::invalid(setting, "is not a header name (RFC 9110 section 5.1)")
    }

    /// The same mistake under the name that the user knows it by.
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

/// Reads a header's name from a setting.
pub(crate) fn header_name<N>(name: N, setting: &'static str) -> Result<HeaderName, ConfigError>
where
    N: TryInto<HeaderName>,
{
    name.try_into().map_err(|_| ConfigError::header_name(setting))
}
