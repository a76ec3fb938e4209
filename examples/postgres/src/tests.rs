//! A PostgreSQL that is unreachable, hangs, or is called by a thousand clients at once.

mod rotation;
mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http::Request;
use tokio_postgres::Client;
use tower_hmac::key::{CachedKeys, KeyQuery, Lookup, PolledKeys};
use tower_hmac::{BoxError, ErrorKind, FlaskHmac, KeyStore, SecretKey, Signer, Verifier};

use crate::store::{CONNECTIONS, Database};
use server::Server;

const SECRET: &str = "postgres-secret-7d1f";
const TTL: Duration = Duration::from_millis(100);
const TIMEOUT: Duration = Duration::from_millis(400);

/// Counts the queries.
#[derive(Clone)]
struct Counted(Database, Arc<AtomicUsize>);

impl KeyStore for Counted {
    fn lookup(&self, query: &KeyQuery<'_>) -> Lookup {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.lookup(query)
    }

    fn max_keys(&self) -> usize {
        self.0.max_keys()
    }
}

impl Counted {
    fn new(server: &Server) -> Self {
        Self(Database::new(&server.url()).unwrap(), Arc::default())
    }

    fn queries(&self) -> usize {
        self.1.swap(0, Ordering::Relaxed)
    }
}

fn cached(database: &Counted) -> CachedKeys<Counted> {
    CachedKeys::new(database.clone()).with_ttl(TTL).with_unknown_ttl(TTL).with_timeout(TIMEOUT)
}

async fn polled(database: &Counted) -> Result<PolledKeys, BoxError> {
    let database = database.0.clone();
    let load = move || {
        let database = database.clone();
        async move { database.load().await }
    };
    PolledKeys::new(TTL / 2, load).await
}

fn verifier(keys: impl KeyStore + 'static) -> Verifier {
    Verifier::new(FlaskHmac::new(), keys).unwrap()
}

/// Sends a request signed with this key, and returns the kind of its rejection.
async fn rejection(verifier: &Verifier, key_id: &str, secret: &str) -> Option<ErrorKind> {
    let key = SecretKey::new(secret).unwrap();
    let signer = Signer::new(FlaskHmac::new(), key).with_key_id(key_id).unwrap();
    let request = signer.sign(Request::post("/").body("an order").unwrap()).unwrap();
    let (head, body) = request.into_parts();
    verifier.verify(&head, body.as_bytes()).await.err().map(|error| error.kind())
}

async fn insert(client: &Client, key_id: &str, secret: &str) {
    let insert = "INSERT INTO hmac_keys (key_id, secret) VALUES ($1, $2)";
    client.execute(insert, &[&key_id, &secret.as_bytes()]).await.unwrap();
}

