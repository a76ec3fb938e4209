//! Many requests that share one lookup in a slow store. How long is its answer valid, and what
//! happens to waiting requests if the store hangs, fails, blocks or panics?

use std::sync::mpsc;

use super::*;
use crate::capture::Capture;

const TTL: Duration = Duration::from_secs(60);
const TIMEOUT: Duration = Duration::from_secs(2);

/// A store that counts the calls of `lookup`, and passes the number of each to a function.
struct Counted<F> {
    calls: Arc<AtomicUsize>,
    answer: F,
}

impl<F: Fn(usize) -> Lookup + Send + Sync> KeyStore for Counted<F> {
    fn lookup(&self, _: &KeyQuery<'_>) -> Lookup {
        (self.answer)(self.calls.fetch_add(1, Ordering::SeqCst))
    }
}

fn cached<F>(answer: F) -> (Arc<AtomicUsize>, CachedKeys<Counted<F>>)
where
    F: Fn(usize) -> Lookup + Send + Sync,
{
    let calls = Arc::<AtomicUsize>::default();
    let keys = CachedKeys::new(Counted { calls: calls.clone(), answer });
    (calls, keys.with_ttl(TTL).with_timeout(TIMEOUT))
}

fn found() -> Result<Option<KeySet>, BoxError> {
    Ok(Some(secret("akey").into()))
}

/// An answer that takes this long.
fn after(time: Duration, answer: impl FnOnce() -> Answer + Send + 'static) -> Lookup {
    Lookup::later(async move {
        tokio::time::sleep(time).await;
        answer()
    })
}

type Answer = Result<Option<KeySet>, BoxError>;

fn hangs() -> Lookup {
    Lookup::later(std::future::pending())
}

/// Looks up the keys of a key ID, as a verifier does.
fn ask(keys: &impl KeyStore, name: &str) -> Lookup {
    let (head, ()) = http::Request::new(()).into_parts();
    keys.lookup(&KeyQuery::new(KeyId::new(name).ok().as_ref(), &head))
}

/// The result of this lookup: whether there are keys, or the error.
async fn told(lookup: Lookup) -> Result<bool, String> {
    lookup.await.map(|keys| keys.is_some()).map_err(|error| error.to_string())
}

fn on_two_threads<T>(run: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(run)
}

fn on_one_thread<T>(run: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.unwrap().block_on(run)
}

/// A store that begins its work in `lookup`, such as one that spawns a task, would do it for each
/// request.
#[tokio::test(start_paused = true)]
async fn a_thousand_concurrent_requests_call_lookup_once() {
    let (calls, keys) = cached(|_| after(Duration::from_millis(100), found));
    for round in 1..=2 {
        let lookups = (0..1_000).map(|_| told(ask(&keys, "aservice")));
        let answers = futures_util::future::join_all(lookups).await;
        assert!(answers.iter().all(|answer| *answer == Ok(true)));
        assert_eq!(calls.load(Ordering::SeqCst), round);
        tokio::time::advance(TTL).await;
    }
}

/// The answer may arrive between the look at the cache and the look at the list of lookups.
#[test]
fn a_thousand_concurrent_requests_on_two_threads_call_lookup_once() {
    on_two_threads(async {
        for _ in 0..20 {
            let (calls, keys) = cached(|_| Lookup::later(async { found() }));
            let keys = Arc::new(keys);
            let tasks: Vec<_> = (0..1_000)
                .map(|_| {
                    let keys = keys.clone();
                    tokio::spawn(async move { told(ask(&keys, "aservice")).await })
                })
                .collect();
            for task in tasks {
                assert_eq!(task.await.unwrap(), Ok(true));
            }
            assert_eq!(calls.load(Ordering::SeqCst), 1);
        }
    });
}

