//! The guard for a service with several nodes.

mod ask;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ::redis::Cmd;

use crate::error::{BoxError, ConfigError};
use crate::replay::key_names::KeyNames;
use crate::replay::mark::Marking;
use crate::replay::redis_clients::from_redis_clients;
use crate::replay::restart::{RestartPolicy, restart_settings};
use crate::replay::shard::ClockWentBack;
use crate::replay::shards::Shards;
use crate::replay::source::Source;
use crate::replay::{GuardId, Replay, ReplayClaim, ReplayGuard, ReplayRequest};

/// The default timeout of a claim.
const DEFAULT_TIMEOUT: Duration = Duration::from_millis(500);
/// The default clock skew between nodes.
const DEFAULT_CLOCK_SKEW: Duration = Duration::from_secs(10);
/// A time to live over 100 years, in milliseconds, means forever: Redis rejects what overflows.
const FOR_EVER: u128 = 100 * 366 * 24 * 3600 * 1000;
/// The prefix of all key names.
const PREFIX: &str = "tower-hmac:";

/// A replay guard that all nodes of a service share. A claim takes one round trip.
///
/// It fails closed: an error or a timeout is answered with 503, and the handler does not run. A
/// claim whose answer was lost may still have been stored. The client's next attempt with the
/// *same* signature is then rejected, so it must sign again.
///
/// # After a restart, a failover or a loss
///
/// The guard keeps a mark in Redis: a key without a time to live that records the time from which
/// the memory is complete. Every claim reads it. If it is gone, the data was lost. If it was
/// written in another run of the server, the last writes may be lost. From then on, the guard
/// rejects every request that was signed before: 503,
/// [`ReplayUnknown`](crate::ErrorKind::ReplayUnknown). A client that signs again is accepted at
/// once, and a presigned URL must be made again. The two gaps of
/// [`MemoryReplay`](crate::MemoryReplay#after-a-restart) exist here, too, and
/// [`with_restart_margin`](Self::with_restart_margin) closes them.
///
/// | what happens | what can be replayed |
/// | --- | --- |
/// | restart without persistence, `FLUSHALL`, an empty server | nothing that was signed before |
/// | restart from a snapshot or with `appendfsync everysec`, failover to a replica (and back), with the right to `INFO` | nothing that was signed before |
/// | the same, without the right to `INFO` | what the server has lost |
/// | the old primary still serves some nodes while others use the new one | what is accepted meanwhile; [`with_acknowledged_by`](Self::with_acknowledged_by) rejects it |
/// | eviction (any `maxmemory-policy` except `noeviction`) | what was evicted; the guard rejects such a server |
/// | Redis is unreachable, slow, full, or rejects the command | nothing: 503 |
///
/// While the server is unreachable, claims fail at once. At most once a second, one of them tries
/// to connect.
///
/// # Addresses
///
/// | address | server | feature |
/// | --- | --- | --- |
/// | `redis://USER:PASSWORD@HOST:PORT/DB`, `unix:PATH` | Redis, Valkey, and servers that speak their protocol | `redis` |
/// | `rediss://…` | the same with TLS, for certificates that the system trusts | `redis-tls` |
/// | `redis+sentinel://USER:PASSWORD@HOST:PORT,HOST:PORT/SERVICE/DB` | the primary that the Sentinels name | `redis-sentinel` |
/// | `redis+cluster://USER:PASSWORD@HOST:PORT,HOST:PORT` | a Redis Cluster, by some of its nodes | `redis` |
/// | `rediss+cluster://…` | the same with TLS, and `tls-cluster yes` in its nodes | `redis-tls` |
///
/// With Sentinels, the user and the password are the primary's. For Sentinels with a password, or
/// for your own certificates, make a client and use [`from_client`](Self::from_client),
/// `from_sentinel` or [`from_cluster`](Self::from_cluster).
///
/// In a cluster, the entries are spread over 16 hash tags, `tower-hmac:{0}:NAMESPACE:` and so on,
/// so up to 16 primaries share the load. Each tag has its own mark and connection, and a failover
/// of one primary affects only its tags. A tag whose hash slot moves to another node is treated
/// like a server that was restarted. While the slot moves, its claims can fail with 503.
///
/// # Rights
///
/// The user of the guard needs `SET` on the keys of the namespace, and `INFO`: in Redis 7, `ACL
/// SETUSER guard on >PASSWORD ~tower-hmac:* +set +info`. Without `INFO` it works, but detects less,
/// as the table shows. [`with_acknowledged_by`](Self::with_acknowledged_by) needs `WAIT` and `DEL`
/// as well. Servers before Redis 7.0 also need `GET`. The oldest supported server is Redis 2.6.12;
/// the tests run Redis 6.2, Redis 7.0 and Valkey 9.1.
///
/// # Size
///
/// An entry takes 170 to 190 bytes of the server's memory, for as long as the request could be
/// accepted again. At 100 requests a second with a tolerance of 300 s, that is at most 12 MB.
///
/// # Time
///
/// An entry is kept for as long as any node could accept its request: until `keep_until`, plus the
/// timeout and the [clock skew](Self::with_clock_skew). A node whose clock is further behind
/// accepts requests that the server has forgotten.
///
/// If the clock of a node is set back, requests that it cannot distinguish from replays are
/// rejected with 503 until the clock has caught up. The server's own time goes on, so entries
/// expire earlier than their requests, by as much as the clock was set back. Up to the clock skew,
/// nothing can be replayed. Beyond it, each request from before the change can be replayed in the
/// last seconds of its window, for as long as the excess. So let a clock that is ahead run slower
/// instead of setting it back, or make the clock skew as large as the largest step.
///
/// # Example
///
/// ```no_run
/// # async fn build() -> Result<(), tower_hmac::BoxError> {
/// use tower_hmac::replay::RedisReplay;
///
/// let guard = RedisReplay::connect("redis://127.0.0.1/").await?.with_namespace("billing");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisReplay {
    shards: Shards<Marking>,
    timeout: Duration,
    clock_skew: Duration,
    fails_open: bool,
    restart: RestartPolicy,
    /// The latest time of a claim.
    latest: Arc<AtomicI64>,
    /// Shared with the clones.
    #[cfg(feature = "tracing")]
    warnings: Arc<crate::seldom::Seldom>,
}

