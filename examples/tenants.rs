//! How does each tenant get its own keys, by the host of the request?
//!
//!     cargo run --example tenants
//!
//! Not every scheme covers the host. Here, this is not necessary: the host only selects which keys
//! are tried, and a signature under one tenant's key matches no other tenant's key.

use std::collections::HashMap;

use axum::{Router, body::Body, routing::post};
use http::header::HOST;
use http::request::Parts;
use http::{Request, StatusCode};
use tower::ServiceExt as _;
use tower_hmac::key::{KeyQuery, Lookup};
use tower_hmac::{BoxError, FlaskHmac, KeyMap, KeyStore, SecretKey, Signer, Verified, VerifyLayer};

/// The keys of each tenant by host.
struct Tenants(HashMap<&'static str, KeyMap>);

impl Tenants {
    /// The only `Host` header. With two `Host` headers, the next server could see another tenant.
    fn of(&self, head: &Parts) -> Option<&KeyMap> {
        let mut hosts = head.headers.get_all(HOST).iter();
        let host = hosts.next().filter(|_| hosts.next().is_none())?;
        self.0.get(host.to_str().ok()?)
    }
}

impl KeyStore for Tenants {
    fn lookup(&self, query: &KeyQuery<'_>) -> Lookup {
        // An unknown host is treated like an unknown key ID: rejected, at the same cost.
        Lookup::ready(Ok(self.of(query.head()).and_then(|keys| keys.get(query.key_id()).cloned())))
    }

    fn max_keys(&self) -> usize {
        self.0.values().map(KeyStore::max_keys).max().unwrap_or(1)
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let tenants = Tenants(HashMap::from([
        ("red.example", KeyMap::named([("billing", "the red key")])?),
        ("blue.example", KeyMap::named([("billing", "the blue key")])?),
    ]));
    let app: Router = Router::new()
        .route("/", post(|caller: Verified| async move { format!("{:?}\n", caller.key_id()) }))
        .layer(VerifyLayer::new(FlaskHmac::new(), tenants)?);

    let red =
        Signer::new(FlaskHmac::new(), SecretKey::new("the red key")?).with_key_id("billing")?;
    for (host, expected) in [
        ("red.example", StatusCode::OK),
        ("blue.example", StatusCode::FORBIDDEN),
        ("green.example", StatusCode::FORBIDDEN),
    ] {
        let request = red.sign(Request::post("/").header(HOST, host).body("an order")?)?;
        let status = app.clone().oneshot(request.map(Body::from)).await?.status();
        println!("red's billing at {host}: {status}");
        assert_eq!(status, expected);
    }
    Ok(())
}
