//! The cost of a signed request over an unsigned one, divided by the bare hash of its body.
//!
//! All contenders take turns, round by round, and each ratio is computed within a round. The output
//! is medians over the rounds. `scripts/plot` draws the tables `bodies` and `growth`.
#![allow(missing_docs, clippy::pedantic)]

mod support;

use std::collections::HashMap;
use std::future::Future as _;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use support::{Case, FRAME, KEY, Rounds, bare_hash, body, contenders, time_bare_hash};
use tower::ServiceExt as _;
use tower_hmac::crypto::Mac;
use tower_hmac::{Algorithm, KeyId, KeyMap, MemoryReplay, SecretKey, Signer, VerifyLayer};

fn main() {
    let wanted = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let tables: [(&str, fn()); 10] = [
        ("mac", mac),
        ("bodies", bodies),
        ("by_hand", by_hand),
        ("growth", growth),
        ("schemes", schemes),
        ("rejections", rejections),
        ("keys", keys),
        ("replay", replay),
        ("once", once),
        ("waits", waits),
    ];
    for (name, table) in tables {
        if wanted.as_deref().is_none_or(|wanted| wanted == name) {
            println!("\n{name}");
            table();
        }
    }
}

/// `Mac` against `hmac` used by hand.
fn mac() {
    println!("| body | `hmac` by hand, ns | `Mac`, ns | ratio |\n| --- | --- | --- | --- |");
    let key = SecretKey::new(KEY).unwrap();
    let prepared = bare_hash();
    for size in [0, 256, 1024, 64 * 1024, 1024 * 1024] {
        let body = body(size);
        let ours = |count| {
            let start = Instant::now();
            for _ in 0..count {
                let mut mac = Mac::new(Algorithm::Sha256, &key);
                mac.update(black_box(&body));
                black_box(mac.finalize());
            }
            start.elapsed()
        };
        let rounds =
            Rounds::run(&[Box::new(|n| time_bare_hash(&prepared, &body, n)), Box::new(ours)]);
        let (by_hand, ours) = (rounds.median(|r| r[0]), rounds.median(|r| r[1]));
        println!("| {size} | {by_hand:.0} | {ours:.0} | {:.3} |", rounds.median(|r| r[1] / r[0]));
    }
}

/// The contenders over bodies of all sizes.
fn bodies() {
    println!("| body | frames of | contender | ns | over floor | over floor / hash |");
    println!("| --- | --- | --- | --- | --- | --- |");
    let sizes = [0, 256, 1024, 64 << 10, 1 << 20, 16 << 20, 64 << 20];
    let whole = sizes.map(|size| (size, None));
    let framed = sizes.map(|size| (size, Some(FRAME)));
    for (size, frame) in whole.into_iter().chain(framed.into_iter().skip(3)) {
        let body = body(size);
        let prepared = bare_hash();
        let cases = contenders(&body, frame);
        let mut timed: Vec<support::Timed<'_>> = Vec::new();
        timed.push(Box::new(|n| time_bare_hash(&prepared, &body, n)));
        for case in &cases {
            timed.push(Box::new(|n| case.time(n)));
        }
        let rounds = Rounds::run(&timed);
        let frame = frame.map_or("whole".into(), |frame| frame.to_string());
        println!("| {size} | {frame} | hash | {:.0} | | 1 |", rounds.median(|r| r[0]));
        for (place, case) in (1..).zip(&cases) {
            println!(
                "| {size} | {frame} | {} | {:.0} | {:.0} | {:.3} |",
                case.name,
                rounds.median(|r| r[place]),
                rounds.median(|r| r[place] - r[1]),
                rounds.median(|r| (r[place] - r[1]) / r[0]),
            );
        }
    }
}

