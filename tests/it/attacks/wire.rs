//! 4xx: over real sockets, since a layer only sees the bytes as the server parsed them.

use std::sync::{Arc, Mutex};

use axum::extract::Request as AxumRequest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http::request::Parts;
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};

use super::*;
use crate::support::script::{Script, Step};
use crate::support::socket::{exchange, serve};

const OBSERVATIONS: &str = include_str!("../../vectors/hyper_observations.json");

fn cases() -> Vec<(String, Vec<u8>, u16, Value)> {
    let all: Value = serde_json::from_str(OBSERVATIONS).unwrap();
    let cases = all["cases"].as_object().unwrap().iter().map(|(name, case)| {
        let request = case["request_base64"].as_str().unwrap();
        let bytes = match request {
            "(65576 bytes)" => long_value(64 * 1024),
            "(1048616 bytes)" => long_value(1024 * 1024),
            text => STANDARD.decode(text).unwrap(),
        };
        let status = case["status_line"].as_str().unwrap()[9..12].parse().unwrap();
        (name.clone(), bytes, status, case["seen"].clone())
    });
    cases.collect()
}

fn long_value(length: usize) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: a\r\nSignature: {}\r\n\r\n", "a".repeat(length)).into_bytes()
}

/// The request as seen by a layer, in the form of the recorded observations.
fn shown(head: &Parts, body: usize, trailers: Option<usize>) -> Value {
    let headers: Vec<Value> = head
        .headers
        .iter()
        .map(|(name, value)| {
            let text = String::from_utf8_lossy(value.as_bytes());
            let short = if text.len() > 1000 {
                format!("{}... ({})", &text[..20], text.len())
            } else {
                text.into_owned()
            };
            json!([name.as_str(), short, value.to_str().is_ok()])
        })
        .collect();
    json!({
        "body": body,
        "headers": headers,
        "trailers": trailers,
        "uri": head.uri.to_string(),
        "version": format!("{:?}", head.version),
    })
}

/// hyper parses odd bytes as recorded. If this fails, hyper has changed, and the conclusions from
/// the recordings must be checked again.
#[tokio::test]
async fn attack_400_control_a_layer_sees_what_was_observed() {
    let last = Arc::new(Mutex::new(Value::Null));
    let kept = last.clone();
    let app = Router::new().fallback(async move |request: AxumRequest| {
        let (head, body) = request.into_parts();
        let collected = body.collect().await.unwrap();
        let trailers = collected.trailers().map(HeaderMap::len);
        *kept.lock().unwrap() = shown(&head, collected.to_bytes().len(), trailers);
    });
    // An optional layer for another header passes the request on as the server read it.
    let other = FlaskHmac::new().with_header("X-Other").unwrap();
    let app = app
        .layer(VerifyLayer::new(other, KeyMap::single(key("single")).unwrap()).unwrap().optional());
    let address = serve(app).await;
    for (name, bytes, status, expected) in cases() {
        *last.lock().unwrap() = Value::Null;
        let answer = exchange(address, &bytes).await;
        assert_eq!(answer.status, status, "{name}");
        assert_eq!(*last.lock().unwrap(), expected, "{name}");
    }
}

/// Without a signature, none of the odd requests is accepted, and none makes the server fail.
#[tokio::test]
async fn attack_401_odd_requests_are_rejected_without_a_5xx() {
    let address = serve(routes().layer(layer())).await;
    for (name, bytes, status, _) in cases() {
        let answer = exchange(address, &bytes).await;
        let expected = if status == 200 { 403 } else { status };
        assert_eq!(answer.status, expected, "{name}");
        assert!(answer.body.is_empty(), "{name}");
    }
}

/// The same odd requests, with a correct signature of their body. Those that the server accepts
/// with a single signature header are accepted, and none makes it fail.
#[tokio::test]
async fn attack_402_odd_signed_requests_are_accepted_or_rejected() {
    let address = serve(routes().layer(layer())).await;
    let signer = Signer::new(FlaskHmac::new(), key("single"));
    for (name, bytes, status, seen) in cases() {
        let body: &[u8] = if seen["body"] == json!(2) { b"hi" } else { b"" };
        let line_end = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let header = format!("Signature: {}\r\n", signer.signature(body));
        let request = [&bytes[..line_end], header.as_bytes(), &bytes[line_end..]].concat();
        let answer = exchange(address, &request).await;
        let twice = seen["headers"]
            .as_array()
            .is_some_and(|headers| headers.iter().any(|header| header[0] == json!("signature")));
        // The server itself rejects one line more than it accepts.
        let expected = match status {
            200 if name.ends_with("header lines") => answer.status,
            200 if twice => 403,
            200 => 200,
            rejected => rejected,
        };
        assert_eq!(answer.status, expected, "{name}");
        assert!(answer.status < 500, "{name}");
    }
}

/// Reports the trailers that reach the handler.
fn reports_trailers() -> Router {
    Router::new()
        .fallback(async |_: Verified, request: AxumRequest| {
            let collected = request.into_body().collect().await.unwrap();
            format!("{:?}", collected.trailers().map(HeaderMap::len))
        })
        .layer(layer())
}

