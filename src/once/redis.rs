//! The store that all nodes of a service share.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::redis::{Client, Cmd, Value};

use crate::error::{BoxError, ConfigError};
use crate::once::{Acquired, Lease, OnceAnswer, OnceKey, OnceRequest, OnceStore};
use crate::replay::Link;

/// How long a command can take where nothing is set.
const DEFAULT_TIMEOUT: Duration = Duration::from_millis(500);
/// What stands in the place of an owner once a message is handled.
const DONE: &str = "done";

/// Gives the entry and its time to live in milliseconds, or takes the lease.
const ACQUIRE: &str = "\
local entry = redis.call('GET', KEYS[1])
if entry then return {entry, redis.call('PTTL', KEYS[1])} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {}";
/// Marks the message as handled, unless the lease was taken over.
const COMPLETE: &str = "\
local entry = redis.call('GET', KEYS[1])
if entry and entry ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], 'done', 'PX', ARGV[2])
return 1";
/// Removes the lease, unless it was taken over.
const RELEASE: &str = "\
local entry = redis.call('GET', KEYS[1])
if entry and entry ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
return 1";

/// The messages of all nodes of a service, in one Redis: one script of one key a step.
///
/// A store that fails is answered with 503, and nothing runs. What the server promises is what
/// [`RedisReplay`](crate::RedisReplay) says of it, with one difference: a message whose entry the
/// server has lost is handled again.
///
/// The user needs the commands `EVAL`, `GET`, `SET`, `DEL` and `PTTL` on the namespace.
///
/// ```no_run
/// # async fn build() -> Result<(), tower_hmac::BoxError> {
/// use tower_hmac::once::{OnceLayer, RedisOnce};
///
/// let once = OnceLayer::new(RedisOnce::lazy("redis://127.0.0.1/")?.with_namespace("billing"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisOnce {
    link: Arc<Link>,
    prefix: Arc<str>,
    timeout: Duration,
}

impl RedisOnce {
    /// Takes an address such as `redis://host:6379/0`. It connects at the first message: a service
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

    /// Takes a client that has been made elsewhere, for TLS and the like.
    #[must_use]
    pub fn from_client(client: Client) -> Self {
        Self {
            link: Arc::new(Link::new(client)),
            prefix: "tower-hmac-once:".into(),
            timeout: DEFAULT_TIMEOUT,
        }
    }

    /// Sets the name of the service: the keys are `tower-hmac-once:NAMESPACE:` and 64 hex digits.
    #[must_use]
    pub fn with_namespace(mut self, namespace: &str) -> Self {
        self.prefix = format!("tower-hmac-once:{namespace}:").into();
        self
    }

    /// Sets how long a command can take; 500 ms by default.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn script(&self, script: &str, key: &OnceKey, owner: &str) -> Cmd {
        let mut name = self.prefix.to_string();
        name.push_str(&base16ct::lower::encode_string(key.as_bytes()));
        let mut command = ::redis::cmd("EVAL");
        command.arg(script).arg(1).arg(name).arg(owner);
        command
    }

    /// Runs a script that answers 1 or 0.
    fn is_owned(&self, command: Cmd) -> OnceAnswer<bool> {
        let (link, timeout) = (self.link.clone(), self.timeout);
        OnceAnswer::later(async move {
            match link.ask(&command, timeout).await? {
                Value::Int(answer) => Ok(answer == 1),
                _ => Err("Redis gave an answer that the script does not have".into()),
            }
        })
    }
}

impl OnceStore for RedisOnce {
    fn acquire(&self, request: &OnceRequest<'_>) -> OnceAnswer<Acquired> {
        let mut owner = [0; 16];
        crate::random::fill(&mut owner);
        let lease = Lease::new(*request.key(), owner);
        let mut command = self.script(ACQUIRE, request.key(), &hex(&owner));
        command.arg(milliseconds(request.lease().as_secs()));
        let (link, timeout) = (self.link.clone(), self.timeout);
        OnceAnswer::later(async move {
            let answer = link.ask(&command, timeout).await?;
            read(answer, lease).ok_or_else(|| -> BoxError {
                "Redis gave an answer that the script does not have".into()
            })
        })
    }

    fn complete(&self, lease: &Lease, keep_until: i64, now: i64) -> OnceAnswer<bool> {
        let mut command = self.script(COMPLETE, lease.key(), &hex(lease.owner()));
        command.arg(milliseconds(now.abs_diff(keep_until.max(now))));
        self.is_owned(command)
    }

    fn release(&self, lease: &Lease) -> OnceAnswer<bool> {
        self.is_owned(self.script(RELEASE, lease.key(), &hex(lease.owner())))
    }

    /// Spawns a task, so that a client that hangs up does not keep its lease.
    fn finish(&self, answer: OnceAnswer<bool>) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            drop(runtime.spawn(answer));
        }
    }
}

fn read(answer: Value, lease: Lease) -> Option<Acquired> {
    let Value::Array(answer) = answer else { return None };
    match answer.as_slice() {
        [] => Some(Acquired::New(lease)),
        [Value::BulkString(entry), Value::Int(_)] if entry == DONE.as_bytes() => {
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

/// At least one second, and at most 100 years: Redis refuses what overflows.
fn milliseconds(seconds: u64) -> u64 {
    seconds.clamp(1, 100 * 366 * 24 * 3600).saturating_mul(1000)
}

impl fmt::Debug for RedisOnce {
    /// Without the address, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOnce")
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
