//! The table of keys: as a `KeyStore`, and as a source for `PolledKeys`.

use std::collections::BTreeMap;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio_postgres::{Config, NoTls, Row};
use tower_hmac::key::{KeyEntry, KeyQuery, Lookup};
use tower_hmac::{BoxError, KeyId, KeyMap, KeySet, KeyStore, SecretKey};

/// The maximum number of keys of one key ID. Every request costs this many MACs.
pub const MAX_KEYS: i64 = 8;
/// The maximum number of connections.
pub const CONNECTIONS: usize = 8;

#[derive(Clone)]
pub struct Database {
    pool: Pool,
}

impl Database {
    /// Connects with the first query.
    pub fn new(url: &str) -> Result<Self, BoxError> {
        let config: Config = url.parse()?;
        // Checks a connection before each use, without a query.
        let settings = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(config, NoTls, settings);
        let pool = Pool::builder(manager).max_size(CONNECTIONS).runtime(Runtime::Tokio1).build()?;
        Ok(Self { pool })
    }

    /// Returns the newest keys of a key ID. A database error is answered with 503.
    async fn find(&self, id: &KeyId) -> Result<Option<KeySet>, BoxError> {
        let client = self.pool.get().await?;
        let query = client
            .prepare_cached(
                "SELECT secret FROM hmac_keys WHERE key_id = $1 ORDER BY id DESC LIMIT $2",
            )
            .await?;
        let rows = client.query(&query, &[&id.as_str(), &MAX_KEYS]).await?;
        let entries = rows.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        Ok(if entries.is_empty() { None } else { Some(KeySet::new(entries)?) })
    }

    /// Returns all keys, for `PolledKeys`.
    pub async fn load(&self) -> Result<KeyMap, BoxError> {
        let client = self.pool.get().await?;
        let rows =
            client.query("SELECT key_id, secret FROM hmac_keys ORDER BY id DESC", &[]).await?;
        let mut callers = BTreeMap::<String, Vec<KeyEntry>>::new();
        for row in &rows {
            callers.entry(row.try_get("key_id")?).or_default().push(entry(row)?);
        }
        let sets = callers.into_iter().map(|(id, keys)| Ok((id, KeySet::new(keys)?)));
        Ok(KeyMap::named(sets.collect::<Result<Vec<_>, BoxError>>()?)?)
    }
}

impl KeyStore for Database {
    fn lookup(&self, query: &KeyQuery<'_>) -> Lookup {
        // The anonymous key is not in the table.
        let Some(id) = query.key_id().cloned() else { return Lookup::ready(Ok(None)) };
        let database = self.clone();
        Lookup::later(async move { database.find(&id).await })
    }

    fn max_keys(&self) -> usize {
        usize::try_from(MAX_KEYS).unwrap_or(usize::MAX)
    }
}

fn entry(row: &Row) -> Result<KeyEntry, BoxError> {
    let secret: Vec<u8> = row.try_get("secret")?;
    Ok(KeyEntry::new(SecretKey::new(secret)?))
}
