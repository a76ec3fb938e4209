//! Signing clients against a verifying service, over real sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::routing::{any, get};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Uri, Version};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower::{ServiceBuilder, ServiceExt as _};
use tower_hmac::scheme::Part;
use tower_hmac::{
    BoxError, FlaskHmac, HeaderScheme, KeyMap, SecretKey, SignLayer, Signer, Verified, VerifyLayer,
};

use crate::timed::{HEADER, Once, Timed};

pub async fn serve(app: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn keys() -> KeyMap {
    KeyMap::named([("aservice", "akey")]).unwrap()
}

fn signer(key: &str) -> Signer<Timed> {
    let key = SecretKey::new(key).unwrap();
    Signer::new(Timed::new(), key).with_key_id("aservice").unwrap()
}

/// Answers with the caller's key ID, the version, and the body as received.
async fn service() -> SocketAddr {
    let handler = async |caller: Verified, version: Version, body: Bytes| {
        let mut answer = format!("{} {version:?} ", caller.key_id().unwrap()).into_bytes();
        answer.extend_from_slice(&body);
        answer
    };
    let layer =
        VerifyLayer::new(Timed::new(), keys()).unwrap().with_replay_guard(Once::default()).unwrap();
    serve(Router::new().route("/{*path}", any(handler)).layer(layer)).await
}

async fn by_hyper(
    http2: bool,
    key: &str,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Bytes), BoxError> {
    let client: Client<_, Full<Bytes>> =
        Client::builder(TokioExecutor::new()).http2_only(http2).build_http();
    let client = ServiceBuilder::new().layer(SignLayer::new(signer(key))).service(client);
    let (head, body) = client.oneshot(request).await?.into_parts();
    Ok((head.status, body.collect().await?.to_bytes()))
}

#[tokio::test]
async fn hyper_client_with_the_layer_is_accepted() {
    let address = service().await;
    for (http2, version) in [(false, "HTTP/1.1"), (true, "HTTP/2.0")] {
        let request = || {
            let uri = format!("http://{address}/path%20with?query=%2F&query=2");
            Request::post(uri).body(Full::from("a body")).unwrap()
        };
        let (status, body) = by_hyper(http2, "akey", request()).await.unwrap();
        assert_eq!(
            (status, &body[..]),
            (StatusCode::OK, format!("aservice {version} a body").as_bytes(),)
        );
        let (status, _) = by_hyper(http2, "another key", request()).await.unwrap();
        assert_eq!(status, StatusCode::FORBIDDEN);
    }
}

/// HTTP/1.1 sends the host in `Host`, HTTP/2 only in `:authority`.
#[tokio::test]
async fn covered_host_is_read_from_either_version() {
    let parts = [
        Part::header(http::header::HOST).unwrap(),
        Part::literal("\n"),
        Part::Path,
        Part::literal("\n"),
        Part::Body,
    ];
    let scheme = HeaderScheme::new("X-Signature").unwrap().with_parts(parts).unwrap();
    let key = || SecretKey::new("akey").unwrap();
    let layer = VerifyLayer::new(scheme.clone(), KeyMap::single(key()).unwrap()).unwrap();
    let handler = async |version: Version, host: Verified| {
        format!("{version:?} {}", host.signed_headers().next().unwrap().1.to_str().unwrap())
    };
    let address = serve(Router::new().route("/path", any(handler)).layer(layer)).await;
    for (http2, version) in [(false, "HTTP/1.1"), (true, "HTTP/2.0")] {
        let client: Client<_, Full<Bytes>> =
            Client::builder(TokioExecutor::new()).http2_only(http2).build_http();
        let request = |host: &str| {
            let request = Request::post(format!("http://{host}/path"));
            request.body(Full::<Bytes>::from("a body")).unwrap()
        };
        let signing = SignLayer::new(Signer::new(scheme.clone(), key()));
        let signing = ServiceBuilder::new().layer(signing).service(client.clone());
        let response = signing.oneshot(request(&address.to_string())).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{version}");
        let said = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(said, format!("{version} {address}"));

        // The request is signed for another host, but sent to this one.
        let signer = Signer::new(scheme.clone(), key());
        let mut other = request("example.com").into_parts().0;
        signer.sign_head(&mut other, b"a body").unwrap();
        let mut moved = request(&address.to_string());
        *moved.headers_mut() = other.headers;
        let response = client.request(moved).await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{version}");
    }
}

/// Clients leave out the default port and the user of a URL, and HTTP/1.1 moves the host.
#[cfg(all(feature = "rfc9421", feature = "sha1", feature = "sigv4", feature = "webhooks"))]
#[tokio::test]
async fn what_a_client_sends_for_odd_urls_is_what_was_signed() {
    use std::sync::Mutex;

    let parts = [
        Part::Method,
        Part::literal("\n"),
        Part::header(http::header::HOST).unwrap(),
        Part::literal("\n"),
        Part::Path,
        Part::literal("\n"),
        Part::Query,
        Part::literal("\n"),
        Part::Body,
    ];
    let scheme = HeaderScheme::new("X-Signature").unwrap().with_parts(parts.clone()).unwrap();
    let list = tower_hmac::webhooks::ListScheme::new("X-Signature", "v1").unwrap();
    let schemes: Vec<Arc<dyn tower_hmac::Scheme>> = vec![
        Arc::new(scheme),
        Arc::new(list.with_parts(parts).unwrap()),
        Arc::new(tower_hmac::MessageSignatures::new()),
        Arc::new(tower_hmac::scheme::AwsSigV4::new("us-east-1", "execute-api").unwrap()),
        Arc::new(tower_hmac::scheme::Fost::new()),
    ];
    let told = Mutex::new(Vec::new());
    for scheme in schemes {
        let key = || SecretKey::new("akey").unwrap();
        let keys = KeyMap::single(key()).unwrap().with_key("aservice", key()).unwrap();
        let layer = VerifyLayer::new(scheme.clone(), keys).unwrap();
        let address = serve(Router::new().fallback(any(async || "")).layer(layer)).await;
        for http2 in [false, true] {
            let connect = tower::service_fn(move |_: Uri| {
                Box::pin(async move {
                    let stream = tokio::net::TcpStream::connect(address).await?;
                    Ok::<_, std::io::Error>(hyper_util::rt::TokioIo::new(stream))
                })
            });
            let client: Client<_, Full<Bytes>> =
                Client::builder(TokioExecutor::new()).http2_only(http2).build(connect);
            for url in [
                "http://example.com",
                "http://example.com/",
                "http://EXAMPLE.com/A",
                "http://example.com:80/a",
                "http://example.com:8080/a",
                "http://example.com:443/a",
                "http://user:pw@example.com/a",
                "http://[::1]/a",
                "http://example.com/a//b/../c/./",
                "http://example.com/%2e%2E/%aF",
                "http://example.com//a",
                "http://example.com/?",
                "http://example.com?a",
                "http://example.com/?a=b=c&&=&a",
                "http://example.com/a;b=c,d/$&'()*+:@!",
                "http://example.com/?q=?/;:@-._~!$'()*+,%20+%2B",
            ] {
                let mut signer = Signer::new(scheme.clone(), key());
                if scheme.carries_key_id() {
                    signer = signer.with_key_id("aservice").unwrap();
                }
                let signing = ServiceBuilder::new().layer(SignLayer::new(signer));
                let request = Request::put(url).header("content-type", "text/plain");
                let request = request.body(Full::<Bytes>::from("a body")).unwrap();
                match signing.service(client.clone()).oneshot(request).await {
                    Ok(response) if response.status() == 200 => {}
                    Err(error) if error.is::<tower_hmac::SignError>() => {}
                    other => told.lock().unwrap().push(format!(
                        "{} http2={http2} {url}: {:?}",
                        scheme.name(),
                        other.map(|response| response.status()).map_err(|e| e.to_string())
                    )),
                }
            }
        }
    }
    let told = told.into_inner().unwrap();
    assert!(told.is_empty(), "{told:#?}");
}

#[tokio::test]
async fn layer_composes_with_a_client_of_another_body() {
    let address = service().await;
    let client: Client<_, axum::body::Body> = Client::builder(TokioExecutor::new()).build_http();
    let client = ServiceBuilder::new()
        .layer(SignLayer::new(signer("akey")))
        .map_request(|request: Request<Full<Bytes>>| request.map(axum::body::Body::new))
        .service(client);
    let request = Request::post(format!("http://{address}/path"));
    let request = request.body(axum::body::Body::from("a body")).unwrap();
    assert_eq!(client.oneshot(request).await.unwrap().status(), StatusCode::OK);
}

/// The shape of a generated gRPC client: a service that is repeatedly polled ready and called, with
/// a boxed future.
#[tokio::test]
async fn layer_works_under_a_boxed_service_of_many_calls() {
    let address = service().await;
    let client: Client<_, Full<Bytes>> =
        Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let client = ServiceBuilder::new().layer(SignLayer::new(signer("akey"))).service(client);
    let mut client = tower::util::BoxCloneSyncService::new(client);
    for _ in 0..3 {
        let request = Request::post(format!("http://{address}/package.Service/Method"));
        let request = request.body(Full::<Bytes>::from("framed")).unwrap();
        let ready = client.ready().await.unwrap();
        assert_eq!(tower::Service::call(ready, request).await.unwrap().status(), StatusCode::OK);
    }
}

#[cfg(feature = "reqwest")]
mod reqwest_clients {
    use super::*;
    use tower_hmac::SignError;
    use tower_hmac::client::same_origin_redirects;

    fn builder(http2: bool) -> reqwest::ClientBuilder {
        let builder = reqwest::Client::builder().no_proxy().redirect(same_origin_redirects());
        if http2 { builder.http2_prior_knowledge() } else { builder }
    }

    #[tokio::test]
    async fn signed_request_is_accepted_over_a_socket() {
        let address = service().await;
        for (http2, version) in [(false, "HTTP/1.1"), (true, "HTTP/2.0")] {
            let client = builder(http2).build().unwrap();
            let url = format!("http://{address}/a path/ü?q='1'&q=2#fragment");
            let mut request = client.post(url).body("a body").build().unwrap();
            signer("akey").sign_reqwest(&mut request).unwrap();
            assert!(request.headers()[HEADER].is_sensitive());
            let replay = request.try_clone().unwrap();
            let response = client.execute(request).await.unwrap();
            assert_eq!(response.status(), 200);
            assert_eq!(response.text().await.unwrap(), format!("aservice {version} a body"));
            assert_eq!(client.execute(replay).await.unwrap().status(), 403);
        }
    }

    #[tokio::test]
    async fn request_without_a_body_is_signed_over_no_bytes() {
        let address = service().await;
        let client = builder(false).build().unwrap();
        let mut request = client.get(format!("http://{address}/path")).build().unwrap();
        signer("akey").sign_reqwest(&mut request).unwrap();
        assert_eq!(client.execute(request).await.unwrap().status(), 200);
    }

    #[tokio::test]
    async fn streaming_body_is_an_error_and_the_request_is_left_as_it_was() {
        let chunks = futures_util::stream::iter([Ok::<_, BoxError>("chunk")]);
        let request = reqwest::Client::new().post("http://localhost/path");
        let request = request.body(reqwest::Body::wrap_stream(chunks));
        let mut request = request.build().unwrap();
        let error = signer("akey").sign_reqwest(&mut request).unwrap_err();
        assert_eq!(error, SignError::Streaming);
        assert!(request.headers().is_empty());
    }

    #[tokio::test]
    async fn signed_twice_is_an_error_and_the_request_is_left_as_it_was() {
        let mut request = reqwest::Client::new().get("http://localhost/").build().unwrap();
        signer("akey").sign_reqwest(&mut request).unwrap();
        let before = request.headers().clone();
        let error = signer("akey").sign_reqwest(&mut request).unwrap_err();
        assert_eq!(error, SignError::AlreadySigned);
        assert_eq!(*request.headers(), before);
        signer("akey").replace_signature().sign_reqwest(&mut request).unwrap();
        assert_ne!(*request.headers(), before);
    }

    /// Two servers that record whether a signature reached them. The first one redirects.
    async fn two_servers(within: bool) -> (SocketAddr, Arc<AtomicUsize>) {
        let seen = Arc::new(AtomicUsize::new(0));
        let noted = seen.clone();
        let target = get(async move |headers: HeaderMap| {
            noted.fetch_add(usize::from(headers.contains_key("signature")), Ordering::SeqCst);
        });
        let other = serve(Router::new().route("/target", target.clone())).await;
        let location = if within { "/target".into() } else { format!("http://{other}/target") };
        let away = get(async move || {
            let response = Response::builder().status(StatusCode::TEMPORARY_REDIRECT);
            response.header("location", location).body(axum::body::Body::empty()).unwrap()
        });
        let first = Router::new().route("/away", away).route("/target", target);
        (serve(first).await, seen)
    }

    async fn follow(client: &reqwest::Client, address: SocketAddr) -> u16 {
        let mut request = client.get(format!("http://{address}/away")).build().unwrap();
        let signer = Signer::new(FlaskHmac::new(), SecretKey::new("akey").unwrap());
        signer.sign_reqwest(&mut request).unwrap();
        client.execute(request).await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn signature_is_never_sent_to_another_host() {
        let (address, seen) = two_servers(false).await;
        let client = builder(false).build().unwrap();
        assert_eq!(follow(&client, address).await, 307, "the redirect is the caller's");
        assert_eq!(seen.load(Ordering::SeqCst), 0);

        // Without the policy, the signature would be sent to the other host.
        let default = reqwest::Client::builder().no_proxy().build().unwrap();
        assert_eq!(follow(&default, address).await, 200);
        assert_eq!(seen.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn redirect_within_the_origin_is_followed() {
        let (address, seen) = two_servers(true).await;
        let client = builder(false).build().unwrap();
        assert_eq!(follow(&client, address).await, 200);
        assert_eq!(seen.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn redirect_loop_ends() {
        let circle = get(async || axum::response::Redirect::temporary("/circle"));
        let address = serve(Router::new().route("/circle", circle)).await;
        let client = builder(false).build().unwrap();
        let error = client.get(format!("http://{address}/circle")).send().await.unwrap_err();
        assert!(error.is_redirect());
    }

    #[cfg(feature = "reqwest-middleware")]
    mod middleware {
        use super::*;
        use reqwest_middleware::{ClientBuilder, Error, Middleware, Next};
        use tower_hmac::client::SignMiddleware;

        #[tokio::test]
        async fn signed_request_is_accepted_over_a_socket() {
            let address = service().await;
            for http2 in [false, true] {
                for (key, status) in [("akey", 200), ("another key", 403)] {
                    let signing = SignMiddleware::new(signer(key));
                    let client = signing.into_client(builder(http2)).unwrap();
                    let url = format!("http://{address}/path?query=1");
                    let response = client.post(url).body("a body").send().await.unwrap();
                    assert_eq!(response.status(), status);
                }
            }
        }

        #[tokio::test]
        async fn signature_is_never_sent_to_another_host() {
            let (address, seen) = two_servers(false).await;
            let signer = Signer::new(FlaskHmac::new(), SecretKey::new("akey").unwrap());
            let default = reqwest::Client::builder().no_proxy();
            let client = SignMiddleware::new(signer).into_client(default).unwrap();
            let response = client.get(format!("http://{address}/away")).send().await.unwrap();
            assert_eq!(response.status(), 307);
            assert_eq!(seen.load(Ordering::SeqCst), 0);
        }

        #[tokio::test]
        async fn streaming_body_is_an_error_before_anything_is_sent() {
            let client = SignMiddleware::new(signer("akey")).into_client(builder(false)).unwrap();
            let chunks = futures_util::stream::iter([Ok::<_, BoxError>("chunk")]);
            // Nobody listens there: an attempt to send would give another error.
            let request =
                client.post("http://127.0.0.1:1/").body(reqwest::Body::wrap_stream(chunks));
            match request.send().await.unwrap_err() {
                Error::Middleware(error) => {
                    assert_eq!(error.downcast_ref(), Some(&SignError::Streaming));
                }
                error @ Error::Reqwest(_) => panic!("{error}"),
            }
        }

        /// Makes two attempts, whatever the first response is.
        struct Twice;

        #[async_trait::async_trait]
        impl Middleware for Twice {
            async fn handle(
                &self,
                request: reqwest::Request,
                extensions: &mut http::Extensions,
                next: Next<'_>,
            ) -> reqwest_middleware::Result<reqwest::Response> {
                let first = request.try_clone().unwrap();
                assert_eq!(next.clone().run(first, extensions).await?.status(), 200);
                next.run(request, extensions).await
            }
        }

        #[tokio::test]
        async fn each_attempt_is_signed_again() {
            let address = service().await;
            let client = ClientBuilder::new(builder(false).build().unwrap())
                .with(Twice)
                .with(SignMiddleware::new(signer("akey")))
                .build();
            let response = client.get(format!("http://{address}/path")).send().await.unwrap();
            assert_eq!(response.status(), 200, "the guard has seen the first attempt alone");
        }
    }
}

#[tokio::test]
async fn flask_hmac_is_accepted_over_sockets() {
    let layer = VerifyLayer::new(FlaskHmac::new(), keys()).unwrap();
    let address = serve(Router::new().route("/", any(async || "in")).layer(layer)).await;
    let signer = Signer::new(FlaskHmac::new(), SecretKey::new("akey").unwrap());
    let signer = signer.with_key_id("aservice").unwrap();
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let client = ServiceBuilder::new().layer(SignLayer::new(signer)).service(client);
    let uri: Uri = format!("http://{address}/").parse().unwrap();
    let request = Request::put(uri).body(Full::<Bytes>::from("{}")).unwrap();
    assert_eq!(client.oneshot(request).await.unwrap().status(), StatusCode::OK);
}
