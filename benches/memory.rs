//! The allocations of a request, a key and a streaming body, measured with a counting allocator.
//! The figures are the same in every run.
#![allow(missing_docs, clippy::pedantic)]

mod support;

use std::alloc::System;
use std::convert::Infallible;
use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use axum::body::{Body, Bytes};
use futures_util::stream;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use support::{Case, body, contenders};
use tower::ServiceExt as _;
use tower_hmac::crypto::Mac;
use tower_hmac::{Algorithm, KeyId, KeyMap};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn held(region: &Region<'_, System>) -> usize {
    let change = region.change();
    change.bytes_allocated.saturating_sub(change.bytes_deallocated)
}

fn main() {
    println!("| signed request | allocations | over the route without a check | bytes |");
    println!("| --- | --- | --- | --- |");
    for size in [0, 1024] {
        let mut floor = None;
        for case in contenders(&body(size), None) {
            let (allocations, bytes) = allocated(&case);
            let floor = *floor.get_or_insert(allocations);
            println!(
                "| {}, {size} B | {allocations} | {} | {bytes} |",
                case.name,
                over(allocations, floor)
            );
        }
    }

    println!("\n| 1 KiB | allocations over the route, by hand | allocations over the route |");
    println!("| --- | --- | --- |");
    for row in support::beside_by_hand() {
        let [floor, by_hand, ours] = [&row.floor, &row.by_hand, &row.ours].map(|c| allocated(c).0);
        println!("| {} | {} | {} |", row.name, over(by_hand, floor), over(ours, floor));
    }

    println!("\n| keys | bytes per key, without its key ID |\n| --- | --- |");
    for count in [1_000, 1_000_000] {
        println!("| {count}, not used yet | {} |", key_bytes(count, false));
        println!("| {count}, all used | {} |", key_bytes(count, true));
    }

    waiting();

    println!("\n| bodies arriving | peak memory, over the bodies |\n| --- | --- |");
    for (bodies, frame) in [(16, 1), (256, 16 * 1024)] {
        for case in contenders(&body(1024 * 1024), None) {
            if case.name != "nothing" {
                let most = most_held(&case, bodies, frame);
                println!("| {}, {bodies} of 1 MiB in frames of {frame} B | {most:.3} |", case.name);
            }
        }
    }
}

/// What a request holds while its body is on the way, and the sizes of the futures.
fn waiting() {
    println!("\n| waits for 1 KiB, or for its last byte; B over the route | by hand | ours |");
    println!("| --- | --- | --- |");
    for row in support::beside_by_hand() {
        let [floor, by_hand, ours] = [&row.floor, &row.by_hand, &row.ours].map(held_waiting);
        let more =
            |held: [usize; 2]| format!("{}, {}", over(held[0], floor[0]), over(held[1], floor[1]));
        println!("| {} | {} | {} |", row.name, more(by_hand), more(ours));
    }

    println!("\n| future | bytes |\n| --- | --- |");
    for (name, size) in support::future_sizes() {
        println!("| {name} | {size} |");
    }
}

/// The bytes on the heap of one request before its body arrives, and before its last byte arrives.
fn held_waiting(case: &Case) -> [usize; 2] {
    const SIZE: usize = 1024;
    support::runtime().block_on(case.send(case.request()));
    let arrived = Arc::new(AtomicUsize::new(0));
    let body = arriving(Arc::new(body(SIZE).to_vec()), arrived.clone(), SIZE - 1);
    let request = case.request().map(|_| body);
    let region = Region::new(ALLOCATOR);
    let mut answer = Box::pin(case.app.clone().oneshot(request));
    let mut context = Context::from_waker(Waker::noop());
    let held = [0, SIZE - 1].map(|bytes| {
        arrived.store(bytes, Ordering::Relaxed);
        assert!(answer.as_mut().poll(&mut context).is_pending(), "{}", case.name);
        held(&region)
    });
    arrived.store(SIZE, Ordering::Relaxed);
    assert!(answer.as_mut().poll(&mut context).is_ready(), "{}", case.name);
    held
}

/// The difference of two counts; negative if the route without a check allocates more.
fn over(count: usize, floor: usize) -> i64 {
    count as i64 - floor as i64
}

/// The allocations of one request and their bytes, after a first one has warmed up.
fn allocated(case: &Case) -> (usize, usize) {
    support::runtime().block_on(async {
        case.send(case.request()).await;
        let request = case.request();
        let region = Region::new(ALLOCATOR);
        case.send(request).await;
        let change = region.change();
        (change.allocations + change.reallocations, change.bytes_allocated)
    })
}

/// The memory per key in a map of this many keys of 32 bytes, with or without prepared state.
fn key_bytes(count: u32, used: bool) -> usize {
    let name = |n: u32| format!("service-{n:08}");
    let names: Vec<KeyId> = (0..count).map(|n| KeyId::new(name(n)).unwrap()).collect();
    let region = Region::new(ALLOCATOR);
    let mut map = KeyMap::default();
    for (n, name) in names.iter().enumerate() {
        let mut bytes = [0x5a; 32];
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        map = map.with_key(name.clone(), bytes.to_vec()).unwrap();
    }
    if used {
        for name in &names {
            for entry in map.get(Some(name)).unwrap().iter() {
                std::hint::black_box(Mac::new(Algorithm::Sha256, entry.key()));
            }
        }
    }
    held(&region) / count as usize
}

/// The peak memory of this many requests whose bodies arrive in turn, divided by the bodies.
fn most_held(case: &Case, bodies: usize, frame: usize) -> f64 {
    const SIZE: usize = 1024 * 1024;
    let bytes = Arc::new(body(SIZE).to_vec());
    let arrived = Arc::new(AtomicUsize::new(0));
    let region = Region::new(ALLOCATOR);
    let mut requests: Vec<Pin<Box<_>>> = (0..bodies)
        .map(|_| {
            let body = arriving(bytes.clone(), arrived.clone(), frame);
            Box::pin(case.app.clone().oneshot(case.request().map(|_| body)))
        })
        .collect();
    let mut context = Context::from_waker(Waker::noop());
    let (mut most, mut done) = (0, false);
    while !done {
        arrived.fetch_add(frame.max(512), Ordering::Relaxed);
        for request in &mut requests {
            if let Poll::Ready(response) = request.as_mut().poll(&mut context) {
                assert!(response.unwrap().status().is_success(), "{}", case.name);
                done = true;
            }
            most = most.max(held(&region));
        }
    }
    most as f64 / (SIZE * bodies) as f64
}

/// A body that yields arrived frames, each with its own memory, as from a socket.
fn arriving(bytes: Arc<Vec<u8>>, arrived: Arc<AtomicUsize>, frame: usize) -> Body {
    let mut sent = 0;
    Body::from_stream(stream::poll_fn(move |_| {
        let end = (sent + frame).min(bytes.len());
        if sent == bytes.len() {
            return Poll::Ready(None);
        }
        if end > arrived.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        let piece = Bytes::copy_from_slice(&bytes[sent..end]);
        sent = end;
        Poll::Ready(Some(Ok::<_, Infallible>(piece)))
    }))
}
