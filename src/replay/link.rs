use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Cmd, RedisError, Value};
use tokio::time::{Instant, timeout};

/// The longest wait between two attempts to connect.
const MAX_DELAY: Duration = Duration::from_secs(1);
/// A connection that fails and is older than this is made anew.
const RENEW_AFTER: Duration = Duration::from_secs(1);

/// Why a claim failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("Redis did not answer in time")]
    Timeout,
    #[error("Redis gave an answer that `SET` does not have")]
    Answer,
    #[error("Redis failed")]
    Redis(#[from] RedisError),
}

/// The way to the server.
pub(crate) struct Link {
    client: Client,
    current: Mutex<Option<Connection>>,
}

#[derive(Clone)]
struct Connection {
    manager: ConnectionManager,
    made: Instant,
}

impl Link {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, current: Mutex::new(None) }
    }

    /// Sends a command once. It is never sent again: the manager repeats attempts to connect, and
    /// no command.
    pub(crate) async fn ask(&self, command: &Cmd, most: Duration) -> Result<Value, Failure> {
        let Connection { mut manager, made } = self.connection(most)?;
        let answer = match timeout(most, manager.send_packed_command(command)).await {
            Ok(answer) => answer.map_err(Failure::Redis),
            Err(_) => Err(Failure::Timeout),
        };
        if answer.is_err() && made.elapsed() >= RENEW_AFTER {
            self.drop_connection(made);
        }
        answer
    }

    fn connection(&self, most: Duration) -> Result<Connection, RedisError> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = &*current {
            return Ok(connection.clone());
        }
        let config = ConnectionManagerConfig::new()
            .set_max_delay(MAX_DELAY)
            .set_connection_timeout(Some(MAX_DELAY.max(most)))
            // The timeout here covers the wait for a connection as well.
            .set_response_timeout(None);
        let manager = ConnectionManager::new_lazy_with_config(self.client.clone(), config)?;
        let connection = Connection { manager, made: Instant::now() };
        *current = Some(connection.clone());
        Ok(connection)
    }

    /// Lets the next claim connect anew. The manager by itself would keep a connection whose peer
    /// is gone without a word, or one that the server refused for a while.
    fn drop_connection(&self, made: Instant) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|connection| connection.made == made) {
            *current = None;
        }
    }
}
