//! The data for operators: events, a span field, and counters.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use http::{Request, Response};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_hmac::clock::ManualClock;
use tower_hmac::key::key_fn;
use tower_hmac::layer::VerifiedBody;
use tower_hmac::replay::{ReplayClaim, ReplayGuard, ReplayRequest};
use tower_hmac::{BoxError, KeyId, KeyMap, MemoryReplay, SecretKey, VerifyLayer};

use crate::capture::{Capture, Record};
use crate::stamped::{NOW, Stamped, head, signer};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn layer(clock: &ManualClock) -> VerifyLayer {
    let keys = KeyMap::named([("aservice", "akey"), ("bservice", "bkey")]).unwrap();
    VerifyLayer::new(Stamped::new(), keys).unwrap().with_clock(clock.clone())
}

/// Sends a request through the layer and returns the status.
async fn send(layer: &VerifyLayer, head: http::request::Parts, body: &'static str) -> u16 {
    let service = layer.layer(service_fn(|_: Request<VerifiedBody<Body>>| async {
        Ok::<_, Infallible>(Response::new(Body::empty()))
    }));
    let request = Request::from_parts(head, Body::from(body));
    service.oneshot(request).await.unwrap().status().as_u16()
}

fn unsigned() -> http::request::Parts {
    Request::post("/").body(()).unwrap().into_parts().0
}

