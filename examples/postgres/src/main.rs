//! Keys in PostgreSQL: looked up by key ID with a cache in front, or loaded regularly.
//!
//!     createdb keys && psql keys -f schema.sql
//!     cargo run -- postgres://user@localhost/keys
//!
//! The tests start a PostgreSQL that is unreachable at the start, fails later, and hangs. A
//! thousand clients call at once, and keys are rotated every 10 ms under load.

mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

use axum::Router;
use axum::routing::post;
use tower_hmac::key::{CachedKeys, PolledKeys};
use tower_hmac::{BoxError, FlaskHmac, KeyStore, Verified, VerifyLayer};

use crate::store::Database;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let url = std::env::args().nth(1).ok_or("expected the address of a PostgreSQL")?;
    let database = Database::new(&url)?;

    // Use this for more keys than fit in memory.
    let cached = CachedKeys::new(database.clone())
        .with_ttl(Duration::from_secs(30))
        .with_timeout(Duration::from_secs(1))
        .with_stale_if_error(Duration::from_secs(600));
    // Use this for few keys: no request waits for the database.
    let polled = PolledKeys::new(Duration::from_secs(30), move || {
        let database = database.clone();
        async move { database.load().await }
    });
    let polled = polled.await?.with_max_age(Duration::from_secs(600));

    let app = Router::new().nest("/cached", orders(cached)?).nest("/polled", orders(polled)?);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, app).await?)
}

fn orders(keys: impl KeyStore + 'static) -> Result<Router, BoxError> {
    let order = async |caller: Verified| format!("{:?}\n", caller.key_id());
    Ok(Router::new().route("/orders", post(order)).layer(VerifyLayer::new(FlaskHmac::new(), keys)?))
}
