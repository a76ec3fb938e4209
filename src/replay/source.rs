//! Where connections to a Redis come from.

use std::sync::Arc;

use ::redis::aio::MultiplexedConnection;
#[cfg(feature = "redis-sentinel")]
use ::redis::sentinel::SentinelClient;
use ::redis::{AsyncConnectionConfig, Client};

use crate::error::ConfigError;
use crate::replay::cluster::{Cluster, TAGS};
use crate::replay::failure::Failure;
use crate::replay::server::{Greeting, Server};

/// A server, or Sentinels or cluster nodes that know its address.
#[derive(Clone)]
pub(crate) enum Source {
    Server(Box<Client>),
    /// One attempt at a time: it keeps its connections to the Sentinels.
    #[cfg(feature = "redis-sentinel")]
    Sentinel(Arc<tokio::sync::Mutex<SentinelClient>>),
    Cluster(Arc<Cluster>),
}

impl Source {
    /// Parses an address.
    pub(crate) fn new(url: &str) -> Result<Self, ConfigError> {
        let invalid = |why: &'static str| Err(ConfigError::invalid("redis", why));
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
        match (scheme, Client::open(url)) {
            (_, Ok(client)) => Ok(client.into()),
            #[cfg(feature = "redis-sentinel")]
            ("redis+sentinel", _) => match sentinel(url) {
                Some(client) => Ok(client.into()),
                None => invalid(
                    "is not an address of Sentinels: `redis+sentinel://HOST:PORT,HOST:PORT/SERVICE/DB`",
                ),
            },
            #[cfg(not(feature = "redis-sentinel"))]
            ("redis+sentinel", _) => {
                invalid("`redis+sentinel://` needs the feature `redis-sentinel`")
            }
            #[cfg(not(feature = "redis-tls"))]
            ("rediss" | "valkeys" | "rediss+cluster", _) => {
                invalid("`rediss://` needs the feature `redis-tls`")
            }
            (scheme, _) if scheme.ends_with("+cluster") => match Cluster::parse(url) {
                Some(cluster) => Ok(Self::Cluster(Arc::new(cluster))),
                None => {
                    invalid("is not an address of a cluster: `redis+cluster://HOST:PORT,HOST:PORT`")
                }
            },
            _ => invalid("is not an address of a Redis"),
        }
    }

    /// Takes some nodes of a cluster.
    pub(crate) fn cluster(nodes: impl IntoIterator<Item = Client>) -> Result<Self, ConfigError> {
        let nodes: Vec<Client> = nodes.into_iter().collect();
        if nodes.is_empty() {
            return Err(ConfigError::invalid("redis", "has no nodes of the cluster"));
        }
        Ok(Self::Cluster(Arc::new(Cluster::new(nodes))))
    }

    /// Returns the hash tags that divide its keys. None for a server.
    pub(crate) fn tags(&self) -> &'static [&'static str] {
        if matches!(self, Self::Cluster(_)) { &TAGS } else { &[] }
    }

    /// Connects and greets, without timeouts, which are up to the caller.
    pub(crate) async fn connect<G: Greeting>(
        &self,
        greeting: &G,
    ) -> Result<(MultiplexedConnection, G::Found), Failure> {
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        #[cfg(feature = "redis-tls")]
        choose_cryptography();
        let mut connection = match self {
            Self::Server(client) => {
                client.get_multiplexed_async_connection_with_config(&config).await?
            }
            #[cfg(feature = "redis-sentinel")]
            Self::Sentinel(client) => {
                client.lock().await.get_async_connection_with_config(&config).await?
            }
            Self::Cluster(cluster) => return cluster.connect(greeting, &config).await,
        };
        let server = Server::ask(&mut connection).await?;
        let found = greeting.greet(&mut connection, server).await?;
        Ok((connection, found))
    }
}

impl From<Client> for Source {
    fn from(client: Client) -> Self {
        Self::Server(Box::new(client))
    }
}

#[cfg(feature = "redis-sentinel")]
impl From<SentinelClient> for Source {
    fn from(client: SentinelClient) -> Self {
        Self::Sentinel(Arc::new(tokio::sync::Mutex::new(client)))
    }
}

/// Chooses a provider if the application has not: rustls panics if it finds two.
#[cfg(feature = "redis-tls")]
fn choose_cryptography() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Fails if another thread was faster, which is just as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// The user and the password are for the servers, not for the Sentinels.
#[cfg(feature = "redis-sentinel")]
fn sentinel(url: &str) -> Option<SentinelClient> {
    use ::redis::IntoConnectionInfo as _;
    use ::redis::sentinel::{SentinelNodeConnectionInfo, SentinelServerType};

    let rest = url.strip_prefix("redis+sentinel://")?;
    let (user, rest) = rest.rsplit_once('@').unwrap_or(("", rest));
    let (hosts, path) = rest.split_once('/')?;
    let (service, database) = path.split_once('/').unwrap_or((path, ""));
    if service.is_empty() {
        return None;
    }
    let server = format!("redis://{user}@localhost/{database}").into_connection_info().ok()?;
    let server = SentinelNodeConnectionInfo::default()
        .set_redis_connection_info(server.redis_settings().clone());
    // With TLS, any text is accepted.
    let service = service.to_owned();
    let hosts: Vec<String> = hosts.split(',').map(|host| format!("redis://{host}/")).collect();
    SentinelClient::build(hosts, service, Some(server), SentinelServerType::Master).ok()
}
