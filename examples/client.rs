//! How does a client sign?
//!
//! hyper-util's client inside a `SignLayer`: every request of this client is signed.
//!
//!     cargo run --example client -- http://127.0.0.1:3000/order '{"order": 17}'

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower::{ServiceBuilder, ServiceExt as _};
use tower_hmac::{BoxError, FlaskHmac, SecretKey, SignLayer, Signer};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(body)) = (arguments.next(), arguments.next()) else {
        return Err("usage: client URL BODY".into());
    };

    // In production, the key comes from a file or a vault.
    let key = SecretKey::new("akey")?;
    let signer = Signer::new(FlaskHmac::new(), key).with_key_id("aservice")?;
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    // Layers that retry or follow redirects go outside this one, so that each attempt is signed.
    let client = ServiceBuilder::new().layer(SignLayer::new(signer)).service(client);

    let response = client.oneshot(Request::post(url).body(Full::<Bytes>::from(body))?).await?;
    println!("{}", response.status());
    println!("{}", String::from_utf8_lossy(&response.into_body().collect().await?.to_bytes()));
    Ok(())
}
