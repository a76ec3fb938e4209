//! Passes verified requests on to a plain HTTP server.

use axum::body::Body;
use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE,
    UPGRADE,
};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::failure::Failure;

type Sent = UnsyncBoxBody<Bytes, std::convert::Infallible>;

/// The headers of a single connection (RFC 9110 section 7.6.1). Headers that `Connection` lists are
/// kept: otherwise, a client could remove headers that the next server relies on.
const HOP_BY_HOP: [HeaderName; 8] = [
    CONNECTION,
    EXPECT,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    TE,
    UPGRADE,
];

/// The server that requests are passed on to.
#[derive(Clone)]
pub(crate) struct Upstream {
    authority: Authority,
    client: Client<HttpConnector, Sent>,
}

impl Upstream {
    pub(crate) fn new(url: &str) -> Result<Self, Failure> {
        let wrong = || {
            Failure::new(
                "--forward expects the address of a plain HTTP server, such as http://127.0.0.1:3000",
            )
        };
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let is_plain = uri.scheme() == Some(&Scheme::HTTP) && uri.path() == "/";
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        let authority =
            authority.filter(|_| is_plain && uri.query().is_none()).ok_or_else(wrong)?;
        let client = Client::builder(TokioExecutor::new()).build_http();
        Ok(Self { authority: authority.clone(), client })
    }

    /// Sends the request unchanged, with its host and its framing. Trailers are left out: no scheme
    /// covers them.
    pub(crate) async fn send(&self, mut head: Parts, body: Bytes) -> Response<Body> {
        let target = head.uri.path_and_query().cloned();
        let target = target.unwrap_or_else(|| PathAndQuery::from_static("/"));
        let uri = Uri::builder().scheme("http").authority(self.authority.clone());
        let Ok(uri) = uri.path_and_query(target).build() else {
            return failed(StatusCode::BAD_REQUEST);
        };
        head.uri = uri;
        for name in HOP_BY_HOP {
            head.headers.remove(name);
        }
        // A body without a length arrived in chunks, and is sent in chunks.
        let is_chunked = head.headers.contains_key(http::header::TRANSFER_ENCODING);
        let body = if is_chunked && !head.headers.contains_key(CONTENT_LENGTH) {
            BodyExt::boxed_unsync(Chunked(Some(body)))
        } else {
            BodyExt::boxed_unsync(Full::new(body))
        };
        match self.client.request(Request::from_parts(head, body)).await {
            Ok(response) => response.map(Body::new),
            Err(_) => failed(StatusCode::BAD_GATEWAY),
        }
    }
}

pub(crate) fn failed(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("tower-hmac: {status}\n")));
    *response.status_mut() = status;
    response
}

/// A body in memory whose length is not announced.
struct Chunked(Option<Bytes>);

impl http_body::Body for Chunked {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Ready(self.0.take().map(|data| Ok(http_body::Frame::data(data))))
    }
}