/// Compares each way to verify with hand-written code, both over the bare route, for 1 KiB. The spread
/// is that of the middle half of the rounds.
fn by_hand() {
    println!("| 1 KiB | by hand, ns over the route | ns over the route | ratio | spread | goal |");
    println!("| --- | --- | --- | --- | --- | --- |");
    let rows = support::beside_by_hand();
    let cases = rows.iter().flat_map(|row| [&row.floor, &row.by_hand, &row.ours]);
    let rounds = Rounds::many_of_cases(cases);
    for (place, row) in rows.iter().enumerate() {
        let (floor, by_hand, ours) = (3 * place, 3 * place + 1, 3 * place + 2);
        let ratio = |r: &[f64]| (r[ours] - r[floor]) / (r[by_hand] - r[floor]);
        let median = rounds.median(ratio);
        println!(
            "| {} | {:.0} | {:.0} | {median:.3} | {:.3} to {:.3} | {:.2}{} |",
            row.name,
            rounds.median(|r| r[by_hand] - r[floor]),
            rounds.median(|r| r[ours] - r[floor]),
            rounds.quantile(0.25, ratio),
            rounds.quantile(0.75, ratio),
            row.goal,
            if median <= row.goal { ", met" } else { "" },
        );
    }
}

/// How the layer's cost grows with keys, schemes, headers and the body.
fn growth() {
    for (what, cases) in support::growth() {
        println!("\ngrowth/{what}");
        beside(&cases);
    }
}

/// Compares cases with the first of them.
fn beside(cases: &[Case]) {
    println!("| request | ns | over the first |\n| --- | --- | --- |");
    let rounds = Rounds::of_cases(cases);
    for (place, case) in cases.iter().enumerate() {
        let (ns, ratio) = (rounds.median(|r| r[place]), rounds.median(|r| r[place] / r[0]));
        println!("| {} | {ns:.0} | {ratio:.3} |", case.name);
    }
}

/// The layer with each scheme, 1 KiB.
fn schemes() {
    beside(&support::schemes());
}

/// Compares rejections with an accepted request without a body.
fn rejections() {
    let named = base64::engine::general_purpose::STANDARD
        .encode(format!("nobody:{}", "A".repeat(43) + "="));
    let wrong = "A".repeat(43) + "=";
    let rejected = |name: &str, signature: Option<&str>, size| {
        let request = support::with_signature(signature, body(size));
        Case::new(name, support::layer(support::ours(false)), request).rejected()
    };
    beside(&[
        Case::new(
            "accepted, no body",
            support::layer(support::ours(false)),
            support::signed(body(0)),
        ),
        rejected("missing, 1 KiB", None, 1024),
        rejected("missing, 1 MiB", None, 1024 * 1024),
        rejected("malformed, 1 KiB", Some("no signature"), 1024),
        rejected("unknown key, no body", Some(&named), 0),
        rejected("wrong tag, no body", Some(&wrong), 0),
        rejected("unknown key, 1 KiB", Some(&named), 1024),
        rejected("wrong tag, 1 KiB", Some(&wrong), 1024),
    ]);
}

/// Looks up a key and computes a MAC over 64 bytes, with `KeyMap` and with a plain map.
fn keys() {
    println!("| keys | plain `HashMap`, ns | `KeyMap`, ns | ratio |\n| --- | --- | --- | --- |");
    for count in [1, 1_000, 1_000_000_u64] {
        let name = |n: u64| format!("service-{n:08}");
        let key = |n: u64| [&[0x5a; 24][..], &n.to_be_bytes()].concat();
        let plain: HashMap<String, Hmac<Sha256>> =
            (0..count).map(|n| (name(n), Hmac::new_from_slice(&key(n)).unwrap())).collect();
        let ours = KeyMap::named((0..count).map(|n| (name(n), key(n)))).unwrap();
        let ids: Vec<KeyId> = (0..count).map(|n| KeyId::new(name(n)).unwrap()).collect();
        // All keys are prepared, and looked up in random order.
        for id in &ids {
            let entry = ours.get(Some(id)).unwrap().iter().next().unwrap();
            black_box(Mac::new(Algorithm::Sha256, entry.key()));
        }
        let order = |n: u64| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) % count;
        let text = body(64);
        let by_hand = |runs| {
            let start = Instant::now();
            for n in 0..runs {
                let mut mac = plain[ids[order(n) as usize].as_str()].clone();
                mac.update(black_box(&text));
                black_box(mac.finalize());
            }
            start.elapsed()
        };
        let by_us = |runs| {
            let start = Instant::now();
            for n in 0..runs {
                let set = ours.get(Some(&ids[order(n) as usize])).unwrap().clone();
                let mut mac = Mac::new(Algorithm::Sha256, set.iter().next().unwrap().key());
                mac.update(black_box(&text));
                black_box(mac.finalize());
            }
            start.elapsed()
        };
        let rounds = Rounds::run(&[Box::new(by_hand), Box::new(by_us)]);
        let (by_hand, by_us) = (rounds.median(|r| r[0]), rounds.median(|r| r[1]));
        println!("| {count} | {by_hand:.0} | {by_us:.0} | {:.3} |", rounds.median(|r| r[1] / r[0]));
    }
}

