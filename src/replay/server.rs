//! What a Redis reports about itself with `INFO`.

use std::future::Future;

use ::redis::aio::MultiplexedConnection;
use ::redis::{Pipeline, Value};

use crate::replay::failure::{Failure, Policy, without_errors};

/// The field of `INFO replication` with the ID of the data set's history.
const HISTORY: &str = "master_replid";

/// Checks each new connection before it is used.
pub(crate) trait Greeting: Send + Sync + 'static {
    /// The result.
    type Found: Send + Sync + 'static;

    fn greet(
        &self,
        connection: &mut MultiplexedConnection,
        server: Server,
    ) -> impl Future<Output = Result<Self::Found, Failure>> + Send;
}

/// The answer to `INFO`. Empty if the user lacks the right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Server {
    /// Changes with each start of the server, and with each failover.
    pub(crate) run_id: Option<String>,
    /// Changes with each failover, and if the server follows another one.
    pub(crate) history: Option<String>,
    /// Set if the server forgets entries to make room.
    pub(crate) evicts: Option<Policy>,
    is_in_cluster: bool,
}

impl Server {
    /// Asks a server, and rejects one that cannot store the entries.
    pub(crate) async fn ask(connection: &mut MultiplexedConnection) -> Result<Self, Failure> {
        let server = Self::ask_node(connection).await?;
        if server.is_in_cluster { Err(Failure::ClusterNode) } else { Ok(server) }
    }

    /// Does the same for a server that may have only some of the keys.
    pub(crate) async fn ask_node(connection: &mut MultiplexedConnection) -> Result<Self, Failure> {
        let mut info = Pipeline::new();
        info.cmd("INFO").arg("server").cmd("INFO").arg("replication").cmd("INFO").arg("memory");
        let answers = connection.send_packed_commands(&info, 0, 3).await?;
        // Without the right to ask, the answer is an error reply.
        let texts: Vec<String> = answers.iter().filter_map(text).collect();
        let find = |name: &str| texts.iter().find_map(|text| field(text, name));
        let mode = find("redis_mode");
        if mode == Some("sentinel") {
            return Err(Failure::Sentinel);
        }
        Ok(Self {
            is_in_cluster: mode == Some("cluster"),
            run_id: run_id(find("run_id"), find(HISTORY)),
            history: find(HISTORY).map(str::to_owned),
            evicts: find("maxmemory_policy").and_then(Policy::evicting),
        })
    }

    pub(crate) fn check_eviction(&self, is_accepted: bool) -> Result<(), Failure> {
        match &self.evicts {
            Some(policy) if !is_accepted => Err(Failure::Evicts(policy.clone())),
            _ => Ok(()),
        }
    }
}

/// The process ID alone does not reveal that it was a replica for a while.
fn run_id(process: Option<&str>, history: Option<&str>) -> Option<String> {
    let ids = [process?, history.unwrap_or_default()];
    Some(ids.iter().flat_map(|id| id.chars().filter(char::is_ascii_hexdigit).take(16)).collect())
}

/// Returns the history from the answer to `INFO replication`.
pub(crate) fn history(answer: &Value) -> Option<String> {
    field(&text(answer)?, HISTORY).map(str::to_owned)
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// Returns the text of an answer, in either version of the protocol.
pub(crate) fn text(answer: &Value) -> Option<String> {
    match answer {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Some(text.clone()),
        _ => None,
    }
}

/// Sends a pipeline while the connection is being opened.
pub(crate) async fn ask(
    connection: &mut MultiplexedConnection,
    commands: &Pipeline,
) -> Result<Vec<Value>, Failure> {
    let answers = connection.send_packed_commands(commands, 0, commands.len()).await?;
    without_errors(answers)
}
