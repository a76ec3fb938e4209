//! The settings that the layer shares with its services, and how they identify a message.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderName, StatusCode};

use crate::clock::Clock;
use crate::once::events::Events;
use crate::once::hold::Hold;
use crate::once::{OnceKey, OnceRequest, OnceStore};
use crate::verify::Verified;

pub(super) struct OnceConfig<R> {
    pub(super) store: Arc<dyn OnceStore>,
    pub(super) id: IdSource,
    pub(super) lease: Duration,
    pub(super) retention: Duration,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) repeat: Arc<R>,
    /// Shared by all clones of a layer.
    pub(super) events: Arc<Events>,
}

/// Where the ID of a message is read from.
#[derive(Clone)]
pub(super) enum IdSource {
    Claim,
    Body(Arc<IdFn>),
    UnsignedHeader(HeaderName),
}

pub(super) type IdFn = dyn Fn(&Parts, &[u8]) -> Option<String> + Send + Sync;

impl<R> Clone for OnceConfig<R> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            id: self.id.clone(),
            lease: self.lease,
            retention: self.retention,
            clock: self.clock.clone(),
            repeat: self.repeat.clone(),
            events: self.events.clone(),
        }
    }
}

impl<R> OnceConfig<R> {
    /// Returns whether the ID of this request is in its body. An unverified body is not read.
    pub(super) fn reads_body_of(&self, head: &Parts) -> bool {
        matches!(self.id, IdSource::Body(_)) && head.extensions.get::<Verified>().is_some()
    }

    /// Asks the store about the message. `None` if it has no ID, and a disarmed layer let it
    /// through.
    ///
    /// # Errors
    ///
    /// Returns the status of the response if the message cannot be identified.
    pub(super) fn identify(&self, head: &Parts, body: &[u8]) -> Result<Option<Hold>, StatusCode> {
        let Some(verified) = head.extensions.get::<Verified>() else {
            #[cfg(feature = "tracing")]
            tracing::error!(
                path = %crate::shown::Shown(head.uri.path()),
                "OnceLayer is not inside a VerifyLayer, so it rejects every request"
            );
            return Err(StatusCode::INTERNAL_SERVER_ERROR);
        };
        let Some(id) = self.id.read(verified, head, body).filter(|id| !id.is_empty()) else {
            if verified.is_disarmed() {
                return Ok(None);
            }
            self.events.no_id();
            return Err(StatusCode::BAD_REQUEST);
        };
        let key = OnceKey::new(verified.scheme(), verified.key_id(), &id);
        let now = self.clock.unix_now();
        let request = OnceRequest::new(key, verified.key_id(), self.lease, now);
        Ok(Some(Hold::acquire(self.store.clone(), &request)))
    }
}

impl IdSource {
    fn read<'r>(
        &self,
        verified: &'r Verified,
        head: &'r Parts,
        body: &[u8],
    ) -> Option<Cow<'r, str>> {
        match self {
            Self::Claim => verified.message_id().map(Cow::Borrowed),
            Self::Body(id) => id(head, body).map(Cow::Owned),
            Self::UnsignedHeader(name) => {
                let mut values = head.headers.get_all(name).iter();
                let value = values.next().filter(|_| values.next().is_none());
                value.and_then(|value| value.to_str().ok()).map(Cow::Borrowed)
            }
        }
    }
}