impl RedisReplay {
    /// Makes a guard for an [address](Self#addresses) such as `redis://host:6379/0`. It starts to
    /// connect when a verifier is built with the guard, and does not wait for it. So a service can
    /// start before its Redis, and answers 503 until then.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if `url` is not a Redis address, or needs a feature that is not
    /// enabled. The error never repeats the address, which may contain a password.
    pub fn lazy(url: &str) -> Result<Self, ConfigError> {
        Ok(Self::from_source(&Source::new(url)?))
    }

    /// Like [`lazy`](Self::lazy), but [checks](Self::checked) the server.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`lazy`](Self::lazy) and of [`checked`](Self::checked).
    pub async fn connect(url: &str) -> Result<Self, BoxError> {
        Self::lazy(url)?.checked().await
    }

    /// Connects, and writes the guard's mark. Finds a wrong address, a wrong password or a missing
    /// right at the start.
    ///
    /// If the user's rights are limited to a namespace, set it before the check:
    /// `RedisReplay::lazy(url)?.with_namespace("billing").checked().await?`.
    ///
    /// # Errors
    ///
    /// Returns the cause, with the code of the server's reply if there is one. Causes are: no
    /// connection, no answer within a second (or the [timeout](Self::with_timeout), if that is
    /// longer), an error reply such as `WRONGPASS`, `NOAUTH`, `NOPERM`, `OOM` or `READONLY`, a
    /// failure of a Sentinel or a cluster node, and a policy that evicts.
    pub async fn checked(self) -> Result<Self, BoxError> {
        self.shards.connect(self.timeout).await?;
        Ok(self)
    }

    from_redis_clients!();

    fn from_source(source: &Source) -> Self {
        Self {
            shards: Shards::new(source, |tag| Marking::new(KeyNames::new(PREFIX, tag))),
            timeout: DEFAULT_TIMEOUT,
            clock_skew: DEFAULT_CLOCK_SKEW,
            fails_open: false,
            restart: RestartPolicy::default(),
            latest: Arc::new(AtomicI64::new(i64::MIN)),
            #[cfg(feature = "tracing")]
            warnings: Arc::default(),
        }
    }

    /// Sets the name of the service: the keys are `tower-hmac:NAMESPACE:` and 64 hex digits, or
    /// `begin` for the mark. Services that share a Redis and accept the same keys must use
    /// different names. All nodes of one service must use the same name.
    #[must_use]
    pub fn with_namespace(self, namespace: &str) -> Self {
        let namespace = format!("{namespace}:").into();
        self.greet(|marking| {
            let names = marking.names.in_namespace(&namespace);
            Marking { names, ..marking }
        })
    }

    /// Sets how long a claim may take. 500 ms by default.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how far the clocks of two nodes may differ. 10 s by default. Entries are kept for this
    /// much longer.
    #[must_use]
    pub fn with_clock_skew(mut self, clock_skew: Duration) -> Self {
        self.clock_skew = clock_skew;
        self
    }

    restart_settings!("Self#after-a-restart-a-failover-or-a-loss");

    /// Accepts a server that evicts entries when its memory is full. Evicted requests can be
    /// replayed: in a measurement with 20,000 requests on 3 MB, 19,015 of them.
    ///
    /// By default, such a server is an error of [`checked`](Self::checked), and claims fail. It is
    /// not detected if the user lacks the right to `INFO`.
    #[must_use]
    pub fn with_eviction_accepted(self) -> Self {
        self.greet(|marking| Marking { accepts_eviction: true, ..marking })
    }

