//! A claim on its way to Redis and back.

use std::sync::atomic::Ordering;

use ::redis::{Cmd, Pipeline, Value};
use tokio::time::Instant;

use crate::replay::failure::Failure;
use crate::replay::link::{Connection, Link};
use crate::replay::mark::{Begun, Mark, Marking};
use crate::replay::redis::RedisReplay;

/// The answer of a Redis to a claim.
pub(super) struct Asked {
    pub(super) is_new: bool,
    /// The time from which its memory is complete.
    pub(super) begun: i64,
}

impl RedisReplay {
    /// Sends the claim, the mark and the wait for replicas in one round trip.
    pub(super) async fn ask(
        &self,
        link: &Link<Marking>,
        name: String,
        claim: Cmd,
        now: i64,
    ) -> Result<Asked, Failure> {
        let deadline = Instant::now().checked_add(self.timeout).unwrap_or_else(Instant::now);
        let connection = link.connection(now, self.timeout).await?;
        let mut commands = Pipeline::new();
        commands.add_command(claim);
        connection.found().add_to(&mut commands, now);
        let replicas = link.greeting().replicas;
        if replicas > 0 {
            let most = u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX);
            commands.cmd("WAIT").arg(replicas).arg((most / 5).saturating_mul(4).max(1));
        }
        let asks_history = connection.is_idle() && connection.found().add_history_to(&mut commands);
        let sent = Instant::now();
        let answers = link.send(&connection, &commands, deadline).await?;
        let mut answers = answers.as_slice();
        if asks_history {
            let [others @ .., history] = answers else {
                return Err(link.give_up(&connection, Failure::UnexpectedAnswer));
            };
            if let Err(failure) = connection.found().check_history(history) {
                return Err(link.give_up(&connection, failure));
            }
            answers = others;
        }
        if replicas > 0 {
            let [others @ .., Value::Int(count)] = answers else {
                return Err(link.give_up(&connection, Failure::UnexpectedAnswer));
            };
            if *count < i64::from(replicas) {
                give_back(link, &connection, others, &name, deadline).await;
                return Err(link.give_up(&connection, Failure::Replicas));
            }
            answers = others;
        }
        let read = || {
            let (claim, mark) = answers.split_first().ok_or(Failure::UnexpectedAnswer)?;
            let is_new = match claim {
                Value::Okay => true,
                Value::Nil => false,
                _ => return Err(Failure::UnexpectedAnswer),
            };
            let ahead = self.clock_skew.as_secs();
            let begun = connection.found().begun(mark, connection.since(), now, ahead)?;
            Ok((is_new, begun))
        };
        let (is_new, begun) = read().map_err(|failure| link.give_up(&connection, failure))?;
        connection.set_used(sent);
        let begun = begin_at(link, &connection, &begun, deadline).await;
        Ok(Asked { is_new, begun })
    }
}

/// Withdraws a claim. No other node can have claimed the request in the meantime, because the entry
/// existed.
async fn give_back(
    link: &Link<Marking>,
    connection: &Connection<Mark>,
    answers: &[Value],
    name: &str,
    deadline: Instant,
) {
    if answers.first() == Some(&Value::Okay) {
        let mut commands = Pipeline::new();
        commands.cmd("DEL").arg(name);
        // If this fails, the client must sign again.
        let _ = link.send(connection, &commands, deadline).await;
    }
}

/// Remembers the time from which the memory is complete, and writes it to the mark if it is missing
/// there. The time never moves back, so setting a clock back does not make lost requests count as
/// remembered.
async fn begin_at(
    link: &Link<Marking>,
    connection: &Connection<Mark>,
    begun: &Begun,
    deadline: Instant,
) -> i64 {
    let before = link.greeting().begun.fetch_max(begun.at, Ordering::Relaxed);
    let at = before.max(begun.at);
    if begun.is_to_be_written {
        // If this fails, the next claim writes it.
        let _ = link.send(connection, &connection.found().write(at), deadline).await;
    }
    at
}
