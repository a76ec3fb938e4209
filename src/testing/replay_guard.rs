//! The contract of a replay guard, as a test.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::clock::{Clock as _, SystemClock};
use crate::error::BoxError;
use crate::random;
use crate::replay::{Replay, ReplayClaim, ReplayGuard, ReplayKey, ReplayRequest};

/// The number of simultaneous claims of one request.
const AT_ONCE: usize = 32;
/// The number of races between claims.
const RACES: usize = 8;
/// The number of requests that are sent again after the clock was set back.
const SET_BACK: usize = 8;
/// The time for which requests must be remembered, in seconds.
const KEEP: i64 = 600;

/// Tests a replay guard against the contract of [`ReplayGuard`].
///
/// `make` creates a guard in the same way as your service does at startup, with room for 100
/// requests. It is called twice. The second call simulates a restart: requests accepted before must
/// not be accepted again, whether the memory has survived or not.
///
/// * A request is claimed only once, however many claims there are at the same time.
/// * Requests are distinguished by every bit of their key.
/// * A request is remembered through its last second.
/// * A request that was signed since the guard began is accepted, and so is one without a time. A
///   later [`begin`](ReplayGuard::begin) changes nothing.
/// * After a restart, no request that was accepted before is accepted again, even if the clock is
///   then set back.
///
/// Time is passed in, so the test takes no longer than the guard does. The keys are random, so it
/// can run against a database that is never emptied. A guard that answers without waiting is called
/// from several threads, where it must not need your runtime.
///
/// ```
/// use tower_hmac::MemoryReplay;
/// use tower_hmac::testing::check_replay_guard;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// check_replay_guard(async || MemoryReplay::new(1_000).unwrap()).await?;
/// # Ok::<(), tower_hmac::BoxError>(())
/// # }).unwrap();
/// ```
///
/// # Errors
///
/// Returns the part of the contract that the guard breaks, or the error of a failed claim.
pub async fn check_replay_guard<G: ReplayGuard>(
    mut make: impl AsyncFnMut() -> G,
) -> Result<(), BoxError> {
    let now = SystemClock.unix_now();
    let guard = make().await;
    guard.begin(now);
    let mut accepted = Vec::new();

    let answers_at_once = claims_once(&guard, now, &mut accepted).await?;
    distinguishes_every_bit(&guard, now, &mut accepted).await?;
    remembers_through_the_last_second(&guard, now).await?;
    for _ in 0..RACES {
        accepted.push(claims_one_of_many(&guard, now, answers_at_once).await?);
    }
    knows_what_came_since(&guard, now, &mut accepted).await?;
    check(guard.id() == guard.id(), "`id` changes from call to call")?;
    drop(guard);

    let guard = make().await;
    let restarted = now.saturating_add(60);
    guard.begin(restarted);
    for (place, key) in accepted.into_iter().enumerate() {
        let set_back = if place < SET_BACK { now } else { restarted };
        let request = Asked { key, created: Some(now), now: set_back };
        let answer = request.of(&guard).await?;
        let what = "a request accepted before a restart is accepted again after it";
        check(matches!(answer, Replay::Seen | Replay::Forgotten), what)?;
    }
    let request = Asked { key: random_key(), created: Some(restarted), now: restarted };
    let what = "a request signed after a restart is not accepted";
    check(request.of(&guard).await? == Replay::Claimed, what)
}

/// A request as the contract sees it.
#[derive(Clone, Copy)]
struct Asked {
    key: ReplayKey,
    created: Option<i64>,
    now: i64,
}

impl Asked {
    fn new(key: ReplayKey, now: i64) -> Self {
        Self { key, created: Some(now), now }
    }

    fn claim(self, guard: &impl ReplayGuard) -> ReplayClaim {
        let keep_until = self.created.unwrap_or(self.now).saturating_add(KEEP);
        let request = ReplayRequest::new(self.key, keep_until, self.now)
            .with_scheme("contract")
            .with_created(self.created);
        guard.claim(&request)
    }

    async fn of(self, guard: &impl ReplayGuard) -> Result<Replay, BoxError> {
        self.claim(guard).await
    }
}

