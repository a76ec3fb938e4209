//! How do I serve a plain Tower service without axum, here with hyper?
//!
//! The layer passes on a `VerifiedBody<B>`, where `B` is the server's own body. A service that
//! accepts any `http_body::Body` accepts it, too. For a service that needs a certain body type, put
//! `tower_http::map_request_body::MapRequestBodyLayer` between the layer and the service.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Collected, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::{ServiceBuilder, service_fn};
use tower_hmac::{BoxError, FlaskHmac, KeyMap, SecretKey, Signer, Verified, VerifyLayer};

/// Accepts any body. The caller is in the extensions, since only axum has extractors.
async fn greet<B: http_body::Body>(
    request: Request<B>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let caller = request.extensions().get::<Verified>();
    let is_billing = caller.is_some_and(|caller| caller.is_signed_by("billing"));
    // The body is complete: otherwise, the request would have been rejected.
    let body = request.into_body().collect().await.map(Collected::to_bytes).unwrap_or_default();
    let text = format!("billing: {is_billing}, {} bytes", body.len());
    Ok(Response::new(text.into()))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let keys = KeyMap::named([("billing", "a key of billing's")])?;
    let service = ServiceBuilder::new()
        .layer(VerifyLayer::new(FlaskHmac::new(), keys)?)
        .service(service_fn(greet));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(async move {
                // This fails when the client disconnects.
                let server = Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });

    let client = Client::builder(TokioExecutor::new()).build_http();
    let key = SecretKey::new("a key of billing's")?;
    let signer = Signer::new(FlaskHmac::new(), key).with_key_id("billing")?;
    let order = || Request::post(&url).body(Full::<Bytes>::from("{}"));
    let unsigned = client.request(order()?).await?.status();
    println!("unsigned: {unsigned}");
    assert_eq!(unsigned, StatusCode::FORBIDDEN);

    let signed = signer.sign(Request::post(&url).body("{}")?)?.map(Full::<Bytes>::from);
    let response = client.request(signed).await?;
    assert_eq!(response.status(), StatusCode::OK);
    let text = response.into_body().collect().await?.to_bytes();
    println!("signed: {}", String::from_utf8_lossy(&text));
    assert_eq!(text, "billing: true, 2 bytes");
    Ok(())
}
