//! Upgrades: the upgrade request is verified, the messages afterwards are not.

use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::routing::any;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower_hmac::Verified;

use super::*;

/// The key and the answer of RFC 6455 section 1.3.
const ASKED: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ANSWERED: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

async fn socket(upgrade: WebSocketUpgrade, caller: Verified) -> Response {
    let caller = caller.key_id().unwrap().to_string();
    upgrade.on_upgrade(async move |mut socket| {
        while let Some(Ok(Message::Text(text))) = socket.recv().await {
            let answer = Message::from(format!("{caller}: {text}"));
            socket.send(answer).await.unwrap();
        }
    })
}

fn handshake(signature: &str) -> String {
    format!(
        "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {ASKED}\r\n{signature}\r\n"
    )
}

async fn head(stream: &mut TcpStream) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        head.push(char::from(stream.read_u8().await.unwrap()));
    }
    head
}

#[tokio::test]
async fn a_websocket_is_opened_only_by_a_signed_request() {
    let app = Router::new().route("/ws", any(socket)).layer(verify());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());

    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(handshake("").as_bytes()).await.unwrap();
    assert!(head(&mut stream).await.starts_with("HTTP/1.1 403 "));

    let request = signed(Request::get("/ws").body("").unwrap());
    let signature = request.headers()["signature"].to_str().unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let asked = handshake(&format!("Signature: {signature}\r\n"));
    stream.write_all(asked.as_bytes()).await.unwrap();
    let answer = head(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    assert!(answer.contains(ANSWERED), "{answer}");

    // A text frame, masked with zeros (RFC 6455 section 5.2), and the answer.
    stream.write_all(b"\x81\x82\0\0\0\0hi").await.unwrap();
    let mut frame = [0; 14];
    stream.read_exact(&mut frame).await.unwrap();
    assert_eq!(&frame, b"\x81\x0caservice: hi");
}
