//! The connection to a Redis, shared by replay guards and stores of handled messages.
//!
//! A connection that failed in any way is closed, and reopened at most once a second. While the
//! server is known to be unreachable, all callers fail at once, except for the one that reconnects.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use redis::aio::MultiplexedConnection;
use redis::{Pipeline, Value};
use tokio::time::{Instant, timeout, timeout_at};

use crate::replay::failure::{Cause, Failure, without_errors};
use crate::replay::server::Greeting;
use crate::replay::source::Source;

/// The shortest time between two attempts to connect, and the longest time of one attempt.
const A_SECOND: Duration = Duration::from_secs(1);
/// The placeholder until a time is known.
pub(crate) const UNTOLD: i64 = i64::MAX;

/// The connection to the server, reopened as needed.
pub(crate) struct Link<G: Greeting> {
    shared: Arc<SharedLink<G>>,
}

struct SharedLink<G: Greeting> {
    source: Source,
    greeting: G,
    state: Mutex<State<G::Found>>,
}

/// A connection that has answered the greeting.
pub(crate) struct Connection<F> {
    multiplexed: MultiplexedConnection,
    found: Arc<F>,
    since: Arc<AtomicI64>,
    /// When the last command was sent whose answer was trusted.
    used: Arc<Mutex<Instant>>,
    number: u64,
}

impl<F> Clone for Connection<F> {
    fn clone(&self) -> Self {
        Self {
            multiplexed: self.multiplexed.clone(),
            found: self.found.clone(),
            since: self.since.clone(),
            used: self.used.clone(),
            number: self.number,
        }
    }
}

impl<F> Connection<F> {
    pub(crate) fn found(&self) -> &F {
        &self.found
    }

    /// Returns whether the server had time to become a replica, and the primary again, unnoticed.
    /// Commands in between would have failed.
    pub(crate) fn is_idle(&self) -> bool {
        lock(&self.used).elapsed() > A_SECOND
    }

    /// Records that the answer to commands sent at this time was trusted.
    pub(crate) fn set_used(&self, sent: Instant) {
        let mut used = lock(&self.used);
        *used = sent.max(*used);
    }

    /// Returns the earliest time of the verifier's clock that was set since the connection was
    /// requested. For a reconnection, it is later by the whole seconds that this took.
    pub(crate) fn since(&self) -> Option<i64> {
        Some(self.since.load(Ordering::Relaxed)).filter(|since| *since != UNTOLD)
    }
}

type Attempt<F> = Shared<BoxFuture<'static, Result<Connection<F>, Failure>>>;

struct State<F> {
    phase: Phase<F>,
    /// When the last attempt to connect began.
    attempted: Option<Instant>,
    /// The number of attempts so far.
    attempts: u64,
}

enum Phase<F> {
    /// The next caller connects, and later ones join.
    Idle,
    Connecting {
        attempt: Attempt<F>,
        since: Arc<AtomicI64>,
        /// Why the server is known to be unreachable. Only the caller that began the attempt waits
        /// for it.
        known: Option<Failure>,
        until: Instant,
    },
    Connected(Connection<F>),
    /// No attempt is made before `until`.
    Away {
        until: Instant,
        cause: Failure,
    },
}

impl<G: Greeting> Clone for Link<G> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<G: Greeting> Link<G> {
    pub(crate) fn new(source: Source, greeting: G) -> Self {
        let state = State { phase: Phase::Idle, attempted: None, attempts: 0 };
        Self { shared: Arc::new(SharedLink { source, greeting, state: Mutex::new(state) }) }
    }

    /// Returns a separate connection to the same server.
    pub(crate) fn with_greeting(&self, greeting: G) -> Self {
        Self::new(self.shared.source.clone(), greeting)
    }

    pub(crate) fn greeting(&self) -> &G {
        &self.shared.greeting
    }

    /// Connects if there is no connection, and waits until the attempt ends.
    pub(crate) async fn connect(&self, most: Duration) -> Result<(), Failure> {
        let attempt = match self.turn(UNTOLD, most) {
            Ok(Turn::Connected(_)) => return Ok(()),
            Ok(Turn::Wait(attempt)) => attempt,
            Err(failure) => return Err(failure),
        };
        attempt.await.map(drop)
    }

    /// Records the time of the verifier's clock, and connects in the background if nobody has yet.
    pub(crate) fn tell(&self, now: i64, most: Duration) {
        {
            let state = self.shared.lock();
            let since = match &state.phase {
                Phase::Connecting { since, .. } => Some(since),
                Phase::Connected(connection) => Some(&connection.since),
                Phase::Idle | Phase::Away { .. } => None,
            };
            if let Some(since) = since {
                since.fetch_min(now, Ordering::Relaxed);
                return;
            }
        }
        if tokio::runtime::Handle::try_current().is_ok() {
            let _ = self.turn(now, most);
        }
    }

