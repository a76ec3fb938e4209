//! The hold of one request on its message: a lease that is acquired, held and released.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::error::BoxError;
use crate::once::events::Events;
use crate::once::{Acquired, Lease, OnceAnswer, OnceRequest, OnceStore};

/// The state of a request and its message. Dropping it releases the lease, and finishes a call to
/// the store that has begun.
pub(super) struct Hold {
    store: Arc<dyn OnceStore>,
    stage: Stage,
}

enum Stage {
    Acquiring(OnceAnswer<Acquired>),
    Running(Lease),
    Finishing(OnceAnswer<bool>),
    Over,
}

/// Why a message is not handled now.
#[derive(Clone, Copy)]
pub(super) enum Denied {
    Done,
    Unavailable { retry_after: Duration },
}

impl Hold {
    pub(super) fn acquire(store: Arc<dyn OnceStore>, request: &OnceRequest<'_>) -> Self {
        let answer = store.acquire(request);
        Self { store, stage: Stage::Acquiring(answer) }
    }

    pub(super) fn poll_acquired(
        &mut self,
        cx: &mut Context<'_>,
        events: &Events,
    ) -> Poll<Result<(), Denied>> {
        let Stage::Acquiring(answer) = &mut self.stage else { return Poll::Ready(Ok(())) };
        let acquired = ready!(Pin::new(answer).poll(cx));
        self.stage = Stage::Over;
        events.acquired(&acquired);
        let retry_after = match acquired {
            Ok(Acquired::New(lease)) => {
                self.stage = Stage::Running(lease);
                return Poll::Ready(Ok(()));
            }
            Ok(Acquired::Done) => return Poll::Ready(Err(Denied::Done)),
            Ok(Acquired::Running { retry_after }) => retry_after,
            Ok(Acquired::Full) | Err(_) => Duration::ZERO,
        };
        Poll::Ready(Err(Denied::Unavailable { retry_after }))
    }

    /// Completes the message up to and including the second `keep_until`.
    pub(super) fn complete(&mut self, keep_until: i64, now: i64) {
        self.finish(|store, lease| store.complete(lease, keep_until, now));
    }

    pub(super) fn release(&mut self) {
        self.finish(|store, lease| store.release(lease));
    }

    fn finish(&mut self, ask: impl FnOnce(&dyn OnceStore, &Lease) -> OnceAnswer<bool>) {
        if let Stage::Running(lease) = &self.stage {
            self.stage = Stage::Finishing(ask(&*self.store, lease));
        }
    }

    /// The handler has run, so its response is sent even if the store fails.
    pub(super) fn poll_finished(&mut self, cx: &mut Context<'_>, events: &Events) -> Poll<()> {
        if let Stage::Finishing(answer) = &mut self.stage {
            events.finished(&ready!(Pin::new(answer).poll(cx)));
        }
        self.stage = Stage::Over;
        Poll::Ready(())
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let answer = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Acquiring(answer) => released(self.store.clone(), answer),
            Stage::Running(lease) => self.store.release(&lease),
            Stage::Finishing(answer) => answer,
            Stage::Over => return,
        };
        self.store.finish(answer);
    }
}

/// Waits for a lease, and releases it: the store may already have granted it.
fn released(store: Arc<dyn OnceStore>, acquiring: OnceAnswer<Acquired>) -> OnceAnswer<bool> {
    OnceAnswer::later(async move {
        let acquired: Result<Acquired, BoxError> = acquiring.await;
        match acquired? {
            Acquired::New(lease) => store.release(&lease).await,
            _ => Ok(true),
        }
    })
}
