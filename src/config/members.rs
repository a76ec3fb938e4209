//! The members of a map of settings, taken one at a time.

use std::collections::HashSet;

use crate::config::setting::Setting;
use crate::error::ConfigError;

/// The members that were not taken yet.
pub(super) struct Members(Vec<(String, Setting)>);

impl Members {
    /// Ignores members that are null.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if a member occurs twice.
    pub(super) fn new(mut members: Vec<(String, Setting)>) -> Result<Self, ConfigError> {
        members.retain(|(_, value)| !matches!(value, Setting::Null));
        let mut names = HashSet::new();
        if let Some((name, _)) = members.iter().find(|(name, _)| !names.insert(name)) {
            return Err(ConfigError::invalid(name.clone(), "occurs twice"));
        }
        Ok(Self(members))
    }

    /// Takes a member that is a text.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, ConfigError> {
        self.take(name).map(|value| value.into_text(name)).transpose()
    }

    /// Takes a text that the scheme needs.
    pub(super) fn required(&mut self, name: &'static str) -> Result<String, ConfigError> {
        self.text(name)?.ok_or_else(|| ConfigError::invalid(name, "is missing"))
    }

    /// Takes a member that is a list.
    pub(super) fn list(&mut self, name: &'static str) -> Result<Option<Vec<Setting>>, ConfigError> {
        match self.take(name) {
            None => Ok(None),
            Some(Setting::List(items)) => Ok(Some(items)),
            Some(_) => Err(ConfigError::invalid(name, "is not a list")),
        }
    }

    /// Takes a member that is a whole number.
    #[cfg(feature = "sha1")]
    pub(super) fn number(&mut self, name: &'static str) -> Result<Option<u64>, ConfigError> {
        self.take(name).map_or(Ok(None), |value| value.number(name))
    }

    /// Rejects a member that nobody has taken.
    pub(super) fn finish(self) -> Result<(), ConfigError> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((name, _)) => Err(ConfigError::invalid(name, "is not a setting of this scheme")),
        }
    }

    fn take(&mut self, name: &str) -> Option<Setting> {
        let place = self.0.iter().position(|(member, _)| member == name)?;
        Some(self.0.remove(place).1)
    }
}
