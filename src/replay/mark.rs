//! The mark in Redis that records the time from which its memory is complete.
//!
//! It is a separate key without a time to live: the time and the server's `run_id`. It is lost with
//! the data. Another `run_id` means that the server was restarted or replaced, and may lack the
//! last writes. Each claim reads it in its own round trip, *after* its own entry is written: data
//! lost before then was lost together with the mark.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use ::redis::aio::MultiplexedConnection;
use ::redis::{Cmd, Pipeline, Value};

use crate::random;
use crate::replay::failure::Failure;
use crate::replay::key_names::KeyNames;
use crate::replay::server::{self, Greeting, Server};

/// Placeholder for the time until a claim provides one, and for a `run_id` that cannot be
/// requested.
const UNKNOWN: &str = "-";

/// Writes the mark if it is missing, or is from another run of the server.
#[derive(Clone, Debug)]
pub(super) struct Marking {
    pub(super) names: KeyNames,
    pub(super) accepts_eviction: bool,
    /// How many replicas must acknowledge a claim.
    pub(super) replicas: u32,
    /// The latest moment from which the memory was complete, as the server reported it.
    pub(super) begun: Arc<AtomicI64>,
}

impl Marking {
    pub(super) fn new(names: KeyNames) -> Self {
        let begun = Arc::new(AtomicI64::new(i64::MIN));
        Self { names, accepts_eviction: false, replicas: 0, begun }
    }
}

/// The mark as it was when the connection was opened.
#[derive(Debug)]
pub(super) struct Mark {
    name: String,
    run_id: String,
    /// The history of the server's data, to find out whether it still has the same.
    history: Option<String>,
    /// Set if the mark had no time: distinguishes this mark from every other.
    seen: Option<String>,
    /// Whether the server knows `SET` with `NX` and `GET` (since Redis 7.0).
    reads_while_setting: bool,
}

impl Greeting for Marking {
    type Found = Mark;

    async fn greet(
        &self,
        connection: &mut MultiplexedConnection,
        server: Server,
    ) -> Result<Mark, Failure> {
        server.check_eviction(self.accepts_eviction)?;
        let mut mark = Mark {
            name: self.names.name("begin"),
            history: server.history.filter(|_| server.run_id.is_some()),
            run_id: server.run_id.unwrap_or_else(|| UNKNOWN.to_owned()),
            seen: None,
            reads_while_setting: true,
        };
        let ours = mark.without_time();

        let mut commands = mark.put_if_missing(&ours);
        let mut answers = server::ask(connection, &commands).await;
        if matches!(&answers, Err(Failure::Reply(code)) if code.is("ERR")) {
            mark.reads_while_setting = false;
            commands = mark.put_if_missing(&ours);
            answers = server::ask(connection, &commands).await;
        }
        let found = Mark::read(&answers?)?;
        let seen = match found {
            Some(text) if mark.is_of_this_run(&text) => text,
            Some(_) => {
                let mut commands = Pipeline::new();
                commands.add_command(set(&mark.name, &ours));
                server::ask(connection, &commands).await?;
                ours
            }
            None => ours,
        };
        mark.seen = Some(seen).filter(|seen| time(seen).is_none());
        if self.replicas > 0 {
            let mut commands = Pipeline::new();
            commands.cmd("WAIT").arg(self.replicas).arg(100);
            match server::ask(connection, &commands).await?.as_slice() {
                [Value::Int(count)] if *count >= i64::from(self.replicas) => {}
                [Value::Int(_)] => return Err(Failure::Replicas),
                _ => return Err(Failure::UnexpectedAnswer),
            }
        }
        Ok(mark)
    }
}

/// The time from which the memory is complete, and whether it must still be written to the mark.
pub(super) struct Begun {
    pub(super) at: i64,
    pub(super) is_to_be_written: bool,
}

impl Mark {
    /// Appends the commands that read the mark, or write it with this time if it is missing.
    pub(super) fn add_to(&self, commands: &mut Pipeline, now: i64) {
        for command in self.put_if_missing(&self.at(now)).cmd_iter() {
            commands.add_command(command.clone());
        }
    }

