//! How do I verify clients that sign with django-fost-authn?
//!
//! A server accepts the request published in the old system's own tests, and passes the list of
//! signed headers to the handler. Then a client in Rust signs a request as a user, and another
//! request is changed on its way.

use axum::body::Body;
use axum::{Router, routing::get};
use http::{Request, StatusCode};
use tower::ServiceExt as _;
use tower_hmac::clock::ManualClock;
use tower_hmac::scheme::Fost;
use tower_hmac::{BoxError, KeyMap, SecretKey, Signer, Verified, VerifyLayer};

/// The old `request.SIGNED['X-FOST-User']`, or the key ID. An unsigned header is never used as the
/// user.
async fn whoami(caller: Verified) -> String {
    let user = caller.signed_headers().find(|(name, _)| *name == "x-fost-user");
    match (user, caller.key_id()) {
        (Some((_, user)), _) => format!("user {}", String::from_utf8_lossy(user.as_bytes())),
        (None, Some(key_id)) => format!("key {key_id}"),
        (None, None) => "nobody".to_owned(),
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // The time of the published request, 2011-04-27 03:26:37 UTC. Omit this line in production.
    let clock = ManualClock::new(1_303_874_797);

    let keys = KeyMap::named([("key-value", "secret-value")])?;
    let layer = VerifyLayer::new(Fost::new(), keys)?.with_clock(clock.clone());
    let app = Router::new().route("/", get(whoami)).layer(layer);

    let published = Request::get("/")
        .header("X-FOST-Timestamp", "2011-04-27 03:26:37.625618")
        .header("X-FOST-Headers", "X-FOST-Headers")
        .header("Authorization", "FOST key-value:Ttq8K3g/jm7sOAVzCN+3k4FVAso=")
        .body(Body::empty())?;
    let answer = send(&app, published).await?;
    assert_eq!(answer, (StatusCode::OK, "key key-value".to_owned()));
    println!("the published request: {answer:?}");

    // The signer covers `X-FOST-User` if present. Use `with_signed_headers` for more.
    let signer = Signer::new(Fost::new(), SecretKey::new("secret-value")?)
        .with_key_id("key-value")?
        .with_clock(clock);
    let as_admin = signer.sign(Request::get("/").header("X-FOST-User", "admin").body("")?)?;
    let answer = send(&app, as_admin.clone().map(Body::from)).await?;
    assert_eq!(answer, (StatusCode::OK, "user admin".to_owned()));
    println!("signed as a user: {answer:?}");

    let mut changed = as_admin;
    changed.headers_mut().insert("X-FOST-User", "root".parse()?);
    let answer = send(&app, changed.map(Body::from)).await?;
    assert_eq!(answer.0, StatusCode::FORBIDDEN);
    println!("as another user: {answer:?}");
    Ok(())
}

async fn send(app: &Router, request: Request<Body>) -> Result<(StatusCode, String), BoxError> {
    let response = app.clone().oneshot(request).await?;
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 1000).await?;
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}