/// Returns whether the guard answers without waiting.
async fn claims_once(
    guard: &impl ReplayGuard,
    now: i64,
    accepted: &mut Vec<ReplayKey>,
) -> Result<bool, BoxError> {
    let request = Asked::new(random_key(), now);
    let mut claim = request.claim(guard);
    let first_poll = Pin::new(&mut claim).poll(&mut Context::from_waker(Waker::noop()));
    let answers_at_once = first_poll.is_ready();
    let answer = match first_poll {
        Poll::Ready(answer) => answer?,
        Poll::Pending => claim.await?,
    };
    check(answer == Replay::Claimed, "a new request is not claimed")?;
    for _ in 0..2 {
        let answer = request.of(guard).await?;
        check(answer == Replay::Seen, "a claimed request is not seen")?;
    }
    accepted.push(request.key);
    Ok(answers_at_once)
}

async fn distinguishes_every_bit(
    guard: &impl ReplayGuard,
    now: i64,
    accepted: &mut Vec<ReplayKey>,
) -> Result<(), BoxError> {
    let bytes = *random_key().as_bytes();
    for place in 0..bytes.len() {
        let mut other = bytes;
        if let Some(byte) = other.get_mut(place) {
            *byte ^= 1;
        }
        let key = ReplayKey::from_bytes(other);
        let answer = Asked::new(key, now).of(guard).await?;
        check(answer == Replay::Claimed, "two keys that differ in one bit are not distinguished")?;
        accepted.push(key);
    }
    Ok(())
}

async fn remembers_through_the_last_second(
    guard: &impl ReplayGuard,
    now: i64,
) -> Result<(), BoxError> {
    let request = Asked::new(random_key(), now);
    let answer = request.of(guard).await?;
    check(answer == Replay::Claimed, "a new request is not claimed")?;
    let last = Asked { now: now.saturating_add(KEEP), ..request };
    let what = "a request is forgotten before the end of `keep_until`";
    check(last.of(guard).await? == Replay::Seen, what)
}

async fn claims_one_of_many(
    guard: &impl ReplayGuard,
    now: i64,
    answers_at_once: bool,
) -> Result<ReplayKey, BoxError> {
    let request = Asked::new(random_key(), now);
    let claims = if answers_at_once {
        std::thread::scope(|scope| {
            let threads = (0..AT_ONCE).map(|_| scope.spawn(|| request.claim(guard)));
            let threads: Vec<_> = threads.collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
        })
    } else {
        (0..AT_ONCE).map(|_| request.claim(guard)).collect()
    };
    let mut claimed = 0_usize;
    for answer in all_at_once(claims).await {
        match answer? {
            Replay::Claimed => claimed = claimed.saturating_add(1),
            other => check(
                other == Replay::Seen,
                "one of several concurrent claims is neither claimed nor seen",
            )?,
        }
    }
    check(claimed == 1, "expected exactly one of several concurrent claims to be claimed")?;
    Ok(request.key)
}

async fn knows_what_came_since(
    guard: &impl ReplayGuard,
    now: i64,
    accepted: &mut Vec<ReplayKey>,
) -> Result<(), BoxError> {
    let request = Asked { created: None, ..Asked::new(random_key(), now) };
    let what = "a request without a time of creation is not accepted";
    check(request.of(guard).await? == Replay::Claimed, what)?;

    guard.begin(now.saturating_add(60));
    let request = Asked { now: now.saturating_add(60), ..Asked::new(random_key(), now) };
    let what = "a request signed after the guard began is not accepted";
    check(request.of(guard).await? == Replay::Claimed, what)?;
    accepted.push(request.key);
    Ok(())
}

/// Polls all claims in turn, so that each may be interrupted between two steps of another.
async fn all_at_once(claims: Vec<ReplayClaim>) -> Vec<Result<Replay, BoxError>> {
    let mut pending = claims;
    let mut answers = Vec::new();
    poll_fn(|cx| {
        pending.retain_mut(|claim| match Pin::new(claim).poll(cx) {
            Poll::Ready(answer) => {
                answers.push(answer);
                false
            }
            Poll::Pending => true,
        });
        if pending.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    answers
}

fn random_key() -> ReplayKey {
    let mut bytes = [0; 32];
    random::fill(&mut bytes);
    ReplayKey::from_bytes(bytes)
}

fn check(holds: bool, what: &'static str) -> Result<(), BoxError> {
    if holds { Ok(()) } else { Err(what.into()) }
}