/// Two timeouts for one lookup would race, and some requests would be rejected despite a stale key.
#[test]
fn a_stale_key_always_wins_over_the_timeout() {
    const NAMES: usize = 100;
    let failed = on_two_threads(async {
        // Each key ID is answered once, and never again.
        let (calls, keys) = cached(|call| match call {
            ..NAMES => Lookup::ready(found()),
            _ => hangs(),
        });
        let ttl = Duration::from_millis(20);
        let keys = keys.with_ttl(ttl).with_timeout(Duration::from_millis(50));
        let keys = Arc::new(keys.with_stale_if_error(Duration::from_secs(3_600)));
        let name = |number: usize| format!("service {}", number % NAMES);
        for number in 0..NAMES {
            assert_eq!(told(ask(&*keys, &name(number))).await, Ok(true));
        }
        assert_eq!(calls.load(Ordering::SeqCst), NAMES);
        let expired = Instant::now() + ttl;
        while Instant::now() < expired {
            tokio::task::yield_now().await;
        }
        let tasks: Vec<_> = (0..3_000)
            .map(|number| {
                let (keys, name) = (keys.clone(), name(number));
                tokio::spawn(async move { told(ask(&keys, &name)).await })
            })
            .collect();
        // Load: tasks that never rest, so that timers fire late.
        let load: Vec<_> = (0..2)
            .map(|_| {
                tokio::spawn(async {
                    loop {
                        std::hint::black_box(Algorithm::Sha256);
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        let mut failed = 0;
        for task in tasks {
            failed += usize::from(task.await.unwrap() != Ok(true));
        }
        load.iter().for_each(tokio::task::JoinHandle::abort);
        assert!(calls.load(Ordering::SeqCst) > NAMES, "the store was not asked again");
        failed
    });
    assert_eq!(failed, 0, "of 3,000");
}

/// Otherwise, a key removed just after the lookup began would stay valid for the time of the answer
/// as well.
#[tokio::test(start_paused = true)]
async fn the_time_to_live_starts_at_the_lookup() {
    const LATENCY: Duration = Duration::from_millis(1_900);
    let (_, keys) =
        cached(|call| after(LATENCY, move || if call == 0 { found() } else { Ok(None) }));
    let keys = keys.with_ttl(Duration::from_secs(3)).with_unknown_ttl(Duration::from_secs(3));
    let asked = Instant::now();
    assert_eq!(told(ask(&keys, "aservice")).await, Ok(true));
    tokio::time::sleep_until(asked + Duration::from_millis(2_999)).await;
    assert_eq!(told(ask(&keys, "aservice")).await, Ok(true));
    tokio::time::sleep_until(asked + Duration::from_secs(3)).await;
    let asked = Instant::now();
    assert_eq!(told(ask(&keys, "aservice")).await, Ok(false));
    assert_eq!(asked.elapsed(), LATENCY);
    // The same applies to the time for which a key ID is unknown.
    tokio::time::sleep_until(asked + Duration::from_millis(2_999)).await;
    assert_eq!(told(ask(&keys, "aservice")).await, Ok(false));
    assert_eq!(asked.elapsed(), Duration::from_millis(2_999));
    tokio::time::sleep_until(asked + Duration::from_secs(3)).await;
    assert_eq!(told(ask(&keys, "aservice")).await, Ok(false));
    assert_eq!(asked.elapsed(), Duration::from_secs(3) + LATENCY);
}

/// Otherwise, a store slower than the time to live would give its old answer to requests that
/// arrived long after the lookup began.
#[tokio::test(start_paused = true)]
async fn a_request_does_not_join_a_lookup_older_than_the_time_to_live() {
    let (calls, keys) = cached(|call| {
        after(Duration::from_millis(1_900), move || if call == 0 { found() } else { Ok(None) })
    });
    let keys = keys.with_ttl(Duration::from_secs(1));
    let first = tokio::time::timeout(TIMEOUT, ask(&keys, "aservice"));
    let second = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        told(ask(&keys, "aservice")).await
    };
    let third = async {
        tokio::time::sleep(Duration::from_millis(1_001)).await;
        told(ask(&keys, "aservice")).await
    };
    let (first, second, third) = tokio::join!(first, second, third);
    assert!(first.unwrap().unwrap().is_some());
    assert_eq!((second, third), (Ok(true), Ok(false)));
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

/// The answer to an older lookup, from before the key was removed, arrives after that to a newer
/// one.
#[tokio::test(start_paused = true)]
async fn an_overtaken_answer_is_not_cached() {
    let (calls, keys) = cached(|call| match call {
        0 => after(Duration::from_millis(1_900), found),
        _ => Lookup::ready(Ok(None)),
    });
    let keys = keys.with_ttl(Duration::from_secs(1)).with_stale_if_error(TTL);
    let late = told(ask(&keys, "aservice"));
    let newer = async {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        told(ask(&keys, "aservice")).await
    };
    assert_eq!(tokio::join!(late, newer), (Ok(true), Ok(false)));
    assert_eq!(told(ask(&keys, "aservice")).await, Ok(false));
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

mod panics {
    use super::*;

    /// A store that panics at the first lookup, in the call or in the answer.
    fn once(in_lookup: bool) -> impl Fn(usize) -> Lookup + Send + Sync + 'static {
        move |call| match call {
            0 if in_lookup => panic!("the driver is broken"),
            0 => after(Duration::from_millis(100), || panic!("the driver is broken")),
            _ => Lookup::ready(found()),
        }
    }

    #[test]
    fn waiters_for_a_panicking_store_get_503_and_the_next_request_asks_again() {
        for in_lookup in [false, true] {
            let (calls, keys) = cached(once(in_lookup));
            let clock = ManualClock::new(NOW);
            let verifier = Verifier::new(Stamped::new(), keys).unwrap().with_clock(clock.clone());
            let head = move || head(&signer("aservice", "akey", &clock), b"");
            let (verifier, head) = (Arc::new(verifier), Arc::new(head));
            let (capture, ()) = Capture::during(|| {
                on_one_thread(async {
                    let tasks: Vec<_> = (0..21)
                        .map(|_| {
                            let (verifier, head) = (verifier.clone(), head.clone());
                            tokio::spawn(async move { verifier.verify(&head(), b"").await })
                        })
                        .collect();
                    for task in tasks {
                        let outcome = task.await.expect("a task that waited has panicked");
                        // If `lookup` panics, no request waits.
                        if in_lookup && outcome.is_ok() {
                            continue;
                        }
                        let error = outcome.unwrap_err();
                        assert_eq!(error.kind(), ErrorKind::StoreUnavailable);
                        assert_eq!(error.status(), StatusCode::SERVICE_UNAVAILABLE);
                    }
                    assert!(verifier.verify(&head(), b"").await.is_ok());
                });
            });
            assert_eq!(calls.load(Ordering::SeqCst), 2, "in lookup: {in_lookup}");
            let events = capture.events();
            assert!(events.iter().all(|event| event.field("kind") == Some("store_unavailable")));
            // One failure per second is logged, and the rest are omitted.
            let warning = events.first().expect("a store that panics is a warning");
            assert_eq!(warning.level, tracing::Level::WARN);
            assert_eq!(warning.field("source"), Some("the key store panicked"));
            // The panic message belongs to the store, and may contain anything.
            assert!(!capture.text().contains("driver"));
        }
    }

    #[test]
    fn no_waiting_task_panics_on_two_threads() {
        on_two_threads(async {
            let (_, keys) = cached(|_| Lookup::later(async { panic!("the driver is broken") }));
            let keys = Arc::new(keys);
            let tasks: Vec<_> = (0..500)
                .map(|_| {
                    let keys = keys.clone();
                    tokio::spawn(async move { told(ask(&keys, "aservice")).await })
                })
                .collect();
            for task in tasks {
                let answer = task.await.expect("a task that waited has panicked");
                assert_eq!(answer, Err("the key store panicked".into()));
            }
        });
    }

    #[tokio::test(start_paused = true)]
    async fn stale_keys_are_used_if_the_store_panics() {
        for in_lookup in [false, true] {
            let panics = once(in_lookup);
            let (_, keys) = cached(move |call| match call.checked_sub(1) {
                None => Lookup::ready(found()),
                Some(call) => panics(call),
            });
            let keys = keys.with_stale_if_error(TTL);
            assert_eq!(told(ask(&keys, "aservice")).await, Ok(true));
            tokio::time::advance(TTL).await;
            assert_eq!(told(ask(&keys, "aservice")).await, Ok(true), "in lookup: {in_lookup}");
        }
    }

    /// A lookup that nobody waits for is dropped in the task of the last waiter.
    #[tokio::test(start_paused = true)]
    async fn a_panic_while_a_lookup_is_dropped_reaches_nobody() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("dropped");
            }
        }
        let (calls, keys) = cached(|call| {
            let bomb = Bomb;
            Lookup::later(async move {
                if call == 0 {
                    std::future::pending::<()>().await;
                }
                drop(bomb);
                found()
            })
        });
        assert_eq!(
            told(ask(&keys, "aservice")).await,
            Err("the key store did not answer in time".into())
        );
        drop(ask(&keys, "bservice"));
        assert_eq!(told(ask(&keys, "aservice")).await, Err("the key store panicked".into()));
        assert_eq!(calls.load(Ordering::SeqCst), 3);
    }
}

mod blocking {
    use super::*;

    /// If the store were called while the list of lookups is locked, all key IDs would wait for
    /// one.
    #[test]
    fn a_blocking_lookup_does_not_block_other_key_ids() {
        let (open, gate) = mpsc::channel::<()>();
        let (inside, waiting) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let (_, keys) = cached(move |call| {
            if call == 0 {
                inside.send(()).unwrap();
                gate.lock().unwrap().recv().unwrap();
            }
            Lookup::ready(found())
        });
        let keys = Arc::new(keys);
        let blocked = std::thread::spawn({
            let keys = keys.clone();
            move || on_one_thread(told(ask(&keys, "aservice")))
        });
        waiting.recv().unwrap();
        assert_eq!(on_one_thread(told(ask(&*keys, "bservice"))), Ok(true));
        // Waiters for the same key ID do not wait longer than the timeout.
        assert_eq!(
            on_one_thread(told(ask(&*keys, "aservice"))),
            Err("the key store did not answer in time".into())
        );
        open.send(()).unwrap();
        assert_eq!(blocked.join().unwrap(), Ok(true));
    }

    /// This happens, for example, with a database whose password comes from a service that also
    /// needs a key.
    #[tokio::test(start_paused = true)]
    async fn a_store_that_uses_its_own_cache_does_not_deadlock() {
        type Outer = CachedKeys<Arc<dyn KeyStore>>;
        struct Inner(Mutex<std::sync::Weak<Outer>>);
        impl KeyStore for Inner {
            fn lookup(&self, query: &KeyQuery<'_>) -> Lookup {
                if query.key_id().is_some_and(|id| *id == "password") {
                    return Lookup::ready(found());
                }
                let outer = self.0.lock().unwrap().upgrade().unwrap();
                let password = ask(&*outer, "password");
                Lookup::later(async move {
                    assert_eq!(told(password).await, Ok(true));
                    found()
                })
            }
        }
        let inner = Arc::new(Inner(Mutex::default()));
        let outer = Arc::new(CachedKeys::new(inner.clone() as Arc<dyn KeyStore>));
        *inner.0.lock().unwrap() = Arc::downgrade(&outer);
        assert_eq!(told(ask(&*outer, "aservice")).await, Ok(true));
    }
}

/// Otherwise, nobody would know about the failure until the stale keys expire and every request is
/// rejected.
#[test]
fn stale_keys_are_logged_once_a_second() {
    let (calls, keys) = cached(|call| match call {
        0 => Lookup::ready(found()),
        _ => after(Duration::from_millis(100), || Err("the database is away".into())),
    });
    let keys = keys.with_stale_if_error(TTL);
    let (capture, ()) = Capture::during(|| {
        on_one_thread(async {
            assert_eq!(told(ask(&keys, "aservice")).await, Ok(true));
            tokio::time::advance(TTL).await;
            for _ in 0..2 {
                let lookups = (0..50).map(|_| told(ask(&keys, "aservice")));
                let answers = futures_util::future::join_all(lookups).await;
                assert!(answers.iter().all(|answer| *answer == Ok(true)));
                tokio::time::advance(Duration::from_secs(1)).await;
            }
        });
    });
    assert_eq!(calls.load(Ordering::SeqCst), 3);
    let events = capture.events();
    assert_eq!(events.len(), 2, "{events:?}");
    for event in events {
        assert_eq!(event.level, tracing::Level::WARN);
        assert_eq!(event.field("source"), Some("the database is away"));
    }
}

/// Only the store's error contains the reason.
#[test]
fn a_failing_store_behind_a_cache_is_logged_with_its_reason() {
    let (_, keys) = cached(|_| Lookup::ready(Err("the database is away".into())));
    let clock = ManualClock::new(NOW);
    let verifier = Verifier::new(Stamped::new(), keys).unwrap().with_clock(clock.clone());
    let head = head(&signer("aservice", "akey", &clock), b"");
    let (capture, outcome) = Capture::during(|| on_one_thread(verifier.verify(&head, b"")));
    assert_eq!(kind(&outcome), Some(ErrorKind::StoreUnavailable));
    assert_eq!(capture.events()[0].field("source"), Some("the database is away"));
}

/// A client may disconnect before its request is polled for the first time.
#[tokio::test(start_paused = true)]
async fn a_lookup_that_is_dropped_unpolled_leaves_nothing_behind() {
    let (calls, keys) = cached(|_| after(Duration::from_millis(100), found));
    drop(ask(&keys, "aservice"));
    assert_eq!(told(ask(&keys, "aservice")).await, Ok(true));
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn the_longest_times_do_not_overflow() {
    let (calls, keys) = cached(|call| match call {
        0 => after(Duration::from_secs(3_600), found),
        _ => Lookup::ready(Err("away".into())),
    });
    let keys = keys.with_timeout(Duration::MAX).with_ttl(Duration::MAX);
    let keys = keys.with_unknown_ttl(Duration::MAX).with_stale_if_error(Duration::MAX);
    for _ in 0..2 {
        assert_eq!(told(ask(&keys, "aservice")).await, Ok(true));
        tokio::time::advance(Duration::from_secs(3_600)).await;
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

/// The opposite extreme: no answers are cached, and no request waits.
#[tokio::test(start_paused = true)]
async fn times_of_zero_mean_zero() {
    let (calls, keys) = cached(|_| Lookup::ready(found()));
    let keys = keys.with_timeout(Duration::ZERO).with_ttl(Duration::ZERO);
    for call in 1..=3 {
        assert_eq!(told(ask(&keys, "aservice")).await, Ok(true));
        assert_eq!(calls.load(Ordering::SeqCst), call);
    }
    let (_, keys) = cached(|_| hangs());
    let start = Instant::now();
    assert!(told(ask(&keys.with_timeout(Duration::ZERO), "aservice")).await.is_err());
    assert!(start.elapsed() <= Duration::from_millis(1));
}

/// A cache without capacity still asks once for all waiters.
#[tokio::test(start_paused = true)]
async fn a_cache_without_capacity_still_asks_once() {
    let (calls, keys) = cached(|_| after(Duration::from_millis(100), found));
    let keys = keys.with_capacity(0, 0);
    let lookups = (0..100).map(|_| told(ask(&keys, "aservice")));
    let answers = futures_util::future::join_all(lookups).await;
    assert!(answers.iter().all(|answer| *answer == Ok(true)));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

/// A key returns while its key ID is remembered as unknown, and the capacity for known key IDs is
/// small.
#[tokio::test(start_paused = true)]
async fn a_key_id_that_became_known_stays_known() {
    let (calls, keys) = cached(|call| match call {
        0 => Lookup::ready(Ok(None)),
        _ => Lookup::ready(found()),
    });
    let keys = keys.with_unknown_ttl(Duration::from_secs(5));
    assert_eq!(told(ask(&keys, "aservice")).await, Ok(false));
    tokio::time::advance(Duration::from_secs(5)).await;
    for _ in 0..5 {
        assert_eq!(told(ask(&keys, "aservice")).await, Ok(true));
        tokio::time::advance(TTL).await;
    }
    assert_eq!(calls.load(Ordering::SeqCst), 6);
}
