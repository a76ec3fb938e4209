//! Changing keys: rotation, replacement, and caches in front of slow stores.

#[cfg(feature = "tracing")]
mod flight;
#[cfg(all(feature = "metrics", feature = "tracing"))]
mod polled;

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use http::StatusCode;
use http::request::Parts;
use tokio::time::Instant;
use tower_hmac::clock::{Clock as _, ManualClock};
use tower_hmac::key::{CachedKeys, KeyEntry, KeyQuery, Lookup, SharedKeys, key_fn};
use tower_hmac::{
    Algorithm, BoxError, ConfigError, ErrorKind, FlaskHmac, KeyId, KeyMap, KeySet, KeyStore,
    SecretKey, Verified, Verifier, VerifyError,
};

use crate::stamped::{NOW, Stamped, head, signer};

fn secret(text: &str) -> SecretKey {
    SecretKey::new(text).unwrap()
}

fn kind(outcome: &Result<Verified, VerifyError>) -> Option<ErrorKind> {
    outcome.as_ref().err().map(VerifyError::kind)
}

mod map {
    use super::*;

    /// The table grows many times during the test, and moves key IDs.
    #[test]
    fn each_of_many_key_ids_finds_only_its_own_key() {
        let name = |number: usize| format!("service-{number}");
        let services = (0..20_000).map(|number| (name(number), format!("key {number}")));
        let keys = KeyMap::named(services).unwrap();
        let get = |number| keys.get(Some(&KeyId::new(name(number)).unwrap()));
        for number in 0..20_000 {
            let entry = get(number).and_then(|keys| keys.iter().next());
            let key = entry.map(|entry| entry.key().expose_secret());
            assert_eq!(key, Some(format!("key {number}").as_bytes()), "{number}");
        }
        assert!((20_000..40_000).all(|number| get(number).is_none()));
        assert!(format!("{keys:?}").contains("named: 20000"), "{keys:?}");
        assert!(keys.get(None).is_none());
    }

    #[test]
    fn a_duplicate_key_id_is_rejected_and_keeps_its_key() {
        for count in 1..200 {
            let services = (0..count).map(|number| (format!("service-{number}"), "a key"));
            let keys = KeyMap::named(services).unwrap();
            for number in [0, count / 2, count - 1] {
                let again = keys.clone().with_key(format!("service-{number}"), "another key");
                assert!(again.is_err(), "{number} of {count}");
            }
            assert!(keys.with_key("service", "another key").is_ok());
        }
    }

    #[test]
    fn similar_key_ids_are_distinguished() {
        let names = ["aservice", "aservicE", "aservice ", "aservic", "a", "\u{430}service"];
        let keys = KeyMap::named(names.map(|name| (name, format!("key of {name}")))).unwrap();
        for name in names {
            let id = KeyId::new(name).unwrap();
            let entry = keys.get(Some(&id)).unwrap().iter().next().unwrap();
            assert_eq!(entry.key().expose_secret(), format!("key of {name}").as_bytes());
        }
        assert!(keys.get(Some(&KeyId::new("aservice\0").unwrap())).is_none());
    }
}

mod names {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn a_key_id_is_found_only_by_its_exact_text() {
        let id = KeyId::new("aservice").unwrap();
        let map = HashMap::from([(id.clone(), 1)]);
        assert_eq!((map.get("aservice"), map.get("bservice")), (Some(&1), None));
        assert_eq!(AsRef::<str>::as_ref(&id), "aservice");
        assert!(id == *"aservice" && id != *"bservice");
    }

    /// `explain` tries these keys against a signature.
    #[test]
    fn a_store_around_another_visits_its_keys() {
        let map = || KeyMap::named([("aservice", "akey")]).unwrap();
        let stores: [(&str, Box<dyn KeyStore>); 3] = [
            ("shared", Box::new(SharedKeys::new(map()).unwrap())),
            ("cached", Box::new(CachedKeys::new(map()))),
            ("arc", Box::new(Arc::new(map()))),
        ];
        for (kind, store) in stores {
            let mut visited = Vec::new();
            store.visit_keys(&mut |id, keys| visited.push((id.cloned(), keys.len())));
            assert_eq!(visited, [(Some(KeyId::new("aservice").unwrap()), 1)], "{kind}");
        }
    }
}

