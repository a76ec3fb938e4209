//! The settings that the layer shares with its services.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use http::request::Parts;

use crate::clock::Clock;
use crate::once::OnceStore;

pub(super) struct OnceConfig<R> {
    pub(super) store: Arc<dyn OnceStore>,
    pub(super) id: IdSource,
    pub(super) lease: Duration,
    pub(super) retention: Duration,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) repeat: Arc<R>,
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
        }
    }
}