#[tokio::test]
async fn attack_403_trailers_on_http_1_reach_no_handler() {
    let address = serve(reports_trailers()).await;
    let (length, signature) = (BODY.len(), single());
    let request = |trailers: &str| {
        format!(
            "POST / HTTP/1.1\r\nHost: a\r\nSignature: {signature}\r\nTransfer-Encoding: chunked\r\n\
             \r\n{length:x}\r\n{BODY}\r\n0\r\n{trailers}\r\n"
        )
    };
    let answer = exchange(address, request("X-Evil: 1\r\n").as_bytes()).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"None".as_slice()));

    // A signature in the trailers does not count.
    let unsigned = request(&format!("Signature: {signature}\r\n")).replacen(
        &format!("Signature: {signature}\r\n"),
        "",
        1,
    );
    assert_eq!(exchange(address, unsigned.as_bytes()).await.status, 403);
}

async fn http2(address: std::net::SocketAddr, request: Request<Script>) -> (StatusCode, Bytes) {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let response = sender.send_request(request).await.unwrap();
    let status = response.status();
    (status, response.into_body().collect().await.unwrap().to_bytes())
}

#[tokio::test]
async fn attack_404_trailers_on_http_2_reach_no_handler() {
    let address = serve(reports_trailers()).await;
    let mut trailers = HeaderMap::new();
    trailers.insert("x-evil", "1".parse().unwrap());
    trailers.insert("signature", single().parse().unwrap());
    let body = || {
        Script::of([
            Step::Data(Bytes::from_static(BODY.as_bytes())),
            Step::Trailers(trailers.clone()),
        ])
    };
    let signed = Request::post(format!("http://{address}/"))
        .header("Signature", single())
        .body(body())
        .unwrap();
    let (status, text) = http2(address, signed).await;
    assert_eq!((status, &*text), (StatusCode::OK, b"None".as_slice()));
    let unsigned = Request::post(format!("http://{address}/")).body(body()).unwrap();
    assert_eq!(http2(address, unsigned).await.0, StatusCode::FORBIDDEN);
}

/// Two requests on one connection: the rest of a rejected body is not read as a request.
#[tokio::test]
async fn attack_405_the_body_of_a_rejected_request_is_not_read_as_a_request() {
    let address = serve(routes().layer(layer())).await;
    let signature = single();
    let length = BODY.len();
    let inner = format!(
        "POST /pay HTTP/1.1\r\nHost: a\r\nSignature: {signature}\r\nContent-Length: {length}\r\n\r\n{BODY}"
    );
    let outer =
        format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{inner}", inner.len());
    let answer = exchange(address, outer.as_bytes()).await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.is_empty(), "one answer, not two");
}

/// Content-Length and chunked together: the verified body is the one that the handler gets.
#[tokio::test]
async fn attack_406_two_lengths_for_one_body() {
    let echo = Router::new().fallback(async |_: Verified, body: Bytes| body).layer(layer());
    let address = serve(echo).await;
    let (length, signature) = (BODY.len(), single());
    let request = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nSignature: {signature}\r\nContent-Length: 3\r\n\
         Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{BODY}\r\n0\r\n\r\n"
    );
    let answer = exchange(address, request.as_bytes()).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, BODY.as_bytes()));
}

/// A plain hyper service whose body type is not axum's, like tonic's.
#[tokio::test]
async fn attack_407_the_same_without_axum() {
    use std::convert::Infallible;
    use tower::{Layer as _, service_fn};

    #[derive(Default)]
    struct Own(http_body_util::Full<Bytes>);
    impl http_body::Body for Own {
        type Data = Bytes;
        type Error = Infallible;
        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
            std::pin::Pin::new(&mut self.0).poll_frame(cx)
        }
        fn is_end_stream(&self) -> bool {
            self.0.is_end_stream()
        }
        fn size_hint(&self) -> http_body::SizeHint {
            self.0.size_hint()
        }
    }

    let handler = service_fn(
        |request: Request<tower_hmac::layer::VerifiedBody<hyper::body::Incoming>>| async {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            Ok::<_, Infallible>(http::Response::new(Own(body.into())))
        },
    );
    let service = hyper_util::service::TowerToHyperService::new(layer().layer(handler));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let server = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service.clone());
            tokio::spawn(server);
        }
    });
    let (length, signature) = (BODY.len(), single());
    let request = |signature: &str| {
        format!(
            "POST / HTTP/1.1\r\nHost: a\r\nSignature: {signature}\r\nContent-Length: {length}\r\n\r\n{BODY}"
        )
    };
    let accepted = exchange(address, request(&signature).as_bytes()).await;
    assert_eq!((accepted.status, accepted.body.as_slice()), (200, BODY.as_bytes()));
    let rejected = exchange(address, request(&signature[1..]).as_bytes()).await;
    assert_eq!((rejected.status, rejected.body.as_slice()), (403, b"".as_slice()));
}