/// Otherwise, the first request with a key ID would take longer than one with an unknown key ID.
#[test]
fn a_store_prepares_its_keys_for_the_hash_of_its_scheme() {
    #[derive(Default)]
    struct Told(Mutex<Vec<Algorithm>>);
    impl KeyStore for Told {
        fn lookup(&self, _: &KeyQuery<'_>) -> Lookup {
            Lookup::ready(Ok(None))
        }
        fn prepare(&self, algorithm: Algorithm) {
            self.0.lock().unwrap().push(algorithm);
        }
    }
    let told = Arc::new(Told::default());
    let _ = Verifier::new(FlaskHmac::new(), told.clone()).unwrap();
    let sha512 = FlaskHmac::new().with_algorithm(Algorithm::Sha512);
    let _ = Verifier::new(sha512, CachedKeys::new(told.clone())).unwrap();
    assert_eq!(*told.0.lock().unwrap(), [Algorithm::Sha256, Algorithm::Sha512]);
}

mod rotation {
    use super::*;

    /// The new key is valid from `NOW` on, the old one until `NOW + 10`.
    fn overlapping() -> KeySet {
        let new = KeyEntry::new(secret("new")).with_label("2026-11").with_not_before(NOW);
        let old = KeyEntry::new(secret("old")).with_label("2026-05").with_not_after(NOW + 10);
        KeySet::new([new, old]).unwrap()
    }

