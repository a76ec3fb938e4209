//! Remembers requests: in Redis for several nodes, in memory for one.

use std::sync::Arc;

use tower_hmac::once::{MemoryOnce, OnceStore, RedisOnce};
use tower_hmac::replay::{RedisReplay, ReplayGuard};
use tower_hmac::{BoxError, MemoryReplay};

pub struct Stores {
    /// Requests of the internal API: each is accepted once.
    pub replay: Arc<dyn ReplayGuard>,
    /// Webhook deliveries: each is handled once, and a failed one can be retried.
    pub once: Arc<dyn OnceStore>,
}

impl Stores {
    /// # Errors
    ///
    /// Returns an error if Redis does not answer, or requires another password.
    pub async fn connect(redis: Option<&str>) -> Result<Self, BoxError> {
        let Some(url) = redis else {
            tracing::warn!("no REDIS_URL: a restart, or a second node, handles a delivery again");
            return Ok(Self {
                // There is room for 100 requests a second during the ten minutes in which a request
                // can be accepted.
                replay: Arc::new(MemoryReplay::new(60_100)?),
                once: Arc::new(MemoryOnce::new(100_000)?),
            });
        };
        Ok(Self {
            replay: Arc::new(RedisReplay::connect(url).await?.with_namespace("showcase")),
            once: Arc::new(RedisOnce::lazy(url)?.with_namespace("showcase")),
        })
    }
}
