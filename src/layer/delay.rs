//! Delayed rejections, on tokio's clock. Not available without feature `tokio`.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::verify::VerifyError;

/// Boxed, so that accepted requests do not carry the size of a timer.
#[cfg(feature = "tokio")]
type Sleep = Pin<Box<tokio::time::Sleep>>;
#[cfg(not(feature = "tokio"))]
type Sleep = std::future::Ready<()>;

#[cfg(feature = "tokio")]
fn sleep(delay: Duration) -> Sleep {
    Box::pin(tokio::time::sleep(delay))
}
#[cfg(not(feature = "tokio"))]
fn sleep(_: Duration) -> Sleep {
    std::future::ready(())
}

/// The delay of a rejection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Delay {
    pub(super) rejections: Option<Duration>,
}

impl Delay {
    /// Returns the wait before this error's response. A body that cannot be read and a failed store
    /// are answered at once.
    pub(super) fn before(self, error: &VerifyError) -> Wait {
        Wait { left: self.rejections.filter(|_| error.is_caller_rejected()), sleep: None }
    }
}

/// The wait before one response. Its timer starts with the first poll, on the runtime.
pub(super) struct Wait {
    left: Option<Duration>,
    sleep: Option<Sleep>,
}

impl Wait {
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(delay) = self.left {
            ready!(Pin::new(self.sleep.get_or_insert_with(|| sleep(delay))).poll(cx));
            self.left = None;
        }
        Poll::Ready(())
    }
}