    #[tokio::test]
    async fn each_key_is_valid_from_its_first_second_to_its_last() {
        let clock = ManualClock::new(NOW);
        let keys = KeyMap::named([("aservice", overlapping())]).unwrap();
        let verifier = Verifier::new(Stamped::new(), keys).unwrap().with_clock(clock.clone());
        // The time, and the labels that the new and the old key prove; `None` if rejected.
        let table = [
            (-1, None, Some("2026-05")),
            (0, Some("2026-11"), Some("2026-05")),
            (10, Some("2026-11"), Some("2026-05")),
            (11, Some("2026-11"), None),
        ];
        for (time, new, old) in table {
            clock.set(NOW + time);
            for (key, index, expected) in [("new", 0, new), ("old", 1, old)] {
                let head = head(&signer("aservice", key, &clock), b"");
                let outcome = verifier.verify(&head, b"").await;
                let label = outcome.as_ref().ok().and_then(Verified::key_label);
                assert_eq!(label, expected, "key {key} at {time}");
                match outcome {
                    Ok(caller) => assert_eq!(caller.key_index(), index),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Mismatch),
                }
            }
        }
    }

    #[tokio::test]
    async fn a_key_that_expires_while_the_body_arrives_is_rejected() {
        use tower::{Layer as _, Service as _};
        let old = KeyEntry::new(secret("old")).with_not_after(NOW);
        let new = KeyEntry::new(secret("new"));
        let rejected = async |keys: &[&KeyEntry], seconds: i64| {
            let clock = ManualClock::new(NOW);
            let keys = KeyMap::single(KeySet::new(keys.iter().copied().cloned()).unwrap()).unwrap();
            let layer = tower_hmac::VerifyLayer::new(FlaskHmac::new(), keys).unwrap();
            let inner = tower::service_fn(async |_: http::Request<_>| {
                Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
            });
            // The first frame is available at once, and the time passes before the second.
            let frames = [(0, "slow "), (seconds, "body")].map({
                let clock = clock.clone();
                move |(pass, data)| (clock.clone(), pass, data)
            });
            let body = http_body_util::StreamBody::new(futures_util::stream::iter(frames).map(
                |(clock, pass, data): (ManualClock, i64, &'static str)| {
                    clock.advance(pass);
                    Ok::<_, std::convert::Infallible>(http_body::Frame::data(data.as_bytes()))
                },
            ));
            let signer = tower_hmac::Signer::new(FlaskHmac::new(), secret("old"));
            let signed = signer.sign(http::Request::post("/").body("slow body").unwrap()).unwrap();
            let request = signed.map(|_| body);
            let response = layer.with_clock(clock).layer(inner).call(request).await.unwrap();
            response.extensions().get::<VerifyError>().map(VerifyError::kind)
        };
        // Another valid key of the key ID does not make the expired one valid.
        for (keys, kind) in
            [(&[&old][..], ErrorKind::UnknownKey), (&[&new, &old], ErrorKind::Mismatch)]
        {
            assert_eq!(rejected(keys, 0).await, None);
            assert_eq!(rejected(keys, 1).await, Some(kind));
        }
    }

    /// A store states its largest set to hide which key IDs exist.
    #[tokio::test]
    async fn a_store_that_finds_more_keys_than_it_said_has_all_of_them_tried() {
        let store = key_fn(|_: Option<&KeyId>, _: &Parts| async {
            KeySet::new([secret("new"), secret("old")]).map(Some)
        });
        assert_eq!(store.max_keys(), 1);
        let verifier = Verifier::new(FlaskHmac::new(), store).unwrap();
        for (place, text) in ["new", "old"].into_iter().enumerate() {
            let signer = tower_hmac::Signer::new(FlaskHmac::new(), secret(text));
            let signed = signer.sign(http::Request::post("/").body("body").unwrap()).unwrap();
            let verified = verifier.verify(&signed.into_parts().0, b"body").await.unwrap();
            assert_eq!(verified.key_index(), place);
        }
    }

    #[test]
    fn a_set_without_a_key_or_with_nine_is_rejected() {
        assert!(matches!(KeySet::new(Vec::<KeyEntry>::new()), Err(ConfigError::NoKeys(_))));
        let nine = (0..9).map(|number| secret(&format!("key {number}")));
        assert!(matches!(KeySet::new(nine), Err(ConfigError::Invalid { .. })));
    }

    /// An unknown key ID, an expired set and a set of one cost the MACs of the largest set, so
    /// timing does not reveal which key IDs exist.
    #[tokio::test]
    async fn every_key_id_costs_as_many_macs_as_the_largest_set() {
        let clock = ManualClock::new(NOW);
        let expired = KeyEntry::new(secret("expired")).with_not_after(NOW - 1);
        let three = KeySet::new([secret("one"), secret("two"), secret("three")]).unwrap();
        let keys = KeyMap::named([("three", three)]).unwrap();
        let keys = keys.with_key("single", "alone").unwrap().with_key("expired", expired).unwrap();
        let scheme = Stamped::new();
        let verifier = Verifier::new(scheme.clone(), keys).unwrap().with_clock(clock.clone());
        let cases = [
            ("three", "two", None),
            ("three", "wrong", Some(ErrorKind::Mismatch)),
            ("single", "alone", None),
            ("single", "wrong", Some(ErrorKind::Mismatch)),
            ("expired", "expired", Some(ErrorKind::UnknownKey)),
            ("nobody", "any", Some(ErrorKind::UnknownKey)),
            ("", "any", Some(ErrorKind::UnknownKey)),
        ];
        for (name, key, expected) in cases {
            let outcome = verifier.verify(&head(&signer(name, key, &clock), b""), b"").await;
            assert_eq!(kind(&outcome), expected, "{name}, {key}");
            assert_eq!(scheme.take_macs(), 3, "{name}, {key}");
        }
    }

    /// Key `n` is valid from second `n` to second `n + 1`. A thread advances the time and the keys,
    /// while four others sign with the current key and verify.
    #[test]
    fn keys_replaced_under_load_reject_no_valid_request() {
        const CHANGES: i64 = 300;
        let keys_at = |time: i64| {
            let entry = |number: i64| {
                KeyEntry::new(secret(&format!("key {number}")))
                    .with_label(number.to_string())
                    .with_not_before(number)
                    .with_not_after(number + 1)
            };
            // The set has the keys valid in this or the previous second, and the next key ahead of
            // its time.
            let set = KeySet::new((time - 2..=time + 1).rev().map(entry)).unwrap();
            KeyMap::single(set).unwrap()
        };
        let clock = ManualClock::new(10);
        let shared = SharedKeys::new(keys_at(10)).unwrap();
        let verifier = Verifier::new(Stamped::new(), shared.clone())
            .unwrap()
            .with_tolerance(Duration::from_secs(10_000), Duration::from_secs(10_000))
            .with_clock(clock.clone());
        let (requests, accepted) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let expired = AtomicUsize::new(0);
        let done = AtomicI64::new(0);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (verifier, clock, done) = (&verifier, &clock, &done);
                let (requests, accepted, expired) = (&requests, &accepted, &expired);
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    while done.load(Ordering::SeqCst) == 0 {
                        // One thread in four signs with an expired key.
                        let number = clock.unix_now() - if thread == 0 { 2 } else { 0 };
                        let head = head(&signer("", &format!("key {number}"), clock), b"");
                        let before = clock.unix_now();
                        let outcome = runtime.block_on(verifier.verify(&head, b""));
                        let after = clock.unix_now();
                        if before > number + 1 {
                            assert!(outcome.is_err(), "key {number} was accepted at {before}");
                            expired.fetch_add(1, Ordering::Relaxed);
                        } else if after <= number + 1 {
                            assert!(outcome.is_ok(), "key {number} was rejected at {after}");
                            accepted.fetch_add(1, Ordering::Relaxed);
                        }
                        requests.fetch_add(1, Ordering::Release);
                    }
                });
            }
            for time in 11..11 + CHANGES {
                // Wait, so that requests happen between any two changes.
                let enough = requests.load(Ordering::Acquire) + 20;
                while requests.load(Ordering::Acquire) < enough {
                    std::thread::yield_now();
                }
                shared.replace(keys_at(time)).unwrap();
                clock.set(time);
            }
            done.store(1, Ordering::SeqCst);
        });
        assert!(accepted.into_inner() > 1_000, "too few were accepted to tell");
        assert!(expired.into_inner() > 100, "too few were rejected to tell");
    }
}

