//! The service and its client, as `tonic-build` would write them from
//!
//!     message Text { string text = 1; }
//!     service Greeter {
//!         rpc Greet(Text) returns (Text);
//!         rpc Count(Text) returns (stream Text);
//!         rpc GreetAll(stream Text) returns (Text);
//!     }

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Uri;
use http::uri::PathAndQuery;
use tokio_stream::{Stream, StreamExt as _};
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::{Request, Response, Status, Streaming, client, server};
use tonic_prost::ProstCodec;
use tower::util::BoxCloneService;
use tower::{Service, service_fn};
use tower_hmac::BoxError;

const GREET: &str = "/example.Greeter/Greet";
const COUNT: &str = "/example.Greeter/Count";
const GREET_ALL: &str = "/example.Greeter/GreetAll";

#[derive(Clone, PartialEq, prost::Message)]
pub struct Text {
    #[prost(string, tag = "1")]
    text: String,
}

impl Text {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}

fn codec() -> ProstCodec<Text, Text> {
    ProstCodec::default()
}

/// A channel, with layers or without.
pub type Transport = BoxCloneService<http::Request<Body>, http::Response<Body>, BoxError>;

pub struct Client(client::Grpc<Transport>);

impl Client {
    /// The URI of each call contains the origin, because signatures cover the host.
    pub fn new(transport: Transport, origin: Uri) -> Self {
        Self(client::Grpc::with_origin(transport, origin))
    }

    pub async fn greet(&mut self, name: &str) -> Result<String, Status> {
        self.ready().await?;
        let request = Request::new(Text::new(name));
        let response = self.0.unary(request, PathAndQuery::from_static(GREET), codec()).await?;
        Ok(response.into_inner().text)
    }

    pub async fn count(&mut self, to: u32) -> Result<Vec<String>, Status> {
        self.ready().await?;
        let request = Request::new(Text::new(to.to_string()));
        let path = PathAndQuery::from_static(COUNT);
        let mut numbers = self.0.server_streaming(request, path, codec()).await?.into_inner();
        let mut seen = Vec::new();
        while let Some(number) = numbers.message().await? {
            seen.push(number.text);
        }
        Ok(seen)
    }

    pub async fn greet_all(&mut self, names: &[&'static str]) -> Result<String, Status> {
        self.ready().await?;
        let names = Request::new(tokio_stream::iter(names.to_vec()).map(Text::new));
        let path = PathAndQuery::from_static(GREET_ALL);
        Ok(self.0.client_streaming(names, path, codec()).await?.into_inner().text)
    }

    async fn ready(&mut self) -> Result<(), Status> {
        self.0.ready().await.map_err(Status::from_error)
    }
}

/// The server.
#[derive(Clone)]
pub struct Greeter;

impl NamedService for Greeter {
    const NAME: &'static str = "example.Greeter";
}

type Numbers = Pin<Box<dyn Stream<Item = Result<Text, Status>> + Send>>;

async fn greet(name: Request<Text>) -> Result<Response<Text>, Status> {
    Ok(Response::new(Text::new(format!("Hello, {}", name.into_inner().text))))
}

async fn count(to: Request<Text>) -> Result<Response<Numbers>, Status> {
    let to: u32 = to.into_inner().text.parse().map_err(|_| Status::invalid_argument("to"))?;
    let numbers = tokio_stream::iter(1..=to).map(|number| Ok(Text::new(number.to_string())));
    Ok(Response::new(Box::pin(numbers)))
}

async fn greet_all(names: Request<Streaming<Text>>) -> Result<Response<Text>, Status> {
    let names: Vec<Text> = names.into_inner().collect::<Result<_, _>>().await?;
    let names: Vec<_> = names.iter().map(|name| name.text.as_str()).collect();
    Ok(Response::new(Text::new(format!("Hello, {}", names.join(" and ")))))
}

impl Service<http::Request<Body>> for Greeter {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let mut grpc = server::Grpc::new(codec());
        Box::pin(async move {
            Ok(match request.uri().path() {
                GREET => grpc.unary(service_fn(greet), request).await,
                COUNT => grpc.server_streaming(service_fn(count), request).await,
                GREET_ALL => grpc.client_streaming(service_fn(greet_all), request).await,
                _ => Status::unimplemented("").into_http(),
            })
        })
    }
}
