//! Lookups in progress to a slow key store: one for each cache key.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use futures_util::FutureExt as _;
use futures_util::future::{Shared, WeakShared};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::key::Lookup;
use crate::key::rooms::{CacheKey, Failure, Found, Rooms, Settings, after};

/// The capacity that an empty list keeps.
const KEPT: usize = 64;

type Question = Pin<Box<dyn Future<Output = Found> + Send>>;

/// The cached answers of a store, and its lookups in progress.
///
/// Every waiting request drives its lookup. The lookup continues if the first client disconnects,
/// and is dropped when the last one does. Answers are written only while the list of lookups is
/// locked. So an answer that has just arrived is not asked for again, and never replaces a newer
/// one.
pub(super) struct Flights {
    rooms: Rooms,
    settings: Settings,
    under_way: Mutex<UnderWay>,
}

#[derive(Default)]
struct UnderWay {
    flights: HashMap<CacheKey, Flight>,
    /// The number of the latest lookup.
    last: u64,
}

struct Flight {
    number: u64,
    asked: Instant,
    question: WeakShared<Question>,
}

/// The store's answer, ready or pending.
pub(super) enum Joined {
    Known(Found),
    Waiting(Waiting),
}

/// A request waiting for the answer.
pub(super) struct Waiting {
    flights: Arc<Flights>,
    key: CacheKey,
    question: Shared<Question>,
    deadline: Instant,
}

impl Flights {
    pub(super) fn new(settings: Settings) -> Self {
        Self { rooms: Rooms::new(settings), settings, under_way: Mutex::default() }
    }

    /// Returns the cached answer, joins a lookup in progress, or asks the store.
    pub(super) fn join(self: &Arc<Self>, key: CacheKey, ask: impl FnOnce() -> Lookup) -> Joined {
        if let Some(found) = self.rooms.get(&key) {
            return Joined::Known(found);
        }
        let (waiting, asked) = {
            let mut under_way = self.lock();
            // The answer may have arrived in the meantime.
            if let Some(found) = self.rooms.get(&key) {
                return Joined::Known(found);
            }
            let now = Instant::now();
            if let Some(waiting) = self.board(&under_way, key, now) {
                return Joined::Waiting(waiting);
            }
            self.start(&mut under_way, key, now)
        };
        // The list is unlocked: the store may block here, or ask this cache for another key ID. If
        // it panics, dropping `asked` notifies every waiting request.
        if let Ok(lookup) = catch_unwind(AssertUnwindSafe(ask)) {
            // Sending never fails: this request holds the receiver.
            let _ = asked.send(Caught(Some(lookup)));
        }
        Joined::Waiting(waiting)
    }

    /// Joins the lookup in progress, unless it is past its deadline or older than the time to live.
    fn board(
        self: &Arc<Self>,
        under_way: &UnderWay,
        key: CacheKey,
        now: Instant,
    ) -> Option<Waiting> {
        let flight = under_way.flights.get(&key)?;
        let deadline = after(flight.asked, self.settings.timeout);
        if deadline <= now || after(flight.asked, self.settings.ttl) < now {
            return None;
        }
        // These must outlive the lock: dropping the last one drops its `Landing`, which locks the
        // list.
        let question = flight.question.upgrade()?;
        Some(Waiting { flights: self.clone(), key, question, deadline })
    }

    /// Adds a new lookup to the list, replacing an older one. The caller sends it.
    fn start(
        self: &Arc<Self>,
        under_way: &mut UnderWay,
        key: CacheKey,
        now: Instant,
    ) -> (Waiting, oneshot::Sender<Caught>) {
        under_way.last = under_way.last.wrapping_add(1);
        let landing = Landing { flights: self.clone(), key, number: under_way.last, asked: now };
        let (sender, lookup) = oneshot::channel();
        let question: Question = Box::pin(async move {
            let found = match lookup.await {
                Ok(lookup) => lookup.await,
                Err(_) => Err(Failure::Panicked),
            };
            landing.land(&found);
            found
        });
        let question = question.shared();
        if let Some(weak) = question.downgrade() {
            let flight = Flight { number: under_way.last, asked: now, question: weak };
            under_way.flights.insert(key, flight);
        }
        let deadline = after(now, self.settings.timeout);
        (Waiting { flights: self.clone(), key, question, deadline }, sender)
    }

    fn lock(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Waits for the answer. On a failure or a timeout, uses stale keys if there are any.
    pub(super) async fn wait(self) -> Found {
        let Self { flights, key, question, deadline } = self;
        // The only timeout: a second one for the same question would race with it.
        let answer = timeout_at(deadline, question).await;
        let failure = match answer.unwrap_or(Err(Failure::Timeout)) {
            Ok(found) => return Ok(found),
            Err(failure) => failure,
        };
        let stand_in = {
            let _writing = flights.lock();
            flights.rooms.stand_in(key)
        };
        let Some((keys, is_first)) = stand_in else { return Err(failure) };
        if is_first {
            failure.warn();
        }
        Ok(Some(keys))
    }
}

/// Removes a lookup from the list when it ends, with or without an answer.
struct Landing {
    flights: Arc<Flights>,
    key: CacheKey,
    number: u64,
    asked: Instant,
}

impl Landing {
    fn land(self, found: &Found) {
        let mut under_way = self.flights.lock();
        if self.take_off(&mut under_way)
            && let Ok(found) = found
        {
            self.flights.rooms.keep(self.key, found.clone(), self.asked);
        }
    }

    /// Returns whether the lookup was still on the list, not replaced by a newer one.
    fn take_off(&self, under_way: &mut UnderWay) -> bool {
        let flights = &mut under_way.flights;
        let number = flights.get(&self.key).map(|flight| flight.number);
        let is_current = number == Some(self.number) && flights.remove(&self.key).is_some();
        if flights.is_empty() {
            // Release the memory of a burst of key IDs.
            flights.shrink_to(KEPT);
        }
        is_current
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.take_off(&mut self.flights.lock());
    }
}

/// A lookup whose panics become failures, even those of its destructor.
struct Caught(Option<Lookup>);

impl Future for Caught {
    type Output = Found;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Found> {
        let Some(lookup) = &mut self.0 else { return Poll::Ready(Err(Failure::Panicked)) };
        let polled = catch_unwind(AssertUnwindSafe(|| lookup.poll_unpin(cx)));
        let Ok(answer) = polled else { return Poll::Ready(Err(Failure::Panicked)) };
        Poll::Ready(ready!(answer).map_err(|error| Failure::Store(error.into())))
    }
}

impl Drop for Caught {
    fn drop(&mut self) {
        let _ = catch_unwind(AssertUnwindSafe(|| drop(self.0.take())));
    }
}
