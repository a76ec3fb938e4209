//! The warnings and metrics of a layer.

use std::error::Error;

use crate::error::BoxError;
use crate::once::Acquired;

/// Counts an outcome. A macro, because a literal label needs no allocation.
macro_rules! count {
    ($outcome:literal) => {{
        #[cfg(feature = "metrics")]
        metrics::counter!("tower_hmac_once_total", "outcome" => $outcome).increment(1);
    }};
}

/// Reports a layer's events. Warnings are logged at most once a second per cause.
#[derive(Default)]
pub(super) struct Events {
    #[cfg(feature = "tracing")]
    warnings: crate::seldom::Seldom,
}

impl Events {
    /// Reports the store's answer to a new message.
    // Without metrics, some of the arms do nothing.
    #[cfg_attr(not(feature = "metrics"), allow(clippy::match_same_arms))]
    pub(super) fn acquired(&self, acquired: &Result<Acquired, BoxError>) {
        match acquired {
            Ok(Acquired::New(_)) => count!("new"),
            Ok(Acquired::Running { .. }) => count!("running"),
            Ok(Acquired::Done) => count!("done"),
            Ok(Acquired::Full) => {
                count!("full");
                self.warn(None, "the store of handled messages is full");
            }
            Err(error) => {
                count!("store_unavailable");
                self.warn(Some(&**error), "the store of handled messages failed");
            }
        }
    }

    /// Reports the store's answer after the handler has run.
    pub(super) fn finished(&self, is_owner: &Result<bool, BoxError>) {
        match is_owner {
            Ok(true) => {}
            Ok(false) => {
                count!("taken_over");
                self.warn(None, "a message took longer than its lease, and is being handled again");
            }
            Err(error) => {
                count!("not_completed");
                self.warn(
                    Some(&**error),
                    "a message was handled, but the store could not record it",
                );
            }
        }
    }

    /// Reports a message without an ID.
    pub(super) fn no_id(&self) {
        count!("no_id");
        self.warn(None, "a message has no ID, so it cannot be handled only once");
    }

    fn warn(&self, source: Option<&(dyn Error + Send + Sync + 'static)>, message: &str) {
        #[cfg(feature = "tracing")]
        {
            let cause = source.map_or_else(|| message.to_owned(), ToString::to_string);
            if let Some(left_out) = self.warnings.tell(&cause) {
                let source = source.map(|it| it as &dyn Error);
                tracing::warn!(source, left_out, "{message}");
            }
        }
        let _ = (self, source, message);
    }
}
