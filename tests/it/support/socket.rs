//! A real server on a loopback port, and a client that sends exact bytes.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The longest time to wait for a response.
const DEADLINE: Duration = Duration::from_secs(20);

/// Serves HTTP/1.1, and HTTP/2 by prior knowledge, until the runtime ends.
pub async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(app.clone());
            tokio::spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}

/// A response as received on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// The lines as received, without `date`, which changes every second.
    pub headers: Vec<String>,
    pub body: Vec<u8>,
}

/// Sends exact bytes and reads one response. Never half-closes the socket, which a server may treat
/// as a disconnected client.
pub async fn exchange(address: SocketAddr, bytes: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server may respond and close before it has read everything.
    let _ = stream.write_all(bytes).await;
    tokio::time::timeout(DEADLINE, read_answer(&mut stream)).await.expect("an answer in time")
}

pub async fn read_answer(stream: &mut TcpStream) -> Answer {
    let mut read = Vec::new();
    loop {
        if let Some(answer) = parsed(&read) {
            return answer;
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(n) if n > 0 => read.extend_from_slice(&chunk[..n]),
            end => {
                panic!("the connection ended ({end:?}) after {:?}", String::from_utf8_lossy(&read))
            }
        }
    }
}

fn parsed(read: &[u8]) -> Option<Answer> {
    let end = read.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&read[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<String> =
        lines.filter(|line| !line.starts_with("date:")).map(str::to_owned).collect();
    let length = headers
        .iter()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    let body = read[end + 4..].to_vec();
    (body.len() >= length).then_some(Answer { status, headers, body })
}
