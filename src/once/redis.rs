//! The store that all nodes of a service share.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{Cmd, Pipeline, Value};
use tokio::time::Instant;

use crate::error::{BoxError, ConfigError};
use crate::once::{Acquired, Lease, OnceAnswer, OnceKey, OnceRequest, OnceStore};
use crate::replay::redis_link::{
    self, Connection, Failure, Greeting, KeyNames, Link, Server, Shards, Source, from_redis_clients,
};

/// The default timeout of a command.
const DEFAULT_TIMEOUT: Duration = Duration::from_millis(500);
/// A link connects at most this often.
const RECONNECT: Duration = Duration::from_secs(1);
/// How often the end of a lease is sent again after a failure, while its response waits.
const REPEATS: u32 = 2;
/// The same while nobody waits.
const REPEATS_UNANSWERED: u32 = 30;
/// The start of the value of a handled message. Its owner follows.
const DONE: &[u8] = b"done";
/// The prefix of all key names.
const PREFIX: &str = "tower-hmac-once:";

/// Returns the entry and its time to live in milliseconds, or takes the lease.
const ACQUIRE: &str = "\
local entry = redis.call('GET', KEYS[1])
if entry then return {entry, redis.call('PTTL', KEYS[1])} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {}";
/// Marks the message as handled, unless the lease was taken over. Can be repeated.
const COMPLETE: &str = "\
local entry = redis.call('GET', KEYS[1])
local done = 'done ' .. ARGV[1]
if entry and entry ~= ARGV[1] and entry ~= done then return 0 end
redis.call('SET', KEYS[1], done, 'PX', ARGV[2])
return 1";
/// Removes the lease, unless it was taken over.
const RELEASE: &str = "\
local entry = redis.call('GET', KEYS[1])
if entry and entry ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
return 1";
/// Runs all of these commands on a test key, to find a missing right at the start.
const CHECK: &str = "\
redis.call('SET', KEYS[1], ARGV[1], 'PX', 1000)
redis.call('PTTL', KEYS[1])
redis.call('DEL', KEYS[1])
redis.call('GET', KEYS[1])
return 1";

/// Remembers the messages of all nodes of a service in a Redis or a Redis Cluster. Each step runs
/// one script on one key.
///
/// If the store fails, messages are answered with 503, and the handler does not run. If the server
/// loses the entry of a message, that message is handled again, never skipped. How often that
/// happens depends on the server's persistence, and a failover to a replica can lose the last
/// entries. While the server is unreachable, messages get 503 at once. At most once a second, one
/// of them tries to connect.
///
/// If the connection fails while a message is completed or released, the command is sent again on a
/// new one. The response waits for that, for about a second.
///
/// # Rights
///
/// The user needs `EVAL`, `GET`, `SET`, `DEL` and `PTTL` on the keys of the namespace, and `INFO`
/// to detect a policy that evicts. In Redis 7: `ACL SETUSER once on >PASSWORD ~tower-hmac-once:*
/// +eval +get +set +del +pttl +info`.
///
/// ```no_run
/// # async fn build() -> Result<(), tower_hmac::BoxError> {
/// use tower_hmac::once::{OnceLayer, RedisOnce};
///
/// let store = RedisOnce::connect("redis://127.0.0.1/").await?.with_namespace("billing");
/// let once = OnceLayer::new(store);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisOnce {
    shards: Shards<Checking>,
    timeout: Duration,
}

impl RedisOnce {
    /// Makes a store for an [address](crate::replay::RedisReplay#addresses) such as
    /// `redis://host:6379/0`. It connects at the first message: a service can start before its
    /// Redis, and answers 503 until it is available.
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

    /// Connects, and runs a script on a key of the namespace. Finds a wrong address, a wrong
    /// password or a missing right at the start.
    ///
    /// # Errors
    ///
    /// Returns the cause, like [`RedisReplay::checked`](crate::replay::RedisReplay::checked).
    pub async fn checked(self) -> Result<Self, BoxError> {
        self.shards.connect(self.timeout).await?;
        Ok(self)
    }

    from_redis_clients!();

    fn from_source(source: &Source) -> Self {
        let shards = Shards::new(source, |tag| Checking {
            names: KeyNames::new(PREFIX, tag),
            accepts_eviction: false,
        });
        Self { shards, timeout: DEFAULT_TIMEOUT }
    }

    /// Sets the name of the service: the keys are `tower-hmac-once:NAMESPACE:` and 64 hex digits.
    #[must_use]
    pub fn with_namespace(self, namespace: &str) -> Self {
        let namespace = format!("{namespace}:").into();
        self.check(|checking| {
            let names = checking.names.in_namespace(&namespace);
            Checking { names, ..checking }
        })
    }

    /// Accepts a server that evicts entries when its memory is full. A message whose entry is
    /// evicted is handled again. By default, such a server is an error, and messages get 503.
    #[must_use]
    pub fn with_eviction_accepted(self) -> Self {
        self.check(|checking| Checking { accepts_eviction: true, ..checking })
    }

    /// Sets how long a command may take. 500 ms by default.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Changes the checks of each new connection. The next command uses a new connection.
    fn check(mut self, change: impl Fn(Checking) -> Checking) -> Self {
        self.shards = self.shards.with_greeting(change);
        self
    }

    fn script(&self, script: &str, key: &OnceKey, owner: &str) -> Cmd {
        let hex = base16ct::lower::encode_string(key.as_bytes());
        let name = self.shards.of(key.as_bytes()).greeting().names.name(&hex);
        let mut command = ::redis::cmd("EVAL");
        command.arg(script).arg(1).arg(name).arg(owner);
        command
    }

