//! Polled keys: when a change applies, and what happens to requests while the source fails, hangs,
//! panics or is empty.

use std::panic::resume_unwind;
use std::sync::Weak;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tower_hmac::key::PolledKeys;

use super::*;
use crate::capture::Capture;

const EVERY: Duration = Duration::from_secs(60);
/// The time of one load.
const LOAD: Duration = Duration::from_millis(100);
/// The time after which every change applies.
const APPLIED: Duration = Duration::from_millis(60_101);
const TIMEOUT: Duration = Duration::from_secs(30);
const OLD_KEY: &str = "brisk-lantern-vale";
const NEW_KEY: &str = "mellow-anchor-fjord";

#[derive(Clone, Copy)]
enum State {
    Key(&'static str),
    Empty,
    Error,
    Hangs,
    Panics,
}

/// The source of the keys.
struct Source {
    state: Mutex<State>,
    loads: AtomicUsize,
}

impl Source {
    fn new(state: State) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(state), loads: AtomicUsize::new(0) })
    }

    fn set(&self, state: State) {
        *self.state.lock().unwrap() = state;
    }

    fn take_loads(&self) -> usize {
        self.loads.swap(0, Ordering::SeqCst)
    }

    async fn load(self: Arc<Self>) -> Result<KeyMap, BoxError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let state = *self.state.lock().unwrap();
        tokio::time::sleep(LOAD).await;
        match state {
            State::Key(key) => Ok(KeyMap::named([("aservice", key)])?),
            State::Empty => Ok(KeyMap::default()),
            State::Error => Err("the table is gone".into()),
            State::Hangs => std::future::pending().await,
            // Panic without the panic hook, which would print the key.
            State::Panics => resume_unwind(Box::new(format!("a bug beside the key {OLD_KEY}"))),
        }
    }

    async fn polled(self: &Arc<Self>) -> Result<PolledKeys, BoxError> {
        let source = self.clone();
        PolledKeys::new(EVERY, move || source.clone().load()).await
    }
}

/// Verifies requests that are signed with a key.
struct Service {
    verifier: Verifier,
    clock: ManualClock,
}

impl Service {
    fn new(keys: PolledKeys) -> Self {
        let clock = ManualClock::new(NOW);
        let verifier = Verifier::new(Stamped::new(), keys).unwrap().with_clock(clock.clone());
        Self { verifier, clock }
    }

