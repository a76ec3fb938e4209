//! How do I give somebody without a key a download link that expires?
//!
//! One service knows who may download, and signs a link for an hour. The service with the files
//! knows the key, but not the users.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Path;
use axum::{Router, routing::get};
use http::{Request, StatusCode, Uri};
use tower::ServiceExt as _;
use tower_hmac::clock::ManualClock;
use tower_hmac::scheme::FostUrl;
use tower_hmac::{BoxError, KeyMap, SecretKey, Signer, VerifyLayer};

const HOUR: Duration = Duration::from_secs(3600);
const PLAIN: &str = "https://files.example.com/files/book.pdf";
const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // A clock that we can set. Omit it in production.
    let clock = ManualClock::new(1_700_000_000);

    let keys = KeyMap::named([("shop", "a secret of both services")])?;
    let scheme = FostUrl::new().with_max_lifetime(DAY);
    let files = Router::new()
        .route("/files/{name}", get(|Path(name): Path<String>| async move { name }))
        .layer(VerifyLayer::new(scheme, keys)?.with_clock(clock.clone()));

    let shop = Signer::new(FostUrl::new(), SecretKey::new("a secret of both services")?)
        .with_key_id("shop")?
        .with_lifetime(HOUR)
        .with_clock(clock.clone());
    let link = shop.sign_url("https://files.example.com/files/book.pdf?as=attachment")?;
    println!("{link}");
    assert_eq!(status(&files, link.to_string()).await?, StatusCode::OK);

    for (what, other) in [
        ("another file", link.to_string().replace("book", "secret")),
        ("another hour", link.to_string().replace("_e=1700003600", "_e=1700007200")),
        ("another host", link.to_string().replace("files.", "mirror.")),
        ("another parameter", format!("{link}&as=inline")),
        ("two days", shop.clone().with_lifetime(2 * DAY).sign_url(PLAIN)?.to_string()),
        ("no signature", PLAIN.to_owned()),
    ] {
        assert_eq!(status(&files, other).await?, StatusCode::FORBIDDEN, "{what}");
        println!("{what}: rejected");
    }

    clock.advance(3600);
    assert_eq!(status(&files, link.to_string()).await?, StatusCode::OK, "the last second");
    clock.advance(1);
    assert_eq!(status(&files, link.to_string()).await?, StatusCode::FORBIDDEN, "the hour is over");
    println!("after an hour: rejected");
    Ok(())
}

/// Follows a link like a browser, with the host in its header and the rest in the request line.
async fn status(files: &Router, link: String) -> Result<StatusCode, BoxError> {
    let link: Uri = link.parse()?;
    let host = link.host().unwrap_or_default();
    let target = link.path_and_query().map_or("/", |target| target.as_str());
    let request = Request::get(target).header("Host", host).body(Body::empty())?;
    Ok(files.clone().oneshot(request).await?.status())
}
