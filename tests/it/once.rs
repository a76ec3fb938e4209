//! Messages that are handled only once.

#[macro_use]
mod contract;
mod layer;
mod memory;

use contract::LEASE;
use futures_util::FutureExt as _;
use tower_hmac::KeyId;
use tower_hmac::once::{Acquired, Lease, OnceAnswer, OnceKey, OnceRequest, OnceStore};

const NOW: i64 = 1_700_000_000;

fn key(message_id: &str) -> OnceKey {
    OnceKey::new("standard-webhooks", None, message_id)
}

/// The answer of a store that answers immediately.
fn now<T>(answer: OnceAnswer<T>) -> T {
    answer.now_or_never().expect("an answer at once").unwrap()
}

fn acquire(store: &impl OnceStore, message_id: &str, at: i64) -> Acquired {
    now(store.acquire(&OnceRequest::new(key(message_id), None, LEASE, at)))
}

fn acquire_by(store: &impl OnceStore, caller: &str, message_id: &str) -> Acquired {
    let caller = KeyId::new(caller).unwrap();
    let key = OnceKey::new("standard-webhooks", Some(&caller), message_id);
    now(store.acquire(&OnceRequest::new(key, Some(&caller), LEASE, NOW)))
}

fn lease(acquired: Acquired) -> Lease {
    match acquired {
        Acquired::New(lease) => lease,
        other => panic!("no lease: {other:?}"),
    }
}
