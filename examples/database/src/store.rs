//! The table of keys: as a `KeyStore`, and as a source for `PolledKeys`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row as _};
use tower_hmac::key::{KeyEntry, KeyQuery, Lookup};
use tower_hmac::{BoxError, KeyId, KeyMap, KeySet, KeyStore, SecretKey};

#[derive(Clone)]
pub struct Database {
    pool: AnyPool,
    queries: Arc<AtomicUsize>,
}

impl KeyStore for Database {
    fn lookup(&self, query: &KeyQuery<'_>) -> Lookup {
        // The anonymous key is not in the table.
        let Some(id) = query.key_id().cloned() else { return Lookup::ready(Ok(None)) };
        let database = self.clone();
        Lookup::later(async move { database.find(&id).await })
    }

    /// The limit of the query: a new key and an old one. Every request costs this many MACs.
    fn max_keys(&self) -> usize {
        2
    }
}

impl Database {
    pub fn new(pool: AnyPool) -> Self {
        Self { pool, queries: Arc::default() }
    }

    /// Returns the newest keys of a key ID. A database error is answered with 503.
    async fn find(&self, id: &KeyId) -> Result<Option<KeySet>, BoxError> {
        self.queries.fetch_add(1, Ordering::Relaxed);
        let rows = sqlx::query(
            "SELECT secret, label, not_after FROM tower_hmac_example
             WHERE service = $1 ORDER BY label DESC LIMIT 2",
        )
        .bind(id.as_str())
        .fetch_all(&self.pool)
        .await?;
        let entries = rows.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        Ok(if entries.is_empty() { None } else { Some(KeySet::new(entries)?) })
    }

    /// Returns all keys, for `PolledKeys`.
    pub async fn load(&self) -> Result<KeyMap, BoxError> {
        let rows = sqlx::query(
            "SELECT service, secret, label, not_after FROM tower_hmac_example ORDER BY label DESC",
        )
        .fetch_all(&self.pool)
        .await?;
        let mut services = BTreeMap::<String, Vec<KeyEntry>>::new();
        for row in &rows {
            services.entry(row.try_get("service")?).or_default().push(entry(row)?);
        }
        let sets = services.into_iter().map(|(service, keys)| Ok((service, KeySet::new(keys)?)));
        Ok(KeyMap::named(sets.collect::<Result<Vec<_>, BoxError>>()?)?)
    }

    pub fn queries(&self) -> usize {
        self.queries.load(Ordering::Relaxed)
    }

    pub async fn create(&self) -> Result<(), BoxError> {
        // Between the two databases, only the names of the types differ.
        let bytes = match self.pool.acquire().await?.backend_name() {
            "PostgreSQL" => "BYTEA",
            _ => "BLOB",
        };
        let table = format!(
            "CREATE TABLE tower_hmac_example (service TEXT NOT NULL, secret {bytes} NOT NULL,
             label TEXT NOT NULL, not_after BIGINT, PRIMARY KEY (service, label))"
        );
        self.drop().await?;
        sqlx::query(&table).execute(&self.pool).await?;
        Ok(())
    }

    pub async fn insert(&self, service: &str, secret: &[u8], label: &str) -> Result<(), BoxError> {
        sqlx::query("INSERT INTO tower_hmac_example (service, secret, label) VALUES ($1, $2, $3)")
            .bind(service)
            .bind(secret)
            .bind(label)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    pub async fn delete(&self, service: &str, label: &str) -> Result<(), BoxError> {
        sqlx::query("DELETE FROM tower_hmac_example WHERE service = $1 AND label = $2")
            .bind(service)
            .bind(label)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    pub async fn drop(&self) -> Result<(), BoxError> {
        sqlx::query("DROP TABLE IF EXISTS tower_hmac_example").execute(&self.pool).await?;
        Ok(())
    }
}

fn entry(row: &AnyRow) -> Result<KeyEntry, BoxError> {
    let secret: Vec<u8> = row.try_get("secret")?;
    let label: String = row.try_get("label")?;
    let entry = KeyEntry::new(SecretKey::new(secret)?).with_label(label);
    Ok(match row.try_get::<Option<i64>, _>("not_after")? {
        Some(unix_seconds) => entry.with_not_after(unix_seconds),
        None => entry,
    })
}
