//! The key IDs that a verifier accepts.

use std::sync::{Arc, OnceLock};

use crate::error::ConfigError;
use crate::key::KeyId;

/// A list of key IDs. Clones share whether the warnings were logged.
#[derive(Clone)]
pub(super) struct KeyIdList {
    key_ids: Arc<[KeyId]>,
    #[cfg_attr(not(feature = "tracing"), allow(dead_code))]
    told: Arc<OnceLock<()>>,
}

impl KeyIdList {
    pub(super) fn new<I>(key_ids: impl IntoIterator<Item = I>) -> Result<Self, ConfigError>
    where
        I: TryInto<KeyId, Error: Into<ConfigError>>,
    {
        let key_ids = key_ids
            .into_iter()
            .map(|key_id| key_id.try_into().map_err(|error| error.into().named("only")))
            .collect::<Result<Arc<[_]>, _>>()?;
        Ok(Self { key_ids, told: Arc::default() })
    }

    /// Keeps the key IDs that are on both lists. Lists without a common key ID are rejected as a
    /// mistake. An empty list is accepted as intended.
    pub(super) fn narrowed_by(self, other: &Self) -> Result<Self, ConfigError> {
        let both: Arc<[_]> =
            self.key_ids.iter().filter(|key_id| other.contains(key_id)).cloned().collect();
        if both.is_empty() && !self.key_ids.is_empty() && !other.key_ids.is_empty() {
            return Err(ConfigError::invalid(
                "only",
                "no key ID is on every list, so every caller would be rejected",
            ));
        }
        Ok(Self { key_ids: both, told: Arc::default() })
    }

    #[inline]
    pub(super) fn contains(&self, key_id: &KeyId) -> bool {
        self.key_ids.contains(key_id)
    }

    pub(super) fn key_ids(&self) -> &[KeyId] {
        &self.key_ids
    }

    /// Warns once about a list that accepts nobody, and about unknown key IDs.
    #[cfg(feature = "tracing")]
    pub(super) fn warn_once(&self, is_unknown: impl Fn(&KeyId) -> bool) {
        self.told.get_or_init(|| {
            if self.key_ids.is_empty() {
                tracing::warn!("the list of `only` is empty: every caller is rejected");
            }
            let unknown: Vec<_> = self.key_ids.iter().filter(|key_id| is_unknown(key_id)).collect();
            if !unknown.is_empty() {
                tracing::warn!(key_ids = ?unknown, "`only` names key IDs that no key store has");
            }
        });
    }

    /// Makes a changed verifier warn again.
    pub(super) fn untold(self) -> Self {
        Self { told: Arc::default(), ..self }
    }
}
