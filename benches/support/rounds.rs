//! Interleaved rounds: all contenders take turns, so that a busy machine affects all of them alike.

use std::time::Duration;

use super::Case;

/// The time of one contender per round.
const TURN: Duration = Duration::from_millis(20);

/// The time of each contender in each round, in nanoseconds per run.
pub struct Rounds(Vec<Vec<f64>>);

/// A contender: runs this many times and returns the time.
pub type Timed<'a> = Box<dyn Fn(u64) -> Duration + 'a>;

impl Rounds {
    /// The number of rounds, an odd number, from the environment variable `ROUNDS`, or 15.
    pub fn run(contenders: &[Timed<'_>]) -> Self {
        Self::of_rounds(contenders, 15)
    }

    fn of_rounds(contenders: &[Timed<'_>], rounds: usize) -> Self {
        let rounds = std::env::var("ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(rounds);
        let counts: Vec<u64> = contenders.iter().map(|timed| fitting(timed)).collect();
        let round = |_| {
            let turns = contenders.iter().zip(&counts);
            turns.map(|(timed, &count)| timed(count).as_nanos() as f64 / count as f64).collect()
        };
        Self((0..rounds).map(round).collect())
    }

    pub fn of_cases<'c>(cases: impl IntoIterator<Item = &'c Case>) -> Self {
        let timed = cases.into_iter().map(|case| -> Timed<'_> { Box::new(|n| case.time(n)) });
        Self::run(&timed.collect::<Vec<_>>())
    }

    /// Four times as many rounds, for small differences.
    pub fn many_of_cases<'c>(cases: impl IntoIterator<Item = &'c Case>) -> Self {
        let timed = cases.into_iter().map(|case| -> Timed<'_> { Box::new(|n| case.time(n)) });
        Self::of_rounds(&timed.collect::<Vec<_>>(), 61)
    }

    /// The median over the rounds of a figure computed within each.
    pub fn median(&self, figure: impl Fn(&[f64]) -> f64) -> f64 {
        self.quantile(0.5, figure)
    }

    pub fn quantile(&self, share: f64, figure: impl Fn(&[f64]) -> f64) -> f64 {
        quantile(self.0.iter().map(|round| figure(round)).collect(), share)
    }
}

pub fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() as f64 * share) as usize]
}

/// The number of runs that fill a turn.
fn fitting(timed: &Timed<'_>) -> u64 {
    timed(2);
    let once = timed(4) / 4;
    (TURN.as_nanos() / once.as_nanos().max(1)).clamp(1, 100_000) as u64
}
