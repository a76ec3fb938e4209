use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

use http::request::Parts;

use crate::layer::drain::Drain;
use crate::layer::rejection::Answer;
use crate::layer::rejection::Rejection;
use crate::layer::verify_layer::Gate;
use crate::verify::VerifyError;

/// The layer's own rejection, within reach of an extractor behind it: it cannot know the types,
/// but it can ask for a response of the body that it has to answer with.
#[derive(Clone)]
#[cfg_attr(not(feature = "axum"), allow(dead_code))] // Extractors read it.
pub(crate) struct Handle {
    gate: Arc<dyn Any + Send + Sync>,
    reject: &'static (dyn Any + Send + Sync),
}

type RejectFn<B> = fn(&(dyn Any + Send + Sync), &VerifyError, &Parts, Drain) -> Option<Answer<B>>;

/// Carries one function pointer a rejection and body, made while compiling: a handle costs the
/// request no allocation.
struct Erased<R, B>(PhantomData<fn(R) -> B>);

impl<R: Rejection<B> + 'static, B: 'static> Erased<R, B> {
    const REJECT: &'static (dyn Any + Send + Sync) = &(Self::reject as RejectFn<B>);

    fn reject(
        gate: &(dyn Any + Send + Sync),
        error: &VerifyError,
        head: &Parts,
        drain: Drain,
    ) -> Option<Answer<B>> {
        let gate = gate.downcast_ref::<Gate<R>>()?;
        Some(gate.answer(error.clone(), head, drain))
    }
}

impl Handle {
    pub(crate) fn new<R: Rejection<B> + 'static, B: 'static>(gate: Arc<Gate<R>>) -> Self {
        Self { gate, reject: Erased::<R, B>::REJECT }
    }

    /// The layer's answer to this error; `None` if its responses have another body.
    #[cfg(feature = "axum")]
    pub(crate) fn answer<B: 'static>(
        &self,
        error: &VerifyError,
        head: &Parts,
        drain: Drain,
    ) -> Option<Answer<B>> {
        let reject = self.reject.downcast_ref::<RejectFn<B>>()?;
        reject(&*self.gate, error, head, drain)
    }
}

/// What an optional layer leaves in an unsigned request, in the place of a `Verified`.
#[derive(Clone)]
#[cfg_attr(not(feature = "axum"), allow(dead_code))] // Extractors read it.
pub(crate) struct Unsigned(pub(crate) Handle);
