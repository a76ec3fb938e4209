//! Compares the ways to verify each scheme.
//!
//! Each case is an axum router with one route, and one signed request. All contenders for a scheme
//! take turns, round by round. The output is the median CPU time over the rounds, in total and over
//! the route alone.

mod contenders;

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use cpu_time::ThreadTime;
use http::{Request, StatusCode, request::Parts};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

/// The CPU time of one contender per round.
const TURN: Duration = Duration::from_millis(10);

/// One signed request, which all contenders for its scheme accept.
struct Signed {
    head: Parts,
    body: Bytes,
}

impl Signed {
    fn request(&self) -> Request<Body> {
        Request::from_parts(self.head.clone(), Body::from(self.body.clone()))
    }

    /// The same with the last byte of the body changed.
    fn forged(&self) -> Request<Body> {
        let mut body = self.body.to_vec();
        body[self.body.len() - 2] ^= 1;
        Request::from_parts(self.head.clone(), Body::from(body))
    }
}

/// A name and a router. The first one of a scheme verifies nothing.
type Contender = (&'static str, Router);

fn time(runtime: &Runtime, router: &Router, signed: &Signed, count: u32) -> f64 {
    let start = ThreadTime::now();
    runtime.block_on(async {
        for _ in 0..count {
            let response = router.clone().oneshot(signed.request()).await.unwrap();
            assert_eq!(response.status(), StatusCode::OK);
        }
    });
    start.elapsed().as_nanos() as f64 / f64::from(count)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Checks that a contender accepts the signed request, and rejects it with another body. Otherwise,
/// its figure would mean nothing.
fn check(runtime: &Runtime, name: &str, router: &Router, signed: &Signed) {
    let status = |request: Request<Body>| {
        runtime.block_on(router.clone().oneshot(request)).unwrap().status()
    };
    assert_eq!(status(signed.request()), StatusCode::OK, "{name}");
    assert!(status(signed.forged()).is_client_error(), "{name}");
}

fn compare(runtime: &Runtime, rounds: usize, scheme: &str, signed: &Signed, all: &[Contender]) {
    for (name, router) in all.iter().skip(1) {
        check(runtime, name, router, signed);
    }
    let counts: Vec<u32> = all
        .iter()
        .map(|(_, router)| (TURN.as_nanos() as f64 / time(runtime, router, signed, 200)) as u32)
        .collect();
    let turn = |_| -> Vec<f64> {
        let turns = all.iter().zip(&counts);
        turns.map(|((_, router), count)| time(runtime, router, signed, *count)).collect()
    };
    let rounds: Vec<Vec<f64>> = (0..rounds).map(turn).collect();
    for (index, (name, _)) in all.iter().enumerate() {
        let total = median(rounds.iter().map(|round| round[index]).collect());
        let over = median(rounds.iter().map(|round| round[index] - round[0]).collect());
        println!("| {scheme} | {name} | {total:.0} | {over:.0} |");
    }
}

fn main() {
    let rounds = std::env::var("ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(101);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    println!("| scheme | verified by | ns per request | over the route alone |");
    println!("| --- | --- | --- | --- |");
    for (scheme, signed, all) in contenders::all() {
        compare(&runtime, rounds, scheme, &signed, &all);
    }
}