/// Sends requests until one is accepted.
async fn recovery(verifier: &Verifier) -> Duration {
    let start = Instant::now();
    while let Some(kind) = rejection(verifier, "aservice", SECRET).await {
        assert_eq!(kind, ErrorKind::StoreUnavailable);
        assert!(start.elapsed() < Duration::from_secs(10), "no service");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    start.elapsed()
}

#[tokio::test]
async fn an_unreachable_database_gives_503_at_the_start_and_later() {
    let Some(mut server) = Server::new() else { return };
    let database = Counted::new(&server);
    let cached_keys = verifier(cached(&database));
    assert!(polled(&database).await.is_err());
    let unavailable = Some(ErrorKind::StoreUnavailable);
    assert_eq!(rejection(&cached_keys, "aservice", SECRET).await, unavailable);

    let client = server.run().await;
    insert(&client, "aservice", SECRET).await;
    println!("cached: keys {:?} after the first start", recovery(&cached_keys).await);
    let stale_keys = verifier(cached(&database).with_stale_if_error(Duration::from_secs(60)));
    let polled_keys = polled(&database).await.unwrap();
    let aged_keys = verifier(polled_keys.clone().with_max_age(TTL * 5));
    let polled_keys = verifier(polled_keys);
    for verifier in [&stale_keys, &polled_keys, &aged_keys] {
        assert_eq!(rejection(verifier, "aservice", SECRET).await, None);
    }

    server.stop();
    tokio::time::sleep(TTL).await;
    assert_eq!(rejection(&cached_keys, "aservice", SECRET).await, unavailable);
    assert_eq!(rejection(&stale_keys, "aservice", SECRET).await, None);
    assert_eq!(rejection(&stale_keys, "aservice", "another-7d1f").await, Some(ErrorKind::Mismatch));
    assert_eq!(rejection(&stale_keys, "nobody", SECRET).await, unavailable);
    tokio::time::sleep(TTL * 5).await;
    assert_eq!(rejection(&polled_keys, "aservice", SECRET).await, None);
    assert_eq!(rejection(&aged_keys, "aservice", SECRET).await, unavailable);

    server.run().await;
    for (name, verifier) in [("cached", &cached_keys), ("polled", &aged_keys)] {
        println!("{name}: keys {:?} after the server is back", recovery(verifier).await);
    }
}

/// A lock on the table: connections work, and queries hang.
#[tokio::test]
async fn a_database_that_hangs_holds_no_request_longer_than_the_timeout() {
    let Some(mut server) = Server::new() else { return };
    let client = server.run().await;
    insert(&client, "aservice", SECRET).await;
    let database = Counted::new(&server);
    let cached_keys = verifier(cached(&database));
    let stale_keys = verifier(cached(&database).with_stale_if_error(Duration::from_secs(60)));
    let polled_keys = verifier(polled(&database).await.unwrap());
    for verifier in [&cached_keys, &stale_keys, &polled_keys] {
        assert_eq!(rejection(verifier, "aservice", SECRET).await, None);
    }

    client.batch_execute("BEGIN; LOCK TABLE hmac_keys IN ACCESS EXCLUSIVE MODE").await.unwrap();
    tokio::time::sleep(TTL).await;
    database.queries();
    let start = Instant::now();
    let all = join_all((0..200).map(|_| rejection(&cached_keys, "aservice", SECRET))).await;
    assert!(all.iter().all(|kind| *kind == Some(ErrorKind::StoreUnavailable)));
    let (waited, queries) = (start.elapsed(), database.queries());
    println!("200 requests to a database that hangs: 503 after {waited:?}, {queries} queries");
    assert!(waited < TIMEOUT * 3, "{waited:?}");
    assert!(queries <= 8, "{queries} queries");
    assert_eq!(rejection(&stale_keys, "aservice", SECRET).await, None);
    let start = Instant::now();
    assert_eq!(rejection(&polled_keys, "aservice", SECRET).await, None);
    assert!(start.elapsed() < TIMEOUT);

    client.batch_execute("COMMIT").await.unwrap();
    println!("keys {:?} after the database goes on", recovery(&cached_keys).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_misses_at_once_are_all_answered() {
    let Some(mut server) = Server::new() else { return };
    let client = server.run().await;
    insert(&client, "aservice", SECRET).await;
    let fill = "INSERT INTO hmac_keys (key_id, secret) \
                SELECT 'caller' || n, convert_to('secret-7d1f-' || n, 'UTF8') FROM generate_series(0, 999) AS n";
    client.batch_execute(fill).await.unwrap();
    let database = Counted::new(&server);
    let long = Duration::from_secs(60);
    let keys = || CachedKeys::new(database.clone()).with_ttl(long).with_timeout(long / 4);

    let one = verifier(keys());
    let all = join_all((0..1_000).map(|_| rejection(&one, "aservice", SECRET))).await;
    assert_eq!(all, [None; 1_000]);
    assert_eq!(database.queries(), 1);

    let (each, start) = (verifier(keys()), Instant::now());
    let answers = (0..1_000).map(async |number: usize| {
        rejection(&each, &format!("caller{number}"), &format!("secret-7d1f-{number}")).await
    });
    assert_eq!(join_all(answers).await, [None; 1_000]);
    assert_eq!(database.queries(), 1_000);
    println!("1,000 misses of 1,000 key IDs: {:?}", start.elapsed());
    let unknown = (0..1_000)
        .map(async |number: usize| rejection(&each, &format!("nobody{number}"), SECRET).await);
    assert_eq!(join_all(unknown).await, [Some(ErrorKind::UnknownKey); 1_000]);
    let connections = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'";
    let connections: i64 = client.query_one(connections, &[]).await.unwrap().get(0);
    assert!(connections <= i64::try_from(CONNECTIONS).unwrap() + 1, "{connections} connections");

    database.queries();
    let polled = verifier(polled(&database).await.unwrap());
    let answers = (0..1_000).map(async |number: usize| {
        rejection(&polled, &format!("caller{number}"), &format!("secret-7d1f-{number}")).await
    });
    assert_eq!(join_all(answers).await, [None; 1_000]);
    assert_eq!(database.queries(), 0);
}