    /// Waits until this many replicas have each claim, with `WAIT`. Off by default.
    ///
    /// If too few replicas acknowledge a claim in four fifths of the timeout, it is rejected with
    /// 503 and withdrawn. A claim takes as long as the replicas take, and claims of one node wait
    /// for each other. Entries that only one replica has are still lost if another one takes over.
    #[must_use]
    pub fn with_acknowledged_by(self, replicas: u32) -> Self {
        self.greet(|marking| Marking { replicas, ..marking })
    }

    /// Accepts replays while Redis cannot be reached, so anybody who can slow it down can replay
    /// requests. Each failure is logged, at most once a second per cause (feature `tracing`).
    ///
    /// Only applies if no server answers. An error reply, such as that of a server whose memory is
    /// full, is still answered with 503.
    #[must_use]
    pub fn dangerous_fail_open(mut self) -> Self {
        #[cfg(feature = "tracing")]
        tracing::warn!(
            "the replay guard fails open: replays are accepted while its Redis is unreachable"
        );
        self.fails_open = true;
        self
    }

    fn namespace(&self) -> &str {
        self.shards.greeting().names.namespace()
    }

    /// Changes the checks of each new connection. The next claim uses a new connection.
    fn greet(mut self, change: impl Fn(Marking) -> Marking) -> Self {
        self.shards = self.shards.with_greeting(|marking| {
            let begun = Arc::new(AtomicI64::new(i64::MIN));
            Marking { begun, ..change(marking) }
        });
        self
    }

    /// Returns how long to keep the entry, in milliseconds. `None` for forever.
    fn time_to_live(&self, keep_until: i64, now: i64) -> Option<u64> {
        let left = u64::try_from(keep_until.saturating_sub(now)).unwrap_or(0);
        // The second `keep_until` is included in full.
        let left = Duration::from_secs(left)
            .saturating_add(Duration::from_secs(1))
            .saturating_add(self.timeout)
            .saturating_add(self.clock_skew)
            .as_millis();
        if left > FOR_EVER { None } else { u64::try_from(left).ok() }
    }

    fn command(&self, name: &str, request: &ReplayRequest<'_>) -> Cmd {
        let mut command = ::redis::cmd("SET");
        command.arg(name).arg(1).arg("NX");
        if let Some(milliseconds) = self.time_to_live(request.keep_until(), request.now()) {
            command.arg("PX").arg(milliseconds);
        }
        command
    }
}

impl ReplayGuard for RedisReplay {
    fn id(&self) -> GuardId {
        // A clone with another namespace is another guard.
        GuardId::of(self.namespace())
    }

    fn begin(&self, now: i64) {
        // If the clock was set back, requests may be signed until the latest time.
        self.shards.tell(now.max(self.latest.load(Ordering::Relaxed)), self.timeout);
    }

    fn claim(&self, request: &ReplayRequest<'_>) -> ReplayClaim {
        // If the clock is set back, the latest time stays in use.
        let latest = self.latest.fetch_max(request.now(), Ordering::Relaxed).max(request.now());
        if request.keep_until() < latest {
            return ReplayClaim::ready(Err(ClockWentBack.into()));
        }
        // Entries lost before then stay lost.
        let link = self.shards.of(request.key().as_bytes()).clone();
        let begun = link.greeting().begun.load(Ordering::Relaxed);
        if self.restart.may_have_forgotten(request.created(), begun) {
            return ReplayClaim::ready(Ok(Replay::Forgotten));
        }
        let key = base16ct::lower::encode_string(request.key().as_bytes());
        let name = link.greeting().names.name(&key);
        let command = self.command(&name, request);
        let created = request.created();
        let guard = self.clone();
        ReplayClaim::later(async move {
            let asked = match guard.ask(&link, name, command, latest).await {
                Ok(asked) => asked,
                Err(failure) if guard.fails_open && failure.is_unreachable() => {
                    #[cfg(feature = "tracing")]
                    if let Some(left_out) = guard.warnings.tell(&failure.to_string()) {
                        tracing::warn!(
                            source = &failure as &dyn std::error::Error,
                            left_out,
                            "the replay guard failed and let the request through"
                        );
                    }
                    return Ok(Replay::Claimed);
                }
                Err(failure) => return Err(failure.into()),
            };
            Ok(if guard.restart.may_have_forgotten(created, asked.begun) {
                Replay::Forgotten
            } else if asked.is_new {
                Replay::Claimed
            } else {
                Replay::Seen
            })
        })
    }
}

impl fmt::Debug for RedisReplay {
    /// Omits the address, which may contain a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisReplay")
            .field("namespace", &self.namespace())
            .field("timeout", &self.timeout)
            .field("clock_skew", &self.clock_skew)
            .field("fails_open", &self.fails_open)
            .finish_non_exhaustive()
    }
}
