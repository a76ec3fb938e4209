use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{Shared, WeakShared};

use crate::key::rooms::{CacheKey, Found};

type Question = Pin<Box<dyn Future<Output = Found> + Send>>;

/// Questions to a store that are under way, one a key. All who wait drive the question, so that it
/// goes on when the first of them goes away, and ends when the last one does.
#[derive(Clone, Default)]
pub(super) struct Flights(Arc<Mutex<HashMap<CacheKey, WeakShared<Question>>>>);

impl Flights {
    /// Joins the question for this key that is under way, or else starts this one.
    pub(super) fn join(
        &self,
        key: CacheKey,
        question: impl Future<Output = Found> + Send + 'static,
    ) -> Shared<Question> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&key).and_then(WeakShared::upgrade) {
            return flight;
        }
        let landing = Landing { flights: self.clone(), key };
        let question: Question = Box::pin(async move {
            let _landing = landing;
            question.await
        });
        let flight = question.shared();
        if let Some(weak) = flight.downgrade() {
            flights.insert(key, weak);
        }
        flight
    }
}

/// Takes a question off the list when it is over, answered or not.
struct Landing {
    flights: Flights,
    key: CacheKey,
}

impl Drop for Landing {
    /// Another question for the key may have started meanwhile; then the store is asked once more
    /// than it need be.
    fn drop(&mut self) {
        self.flights.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}
