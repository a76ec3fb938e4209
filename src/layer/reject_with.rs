//! The layer's own rejection, within reach of the extractors inside it.
//!
//! An extractor cannot know the layer's types, but it can ask for a response of the body that it has
//! to answer with.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

use http::request::Parts;

use crate::layer::config::LayerConfig;
use crate::layer::drain::Drain;
use crate::layer::rejection::{Answer, Rejection};
use crate::verify::{LayerSlot, VerifyError};

/// What an optional layer leaves in an unsigned request, in the place of a `Verified`.
#[derive(Clone)]
#[cfg_attr(not(feature = "axum"), allow(dead_code))] // Extractors read it.
pub(crate) struct Unsigned(pub(crate) LayerSlot);

/// What a layer with this rejection leaves for its extractors.
pub(crate) fn slot<R: Rejection<B> + 'static, B: 'static>(
    config: Arc<LayerConfig<R>>,
) -> LayerSlot {
    LayerSlot { config, reject: Erased::<R, B>::REJECT }
}

/// The layer's answer to this error; `None` if its responses have another body.
#[cfg(feature = "axum")]
pub(crate) fn reject_with<B: 'static>(
    slot: &LayerSlot,
    error: &VerifyError,
    head: &Parts,
    drain: Drain,
) -> Option<Answer<B>> {
    let reject = slot.reject.downcast_ref::<RejectFn<B>>()?;
    reject(&*slot.config, error, head, drain)
}

type RejectFn<B> = fn(&(dyn Any + Send + Sync), &VerifyError, &Parts, Drain) -> Option<Answer<B>>;

/// Carries one function pointer for each rejection and body, made while compiling: a slot costs the
/// request no allocation.
struct Erased<R, B>(PhantomData<fn(R) -> B>);

impl<R: Rejection<B> + 'static, B: 'static> Erased<R, B> {
    const REJECT: &'static (dyn Any + Send + Sync) = &(Self::reject as RejectFn<B>);

    fn reject(
        config: &(dyn Any + Send + Sync),
        error: &VerifyError,
        head: &Parts,
        drain: Drain,
    ) -> Option<Answer<B>> {
        let config = config.downcast_ref::<LayerConfig<R>>()?;
        Some(config.answer(error.clone(), head, drain))
    }
}
