//! Lets extractors use the surrounding layer's rejection.
//!
//! An extractor cannot know the layer's types, but it can ask for a response with the body type
//! that it must return.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

use http::request::Parts;

use crate::layer::config::LayerConfig;
use crate::layer::drain::Drain;
use crate::layer::rejection::{Answer, Rejection};
use crate::verify::{LayerSlot, VerifyError};

/// Replaces `Verified` in an unsigned request behind an optional layer.
#[derive(Clone)]
#[cfg_attr(not(feature = "axum"), allow(dead_code))] // Extractors read it.
pub(crate) struct Unsigned(pub(crate) LayerSlot);

/// Returns the slot that a layer with this rejection leaves for its extractors.
pub(crate) fn slot<R: Rejection<B> + 'static, B: 'static>(
    config: Arc<LayerConfig<R>>,
) -> LayerSlot {
    LayerSlot { config, reject: Erased::<R, B>::REJECT }
}

/// Returns the layer's response to this error, or `None` if its responses have another body type.
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

/// Carries one function pointer for each rejection and body, made at compile time. So a slot needs
/// no allocation for each request.
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