    /// Returns the connection, at this time of the verifier's clock.
    pub(crate) async fn connection(
        &self,
        now: i64,
        most: Duration,
    ) -> Result<Connection<G::Found>, Failure> {
        match self.turn(now, most)? {
            Turn::Connected(connection) => Ok(connection),
            Turn::Wait(attempt) => timeout(most, attempt).await.unwrap_or(Err(Failure::Timeout)),
        }
    }

    /// Sends commands once, and never again. An error reply to one of them fails them all, and
    /// closes the connection.
    pub(crate) async fn send(
        &self,
        connection: &Connection<G::Found>,
        commands: &Pipeline,
        deadline: Instant,
    ) -> Result<Vec<Value>, Failure> {
        let mut multiplexed = connection.multiplexed.clone();
        let sent = multiplexed.send_packed_commands(commands, 0, commands.len());
        let answers = match timeout_at(deadline, sent).await {
            Ok(answers) => answers.map_err(Failure::from).and_then(without_errors),
            Err(_) => Err(Failure::Timeout),
        };
        answers.map_err(|failure| self.give_up(connection, failure))
    }

    /// Lets the next caller reconnect, at most once a second. Others still get the answers that
    /// they wait for on this connection.
    pub(crate) fn give_up(&self, connection: &Connection<G::Found>, failure: Failure) -> Failure {
        let mut state = self.shared.lock();
        if matches!(&state.phase, Phase::Connected(current) if current.number == connection.number)
        {
            let now = Instant::now();
            let until =
                state.attempted.map_or(now, |attempted| after(attempted, A_SECOND)).max(now);
            state.phase = if failure.is_closed() && until <= now {
                Phase::Idle
            } else {
                Phase::Away { until, cause: failure.clone() }
            };
        }
        failure
    }

    /// Decides what the caller does: use the connection, wait for one, or fail.
    fn turn(&self, now: i64, most: Duration) -> Result<Turn<G::Found>, Failure> {
        let mut state = self.shared.lock();
        let known = match &state.phase {
            Phase::Connected(connection) => return Ok(Turn::Connected(connection.clone())),
            Phase::Idle => None,
            Phase::Away { until, cause } if Instant::now() < *until => return Err(cause.clone()),
            Phase::Away { cause, .. } => Some(cause.clone()),
            // If it is overdue, its runtime is gone.
            Phase::Connecting { until, known, .. } if Instant::now() >= *until => known.clone(),
            Phase::Connecting { known: Some(cause), .. } => return Err(cause.clone()),
            Phase::Connecting { known: None, attempt, .. } => {
                return Ok(Turn::Wait(attempt.clone()));
            }
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return Err(Failure::Unreachable(Cause::Runtime));
        };
        state.attempts = state.attempts.wrapping_add(1);
        let begun = Instant::now();
        state.attempted = Some(begun);
        let (most, since) = (most.max(A_SECOND), Arc::new(AtomicI64::new(now)));
        let attempt = self.shared.clone().attempt(state.attempts, since.clone(), most);
        let attempt = attempt.boxed().shared();
        let until = after(after(begun, most), A_SECOND);
        state.phase = Phase::Connecting { attempt: attempt.clone(), since, known, until };
        // It continues if the caller that began it is dropped.
        drop(runtime.spawn(attempt.clone()));
        Ok(Turn::Wait(attempt))
    }
}

enum Turn<F> {
    Connected(Connection<F>),
    Wait(Attempt<F>),
}

impl<G: Greeting> SharedLink<G> {
    async fn attempt(
        self: Arc<Self>,
        number: u64,
        since: Arc<AtomicI64>,
        most: Duration,
    ) -> Result<Connection<G::Found>, Failure> {
        let begun = Instant::now();
        let used = Arc::new(Mutex::new(begun));
        let result = match timeout(most, self.source.connect(&self.greeting)).await {
            Ok(Ok((multiplexed, found))) => {
                // Data may have been lost while a slow server answered.
                if number > 1 {
                    move_on(&since, begun.elapsed());
                }
                Ok(Connection { multiplexed, found: Arc::new(found), since, used, number })
            }
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(Failure::Timeout),
        };
        let mut state = self.lock();
        if state.attempts == number {
            state.phase = match &result {
                Ok(connection) => Phase::Connected(connection.clone()),
                Err(cause) => {
                    let until = after(state.attempted.unwrap_or_else(Instant::now), A_SECOND);
                    Phase::Away { until, cause: cause.clone() }
                }
            };
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, State<G::Found>> {
        lock(&self.state)
    }
}

/// No code that holds a lock can panic. Even if it did, the state would still be valid.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adds whole seconds only, so that clients that sign again are accepted at once after a quick
/// reconnection.
fn move_on(time: &AtomicI64, by: Duration) {
    let later = |time: i64| Some(time.saturating_add_unsigned(by.as_secs()));
    let _ = time.fetch_update(Ordering::Relaxed, Ordering::Relaxed, later);
}

fn after(instant: Instant, duration: Duration) -> Instant {
    instant.checked_add(duration).unwrap_or(instant)
}
