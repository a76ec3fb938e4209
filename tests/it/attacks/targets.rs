//! 9xx: the host of a request, over HTTP/1.1 and HTTP/2. The host is named in two places, which
//! must agree.

use std::net::SocketAddr;
use std::time::Duration;

use http::Uri;
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tower_hmac::clock::ManualClock;
use tower_hmac::scheme::FostUrl;
use tower_hmac::testing::FixedNonce;
use tower_hmac::{MessageSignatures, Scheme};

use super::*;
use crate::support::socket::{exchange, serve};

const NOW: i64 = 1_700_000_000;
const HOST: &str = "example.com";

/// Answers anybody with a link or a message signature.
async fn server(scheme: impl Scheme + 'static) -> SocketAddr {
    let keys = KeyMap::named([("aservice", "akey")]).unwrap();
    serve(routes().layer(VerifyLayer::new(scheme, keys).unwrap().with_clock(ManualClock::new(NOW))))
        .await
}

/// Signs for `example.com`: the target, and the headers with the signature.
fn signed(scheme: impl Scheme) -> (String, Vec<(String, String)>) {
    let signer = Signer::new(scheme, key("akey"))
        .with_key_id("aservice")
        .unwrap()
        .with_lifetime(Duration::from_secs(60))
        .with_nonce_source(FixedNonce([7; 24]))
        .with_clock(ManualClock::new(NOW));
    let request = Request::get(format!("http://{HOST}/file?a=b")).body("").unwrap();
    let request = signer.sign(request).unwrap();
    let headers = request.headers().iter().filter(|(name, _)| *name != "host");
    let headers =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    (request.uri().path_and_query().unwrap().to_string(), headers.collect())
}

/// Returns the status over HTTP/1.1 of a request with this target and these `Host` lines.
async fn http1(
    address: SocketAddr,
    target: &str,
    hosts: &[&str],
    headers: &[(String, String)],
) -> u16 {
    let mut request = format!("GET {target} HTTP/1.1\r\n");
    for host in hosts {
        request += &format!("Host: {host}\r\n");
    }
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    exchange(address, (request + "\r\n").as_bytes()).await.status
}

/// Returns the status over HTTP/2, with this `:authority` and these `host` fields.
async fn http2(
    address: SocketAddr,
    authority: &str,
    target: &str,
    hosts: &[&str],
    headers: &[(String, String)],
) -> u16 {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let uri: Uri = format!("http://{authority}{target}").parse().unwrap();
    let mut request = Request::get(uri);
    for host in hosts {
        request = request.header("host", *host);
    }
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(Empty::<bytes::Bytes>::new()).unwrap();
    sender.send_request(request).await.unwrap().status().as_u16()
}

async fn hosts_must_agree_on_http_1<S: Scheme + Clone + 'static>(scheme: S) {
    let address = server(scheme.clone()).await;
    let (target, headers) = signed(scheme);
    let send = async |target: &str, hosts: &[&str]| http1(address, target, hosts, &headers).await;
    let absolute = |host: &str| format!("http://{host}{target}");

    assert_eq!(send(&target, &[HOST]).await, 200);
    assert_eq!(send(&absolute(HOST), &[HOST]).await, 200);
    for other in ["example.org", "example.com:8080", "example.com.evil", "a@example.com"] {
        assert_eq!(send(&target, &[other]).await, 403, "{other}");
        assert_eq!(send(&absolute(other), &[HOST]).await, 403, "{other} in the target alone");
        assert_eq!(send(&absolute(HOST), &[other]).await, 403, "{other} in the header alone");
        assert_eq!(send(&absolute(other), &[other]).await, 403, "{other} in both");
        assert_eq!(send(&target, &[HOST, other]).await, 403, "{other} as the second");
        assert_eq!(send(&target, &[other, HOST]).await, 403, "{other} as the first");
    }
    assert_eq!(send(&target, &[HOST, HOST]).await, 403, "the right one twice");
    assert_eq!(send(&target, &[""]).await, 403, "an empty host");
    let none = send(&target, &[]).await;
    assert!(matches!(none, 400 | 403), "no host at all: {none}");
}

