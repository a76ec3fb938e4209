//! A gRPC service with signed calls, and a client that signs them.
//!
//!     cargo run
//!
//! The client has a `SignLayer` around its channel, the server a `VerifyLayer` around its services.
//! A rejected caller gets `Code::Unauthenticated`.

mod greeter;

use std::time::Duration;

use http::Uri;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Status};
use tower::{ServiceBuilder, ServiceExt as _};
use tower_hmac::layer::GrpcRejection;
use tower_hmac::{
    BoxError, KeyMap, MemoryReplay, MessageSignatures, SecretKey, SignLayer, Signer, VerifyLayer,
};

use crate::greeter::{Client, Greeter, Transport};

const KEY: &str = "harbour-quartz-linnet-of-32-bytes";
const WRONG_KEY: &str = "another-quartz-linnet-of-32-bytes";
/// The limit for all messages of the client together, in bytes.
const BODY_LIMIT: usize = 64 * 1024;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let origin = serve().await?;
    let channel = Endpoint::from(origin.clone()).connect().await?;

    let mut client = Client::new(signing(channel.clone(), KEY)?, origin.clone());
    assert_eq!(client.greet("Ada").await?, "Hello, Ada");
    assert_eq!(client.count(3).await?, ["1", "2", "3"]);
    println!("a call, and a stream from the server: accepted");

    // The stream is signed, sent and handled once its last message exists.
    assert_eq!(client.greet_all(&["Ada", "Grace"]).await?, "Hello, Ada and Grace");
    println!("a stream from the client: accepted as a whole");

    let mut stranger = Client::new(signing(channel.clone(), WRONG_KEY)?, origin.clone());
    expect(Code::Unauthenticated, stranger.greet("Ada").await);
    expect(Code::Unauthenticated, stranger.count(3).await);
    expect(Code::Unauthenticated, stranger.greet_all(&["Ada", "Grace"]).await);
    let mut unsigned = Client::new(channel.map_err(Into::into).boxed_clone(), origin);
    expect(Code::Unauthenticated, unsigned.greet("Ada").await);
    println!("a wrong key, no signature: {:?}", Code::Unauthenticated);

    expect(Code::ResourceExhausted, client.greet(&"a".repeat(BODY_LIMIT)).await);
    println!("a message over the limit: {:?}", Code::ResourceExhausted);
    Ok(())
}

/// Serves on a free loopback port.
async fn serve() -> Result<Uri, BoxError> {
    let verify = VerifyLayer::new(MessageSignatures::new(), KeyMap::named([("ada", KEY)])?)?
        .with_body_limit(BODY_LIMIT)
        .with_replay_guard(MemoryReplay::new(100_000)?)?
        .with_rejection(GrpcRejection::new());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?).parse()?;
    let server = Server::builder()
        // This also limits a client's stream that never ends.
        .timeout(Duration::from_secs(10))
        .layer(verify)
        .add_service(Greeter)
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(server);
    Ok(origin)
}

/// Makes a channel that signs each call.
fn signing(channel: Channel, key: &str) -> Result<Transport, BoxError> {
    let signer = Signer::new(MessageSignatures::new(), SecretKey::new(key)?).with_key_id("ada")?;
    let channel = ServiceBuilder::new()
        .layer(SignLayer::new(signer))
        .map_request(|request: http::Request<_>| request.map(Body::new))
        .service(channel);
    Ok(channel.boxed_clone())
}

fn expect<T>(code: Code, outcome: Result<T, Status>) {
    let status = outcome.err().expect("the call is rejected");
    assert_eq!((status.code(), status.message()), (code, ""));
}
