//! What a signed request costs over an unsigned one, divided by the bare hash of its body.
//!
//! All contenders take turns, round by round, and each ratio is made within a round, so that a busy
//! machine shifts all of them alike. Printed are medians over the rounds, as a table or, with
//! `--csv`, for `scripts/plot`.

#![allow(missing_docs)]

mod support;

use support::{Case, bare_hash, body, signed, time_bare_hash};
use tower_hmac::{FlaskHmac, VerifyLayer};

/// The time of one round of one contender, in nanoseconds.
const ROUND: u64 = 20_000_000;

fn main() {
    let rounds = std::env::var("ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(21);
    for size in [1024, 64 * 1024] {
        let body = body(size);
        let request = || signed(FlaskHmac::new(), body.clone());
        let ours = || VerifyLayer::new(FlaskHmac::new(), support::one_key());
        let cases = [
            Case::new("no check", support::floor(), request()),
            Case::new("a layer that does nothing", support::nothing(), request()),
            Case::new("careful `from_fn`", support::careful(), request()),
            Case::new("the layer", support::layer(ours()), request()),
            Case::new("`Signed<Bytes>`", support::extractor(ours()), request()),
        ];
        let hash = bare_hash();
        let mut t: Vec<Vec<f64>> = vec![];
        let n = (ROUND / (size as u64)).clamp(4, 10_000);
        for _ in 0..rounds {
            let mut row = vec![time_bare_hash(&hash, &body, n).as_nanos() as f64 / n as f64];
            for case in &cases {
                row.push(case.time(n).as_nanos() as f64 / n as f64);
            }
            t.push(row);
        }
        let median = |f: &dyn Fn(&Vec<f64>) -> f64| {
            let mut v: Vec<f64> = t.iter().map(f).collect();
            v.sort_by(f64::total_cmp);
            v[v.len() / 2]
        };
        println!("{size} B: bare hash {:.0} ns", median(&|r| r[0]));
        for (i, case) in cases.iter().enumerate() {
            println!(
                "  {:30} {:8.0} ns  over floor {:8.0}  ratio {:.3}",
                case.name,
                median(&|r| r[i + 1]),
                median(&|r| r[i + 1] - r[1]),
                median(&|r| (r[i + 1] - r[1]) / r[0]),
            );
        }
    }
}
