use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::redis::{Client, Cmd, Value};

use crate::error::{BoxError, ConfigError};
use crate::replay::link::{Failure, Link};
use crate::replay::{GuardId, Replay, ReplayClaim, ReplayGuard, ReplayKey, ReplayRequest};

/// How long a claim may take where nothing is set.
const DEFAULT_TIMEOUT: Duration = Duration::from_millis(500);
/// How far the clocks of nodes may lie apart where nothing is set.
const DEFAULT_CLOCK_SKEW: Duration = Duration::from_secs(10);
/// A time to live over 100 years, in milliseconds, is for ever: Redis refuses what overflows.
const FOR_EVER: u128 = 100 * 366 * 24 * 3600 * 1000;

/// A replay guard that all nodes of a service share: one `SET key 1 NX PX ttl` a request.
///
/// It fails closed: an error or a timeout is answered with 503, and nothing runs. A claim whose
/// answer was lost may have been kept all the same, so that the client's next attempt with the
/// *same* signature is refused; it signs anew.
///
/// # What the server must promise
///
/// A guard is as good as the memory of its Redis. What the server forgets can be replayed:
///
/// * **`maxmemory-policy noeviction`** (the default): any other policy forgets live entries when
///   the memory is full. With it, claims fail then: 503.
/// * **`appendonly yes` and `appendfsync always`**: a restart without persistence forgets all,
///   `everysec` the last second.
/// * **One primary.** A replica that takes over may not have the last writes: replication is
///   asynchronous.
/// * A `FLUSHALL` forgets all. Give the guard a user whose rights end at `SET` on its namespace.
///
/// # Time
///
/// An entry lives for as long as any node could accept its request: until `keep_until`, and for
/// the timeout and the [clock skew](Self::with_clock_skew) beyond it. A node whose clock is further
/// behind than that accepts requests that the server has forgotten.
///
/// # Example
///
/// ```no_run
/// # async fn build() -> Result<(), tower_hmac::BoxError> {
/// use tower_hmac::RedisReplay;
///
/// let guard = RedisReplay::connect("redis://127.0.0.1/").await?.with_namespace("billing");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisReplay {
    link: Arc<Link>,
    prefix: Arc<str>,
    timeout: Duration,
    clock_skew: Duration,
    fails_open: bool,
}

impl RedisReplay {
    /// Takes an address such as `redis://host:6379/0`. It connects at the first claim: a service
    /// can start before its Redis, and answers 503 until it is there.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is no address of a Redis. The address is not repeated, since it may
    /// hold a password.
    pub fn lazy(url: &str) -> Result<Self, ConfigError> {
        let client = Client::open(url)
            .map_err(|_| ConfigError::invalid("redis", "is no address of a Redis"))?;
        Ok(Self::from_client(client))
    }

    /// As [`lazy`](Self::lazy), and asks the server once, so that a wrong address or password is
    /// found at the start.
    ///
    /// # Errors
    ///
    /// If it is no address of a Redis, or the server does not answer in the default timeout
    /// (500 ms).
    pub async fn connect(url: &str) -> Result<Self, BoxError> {
        let guard = Self::lazy(url)?;
        guard.link.ask(&::redis::cmd("PING"), guard.timeout).await?;
        Ok(guard)
    }

    /// Takes a client that has been made elsewhere, for TLS and the like.
    #[must_use]
    pub fn from_client(client: Client) -> Self {
        Self {
            link: Arc::new(Link::new(client)),
            prefix: "tower-hmac:".into(),
            timeout: DEFAULT_TIMEOUT,
            clock_skew: DEFAULT_CLOCK_SKEW,
            fails_open: false,
        }
    }

    /// Sets the name of the service: the keys are `tower-hmac:NAMESPACE:` and 64 hex digits.
    /// Services that share a Redis and take the same keys must have one each; all nodes of one
    /// service must have the same.
    #[must_use]
    pub fn with_namespace(mut self, namespace: &str) -> Self {
        self.prefix = format!("tower-hmac:{namespace}:").into();
        self
    }

    /// Sets how long a claim may take; 500 ms if it is not set.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how far the clocks of two nodes may lie apart; 10 s if it is not set. Entries live so
    /// much longer.
    #[must_use]
    pub fn with_clock_skew(mut self, clock_skew: Duration) -> Self {
        self.clock_skew = clock_skew;
        self
    }

    /// Loses the promise that a request counts once: while Redis is away, replays pass, and
    /// whoever can make it slow can replay. Each such request is logged (feature `tracing`).
    #[must_use]
    pub fn dangerous_fail_open(mut self) -> Self {
        #[cfg(feature = "tracing")]
        tracing::warn!("the replay guard fails open: without its Redis, replays pass");
        self.fails_open = true;
        self
    }

    /// For how long the entry is to be kept, in milliseconds; `None`: for ever.
    fn time_to_live(&self, keep_until: i64, now: i64) -> Option<u64> {
        let left = u64::try_from(keep_until.saturating_sub(now)).unwrap_or(0);
        // The second `keep_until` itself counts to its end.
        let left = Duration::from_secs(left)
            .saturating_add(Duration::from_secs(1))
            .saturating_add(self.timeout)
            .saturating_add(self.clock_skew)
            .as_millis();
        if left > FOR_EVER { None } else { u64::try_from(left).ok() }
    }

    fn command(&self, key: &ReplayKey, keep_until: i64, now: i64) -> Cmd {
        let mut name = self.prefix.to_string();
        name.push_str(&base16ct::lower::encode_string(key.as_bytes()));
        let mut command = ::redis::cmd("SET");
        command.arg(name).arg(1).arg("NX");
        if let Some(milliseconds) = self.time_to_live(keep_until, now) {
            command.arg("PX").arg(milliseconds);
        }
        command
    }
}

impl ReplayGuard for RedisReplay {
    fn id(&self) -> GuardId {
        // Clones with a namespace of their own are guards of their own.
        GuardId::of(&*self.prefix)
    }

    fn claim(&self, request: &ReplayRequest<'_>) -> ReplayClaim {
        let command = self.command(request.key(), request.keep_until(), request.now());
        let (link, timeout, fails_open) = (self.link.clone(), self.timeout, self.fails_open);
        ReplayClaim::later(async move {
            let answer = match link.ask(&command, timeout).await {
                Ok(Value::Okay) => Ok(Replay::Claimed),
                Ok(Value::Nil) => Ok(Replay::Seen),
                Ok(_) => Err(Failure::Answer),
                Err(failure) => Err(failure),
            };
            match answer {
                Err(failure) if fails_open => {
                    #[cfg(feature = "tracing")]
                    tracing::warn!(
                        source = &failure as &dyn std::error::Error,
                        "the replay guard failed, and lets the request through"
                    );
                    let _ = failure;
                    Ok(Replay::Claimed)
                }
                answer => answer.map_err(Into::into),
            }
        })
    }
}

impl fmt::Debug for RedisReplay {
    /// Without the address, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisReplay")
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .field("clock_skew", &self.clock_skew)
            .field("fails_open", &self.fails_open)
            .finish_non_exhaustive()
    }
}
