//! Why a Redis did not give the expected answer.

use std::fmt;
use std::io;
use std::sync::Arc;

use ::redis::{ErrorKind, RedisError, Value};

use crate::replay::node::Node;

const CLUSTER: &str =
    "it is one node of a cluster, the cluster is incomplete, or a hash slot is moving";

/// What went wrong. Never repeats an address, or text from the server, which may contain names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    #[error("Redis did not answer in time")]
    Timeout,
    #[error("Redis cannot be reached: {0}")]
    Unreachable(Cause),
    #[error("Redis replied {0}: {advice}", advice = .0.advice())]
    Reply(Code),
    #[error("Redis replied MOVED: {advice}", advice = CLUSTER)]
    Moved(Node),
    #[error("Redis gave an answer that the command does not have")]
    UnexpectedAnswer,
    #[error(
        "Redis evicts entries when its memory is full (maxmemory-policy {0}): set `noeviction`, or \
         accept the loss by `with_eviction_accepted`"
    )]
    Evicts(Policy),
    #[error("the address leads to a Sentinel, which stores nothing; take the primary's address")]
    Sentinel,
    #[error(
        "the address leads to one node of a cluster, which rejects the keys of the other nodes; \
         take `redis+cluster://`"
    )]
    ClusterNode,
    #[error("Redis was a replica for a while, and may lack the last entries")]
    WasReplica,
    #[error("too few replicas acknowledged the claim in time")]
    Replicas,
}

impl Failure {
    /// Returns whether no server has answered.
    pub(crate) fn is_unreachable(&self) -> bool {
        matches!(self, Self::Timeout | Self::Unreachable(_))
    }

    /// Returns whether only this connection has failed, so that a new one may work at once.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::WasReplica)
    }
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        if let Some(code) = error.code() {
            return Self::Reply(Code::new(code));
        }
        match error.kind() {
            ErrorKind::AuthenticationFailed => Self::Reply(Code::WRONG_PASSWORD),
            ErrorKind::Parse => Self::Unreachable(Cause::Protocol),
            _ => Self::Unreachable(Cause::of(&error)),
        }
    }
}

/// Turns error replies to the commands of a pipeline into errors. They arrive as values.
pub(crate) fn without_errors(answers: Vec<Value>) -> Result<Vec<Value>, Failure> {
    answers.into_iter().map(without_error).collect()
}

pub(crate) fn without_error(answer: Value) -> Result<Value, Failure> {
    match answer {
        Value::ServerError(error) => {
            let node = error.details().filter(|_| error.code() == "MOVED").and_then(Node::parse);
            Err(node.map_or_else(|| Failure::Reply(Code::new(error.code())), Failure::Moved))
        }
        answer => Ok(answer),
    }
}

/// The first word of an error reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Code(String);

impl Code {
    const WRONG_PASSWORD: Self = Self(String::new());

    fn new(code: &str) -> Self {
        let is_code =
            (1..=20).contains(&code.len()) && code.bytes().all(|it| it.is_ascii_uppercase());
        Self(if is_code { code } else { "ERR" }.to_owned())
    }

    pub(crate) fn is(&self, code: &str) -> bool {
        self.as_str() == code
    }

    fn as_str(&self) -> &str {
        if self.0.is_empty() { "WRONGPASS" } else { &self.0 }
    }

    fn advice(&self) -> &'static str {
        match self.as_str() {
            "NOAUTH" => "it asks for a password, and the address has none",
            "WRONGPASS" => "the user or the password is wrong",
            "NOPERM" => "the user lacks a right on a command or on the namespace",
            "OOM" => "its memory is full",
            "READONLY" => "it is a replica; the address must lead to the primary",
            "MASTERDOWN" => "it is a replica that has lost its primary",
            "LOADING" => "it is still loading its data",
            "MISCONF" => "it cannot save its data, so it accepts no writes",
            "NOREPLICAS" => "too few replicas are connected to it",
            "MOVED" | "ASK" | "CROSSSLOT" | "CLUSTERDOWN" | "TRYAGAIN" => CLUSTER,
            "DENIED" => "it is in protected mode",
            "BUSY" => "a script keeps it busy",
            "WRONGTYPE" => "another program uses the same keys for other data",
            _ => "it does not know the command or its options",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Io(io::ErrorKind),
    Certificate,
    Tls,
    Protocol,
    Closed,
    NoPrimary,
    Runtime,
    Other,
}

impl Cause {
    fn of(error: &RedisError) -> Self {
        match error.kind() {
            ErrorKind::MasterNameNotFoundBySentinel
            | ErrorKind::NoValidReplicasFoundBySentinel
            | ErrorKind::EmptySentinelList => return Self::NoPrimary,
            _ => {}
        }
        // The source is wrapped in an `Arc`.
        let source = std::error::Error::source(error)
            .and_then(|source| source.downcast_ref::<Arc<dyn std::error::Error + Send + Sync>>());
        let Some(error) = source.and_then(|source| source.downcast_ref::<io::Error>()) else {
            return if error.is_connection_dropped() { Self::Closed } else { Self::Other };
        };
        match error.get_ref().map(ToString::to_string) {
            Some(text) if text.contains("certificate") => Self::Certificate,
            _ => match error.kind() {
                io::ErrorKind::InvalidData => Self::Tls,
                io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof => Self::Closed,
                kind => Self::Io(kind),
            },
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(kind) => kind.fmt(f),
            Self::Certificate => f.write_str("its certificate is not trusted"),
            Self::Tls => f.write_str("the TLS handshake failed (does the port expect plain text?)"),
            Self::Protocol => f.write_str("it speaks another protocol (does the port expect TLS?)"),
            Self::Closed => f.write_str("the connection was closed (does the port expect TLS?)"),
            Self::NoPrimary => f.write_str("no Sentinel names a primary"),
            Self::Runtime => f.write_str("there is no Tokio runtime"),
            Self::Other => f.write_str("the connection failed"),
        }
    }
}

/// An evicting policy, by the server's name for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy(String);

impl Policy {
    /// Returns `None` for a policy that does not evict.
    pub(crate) fn evicting(name: &str) -> Option<Self> {
        let is_name =
            name.len() <= 30 && name.bytes().all(|it| it.is_ascii_lowercase() || it == b'-');
        match name {
            "noeviction" => None,
            name if is_name => Some(Self(name.to_owned())),
            _ => Some(Self("unknown".to_owned())),
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
