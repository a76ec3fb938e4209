//! The constructors of a store that take clients of the crate `redis`.

/// Makes them from `fn from_source(&Source) -> Self`.
macro_rules! from_redis_clients {
    () => {
        /// Uses an existing client. The server is checked on each new connection.
        #[must_use]
        pub fn from_client(client: ::redis::Client) -> Self {
            Self::from_source(&client.into())
        }

        /// Uses a Sentinel client, which looks up the primary for each new connection.
        #[cfg(feature = "redis-sentinel")]
        #[must_use]
        pub fn from_sentinel(client: ::redis::sentinel::SentinelClient) -> Self {
            Self::from_source(&client.into())
        }

        /// Uses clients of some nodes of a cluster, and finds the other nodes through them. Their
        /// settings are used for all nodes.
        ///
        /// # Errors
        ///
        /// Returns [`ConfigError`] if there are none.
        pub fn from_cluster(
            nodes: impl IntoIterator<Item = ::redis::Client>,
        ) -> Result<Self, ConfigError> {
            Ok(Self::from_source(&Source::cluster(nodes)?))
        }
    };
}
pub(crate) use from_redis_clients;
