//! Redis Cluster: the parts of its key space, and how to find the node of a part.

use std::sync::atomic::{AtomicUsize, Ordering};

use ::redis::aio::MultiplexedConnection;
use ::redis::{AsyncConnectionConfig, Client};

use crate::replay::failure::Failure;
use crate::replay::server::{Greeting, Server};

/// The hash tags. Each is in a different sixteenth of the hash slots, so that primaries get equal
/// parts. All keys with the same tag are in one slot, and therefore on one node.
pub(crate) const TAGS: [&str; 16] = [
    "{18}:", "{3}:", "{61}:", "{58}:", "{19}:", "{2}:", "{60}:", "{59}:", "{102}:", "{1}:",
    "{63}:", "{49}:", "{103}:", "{0}:", "{62}:", "{48}:",
];
/// The maximum number of redirects: until all nodes know of a failover, two of them can redirect to
/// each other.
const MAX_REDIRECTS: usize = 3;

/// Some nodes of a cluster. Each knows which node has a key.
pub(crate) struct Cluster {
    nodes: Vec<Client>,
    next: AtomicUsize,
}

impl Cluster {
    pub(crate) fn new(nodes: Vec<Client>) -> Self {
        Self { nodes, next: AtomicUsize::new(0) }
    }

    /// Reads `redis+cluster://USER:PASSWORD@HOST:PORT,HOST:PORT`, or the same with `rediss`.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("+cluster://")?;
        let (user, hosts) = rest.rsplit_once('@').unwrap_or(("", rest));
        let client = |host: &str| Client::open(format!("{scheme}://{user}@{host}")).ok();
        let is_bare = !hosts.trim_end_matches('/').contains(['/', '?', '#']);
        let nodes = hosts.trim_end_matches('/').split(',').map(client).collect::<Option<_>>()?;
        is_bare.then(|| Self::new(nodes))
    }

    /// Connects to the node that has the keys of this greeting, according to a node in our list.
    pub(crate) async fn connect<G: Greeting>(
        &self,
        greeting: &G,
        config: &AsyncConnectionConfig,
    ) -> Result<(MultiplexedConnection, G::Found), Failure> {
        let (mut client, mut connection) = self.any_node(config).await?;
        let mut redirects = 0;
        loop {
            let server = Server::ask_node(&mut connection).await?;
            let node = match greeting.greet(&mut connection, server).await {
                Err(Failure::Moved(node)) if redirects < MAX_REDIRECTS => node,
                found => return found.map(|found| (connection, found)),
            };
            client = node.client(&client).ok_or(Failure::UnexpectedAnswer)?;
            connection = client.get_multiplexed_async_connection_with_config(config).await?;
            redirects = redirects.saturating_add(1);
        }
    }

    /// Begins with the next node each time, since a hanging node uses up the attempt's time.
    async fn any_node(
        &self,
        config: &AsyncConnectionConfig,
    ) -> Result<(Client, MultiplexedConnection), Failure> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let len = self.nodes.len();
        let nodes = self.nodes.iter().cycle().skip(first.checked_rem(len).unwrap_or(0)).take(len);
        let mut failure = Failure::UnexpectedAnswer;
        for client in nodes {
            match client.get_multiplexed_async_connection_with_config(config).await {
                Ok(connection) => return Ok((client.clone(), connection)),
                Err(error) => failure = error.into(),
            }
        }
        Err(failure)
    }
}