    async fn ask(&self, key: &str) -> Option<ErrorKind> {
        let head = head(&signer("aservice", key, &self.clock), b"");
        kind(&self.verifier.verify(&head, b"").await)
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_source_is_an_error_at_the_start() {
    for (state, expected) in [
        (State::Error, "the table is gone"),
        (State::Empty, "polled keys: there is no key"),
        (State::Panics, "the source of the keys panicked"),
        (State::Hangs, "the source of the keys did not answer within 30 s"),
    ] {
        let start = Instant::now();
        let error = Source::new(state).polled().await.unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(start.elapsed() <= TIMEOUT + Duration::from_millis(1));
    }
    let error = PolledKeys::new(Duration::ZERO, || async { KeyMap::single(OLD_KEY) }).await;
    assert!(error.unwrap_err().to_string().contains("every"));
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_accepted_and_the_old_one_rejected_after_the_next_load() {
    let source = Source::new(State::Key(OLD_KEY));
    let service = Service::new(source.polled().await.unwrap());
    assert_eq!(service.ask(OLD_KEY).await, None);
    source.set(State::Key(NEW_KEY));
    assert_eq!(service.ask(OLD_KEY).await, None, "not loaded yet");
    tokio::time::sleep(APPLIED).await;
    assert_eq!(service.ask(NEW_KEY).await, None);
    assert_eq!(service.ask(OLD_KEY).await, Some(ErrorKind::Mismatch));
}

#[tokio::test(start_paused = true)]
async fn requests_never_ask_the_source() {
    let source = Source::new(State::Key(OLD_KEY));
    let service = Service::new(source.polled().await.unwrap());
    for _ in 0..100 {
        assert_eq!(service.ask(OLD_KEY).await, None);
    }
    assert_eq!(source.take_loads(), 1);
}

#[tokio::test(start_paused = true)]
async fn loads_are_spread_over_the_last_tenth_of_the_interval() {
    let source = Source::new(State::Key(OLD_KEY));
    let mut fleet = Vec::new();
    for _ in 0..32 {
        fleet.push(source.polled().await.unwrap());
    }
    // Each load began after the previous one had ended.
    let begun = fleet.iter().map(PolledKeys::age).max().unwrap();
    source.take_loads();
    tokio::time::sleep(EVERY * 9 / 10 - begun - Duration::from_millis(1)).await;
    assert_eq!(source.take_loads(), 0, "sooner than nine tenths");
    let mut moments = 0;
    for _ in 0..120 {
        tokio::time::sleep(LOAD).await;
        moments += usize::from(source.take_loads() > 0);
    }
    assert!(moments > 8, "{moments}");
    assert!(fleet.iter().all(|keys| keys.age() < EVERY), "one was not loaded again");
}

#[tokio::test(start_paused = true)]
async fn old_keys_are_used_while_the_source_fails_and_the_new_ones_once_it_is_back() {
    for trouble in [State::Error, State::Empty, State::Hangs, State::Panics] {
        let source = Source::new(State::Key(OLD_KEY));
        let service = Service::new(source.polled().await.unwrap());
        source.set(trouble);
        source.take_loads();
        tokio::time::sleep(EVERY * 10).await;
        assert!(source.take_loads() >= 10);
        assert_eq!(service.ask(OLD_KEY).await, None);
        source.set(State::Key(NEW_KEY));
        tokio::time::sleep(APPLIED + TIMEOUT).await;
        assert_eq!(service.ask(OLD_KEY).await, Some(ErrorKind::Mismatch));
        assert_eq!(service.ask(NEW_KEY).await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn keys_older_than_the_maximum_age_give_503() {
    const MAX_AGE: Duration = Duration::from_secs(300);
    for trouble in [State::Error, State::Empty, State::Hangs, State::Panics] {
        let source = Source::new(State::Key(OLD_KEY));
        let asked = Instant::now();
        let service = Service::new(source.polled().await.unwrap().with_max_age(MAX_AGE));
        source.set(trouble);
        tokio::time::sleep_until(asked + MAX_AGE).await;
        assert_eq!(service.ask(OLD_KEY).await, None, "at the last moment");
        tokio::time::advance(Duration::from_millis(1)).await;
        // The response does not depend on the key: nothing is known about it.
        for key in [OLD_KEY, NEW_KEY] {
            let head = head(&signer("aservice", key, &service.clock), b"");
            let error = service.verifier.verify(&head, b"").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::StoreUnavailable);
            assert_eq!(error.status(), StatusCode::SERVICE_UNAVAILABLE);
        }
        source.set(State::Key(NEW_KEY));
        tokio::time::sleep(APPLIED + TIMEOUT).await;
        assert_eq!(service.ask(NEW_KEY).await, None);
        assert_eq!(service.ask(OLD_KEY).await, Some(ErrorKind::Mismatch));
    }
}

#[test]
fn each_failure_is_logged_without_a_key() {
    let (capture, ()) = Capture::during(|| {
        paused().block_on(async {
            let source = Source::new(State::Key(OLD_KEY));
            let keys = source.polled().await.unwrap();
            for trouble in [State::Error, State::Empty, State::Hangs, State::Panics] {
                source.set(trouble);
                tokio::time::sleep(APPLIED).await;
            }
            tracing::info!(?keys);
        });
    });
    let events = capture.events();
    let sources: Vec<_> = events
        .iter()
        .filter(|event| event.level == tracing::Level::WARN)
        .map(|event| {
            assert!(event.field("age_seconds").unwrap().parse::<u64>().unwrap() >= 50);
            event.field("source").unwrap().to_owned()
        })
        .collect();
    for expected in ["the table is gone", "there is no key", "within 30 s", "panicked"] {
        assert!(sources.iter().any(|source| source.contains(expected)), "{sources:?}");
    }
    assert!(!capture.text().contains(OLD_KEY));
}

#[test]
fn the_age_of_the_keys_is_a_metric() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let age = || {
        snapshotter.snapshot().into_vec().into_iter().find_map(|(key, _, _, value)| match value {
            DebugValue::Gauge(age) if key.key().name() == "tower_hmac_polled_keys_age_seconds" => {
                Some(age.into_inner())
            }
            _ => None,
        })
    };
    metrics::with_local_recorder(&recorder, || {
        paused().block_on(async {
            let source = Source::new(State::Key(OLD_KEY));
            let _keys = source.polled().await.unwrap();
            tokio::time::sleep(APPLIED).await;
            let fresh = age().unwrap();
            assert!(fresh <= 0.2, "the load itself takes 0.1 s: {fresh}");
            source.set(State::Error);
            tokio::time::sleep(EVERY * 4).await;
            let old = age().unwrap();
            assert!((160.0..245.0).contains(&old), "{old}");
        });
    });
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_clone_stops_the_polling() {
    let source = Source::new(State::Key(OLD_KEY));
    let keys = source.polled().await.unwrap();
    let clone = keys.clone();
    drop(keys);
    source.take_loads();
    tokio::time::sleep(APPLIED).await;
    assert_eq!(source.take_loads(), 1);
    drop(clone);
    let weak: Weak<Source> = Arc::downgrade(&source);
    drop(source);
    tokio::time::sleep(EVERY * 2).await;
    assert!(weak.upgrade().is_none(), "the task still holds the source");
}

/// The source adds a key every 10 ms and keeps three: the newest, and two older ones. It is polled
/// every 5 ms, and answers after 1 ms.
#[tokio::test(start_paused = true)]
async fn fast_rotation_rejects_no_valid_request_and_accepts_no_removed_key() {
    const ROTATION: u64 = 10;
    const EVERY: u64 = 5;
    const LOAD: u64 = 1;
    const KEPT: u64 = 3;

    let start = Instant::now();
    let newest = move || KEPT + u64::try_from(start.elapsed().as_millis()).unwrap() / ROTATION;
    let key = |number: u64| format!("tidal-{number}-parsnip");
    let keys = PolledKeys::new(Duration::from_millis(EVERY), move || {
        let keys = (0..KEPT).map(|age| secret(&key(newest() - age)));
        let set = KeySet::new(keys);
        async move {
            tokio::time::sleep(Duration::from_millis(LOAD)).await;
            Ok::<_, BoxError>(KeyMap::named([("aservice", set?)])?)
        }
    });
    let service = Service::new(keys.await.unwrap());
    // A client signs with the key that was the newest one rotation ago.
    let mut honest = 0;
    let mut withdrawn = 0;
    while start.elapsed() < Duration::from_secs(3) {
        // Everything that is due runs before the clock advances.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let now = u64::try_from(start.elapsed().as_millis()).unwrap();
        let requests = (0..4).map(|_| async { service.ask(&key(newest() - 1)).await });
        let outcomes = futures_util::future::join_all(requests).await;
        assert!(outcomes.iter().all(Option::is_none), "an honest one after {now} ms");
        honest += 4;
        // The last key that was removed long enough ago.
        if let Some(then) = now.checked_sub(EVERY + LOAD + 1) {
            let gone = key(then / ROTATION);
            assert_eq!(service.ask(&gone).await, Some(ErrorKind::Mismatch), "after {now} ms");
            withdrawn += 1;
        }
    }
    assert!(honest >= 11_000 && withdrawn >= 2_900, "{honest} and {withdrawn}");
}

fn paused() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}
