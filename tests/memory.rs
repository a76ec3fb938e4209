//! The memory that the replay guard, the key cache and reading bodies use, counted by the
//! allocator.
#![allow(missing_docs)]

#[path = "memory/explain.rs"]
mod explain;

use std::alloc::System;

use futures_util::{FutureExt as _, StreamExt as _};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tower_hmac::MemoryReplay;
use tower_hmac::replay::ReplayGuard as _;
use tower_hmac::replay::{Replay, ReplayKey, ReplayRequest};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Without the test harness, whose threads would also allocate.
fn main() {
    a_body_in_many_frames_is_moved_seldom();
    the_room_is_taken_when_the_guard_is_made_and_never_grows();
    #[cfg(feature = "serde")]
    text_from_json_takes_no_more_than_the_body();
    #[cfg(all(feature = "serde", feature = "sha1", feature = "webhooks"))]
    text_of_a_form_or_a_notification_takes_no_more_than_the_body();
    explain::a_head_is_explained_in_bounded_time_and_memory(ALLOCATOR);
    explain::a_body_of_2_mib_is_explained_in_a_second(ALLOCATOR);
    #[cfg(feature = "cache")]
    names_that_nobody_has_leave_nothing_behind_in_the_cache();
    #[cfg(feature = "cache")]
    names_asked_for_at_once_leave_nothing_behind_in_the_cache();
    println!("memory: passed");
}

/// If the buffer moved at each frame, small frames would take quadratic time.
fn a_body_in_many_frames_is_moved_seldom() {
    use http::{Request, Response};
    use http_body_util::StreamBody;
    use tower::{Layer as _, ServiceExt as _, service_fn};
    use tower_hmac::{FlaskHmac, KeyMap, SecretKey, Signer, VerifyLayer};

    let key = || SecretKey::new("akey").unwrap();
    let signer = Signer::new(FlaskHmac::new(), key());
    let request = signer.sign(Request::post("/").body(vec![b'x'; 100_000]).unwrap()).unwrap();
    let frames = futures_util::stream::repeat(&[b'x'; 100][..])
        .take(1_000)
        .map(|data| Ok::<_, std::convert::Infallible>(http_body::Frame::data(data)));
    let request = request.map(|_| StreamBody::new(frames));
    let inner = service_fn(async |_: Request<_>| {
        Ok::<_, std::convert::Infallible>(Response::new(String::new()))
    });
    let service =
        VerifyLayer::new(FlaskHmac::new(), KeyMap::single(key()).unwrap()).unwrap().layer(inner);
    let region = Region::new(ALLOCATOR);
    let response = service.oneshot(request).now_or_never().unwrap().unwrap();
    let change = region.change();
    assert!(response.status().is_success());
    println!("1,000 frames: {} reallocations", change.reallocations);
    assert!(change.reallocations <= 20, "{} reallocations", change.reallocations);
}

