//! The settings that a layer shares with its services.

use std::sync::Arc;

use http::request::Parts;

use crate::layer::delay::Delay;
use crate::layer::drain::Drain;
use crate::layer::rejection::{Answer, Rejection};
use crate::verify::{Verifier, VerifyError};

/// The settings of a layer. Shared, because axum clones the service for each request: this costs
/// one reference count.
pub(crate) struct LayerConfig<R: ?Sized> {
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) rejection: Arc<R>,
    pub(super) delay: Delay,
    pub(super) drain_limit: usize,
}

impl<R: ?Sized> LayerConfig<R> {
    /// Answers a rejection.
    pub(crate) fn answer<B>(&self, error: VerifyError, head: &Parts, drain: Drain) -> Answer<B>
    where
        R: Rejection<B>,
    {
        let warnings = self.verifier.warnings();
        Answer::new(&*self.rejection, error, head, drain, self.delay, warnings)
    }
}

impl<R> LayerConfig<R> {
    /// Returns the same settings without the rejection's type.
    #[cfg(feature = "axum")]
    pub(crate) fn erased<B>(self) -> LayerConfig<dyn Rejection<B>>
    where
        R: Rejection<B> + 'static,
    {
        let Self { verifier, rejection, delay, drain_limit } = self;
        LayerConfig { verifier, rejection, delay, drain_limit }
    }
}

impl<R> Clone for LayerConfig<R> {
    fn clone(&self) -> Self {
        Self {
            verifier: self.verifier.clone(),
            rejection: self.rejection.clone(),
            delay: self.delay,
            drain_limit: self.drain_limit,
        }
    }
}