    /// Appends the command that tells whether the server was a replica since the greeting. Returns
    /// whether there is one: it needs the right to `INFO`.
    ///
    /// A server that became a replica and then the primary again has lost what the other one did
    /// not have. The mark does not reveal that, and the connection stays open.
    pub(super) fn add_history_to(&self, commands: &mut Pipeline) -> bool {
        if self.history.is_some() {
            commands.cmd("INFO").arg("replication");
        }
        self.history.is_some()
    }

    /// Reads the answer to the command of [`add_history_to`](Self::add_history_to). A server never
    /// returns to an earlier history. So if the history is still that of the greeting, it did not
    /// change in between, and the earlier commands of the pipeline saw all entries.
    pub(super) fn check_history(&self, answer: &Value) -> Result<(), Failure> {
        let is_same = server::history(answer) == self.history;
        if is_same { Ok(()) } else { Err(Failure::WasReplica) }
    }

    /// Reads the answers to the commands of [`add_to`](Self::add_to).
    ///
    /// `since` is a time that was set after the connection was requested. `ahead` is how many
    /// seconds the clocks of nodes may be ahead.
    pub(super) fn begun(
        &self,
        answers: &[Value],
        since: Option<i64>,
        now: i64,
        ahead: u64,
    ) -> Result<Begun, Failure> {
        let Some(text) = Self::read(answers)? else {
            return Ok(Begun { at: now, is_to_be_written: false });
        };
        if !self.is_of_this_run(&text) {
            return Err(Failure::UnexpectedAnswer);
        }
        match time(&text) {
            Some(at) if at <= now.saturating_add_unsigned(ahead) => {
                Ok(Begun { at, is_to_be_written: false })
            }
            // It is the mark from when the connection was opened.
            None if self.seen.as_ref() == Some(&text) => {
                Ok(Begun { at: since.unwrap_or(now), is_to_be_written: true })
            }
            // The memory was complete when the mark was read. It was written by a clock that is far
            // ahead, or by another node that has no time yet.
            _ => Ok(Begun { at: now, is_to_be_written: true }),
        }
    }

    /// Replaces the time in an existing mark.
    pub(super) fn write(&self, at: i64) -> Pipeline {
        let mut commands = Pipeline::new();
        let mut command = set(&self.name, &self.at(at));
        command.arg("XX");
        commands.add_command(command);
        commands
    }

    fn put_if_missing(&self, text: &str) -> Pipeline {
        let mut commands = Pipeline::new();
        let mut put = set(&self.name, text);
        put.arg("NX");
        if self.reads_while_setting {
            put.arg("GET");
            commands.add_command(put);
        } else {
            commands.add_command(put).cmd("GET").arg(&self.name);
        }
        commands
    }

    /// Returns `None` if the mark was missing and has been written.
    fn read(answers: &[Value]) -> Result<Option<String>, Failure> {
        match answers {
            [Value::Nil] | [Value::Okay, _] => Ok(None),
            [found] | [Value::Nil, found] => {
                server::text(found).map(Some).ok_or(Failure::UnexpectedAnswer)
            }
            _ => Err(Failure::UnexpectedAnswer),
        }
    }

    /// Returns whether no restart or failover can have lost anything since the mark was written.
    fn is_of_this_run(&self, text: &str) -> bool {
        let run_id = text.split(' ').nth(1);
        self.run_id == UNKNOWN || run_id == Some(&self.run_id)
    }

    fn at(&self, time: i64) -> String {
        format!("{time} {}", self.run_id)
    }

    fn without_time(&self) -> String {
        let mut nonce = [0; 8];
        random::fill(&mut nonce);
        format!("{UNKNOWN} {} {}", self.run_id, base16ct::lower::encode_string(&nonce))
    }
}

fn time(text: &str) -> Option<i64> {
    text.split(' ').next()?.parse().ok()
}

fn set(name: &str, value: &str) -> Cmd {
    let mut command = ::redis::cmd("SET");
    command.arg(name).arg(value);
    command
}