mod shared {
    use super::*;

    #[tokio::test]
    async fn a_replacement_applies_to_the_next_request() {
        let clock = ManualClock::new(NOW);
        let keys = SharedKeys::new(KeyMap::named([("aservice", "old")]).unwrap()).unwrap();
        let verifier =
            Verifier::new(Stamped::new(), keys.clone()).unwrap().with_clock(clock.clone());
        let (old, new) = (signer("aservice", "old", &clock), signer("aservice", "new", &clock));
        assert!(verifier.verify(&head(&old, b""), b"").await.is_ok());
        assert!(verifier.verify(&head(&new, b""), b"").await.is_err());

        keys.replace(KeyMap::named([("aservice", "new")]).unwrap()).unwrap();
        assert!(verifier.verify(&head(&old, b""), b"").await.is_err());
        assert!(verifier.verify(&head(&new, b""), b"").await.is_ok());
    }

    /// Without the deadline, the holder of a key could keep requests open for the day when it is
    /// removed.
    #[tokio::test(start_paused = true)]
    async fn a_request_begun_with_a_replaced_key_is_finished_but_not_past_the_deadline() {
        use tower::ServiceExt as _;
        use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};

        const DEADLINE: Duration = Duration::from_secs(30);
        for (piece, expected) in [(4, StatusCode::OK), (6, StatusCode::REQUEST_TIMEOUT)] {
            let keys = SharedKeys::new(KeyMap::single(secret("old")).unwrap()).unwrap();
            let app = axum::Router::new()
                .route("/", axum::routing::post(async || "done"))
                .layer(tower_hmac::VerifyLayer::new(FlaskHmac::new(), keys.clone()).unwrap())
                .layer(RequestBodyTimeoutLayer::new(Duration::from_secs(10)))
                .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, DEADLINE));
            // The body has five pieces, and the key is replaced before the second one.
            let pieces = futures_util::stream::iter(0..5).then(move |number| {
                let keys = keys.clone();
                async move {
                    tokio::time::sleep(Duration::from_secs(piece)).await;
                    if number == 1 {
                        keys.replace(KeyMap::single(secret("new")).unwrap()).unwrap();
                    }
                    Ok::<_, BoxError>("piece")
                }
            });
            let signer = tower_hmac::Signer::new(FlaskHmac::new(), secret("old"));
            let signed = signer.sign(http::Request::post("/").body("piece".repeat(5)).unwrap());
            let request = signed.unwrap().map(|_| axum::body::Body::from_stream(pieces));
            let begun = Instant::now();
            assert_eq!(app.oneshot(request).await.unwrap().status(), expected);
            assert!(begun.elapsed() <= DEADLINE + Duration::from_millis(10));
        }
    }

    #[tokio::test]
    async fn an_empty_replacement_is_rejected_and_the_old_keys_stay() {
        let clock = ManualClock::new(NOW);
        assert!(matches!(SharedKeys::new(KeyMap::default()), Err(ConfigError::NoKeys(_))));
        let keys = SharedKeys::new(KeyMap::named([("aservice", "old")]).unwrap()).unwrap();
        assert!(matches!(keys.replace(KeyMap::default()), Err(ConfigError::NoKeys(_))));
        let verifier = Verifier::new(Stamped::new(), keys).unwrap().with_clock(clock.clone());
        let old = signer("aservice", "old", &clock);
        assert!(verifier.verify(&head(&old, b""), b"").await.is_ok());
    }

    #[test]
    fn the_current_keys_can_be_read() {
        let id = KeyId::new("aservice").unwrap();
        let keys = SharedKeys::new(KeyMap::named([("aservice", "old")]).unwrap()).unwrap();
        let first_key = |map: &KeyMap| {
            let entry = map.get(Some(&id)).unwrap().iter().next().unwrap().clone();
            entry.key().expose_secret().to_vec()
        };
        assert_eq!(first_key(&keys.current()), b"old");
        keys.replace(KeyMap::named([("aservice", "new")]).unwrap()).unwrap();
        assert_eq!(first_key(&keys.current()), b"new");
    }

    #[test]
    fn the_largest_set_follows_the_current_keys() {
        let keys = SharedKeys::new(KeyMap::single(secret("one")).unwrap()).unwrap();
        assert_eq!(keys.max_keys(), 1);
        let two = KeySet::new([secret("one"), secret("two")]).unwrap();
        keys.replace(KeyMap::single(two).unwrap()).unwrap();
        assert_eq!(keys.max_keys(), 2);
    }
}

