//! Keys that are replaced every 10 ms, under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::RwLock;
use tokio::time::MissedTickBehavior;
use tokio_postgres::Client;
use tower_hmac::key::{CachedKeys, PolledKeys};
use tower_hmac::{ErrorKind, Verifier};

use super::server::Server;
use super::{Counted, insert, rejection, verifier};
use crate::store::MAX_KEYS;

const PAUSE: Duration = Duration::from_millis(10);
const TTL: Duration = Duration::from_millis(20);
const EVERY: Duration = Duration::from_millis(20);

/// A key in the table, with the time at which it was added or removed.
#[derive(Clone)]
struct Key {
    secret: String,
    at: Instant,
}

impl Key {
    /// Puts a new key into the table.
    async fn insert(client: &Client, number: usize) -> Self {
        let secret = format!("rotated-7d1f-{number}");
        insert(client, "aservice", &secret).await;
        Self { secret, at: Instant::now() }
    }

    /// Removes the key from the table.
    async fn delete(mut self, client: &Client) -> Self {
        let delete = "DELETE FROM hmac_keys WHERE secret = $1";
        assert_eq!(client.execute(delete, &[&self.secret.as_bytes()]).await.unwrap(), 1);
        self.at = Instant::now();
        self
    }

    /// Returns whether the change applies, according to the docs of both stores: the time to live
    /// is over, and a load that began later has ended.
    fn is_in_force(&self, polled: &PolledKeys) -> bool {
        let loaded = Instant::now().checked_sub(polled.age());
        self.at.elapsed() > TTL && loaded.is_some_and(|loaded| loaded > self.at)
    }
}

struct Load {
    polled: PolledKeys,
    verifiers: [Verifier; 2],
    /// The keys of legitimate clients. Requests in progress hold the lock.
    current: RwLock<Key>,
    withdrawn: RwLock<Option<Key>>,
    ended: AtomicBool,
    accepted: AtomicUsize,
    rejected: AtomicUsize,
}

impl Load {
    async fn honest(self: Arc<Self>) {
        while !self.ended.load(Ordering::Relaxed) {
            let key = self.current.read().await;
            for verifier in &self.verifiers {
                assert_eq!(rejection(verifier, "aservice", &key.secret).await, None);
                self.accepted.fetch_add(1, Ordering::Relaxed);
            }
            drop(key);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn late(self: Arc<Self>) {
        while !self.ended.load(Ordering::Relaxed) {
            let key = self.withdrawn.read().await.clone();
            for verifier in key.iter().flat_map(|_| &self.verifiers) {
                let key = key.as_ref().unwrap();
                let kind = rejection(verifier, "aservice", &key.secret).await;
                assert_eq!(kind, Some(ErrorKind::Mismatch), "a withdrawn key is accepted");
                self.rejected.fetch_add(1, Ordering::Relaxed);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_rotation_every_10_ms_rejects_no_honest_request_and_accepts_no_withdrawn_key() {
    let seconds = std::env::var("ROTATION_SECONDS").map_or(3, |text| text.parse().unwrap());
    let Some(mut server) = Server::new() else { return };
    let client = server.run().await;
    let first = Key::insert(&client, 0).await;
    let database = Counted::new(&server);
    let source = database.0.clone();
    let polled = PolledKeys::new(EVERY, move || {
        let source = source.clone();
        async move { source.load().await }
    });
    let polled = polled.await.unwrap();
    let cached = CachedKeys::new(database).with_ttl(TTL).with_timeout(Duration::from_secs(10));
    let load = Arc::new(Load {
        verifiers: [verifier(cached), verifier(polled.clone())],
        polled,
        current: RwLock::new(first),
        withdrawn: RwLock::new(None),
        ended: AtomicBool::new(false),
        accepted: AtomicUsize::new(0),
        rejected: AtomicUsize::new(0),
    });
    let mut tasks = vec![tokio::spawn(load.clone().late())];
    tasks.extend((0..4).map(|_| tokio::spawn(load.clone().honest())));

    let mut pause = tokio::time::interval(PAUSE);
    pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut waiting = Vec::new();
    let mut leaving = Vec::new();
    let (mut rotations, mut slowest) = (0, Duration::ZERO);
    while Instant::now() < end {
        pause.tick().await;
        // The current key is in the table, too.
        if waiting.len() + 1 < usize::try_from(MAX_KEYS).unwrap() {
            rotations += 1;
            waiting.push(Key::insert(&client, rotations).await);
        }
        // Clients sign with the newest valid key, and never with older ones.
        while waiting.first().is_some_and(|key| key.is_in_force(&load.polled)) {
            slowest = slowest.max(waiting[0].at.elapsed());
            let old = std::mem::replace(&mut *load.current.write().await, waiting.remove(0));
            leaving.push(old.delete(&client).await);
        }
        while leaving.first().is_some_and(|key| key.is_in_force(&load.polled)) {
            *load.withdrawn.write().await = Some(leaving.remove(0));
        }
        assert!(tasks.iter().all(|task| !task.is_finished()), "a request ended wrongly");
    }
    load.ended.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    let [accepted, rejected] =
        [&load.accepted, &load.rejected].map(|it| it.load(Ordering::Relaxed));
    println!(
        "{rotations} rotations in {seconds} s: {accepted} requests accepted, {rejected} with \
         withdrawn keys rejected; the slowest change was in force after {slowest:?}"
    );
    // Other programs may need the processors.
    assert!(rotations > 50 && accepted > 500 && rejected > 50);
}