/// The layer with and without a guard. Each request is new: the clock and the nonce advance.
fn replay() {
    println!("| guard | ns per request, 1 KiB | over none |\n| --- | --- | --- |");
    let text = body(1024);
    let time = |guarded: bool, count: u64| {
        let key = || SecretKey::new(KEY).unwrap();
        let clock = tower_hmac::clock::ManualClock::new(1_700_000_000);
        let mut layer = VerifyLayer::new(support::timed_header(), KeyMap::single(key()).unwrap())
            .unwrap()
            .with_clock(clock.clone());
        if guarded {
            let guard = MemoryReplay::new(200_000).unwrap();
            layer = layer.with_replay_guard(guard).unwrap();
        }
        let app = support::layer(layer);
        let signer = Signer::new(support::timed_header(), key()).with_clock(clock.clone());
        support::runtime().block_on(async {
            let mut taken = Duration::ZERO;
            for _ in 0..count {
                clock.advance(1);
                let request = support::signed_by(&signer, text.clone())();
                let start = Instant::now();
                black_box(app.clone().oneshot(request).await.unwrap());
                taken += start.elapsed();
            }
            taken
        })
    };
    let rounds = Rounds::run(&[Box::new(|n| time(false, n)), Box::new(|n| time(true, n))]);
    println!("| none | {:.0} | 1 |", rounds.median(|r| r[0]));
    println!(
        "| in memory | {:.0} | {:.3} |",
        rounds.median(|r| r[1]),
        rounds.median(|r| r[1] / r[0])
    );
}

/// A verified webhook with and without `MemoryOnce`, 1 KiB. The store fills anew in each round.
fn once() {
    let cases = support::once();
    let timed = cases.iter().map(|case| -> support::Timed<'_> { Box::new(|n| case().time(n)) });
    let rounds = Rounds::run(&timed.collect::<Vec<_>>());
    println!("| request | ns | over the first |\n| --- | --- | --- |");
    for (place, case) in cases.iter().enumerate() {
        let (ns, ratio) = (rounds.median(|r| r[place]), rounds.median(|r| r[place] / r[0]));
        println!("| {} | {ns:.0} | {ratio:.3} |", case().name);
    }
}

/// The longest time that one poll blocks the worker, as the minimum over the runs, because the
/// system also takes time away.
fn waits() {
    println!("| body in frames of 16 KiB | contender | longest poll, µs | over buffer-then-hash |");
    println!("| --- | --- | --- | --- |");
    for size in [1024 * 1024, 16 * 1024 * 1024] {
        let cases = contenders(&body(size), Some(FRAME));
        let longest: Vec<(String, f64)> = cases
            .iter()
            .map(|case| {
                let least = (0..15).map(|_| longest_poll(case)).fold(f64::INFINITY, f64::min);
                (case.name.clone(), least)
            })
            .collect();
        let by_hand = longest.iter().find(|(name, _)| name == "careful").unwrap().1;
        for (name, poll) in &longest {
            println!("| {size} | {name} | {:.0} | {:.3} |", poll / 1_000.0, poll / by_hand);
        }
    }
}

fn longest_poll(case: &Case) -> f64 {
    let mut request = pin!(case.app.clone().oneshot(case.request()));
    let mut context = Context::from_waker(Waker::noop());
    let mut longest = Duration::ZERO;
    loop {
        let start = Instant::now();
        let poll = request.as_mut().poll(&mut context);
        longest = longest.max(start.elapsed());
        if poll.is_ready() {
            return longest.as_nanos() as f64;
        }
    }
}