mod cached {
    use super::*;

    const TTL: Duration = Duration::from_secs(60);
    const TIMEOUT: Duration = Duration::from_secs(2);

    /// A database that counts its queries, each of which takes 100 ms.
    #[derive(Clone, Default)]
    struct Database(Arc<State>);

    #[derive(Default)]
    struct State {
        queries: AtomicUsize,
        key: Mutex<Option<&'static str>>,
        trouble: Mutex<Option<Trouble>>,
    }

    #[derive(Clone, Copy)]
    enum Trouble {
        Error,
        Silence,
    }

    impl Database {
        fn with(key: &'static str) -> Self {
            let database = Self::default();
            database.set_key(Some(key));
            database
        }

        fn set_key(&self, key: Option<&'static str>) {
            *self.0.key.lock().unwrap() = key;
        }

        fn set_trouble(&self, trouble: Option<Trouble>) {
            *self.0.trouble.lock().unwrap() = trouble;
        }

        fn take_queries(&self) -> usize {
            self.0.queries.swap(0, Ordering::SeqCst)
        }

        /// The cache in front of this database, which has one key ID.
        fn cached(&self) -> CachedKeys<impl KeyStore + use<>> {
            let state = self.0.clone();
            let store = key_fn(move |id: Option<&KeyId>, _: &Parts| {
                let known = id.is_some_and(|id| *id == "aservice");
                let state = state.clone();
                async move {
                    state.queries.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    let trouble = *state.trouble.lock().unwrap();
                    match trouble {
                        Some(Trouble::Error) => return Err("the database is gone".into()),
                        Some(Trouble::Silence) => std::future::pending::<()>().await,
                        None => {}
                    }
                    let key = state.key.lock().unwrap().filter(|_| known);
                    Ok::<_, BoxError>(key.map(secret))
                }
            });
            CachedKeys::new(store).with_ttl(TTL).with_timeout(TIMEOUT)
        }
    }

    /// Verifies requests with a key ID.
    struct Service {
        verifier: Arc<Verifier>,
        clock: ManualClock,
    }

    impl Service {
        fn new(keys: impl KeyStore + 'static) -> Self {
            let clock = ManualClock::new(NOW);
            let verifier = Verifier::new(Stamped::new(), keys).unwrap().with_clock(clock.clone());
            Self { verifier: Arc::new(verifier), clock }
        }

        fn head(&self, name: &str) -> Parts {
            head(&signer(name, "akey", &self.clock), b"")
        }

