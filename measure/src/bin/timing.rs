//! Welch's t-test over the time of refusals, after dudect (Reparaz, Balasch, Verbauwhede, 2017):
//! two kinds of request in random order, and whether their times differ. `scripts/timing` runs it.

use std::hint::black_box;
use std::time::Instant;

use tower_hmac::{Algorithm, SecretKey};
use tower_hmac_measure::{Attempt, request, send, server};

const SAMPLES: usize = 100_000;
const RUNS: usize = 3;

/// Which of the two kinds each sample is: from bytes that nobody can foresee.
fn coins() -> Vec<bool> {
    let bytes = (0..SAMPLES / 256 + 1)
        .flat_map(|_| SecretKey::generate(Algorithm::Sha256).expose_secret().to_vec());
    bytes.flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1)).take(SAMPLES).collect()
}

/// Times each sample in nanoseconds; the slowest twentieth, which is the machine's, is left out.
fn measure(mut sample: impl FnMut(bool) -> u64) -> Apart {
    let coins = coins();
    let mut times = [Vec::new(), Vec::new()];
    for coin in coins {
        let time = sample(coin);
        times[usize::from(coin)].push(time);
    }
    let mut all = times.concat();
    all.sort_unstable();
    let most = all[all.len() * 19 / 20];
    let [one, two] = times.map(|times| moments(times.into_iter().filter(|time| *time <= most)));
    let apart = (one.mean - two.mean).abs();
    Apart {
        t: apart / (one.variance / one.count + two.variance / two.count).sqrt(),
        apart,
        mean: one.mean,
    }
}

/// How far apart two kinds of request are.
struct Apart {
    t: f64,
    /// In nanoseconds, of so many.
    apart: f64,
    mean: f64,
}

struct Moments {
    count: f64,
    mean: f64,
    variance: f64,
}

#[allow(clippy::cast_precision_loss)]
fn moments(times: impl Iterator<Item = u64>) -> Moments {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for time in times {
        count += 1.0;
        let distance = time as f64 - mean;
        mean += distance / count;
        squares += distance * (time as f64 - mean);
    }
    Moments { count, mean, variance: squares / (count - 1.0) }
}

/// The best of a few runs: another process can only make them seem further apart.
fn best(mut run: impl FnMut() -> Apart) -> Apart {
    let best = (0..RUNS).map(|_| run()).min_by(|one, two| one.t.total_cmp(&two.t));
    best.expect("there is at least one run")
}

fn nanoseconds(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// The time of a refusal, from the request to the answer.
fn refusals(keys: usize, name: Option<&str>, one: Attempt, two: Attempt) -> Apart {
    let mut server = server(keys);
    best(|| {
        measure(|coin| {
            let request = request(name, if coin { one } else { two });
            let begun = Instant::now();
            let status = send(&mut server, request);
            let time = nanoseconds(begun);
            assert_eq!(status, 403);
            time
        })
    })
}

/// What must show: a comparison that stops at the first wrong byte.
fn control() -> Apart {
    fn stops_early(one: &[u8; 32], two: &[u8; 32]) -> bool {
        one.iter().zip(two).all(|(one, two)| black_box(*one) == black_box(*two))
    }
    let right = [7; 32];
    let (mut first, mut last) = (right, right);
    first[0] = 8;
    last[31] = 8;
    best(|| {
        measure(|coin| {
            let offered = black_box(if coin { first } else { last });
            let begun = Instant::now();
            let equal = stops_early(black_box(&right), &offered);
            let time = nanoseconds(begun);
            assert!(!equal);
            time
        })
    })
}

fn main() {
    let Apart { t, .. } = control();
    println!("|t| {t:.1}: the control, a comparison that stops early (over 50 shows)");
    if t <= 50.0 {
        println!("not measurable here");
        return;
    }
    let mut is_well = true;
    for keys in [1, 3] {
        for (name, two) in [
            (None, Attempt::WrongLastByte),
            (Some("aservice"), Attempt::WrongLastByte),
            (Some("aservice"), Attempt::UnknownName),
        ] {
            let one = Attempt::WrongFirstByte;
            let Apart { t, apart, mean } = refusals(keys, name, one, two);
            let who = name.unwrap_or("anonymous");
            println!(
                "|t| {t:.1}, {apart:.1} of {mean:.0} ns: {keys} key(s), {who}, {one:?} against {two:?}"
            );
            is_well &= t < if two == Attempt::UnknownName { 20.0 } else { 5.0 };
        }
    }
    assert!(is_well, "times can be told apart");
}