/// The only event of this level.
fn only(capture: &Capture, level: tracing::Level) -> Record {
    let mut events = capture.events();
    events.retain(|event| event.level == level);
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

#[test]
fn each_rejection_is_one_debug_event_with_kind_scheme_and_key_id() {
    let clock = ManualClock::new(NOW);
    let layer = layer(&clock).only(["aservice"]).unwrap();
    let wrong = |name: &str, key: &str| head(&signer(name, key, &clock), b"");
    let stale = head(&signer("aservice", "akey", &ManualClock::new(NOW - 301)), b"");
    let mut malformed = unsigned();
    malformed.headers.insert("x-stamped", "?".parse().unwrap());
    let cases = [
        (unsigned(), "missing", None),
        (malformed, "malformed", None),
        (wrong("aservice", "another"), "mismatch", Some("aservice")),
        (wrong("nobody", "akey"), "unknown_key", Some("nobody")),
        (wrong("bservice", "bkey"), "not_allowed", Some("bservice")),
        (stale, "stale", Some("aservice")),
    ];
    for (head, kind, claimed) in cases {
        let (capture, status) = Capture::during(|| block_on(send(&layer, head, "")));
        assert_eq!(status, 403);
        let event = only(&capture, tracing::Level::DEBUG);
        assert_eq!(event.field("kind"), Some(kind));
        assert_eq!(event.field("scheme"), Some("stamped"), "{kind}");
        assert_eq!(event.field("claimed_key_id"), claimed, "{kind}");
    }
}

#[test]
fn services_that_share_a_key_are_logged() {
    let warned = |services: [(&str, &str); 2]| {
        let (capture, _) = Capture::during(|| KeyMap::named(services).unwrap());
        capture.events()
    };
    let events = warned([("aservice", "akey"), ("bservice", "akey")]);
    let mut names = ["one", "other"].map(|field| events[0].field(field).unwrap().to_owned());
    names.sort();
    assert_eq!((events.len(), events[0].level), (1, tracing::Level::WARN));
    assert_eq!(names, ["aservice", "bservice"]);
    assert!(warned([("aservice", "akey"), ("bservice", "bkey")]).is_empty());
}

#[test]
fn direct_verification_is_observed_too() {
    let clock = ManualClock::new(NOW);
    let keys = KeyMap::named([("aservice", "akey")]).unwrap();
    let verifier = tower_hmac::Verifier::new(Stamped::new(), keys).unwrap().with_clock(clock);
    let (capture, _) = Capture::during(|| block_on(verifier.verify(&unsigned(), b"")));
    assert_eq!(only(&capture, tracing::Level::DEBUG).field("kind"), Some("missing"));
}

/// Trials of `explain` are not requests: nothing was accepted, and no key ID was proven.
#[test]
fn explain_is_neither_counted_nor_logged() {
    let clock = ManualClock::new(NOW);
    let keys = KeyMap::named([("aservice", "akey")]).unwrap();
    let verifier =
        tower_hmac::Verifier::new(Stamped::new(), keys).unwrap().with_clock(clock.clone());
    let head = head(&signer("aservice", "akey", &clock), b"hello");
    let mut capture = None;
    let metrics = metrics_of(|| {
        capture = Some(Capture::during(|| {
            let span = tracing::info_span!("request", key_id = tracing::field::Empty);
            span.in_scope(|| block_on(verifier.explain(&head, b"hello\n")))
        }));
    });
    let (capture, report) = capture.unwrap();
    assert_eq!(report.likely(), [tower_hmac::explain::Cause::BodyNewlineCut]);
    assert_eq!(capture.span_field("key_id"), None);
    assert!(capture.events().is_empty());
    assert!(metrics.is_empty(), "{metrics:?}");
}

#[test]
fn a_failing_store_is_logged_with_its_reason() {
    let clock = ManualClock::new(NOW);
    let store = key_fn(|_: Option<&KeyId>, _: &http::request::Parts| async {
        Err::<Option<SecretKey>, BoxError>("the database is gone".into())
    });
    let layer = VerifyLayer::new(Stamped::new(), store).unwrap().with_clock(clock.clone());
    let head = head(&signer("aservice", "akey", &clock), b"");
    let (capture, status) = Capture::during(|| block_on(send(&layer, head, "")));
    assert_eq!(status, 503);
    let event = only(&capture, tracing::Level::WARN);
    assert_eq!(event.field("kind"), Some("store_unavailable"));
    assert_eq!(event.field("source"), Some("the database is gone"));
}

/// While a store is unreachable, each request of a busy service would write a line.
#[test]
fn each_cause_is_logged_at_most_once_a_second() {
    let clock = ManualClock::new(NOW);
    let store = key_fn(|_: Option<&KeyId>, _: &http::request::Parts| async {
        Err::<Option<SecretKey>, BoxError>("another database is gone".into())
    });
    let layer = VerifyLayer::new(Stamped::new(), store).unwrap().with_clock(clock.clone());
    let signer = signer("aservice", "akey", &clock);
    let start = std::time::Instant::now();
    let (capture, ()) = Capture::during(|| {
        for _ in 0..50 {
            assert_eq!(block_on(send(&layer, head(&signer, b""), "")), 503);
        }
    });
    let seconds = usize::try_from(start.elapsed().as_secs()).unwrap();
    let events = capture.events();
    let warnings = events.iter().filter(|event| event.level == tracing::Level::WARN);
    let warnings: Vec<_> = warnings.collect();
    assert!((1..=1 + seconds).contains(&warnings.len()), "{} warnings", warnings.len());
    assert_eq!(warnings[0].field("left_out"), Some("0"));
    assert_eq!(events.len(), 50, "each request is an event of some level");
}

#[test]
fn a_full_guard_is_logged() {
    let clock = ManualClock::new(NOW);
    let guard = MemoryReplay::new(1).unwrap();
    let layer = layer(&clock).with_replay_guard(guard).unwrap();
    let (capture, ()) = Capture::during(|| {
        let signer = signer("aservice", "akey", &clock);
        for expected in [200, 503] {
            assert_eq!(block_on(send(&layer, head(&signer, b""), "")), expected);
        }
    });
    assert_eq!(only(&capture, tracing::Level::WARN).field("kind"), Some("replay_full"));
}

#[test]
fn a_disarmed_layer_is_logged() {
    let clock = ManualClock::new(NOW);
    let (capture, _) = Capture::during(|| layer(&clock).dangerous_disarmed(true));
    assert!(only(&capture, tracing::Level::WARN).field("message").unwrap().contains("disarmed"));
    let (capture, _) = Capture::during(|| layer(&clock).dangerous_disarmed(false));
    assert!(capture.events().is_empty());
}

#[test]
fn only_a_proven_key_id_is_recorded_in_the_span() {
    let clock = ManualClock::new(NOW);
    let layer = layer(&clock);
    for (key, proven) in [("akey", Some("aservice")), ("another", None)] {
        let head = head(&signer("aservice", key, &clock), b"");
        let (capture, _) = Capture::during(|| {
            let span = tracing::info_span!("request", key_id = tracing::field::Empty);
            span.in_scope(|| block_on(send(&layer, head, "")))
        });
        assert_eq!(capture.span_field("key_id").as_deref(), proven);
    }
}

/// A metric's name, labels and value.
type Metric = (String, Vec<(String, String)>, DebugValue);

/// The metrics recorded while `run` runs.
fn metrics_of(run: impl FnOnce()) -> Vec<Metric> {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, run);
    let snapshot = snapshotter.snapshot().into_vec();
    let read = |(key, _, _, value): (metrics_util::CompositeKey, _, _, _)| {
        let labels = key.key().labels().map(|l| (l.key().to_owned(), l.value().to_owned()));
        (key.key().name().to_owned(), labels.collect(), value)
    };
    snapshot.into_iter().map(read).collect()
}