        async fn ask(&self, name: &str) -> Option<ErrorKind> {
            kind(&self.verifier.verify(&self.head(name), b"").await)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_concurrent_misses_ask_once() {
        let database = Database::with("akey");
        let service = Service::new(database.cached());
        // The store is asked the first time, and again after the time to live.
        for _ in 0..2 {
            let requests = (0..1_000).map(|_| service.ask("aservice"));
            let outcomes = futures_util::future::join_all(requests).await;
            assert!(outcomes.iter().all(Option::is_none));
            assert_eq!(database.take_queries(), 1);
            tokio::time::advance(TTL).await;
        }
        // Unknown key IDs are looked up once, too.
        let requests = (0..1_000).map(|_| service.ask("nobody"));
        let outcomes = futures_util::future::join_all(requests).await;
        assert!(outcomes.iter().all(|kind| *kind == Some(ErrorKind::UnknownKey)));
        assert_eq!(database.take_queries(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hit_does_not_ask_the_store_within_the_time_to_live() {
        let database = Database::with("akey");
        let service = Service::new(database.cached());
        let asked = Instant::now();
        assert_eq!(service.ask("aservice").await, None);
        tokio::time::sleep_until(asked + TTL - Duration::from_millis(1)).await;
        assert_eq!(service.ask("aservice").await, None);
        assert_eq!(database.take_queries(), 1);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(service.ask("aservice").await, None);
        assert_eq!(database.take_queries(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_to_live_of_a_century_does_not_overflow() {
        const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
        let database = Database::with("akey");
        let service = Service::new(database.cached().with_ttl(YEAR * 99));
        assert_eq!(service.ask("aservice").await, None);
        tokio::time::advance(YEAR * 98).await;
        assert_eq!(service.ask("aservice").await, None);
        assert_eq!(database.take_queries(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_revoked_key_is_rejected_within_the_time_to_live() {
        let database = Database::with("akey");
        let service = Service::new(database.cached());
        assert_eq!(service.ask("aservice").await, None);
        database.set_key(None);
        tokio::time::advance(TTL).await;
        assert_eq!(service.ask("aservice").await, Some(ErrorKind::UnknownKey));
    }

    #[tokio::test(start_paused = true)]
    async fn a_disconnected_client_neither_ends_nor_repeats_the_lookup() {
        let database = Database::with("akey");
        let service = Service::new(database.cached());
        let verifier = service.verifier.clone();
        let head = service.head("aservice");
        let leaving = tokio::spawn(async move { verifier.verify(&head, b"").await.is_ok() });
        tokio::task::yield_now().await;
        let (outcome, ()) = tokio::join!(service.ask("aservice"), async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            leaving.abort();
        });
        assert_eq!(outcome, None);
        assert_eq!(database.take_queries(), 1);

        // A lookup without waiters is dropped, and the next client starts a new one.
        let service = Service::new(database.cached());
        let verifier = service.verifier.clone();
        let head = service.head("aservice");
        let alone = tokio::spawn(async move { verifier.verify(&head, b"").await.is_ok() });
        tokio::time::sleep(Duration::from_millis(50)).await;
        alone.abort();
        assert!(alone.await.is_err());
        tokio::time::advance(TIMEOUT).await;
        assert_eq!(service.ask("aservice").await, None);
        assert_eq!(database.take_queries(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn an_unreachable_database_gives_503_within_the_timeout() {
        for trouble in [Trouble::Error, Trouble::Silence] {
            let database = Database::with("akey");
            let service = Service::new(database.cached());
            database.set_trouble(Some(trouble));
            let start = Instant::now();
            let requests = (0..100).map(|_| async {
                let outcome = service.verifier.verify(&service.head("aservice"), b"").await;
                let error = outcome.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::StoreUnavailable);
                assert_eq!(error.status(), StatusCode::SERVICE_UNAVAILABLE);
            });
            futures_util::future::join_all(requests).await;
            assert!(start.elapsed() <= TIMEOUT + Duration::from_millis(500));
            assert_eq!(database.take_queries(), 1);

            // Once the store works again, the next request asks it.
            database.set_trouble(None);
            assert_eq!(service.ask("aservice").await, None);
            assert_eq!(database.take_queries(), 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn stale_keys_are_not_used_unless_allowed() {
        let database = Database::with("akey");
        let service = Service::new(database.cached());
        assert_eq!(service.ask("aservice").await, None);
        database.set_trouble(Some(Trouble::Error));
        tokio::time::advance(TTL).await;
        assert_eq!(service.ask("aservice").await, Some(ErrorKind::StoreUnavailable));
    }

    #[tokio::test(start_paused = true)]
    async fn stale_keys_are_used_for_a_limited_time_while_the_store_fails() {
        const STALE: Duration = Duration::from_secs(30);
        let database = Database::with("akey");
        let service = Service::new(database.cached().with_stale_if_error(STALE));
        let asked = Instant::now();
        assert_eq!(service.ask("aservice").await, None);
        database.set_trouble(Some(Trouble::Error));
        tokio::time::advance(TTL).await;
        database.take_queries();
        // A failing store is asked once a second, and nobody waits for it in between.
        for _ in 0..100 {
            assert_eq!(service.ask("aservice").await, None);
        }
        assert_eq!(database.take_queries(), 1);
        // A failing store takes 100 ms to report the error.
        while asked.elapsed() < TTL + STALE - Duration::from_millis(100) {
            assert_eq!(service.ask("aservice").await, None, "after {:?}", asked.elapsed());
            tokio::time::advance(Duration::from_millis(500)).await;
        }
        assert_eq!(service.ask("aservice").await, Some(ErrorKind::StoreUnavailable));
    }

    #[tokio::test(start_paused = true)]
    async fn stale_keys_are_used_until_their_last_moment() {
        const STALE: Duration = Duration::from_secs(30);
        for (early, expected) in [(1, None), (0, Some(ErrorKind::StoreUnavailable))] {
            let database = Database::with("akey");
            let service = Service::new(database.cached().with_stale_if_error(STALE));
            let asked = Instant::now();
            assert_eq!(service.ask("aservice").await, None);
            database.set_trouble(Some(Trouble::Error));
            // The database takes 100 ms to report the error.
            tokio::time::sleep_until(asked + TTL + STALE - Duration::from_millis(100 + early))
                .await;
            assert_eq!(service.ask("aservice").await, expected, "{early} ms before the end");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_revoked_key_is_never_used_as_stale() {
        let database = Database::with("akey");
        let service = Service::new(database.cached().with_stale_if_error(TTL * 10));
        assert_eq!(service.ask("aservice").await, None);
        tokio::time::advance(TTL).await;
        database.set_key(None);
        assert_eq!(service.ask("aservice").await, Some(ErrorKind::UnknownKey));
        database.set_trouble(Some(Trouble::Error));
        tokio::time::advance(TTL).await;
        assert_eq!(service.ask("aservice").await, Some(ErrorKind::StoreUnavailable));
    }

    #[tokio::test(start_paused = true)]
    async fn made_up_key_ids_do_not_evict_known_keys() {
        let database = Database::with("akey");
        let service = Service::new(database.cached().with_capacity(1, 10));
        assert_eq!(service.ask("aservice").await, None);
        for number in 0..200 {
            let name = format!("stranger {number}");
            assert_eq!(service.ask(&name).await, Some(ErrorKind::UnknownKey));
        }
        database.take_queries();
        assert_eq!(service.ask("aservice").await, None);
        assert_eq!(database.take_queries(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_unknown_key_id_is_asked_again_after_its_own_time_to_live() {
        let database = Database::default();
        let unknown_ttl = Duration::from_secs(5);
        let service = Service::new(database.cached().with_unknown_ttl(unknown_ttl));
        assert_eq!(service.ask("aservice").await, Some(ErrorKind::UnknownKey));
        database.set_key(Some("akey"));
        assert_eq!(service.ask("aservice").await, Some(ErrorKind::UnknownKey));
        assert_eq!(database.take_queries(), 1);
        tokio::time::advance(unknown_ttl).await;
        assert_eq!(service.ask("aservice").await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn keys_that_depend_on_the_host_are_cached_by_host() {
        let store = key_fn(|_: Option<&KeyId>, head: &Parts| {
            let ours = head.headers.get("host").is_some_and(|host| host == "ours");
            async move { Ok::<_, BoxError>(ours.then(|| secret("akey"))) }
        });
        let keys = CachedKeys::new(store).with_cache_key(|query| {
            query
                .head()
                .headers
                .get("host")
                .map(|host| host.as_bytes().to_vec())
                .unwrap_or_default()
        });
        let service = Service::new(keys);
        for (host, expected) in [("ours", None), ("theirs", Some(ErrorKind::UnknownKey))] {
            let mut head = service.head("aservice");
            head.headers.insert("host", host.parse().unwrap());
            assert_eq!(kind(&service.verifier.verify(&head, b"").await), expected);
        }
    }

    #[test]
    fn the_largest_set_is_that_of_the_store() {
        let store = key_fn(|_: Option<&KeyId>, _: &Parts| async {
            Ok::<Option<SecretKey>, BoxError>(None)
        });
        assert_eq!(CachedKeys::new(store.with_max_keys(3)).max_keys(), 3);
    }
}
