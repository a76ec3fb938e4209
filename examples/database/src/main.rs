//! Keys from a database: looked up by key ID with a cache in front, or loaded regularly. Webhooks
//! that are handled exactly once.
//!
//!     cargo run                                        SQLite in this process
//!     cargo run -- postgres://user:password@host/name  PostgreSQL
//!
//! Creates tables whose names begin with `tower_hmac_`, sends requests, and drops the tables.
//! Without the tables, requests are answered with 503.

mod store;
mod webhooks;

use std::time::Duration;

use axum::{Router, body::Body, routing::post};
use http::{Request, StatusCode};
use sqlx::any::AnyPoolOptions;
use tower::ServiceExt as _;
use tower_hmac::key::{CachedKeys, PolledKeys};
use tower_hmac::{BoxError, FlaskHmac, KeyStore, SecretKey, Signer, Verified, VerifyLayer};

use crate::store::Database;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    tracing_subscriber::fmt::init();
    sqlx::any::install_default_drivers();
    let url = std::env::args().nth(1).unwrap_or_else(|| "sqlite::memory:".into());
    // Each connection has its own in-memory database, which is gone with it.
    let pool = AnyPoolOptions::new()
        .max_connections(if url.starts_with("sqlite::memory:") { 1 } else { 10 })
        .idle_timeout(None)
        .max_lifetime(None)
        .connect(&url)
        .await?;
    webhooks::check(pool.clone()).await?;
    let database = Database::new(pool);
    database.create().await?;
    check(&database).await?;
    database.create().await?;
    check_polled(&database).await
}

fn app(keys: impl KeyStore + 'static) -> Result<Router, BoxError> {
    Ok(Router::new()
        .route("/", post(|caller: Verified| async move { format!("{:?}\n", caller.key_label()) }))
        .layer(VerifyLayer::new(FlaskHmac::new(), keys)?))
}

async fn send(app: &Router, name: &str, key: &str) -> Result<StatusCode, BoxError> {
    let signer = Signer::new(FlaskHmac::new(), SecretKey::new(key)?).with_key_id(name)?;
    let request = signer.sign(Request::post("/").body("an order")?)?;
    Ok(app.clone().oneshot(request.map(Body::from)).await?.status())
}

async fn check(database: &Database) -> Result<(), BoxError> {
    database.insert("aservice", b"the old key", "2026-05").await?;
    database.insert("aservice", b"the new key", "2026-11").await?;

    // A key stays valid for this long after it was removed from the table.
    let ttl = Duration::from_millis(200);
    let app = app(CachedKeys::new(database.clone())
        .with_ttl(ttl)
        .with_unknown_ttl(ttl)
        .with_timeout(Duration::from_secs(1)))?;

    assert_eq!(send(&app, "aservice", "the new key").await?, StatusCode::OK);
    assert_eq!(send(&app, "aservice", "the old key").await?, StatusCode::OK);
    assert_eq!(send(&app, "aservice", "another key").await?, StatusCode::FORBIDDEN);
    assert_eq!(send(&app, "nobody", "the new key").await?, StatusCode::FORBIDDEN);
    println!("two names, four requests, {} queries", database.queries());
    assert_eq!(database.queries(), 2);

    database.delete("aservice", "2026-05").await?;
    tokio::time::sleep(ttl).await;
    assert_eq!(send(&app, "aservice", "the new key").await?, StatusCode::OK);
    assert_eq!(send(&app, "aservice", "the old key").await?, StatusCode::FORBIDDEN);
    println!("the removed key is rejected within the time to live");

    database.drop().await?;
    tokio::time::sleep(ttl).await;
    let status = send(&app, "aservice", "the new key").await?;
    println!("without the table: {status}");
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    Ok(())
}

async fn check_polled(database: &Database) -> Result<(), BoxError> {
    database.insert("aservice", b"the old key", "2026-05").await?;
    database.insert("bservice", b"its key", "2026-11").await?;

    let every = Duration::from_millis(50);
    let max_age = Duration::from_secs(1);
    let source = database.clone();
    let keys = PolledKeys::new(every, move || {
        let source = source.clone();
        async move { source.load().await }
    });
    let app = app(keys.await?.with_max_age(max_age))?;
    assert_eq!(send(&app, "aservice", "the old key").await?, StatusCode::OK);
    assert_eq!(send(&app, "bservice", "its key").await?, StatusCode::OK);

    database.insert("aservice", b"the new key", "2026-11").await?;
    database.delete("aservice", "2026-05").await?;
    while send(&app, "aservice", "the new key").await? != StatusCode::OK {
        tokio::time::sleep(every).await;
    }
    assert_eq!(send(&app, "aservice", "the old key").await?, StatusCode::FORBIDDEN);
    println!("the new key is accepted");

    database.drop().await?;
    tokio::time::sleep(every * 3).await;
    assert_eq!(send(&app, "aservice", "the new key").await?, StatusCode::OK);
    println!("without the table the old keys are used");
    tokio::time::sleep(max_age).await;
    let status = send(&app, "aservice", "the new key").await?;
    println!("past the maximum age: {status}");
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    Ok(())
}