#[test]
fn a_failing_key_store_and_a_failing_guard_are_counted_at_different_steps() {
    let clock = ManualClock::new(NOW);
    let store = key_fn(|_: Option<&KeyId>, _: &http::request::Parts| async {
        Err::<Option<SecretKey>, BoxError>("a third database is gone".into())
    });
    let keys = VerifyLayer::new(Stamped::new(), store).unwrap().with_clock(clock.clone());
    let replay = layer(&clock).with_replay_guard(FailingGuard).unwrap();
    let metrics = metrics_of(|| {
        for layer in [&keys, &replay, &replay] {
            let head = head(&signer("aservice", "akey", &clock), b"");
            assert_eq!(block_on(send(layer, head, "")), 503);
        }
    });
    let count = |step: &str| {
        let wanted = [("outcome", "store_unavailable"), ("step", step)];
        let count = metrics.iter().find(|(_, labels, _)| {
            let label = |(name, value): &(&str, &str)| {
                labels.contains(&((*name).to_owned(), (*value).to_owned()))
            };
            wanted.iter().all(label)
        });
        count.map(|(.., value)| value)
    };
    assert_eq!(count("keys"), Some(&DebugValue::Counter(1)));
    assert_eq!(count("replay"), Some(&DebugValue::Counter(2)));
}

struct FailingGuard;

impl ReplayGuard for FailingGuard {
    fn claim(&self, _: &ReplayRequest<'_>) -> ReplayClaim {
        ReplayClaim::ready(Err("the guard is gone".into()))
    }
}

