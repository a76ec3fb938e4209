//! Warnings that are logged at most once a second per cause, however many requests fail.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The shortest time between two warnings of one cause.
const PAUSE: Duration = Duration::from_secs(1);
/// The maximum number of causes that are distinguished at a time. The messages come from the
/// application's stores.
const MOST: usize = 32;

/// The warnings of one place in the code.
#[derive(Default)]
pub(crate) struct Seldom(Mutex<Vec<Cause>>);

struct Cause {
    text: String,
    told: Instant,
    left_out: u64,
}

impl Seldom {
    /// Returns how many warnings of this cause were omitted since the last one, or `None` to omit
    /// this one, too. Counts nothing without a subscriber.
    pub(crate) fn tell(&self, text: &str) -> Option<u64> {
        if !tracing::enabled!(tracing::Level::WARN) {
            return None;
        }
        let now = Instant::now();
        // No code that holds the lock can panic. Even if it did, the list would still be valid.
        let mut causes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let has_paused = |cause: &Cause| now.saturating_duration_since(cause.told) >= PAUSE;
        if let Some(cause) = causes.iter_mut().find(|cause| cause.text == text) {
            if !has_paused(cause) {
                cause.left_out = cause.left_out.saturating_add(1);
                return None;
            }
            cause.told = now;
            return Some(std::mem::take(&mut cause.left_out));
        }
        if causes.len() >= MOST {
            causes.retain(|cause| !has_paused(cause));
        }
        if causes.len() >= MOST {
            return None;
        }
        causes.push(Cause { text: text.to_owned(), told: now, left_out: 0 });
        Some(0)
    }
}