/// A stranger sends the body, and it is read before its MAC is compared.
#[cfg(feature = "serde")]
fn text_from_json_takes_no_more_than_the_body() {
    use std::fmt::Write as _;

    use tower_hmac::scheme::JsonText;

    const MIB: usize = 1024 * 1024;
    let text = JsonText::new("mac_address").then(":", "timestamp").unwrap();
    let body = |rest: &str| format!(r#"{{"mac_address":"aa","timestamp":"1","rest":{rest}}}"#);
    let mut members = String::from("{}");
    for number in 0.. {
        if members.len() > 2 * MIB - 100 {
            break;
        }
        let _ = write!(members, r#","{number:x}":1"#);
    }
    let deep = MIB - 100;
    let bodies = [
        ("members", body(&members)),
        ("nested members", body(&format!("{{{}}}", members.replacen("{},", "", 1)))),
        ("depth", body(&format!("{}{}", "[".repeat(deep), "]".repeat(deep)))),
        ("depth without an end", body(&"[".repeat(2 * MIB - 100))),
        ("a long string", body(&format!("\"{}\\n\"", "x".repeat(2 * MIB - 100)))),
        ("a string of escapes", body(&format!("\"{}\"", "\\u00e9".repeat(MIB / 3 - 100)))),
        ("a long name", body(&format!("1,\"{}\\n\":1", "x".repeat(2 * MIB - 100)))),
        ("a long signed string", body("0").replace("aa", &"x".repeat(2 * MIB - 100))),
        ("a long signed string with an escape", {
            body("0").replace("aa", &format!("{}\\n", "x".repeat(2 * MIB - 100)))
        }),
    ];
    for (name, body) in bodies {
        let start = std::time::Instant::now();
        let region = Region::new(ALLOCATOR);
        let outcome = text.of(body.as_bytes());
        let allocated = region.change().bytes_allocated;
        let took = start.elapsed();
        println!("JSON, {name}: {allocated} bytes for {} in {took:?}", body.len());
        assert_eq!(outcome.is_ok(), name != "depth without an end", "{name}");
        assert!(allocated * 10 <= body.len() * 11, "{allocated} bytes for {name}");
    }
}

/// A stranger sends the body, and it is parsed before its MAC is compared.
#[cfg(all(feature = "serde", feature = "sha1", feature = "webhooks"))]
fn text_of_a_form_or_a_notification_takes_no_more_than_the_body() {
    use std::fmt::Write as _;
    use std::sync::Arc;

    use http::Request;
    use tower_hmac::{KeyMap, Scheme, SecretKey, Verifier, webhooks};

    const MIB: usize = 1024 * 1024;
    let mut form = String::new();
    for number in 0.. {
        if form.len() > 2 * MIB - 20 {
            break;
        }
        let _ = write!(form, "{number:x}&");
    }
    let items = r#"{"NotificationRequestItem":{}},"#.repeat(2 * MIB / 32);
    let items = format!(r#"{{"notificationItems":[{}]}}"#, items.trim_end_matches(','));
    let twilio: Arc<dyn Scheme> = Arc::new(webhooks::twilio("https://example.com").unwrap());
    let adyen: Arc<dyn Scheme> = Arc::new(webhooks::dangerous_adyen_payments());
    for (scheme, body) in [
        (twilio.clone(), form),
        (twilio.clone(), "a&".repeat(MIB - 10)),
        (twilio.clone(), "a+".repeat(MIB - 10)),
        (twilio, "%61=%61&".repeat(MIB / 4 - 10)),
        (adyen, items),
    ] {
        let name = scheme.name().to_owned();
        let keys = KeyMap::single(SecretKey::new("akey").unwrap()).unwrap();
        let verifier = Verifier::new(scheme, keys).unwrap();
        let request = Request::post("/hook")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-twilio-signature", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        let (head, ()) = request.body(()).unwrap().into_parts();
        let region = Region::new(ALLOCATOR);
        let outcome = verifier.verify(&head, body.as_bytes()).now_or_never().unwrap();
        let allocated = region.change().bytes_allocated;
        println!("{name}: {allocated} bytes for {}", body.len());
        assert!(outcome.is_err(), "{name}");
        assert!(allocated * 10 <= body.len() * 11, "{allocated} bytes for {name}");
    }
}

/// Otherwise, strangers could fill the memory with made-up key IDs.
#[cfg(feature = "cache")]
fn names_that_nobody_has_leave_nothing_behind_in_the_cache() {
    use tower_hmac::key::{CachedKeys, KeyQuery, key_fn};
    use tower_hmac::{BoxError, KeyId, KeyStore as _, SecretKey};

    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let store = key_fn(|_, _| async { Ok::<Option<SecretKey>, BoxError>(None) });
    let cached = CachedKeys::new(store).with_capacity(1, 1);
    let (head, ()) = http::Request::new(()).into_parts();
    let ask = |names: std::ops::Range<u32>| {
        for name in names {
            let name = KeyId::new(name.to_string()).unwrap();
            let query = KeyQuery::new(Some(&name), &head);
            assert!(runtime.block_on(cached.lookup(&query)).unwrap().is_none());
        }
    };
    // The cache has its own queues, which are full by then.
    ask(0..2_000);
    let region = Region::new(ALLOCATOR);
    ask(2_000..22_000);
    let change = region.change();
    let grown = change.bytes_allocated.saturating_sub(change.bytes_deallocated);
    println!("20,000 unknown names: {grown} bytes");
    assert!(grown < 100_000, "{grown} bytes for 20,000 names");
}

/// Otherwise, a flood of key IDs while the store hangs would keep its memory for ever.
#[cfg(feature = "cache")]
fn names_asked_for_at_once_leave_nothing_behind_in_the_cache() {
    use tower_hmac::key::{CachedKeys, KeyQuery, key_fn};
    use tower_hmac::{BoxError, KeyId, KeyStore as _, SecretKey};

    let store = key_fn(|_, _| std::future::pending::<Result<Option<SecretKey>, BoxError>>());
    let cached = CachedKeys::new(store);
    let (head, ()) = http::Request::new(()).into_parts();
    let ask = |name: u32| {
        let name = KeyId::new(name.to_string()).unwrap();
        cached.lookup(&KeyQuery::new(Some(&name), &head))
    };
    drop((0..100).map(ask).collect::<Vec<_>>());
    let region = Region::new(ALLOCATOR);
    drop((0..20_000).map(ask).collect::<Vec<_>>());
    let change = region.change();
    let grown = change.bytes_allocated.saturating_sub(change.bytes_deallocated);
    println!("20,000 names at once: {grown} bytes");
    assert!(grown < 100_000, "{grown} bytes for 20,000 names");
}

fn the_room_is_taken_when_the_guard_is_made_and_never_grows() {
    // Allocate here what a process allocates only once.
    drop(MemoryReplay::new(1).unwrap().claim(&ReplayRequest::new(
        ReplayKey::from_bytes([0; 32]),
        300,
        0,
    )));
    for capacity in [1_000, 10_000, 100_000, 123_000, 1_000_000] {
        let region = Region::new(ALLOCATOR);
        let guard = MemoryReplay::new(capacity).unwrap();
        let made = region.change();
        let bytes = made.bytes_allocated - made.bytes_deallocated;

        for number in 0..capacity + 10 {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_be_bytes());
            let claim = guard.claim(&ReplayRequest::new(ReplayKey::from_bytes(key), 300, 0));
            let expected = if number < capacity { Replay::Claimed } else { Replay::Full };
            assert_eq!(claim.now_or_never().unwrap().unwrap(), expected);
        }
        let filled = region.change();
        assert_eq!(filled.allocations, made.allocations, "a claim allocated");
        assert_eq!(filled.reallocations, made.reallocations, "the room grew");

        // The figures in the documentation of `MemoryReplay`, in bytes.
        let fixed = 16 * 1024 * 4;
        let each = (bytes - fixed) / capacity;
        println!("{capacity} entries: {bytes} bytes, {each} each beside {fixed}");
        let most = if capacity >= 100_000 { 61 } else { 90 };
        assert!(each <= most, "{each} bytes an entry of {capacity}");
    }
}