    fn link(&self, key: &OnceKey) -> Link<Checking> {
        self.shards.of(key.as_bytes()).clone()
    }

    /// Runs a script that answers 1 or 0 and can be repeated.
    async fn end_lease(self, key: OnceKey, script: Cmd, repeats: u32) -> Result<bool, BoxError> {
        let link = self.link(&key);
        let mut answer = self.ask_whether(&link, &script).await;
        for repeat in 0..repeats {
            if answer.is_ok() {
                break;
            }
            // The first time, a new connection may be possible at once.
            if repeat > 0 {
                tokio::time::sleep(RECONNECT).await;
            }
            answer = self.ask_whether(&link, &script).await;
        }
        Ok(answer?)
    }

    async fn ask_whether(&self, link: &Link<Checking>, script: &Cmd) -> Result<bool, Failure> {
        let connection = link.connection(redis_link::UNTOLD, self.timeout).await?;
        let read = |answer: &Value| match answer {
            Value::Int(answer) => Some(*answer == 1),
            _ => None,
        };
        ask(link, &connection, script, self.timeout, read).await
    }

    /// Releases a lease that the server may grant although its answer was lost.
    fn release_unanswered(self, lease: &Lease) {
        let script = self.script(RELEASE, lease.key(), &hex(lease.owner()));
        spawn(self.end_lease(*lease.key(), script, REPEATS_UNANSWERED));
    }
}

/// Runs a script, and closes the connection if the answer is not one of the script's.
async fn ask<T>(
    link: &Link<Checking>,
    connection: &Connection<()>,
    script: &Cmd,
    timeout: Duration,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<T, Failure> {
    let deadline = Instant::now().checked_add(timeout).unwrap_or_else(Instant::now);
    let mut commands = Pipeline::new();
    commands.add_command(script.clone());
    let answers = link.send(connection, &commands, deadline).await?;
    let answer = answers.first().and_then(read);
    answer.ok_or_else(|| link.give_up(connection, Failure::UnexpectedAnswer))
}

/// Runs in the background, where nobody waits for it.
fn spawn(answer: impl Future<Output = Result<bool, BoxError>> + Send + 'static) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        drop(runtime.spawn(answer));
    }
}

/// Checks each new connection.
#[derive(Clone, Debug)]
struct Checking {
    names: KeyNames,
    accepts_eviction: bool,
}

impl Greeting for Checking {
    type Found = ();

    async fn greet(
        &self,
        connection: &mut MultiplexedConnection,
        server: Server,
    ) -> Result<(), Failure> {
        server.check_eviction(self.accepts_eviction)?;
        let mut nonce = [0; 16];
        crate::random::fill(&mut nonce);
        let mut commands = Pipeline::new();
        let name = self.names.name(&format!("check:{}", hex(&nonce)));
        commands.cmd("EVAL").arg(CHECK).arg(1).arg(name).arg("1");
        redis_link::ask(connection, &commands).await.map(drop)
    }
}

impl OnceStore for RedisOnce {
    fn acquire(&self, request: &OnceRequest<'_>) -> OnceAnswer<Acquired> {
        let mut owner = [0; 16];
        crate::random::fill(&mut owner);
        let lease = Lease::new(*request.key(), owner);
        let mut command = self.script(ACQUIRE, request.key(), &hex(&owner));
        command.arg(milliseconds(request.lease().as_secs()));
        let store = self.clone();
        OnceAnswer::later(async move {
            let (link, timeout) = (store.link(lease.key()), store.timeout);
            let connection = link.connection(redis_link::UNTOLD, timeout).await?;
            let granted = lease.clone();
            let acquired =
                ask(&link, &connection, &command, timeout, |answer| read(answer, granted)).await;
            if acquired.is_err() {
                store.release_unanswered(&lease);
            }
            Ok(acquired?)
        })
    }

    fn complete(&self, lease: &Lease, keep_until: i64, now: i64) -> OnceAnswer<bool> {
        let mut command = self.script(COMPLETE, lease.key(), &hex(lease.owner()));
        // The last second is included.
        command.arg(milliseconds(now.abs_diff(keep_until.max(now)).saturating_add(1)));
        OnceAnswer::later(self.clone().end_lease(*lease.key(), command, REPEATS))
    }

    fn release(&self, lease: &Lease) -> OnceAnswer<bool> {
        let command = self.script(RELEASE, lease.key(), &hex(lease.owner()));
        OnceAnswer::later(self.clone().end_lease(*lease.key(), command, REPEATS))
    }

    /// Spawns a task, so that the lease of a disconnected client is not kept.
    fn finish(&self, answer: OnceAnswer<bool>) {
        spawn(answer);
    }
}

fn read(answer: &Value, lease: Lease) -> Option<Acquired> {
    let Value::Array(answer) = answer else { return None };
    match answer.as_slice() {
        [] => Some(Acquired::New(lease)),
        [Value::BulkString(entry), Value::Int(_)] if entry.starts_with(DONE) => {
            Some(Acquired::Done)
        }
        [Value::BulkString(_), Value::Int(left)] => {
            let retry_after = Duration::from_millis(u64::try_from(*left).unwrap_or(0));
            Some(Acquired::Running { retry_after })
        }
        _ => None,
    }
}

fn hex(owner: &[u8; 16]) -> String {
    base16ct::lower::encode_string(owner)
}

/// Limits a time to between one second and 100 years: Redis rejects a time that overflows.
fn milliseconds(seconds: u64) -> u64 {
    seconds.clamp(1, 100 * 366 * 24 * 3600).saturating_mul(1000)
}

impl fmt::Debug for RedisOnce {
    /// Omits the address, which may contain a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOnce")
            .field("namespace", &self.shards.greeting().names.namespace())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