async fn hosts_must_agree_on_http_2<S: Scheme + Clone + 'static>(scheme: S) {
    let address = server(scheme.clone()).await;
    let (target, headers) = signed(scheme);
    let send = async |authority: &str, hosts: &[&str]| {
        http2(address, authority, &target, hosts, &headers).await
    };
    assert_eq!(send(HOST, &[]).await, 200);
    assert_eq!(send(HOST, &[HOST]).await, 200);
    for other in ["example.org", "example.com:8080", "example.com.evil"] {
        assert_eq!(send(other, &[]).await, 403, "{other}");
        assert_eq!(send(other, &[HOST]).await, 403, "{other} in `:authority` alone");
        assert_eq!(send(HOST, &[other]).await, 403, "{other} in `host` alone");
        assert_eq!(send(other, &[other]).await, 403, "{other} in both");
        assert_eq!(send(HOST, &[HOST, other]).await, 403, "{other} as a second `host`");
    }
    assert_eq!(send(HOST, &[HOST, HOST]).await, 403, "the right one twice");
}

#[tokio::test]
async fn attack_901_a_link_for_another_host_on_http_1() {
    hosts_must_agree_on_http_1(FostUrl::new()).await;
}

#[tokio::test]
async fn attack_902_a_signed_message_for_another_host_on_http_1() {
    hosts_must_agree_on_http_1(MessageSignatures::new()).await;
}

#[tokio::test]
async fn attack_903_a_link_for_another_authority_on_http_2() {
    hosts_must_agree_on_http_2(FostUrl::new()).await;
}

#[tokio::test]
async fn attack_904_a_signed_message_for_another_authority_on_http_2() {
    hosts_must_agree_on_http_2(MessageSignatures::new()).await;
}

/// Forwarding headers, in which a proxy writes the requested host, are ignored.
#[tokio::test]
async fn attack_905_the_host_in_forwarding_headers() {
    async fn try_all<S: Scheme + Clone + 'static>(scheme: S) {
        let address = server(scheme.clone()).await;
        let (target, headers) = signed(scheme);
        let forwarded = [
            ("X-Forwarded-Host", "example.com"),
            ("X-Original-Host", "example.com"),
            ("X-Forwarded-Server", "example.com"),
            ("Forwarded", "host=example.com"),
            ("X-Original-URL", "/file?a=b"),
            ("X-Rewrite-URL", "/file?a=b"),
        ];
        for (name, value) in forwarded {
            let mut more = headers.clone();
            more.push((name.into(), value.into()));
            assert_eq!(http1(address, &target, &["example.org"], &more).await, 403, "{name}");
            let other = target.replacen("/file", "/other", 1);
            assert_eq!(http1(address, &other, &[HOST], &more).await, 403, "{name}");
        }
    }
    try_all(FostUrl::new()).await;
    try_all(MessageSignatures::new()).await;
}

/// The same request over both versions: one signature, for the same host.
#[tokio::test]
async fn attack_906_equivalent_spellings_of_the_host() {
    let address = server(MessageSignatures::new()).await;
    let (target, headers) = signed(MessageSignatures::new());
    // Case and the default port do not matter (RFC 9421 section 2.2.3).
    for same in ["EXAMPLE.com", "example.com:80"] {
        assert_eq!(http1(address, &target, &[same], &headers).await, 200, "{same}");
        assert_eq!(http2(address, same, &target, &[], &headers).await, 200, "{same}");
    }
    for other in ["example.com:443", "example.com:080", "example.com.", "exаmple.com"] {
        assert_eq!(http1(address, &target, &[other], &headers).await, 403, "{other}");
    }
}