#[test]
fn outcomes_are_counted_by_kind_and_scheme() {
    let clock = ManualClock::new(NOW);
    let guard = Arc::new(MemoryReplay::new(10).unwrap());
    let layer = layer(&clock).with_replay_guard(guard).unwrap();
    let metrics = metrics_of(|| {
        let signer_a = signer("aservice", "akey", &clock);
        let accepted = head(&signer_a, b"hello");
        assert_eq!(block_on(send(&layer, accepted.clone(), "hello")), 200);
        assert_eq!(block_on(send(&layer, accepted, "hello")), 403);
        assert_eq!(block_on(send(&layer, head(&signer_a, b""), "")), 200);
        let stranger = head(&signer("a stranger's name", "akey", &clock), b"");
        assert_eq!(block_on(send(&layer, stranger, "")), 403);
        assert_eq!(block_on(send(&layer, unsigned(), "")), 403);
        assert_eq!(block_on(send(&layer.clone().optional(), unsigned(), "")), 200);
        assert_eq!(block_on(send(&layer.clone().dangerous_disarmed(true), unsigned(), "")), 200);
    });
    let count = |outcome: &str, step: &str, scheme: &str| {
        let labels = [("outcome", outcome), ("step", step), ("scheme", scheme)];
        metrics.iter().find_map(|(name, found, value)| {
            let equal = labels.iter().all(|(key, value)| {
                found.iter().any(|(found, text)| found == key && text == value)
            });
            match value {
                DebugValue::Counter(count) if name == "tower_hmac_requests_total" && equal => {
                    Some(*count)
                }
                _ => None,
            }
        })
    };
    assert_eq!(count("accepted", "none", "stamped"), Some(2));
    assert_eq!(count("replayed", "replay", "stamped"), Some(1));
    assert_eq!(count("unknown_key", "keys", "stamped"), Some(1));
    assert_eq!(count("missing", "claim", "stamped"), Some(1));
    assert_eq!(count("unsigned", "none", "none"), Some(1));
    assert_eq!(count("disarmed", "none", "stamped"), Some(1));

    let histogram = |wanted: &str| {
        metrics.iter().find_map(|(name, _, value)| match value {
            DebugValue::Histogram(values) if name == wanted => {
                let mut values: Vec<f64> = values.iter().map(|value| value.0).collect();
                values.sort_by(f64::total_cmp);
                Some(values)
            }
            _ => None,
        })
    };
    assert_eq!(histogram("tower_hmac_body_bytes"), Some(vec![0.0, 0.0, 5.0]));
    assert!(histogram("tower_hmac_verification_seconds").unwrap().len() >= 5);
    let gauge = metrics.iter().find(|(name, ..)| name == "tower_hmac_replay_entries").unwrap();
    assert_eq!(gauge.2, DebugValue::Gauge(2.0.into()));

    // Nothing that a client sends becomes a label.
    assert!(!format!("{metrics:?}").contains("stranger"));
}

/// The rest of a rejected body is dropped, and the client may disconnect meanwhile.
#[cfg(feature = "axum")]
#[test]
fn a_rejection_is_counted_and_logged_once_and_before_the_body_is_drained() {
    use axum::Router;
    use axum::routing::any;
    use bytes::Bytes;
    use tower_hmac::extract::Signed;

    let clock = ManualClock::new(NOW);
    let layer = layer(&clock);
    let extractor = any(async |Signed(_, _): Signed<Bytes>| "in");
    let apps = [
        Router::new().route("/", any(async || "in")).layer(layer.clone()),
        Router::new().route("/", extractor).with_state(layer.shared()),
    ];
    for app in apps {
        let mut capture = None;
        let metrics = metrics_of(|| {
            capture = Some(Capture::during(|| {
                block_on(async {
                    let endless = futures_util::stream::pending::<Result<Bytes, Infallible>>();
                    let request = Request::from_parts(unsigned(), Body::from_stream(endless));
                    let mut answer = Box::pin(app.clone().oneshot(request));
                    assert!(futures_util::poll!(&mut answer).is_pending());
                    drop(answer);
                    let wrong = head(&signer("aservice", "another", &clock), b"");
                    let request = Request::from_parts(wrong, Body::empty());
                    assert_eq!(app.clone().oneshot(request).await.unwrap().status(), 403);
                });
            }));
        });
        let (capture, ()) = capture.unwrap();
        let kinds: Vec<_> =
            capture.events().iter().map(|event| event.field("kind").unwrap().to_owned()).collect();
        assert_eq!(kinds, ["missing", "mismatch"]);
        let counts: Vec<_> = metrics
            .iter()
            .filter(|(name, ..)| name == "tower_hmac_requests_total")
            .map(|(.., value)| value)
            .collect();
        assert_eq!(counts, [&DebugValue::Counter(1); 2]);
    }
}
