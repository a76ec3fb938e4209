//! Refusals that are held back, on tokio's clock. Without feature `tokio` none is.

#![cfg_attr(not(feature = "tokio"), allow(clippy::unused_self))]

#[cfg(feature = "tokio")]
use std::{future::Future as _, pin::Pin, task::ready, time::Duration};

use std::task::{Context, Poll};

/// How long a refusal is held back.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Delay {
    #[cfg(feature = "tokio")]
    pub(super) refusals: Option<Duration>,
}

/// The wait before one answer. The timer starts with the first poll, on the runtime; a box, so
/// that requests which are let through do not carry its room.
#[derive(Default)]
pub(super) struct Wait {
    #[cfg(feature = "tokio")]
    before: Option<Duration>,
    #[cfg(feature = "tokio")]
    sleep: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Delay {
    /// The wait before this error's answer: a body that cannot be read, or a store that failed,
    /// is said at once.
    pub(super) fn before(self, error: &crate::VerifyError) -> Wait {
        #[cfg(feature = "tokio")]
        return Wait { before: self.refusals.filter(|_| error.is_refusal()), sleep: None };
        #[cfg(not(feature = "tokio"))]
        {
            let _ = error;
            Wait::default()
        }
    }
}

impl Wait {
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        #[cfg(feature = "tokio")]
        if let Some(before) = self.before {
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(before)));
            ready!(sleep.as_mut().poll(cx));
            self.before = None;
        }
        let _ = cx;
        Poll::Ready(())
    }
}
