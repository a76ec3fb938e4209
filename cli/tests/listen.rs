//! `listen` and `listen --forward` over real sockets.
#![allow(missing_docs)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use http::Request;
use tower_hmac::{SecretKey, Signer, webhooks};

const KEY: &str = "an unguessable key 7741";

/// The process, its address and its output.
struct Listening {
    child: Child,
    address: String,
    lines: BufReader<ChildStdout>,
}

impl Listening {
    fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tower-hmac"))
            .args(["listen", "--format", "github", "--key-env", "KEY", "--port", "0"])
            .args(args)
            .env("KEY", KEY)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let address = line.trim().rsplit("http://").next().unwrap().trim_end_matches('/');
        Self { child, address: address.to_owned(), lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line
    }

    /// Sends the pieces one after another, and reads until the server closes the connection.
    fn send(&self, pieces: &[&[u8]]) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        for piece in pieces {
            stream.write_all(piece).unwrap();
            stream.flush().unwrap();
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A plain HTTP server that keeps the bytes of each request and answers in two chunks.
fn server() -> (String, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            while !is_whole(&request) {
                let mut piece = [0; 4096];
                match stream.read(&mut piece).unwrap() {
                    0 => break,
                    len => request.extend_from_slice(&piece[..len]),
                }
            }
            let answer = "HTTP/1.1 202 Accepted\r\nX-Behind: yes\r\nTransfer-Encoding: chunked\r\n\
                          Connection: close\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n";
            stream.write_all(answer.as_bytes()).unwrap();
            sender.send(request).unwrap();
        }
    });
    (address, requests)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    if head.contains("transfer-encoding: chunked") {
        return body.contains("0\r\n") && body.ends_with("\r\n\r\n");
    }
    let len = head.split("content-length: ").nth(1).and_then(|len| len.lines().next());
    body.len() >= len.map_or(0, |len| len.parse().unwrap())
}

fn tag(body: &str) -> String {
    let signer = Signer::new(webhooks::by_name("github").unwrap(), SecretKey::new(KEY).unwrap());
    let request = signer.sign(Request::post("/").body(body.to_owned()).unwrap()).unwrap();
    request.headers()["x-hub-signature-256"].to_str().unwrap().to_owned()
}

#[test]
fn verified_request_arrives_unchanged() {
    let (address, requests) = server();
    let mut listening = Listening::start(&["--forward", &address]);
    let tag = tag("hello world");
    // A body with a length, odd spellings of the target, and a header that `Connection` lists.
    let head = format!(
        "POST /a%2Fb//c?x=1+2&y=%20 HTTP/1.1\r\nHost: example.com\r\nX-Twice: 1\r\nX-Twice: 2\r\n\
         X-User: me\r\nConnection: close, X-User\r\nX-Hub-Signature-256: {tag}\r\n\
         Content-Length: 11\r\n\r\n"
    );
    let answer = listening.send(&[head.as_bytes(), b"hello", b" world"]);
    assert!(answer.starts_with("HTTP/1.1 202 Accepted\r\n"), "{answer}");
    assert!(answer.contains("x-behind: yes") && answer.contains("abc"), "{answer}");
    let request = String::from_utf8(requests.recv().unwrap()).unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /a%2Fb//c?x=1+2&y=%20 HTTP/1.1\r\n"), "{head}");
    for header in ["host: example.com", "x-twice: 1\r\nx-twice: 2", "x-user: me", &tag] {
        assert!(head.contains(header), "{header}: {head}");
    }
    assert_eq!(body, "hello world");
    let line = listening.line();
    assert_eq!(line, "POST /a%2Fb//c?x=1+2&y=%20 -> accepted, no key ID\n");

    // A chunked body stays chunked.
    let head = format!(
        "POST / HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\nX-Hub-Signature-256: {tag}\r\n\
         Transfer-Encoding: chunked\r\n\r\n"
    );
    let answer = listening.send(&[head.as_bytes(), b"5\r\nhello\r\n", b"6\r\n world\r\n0\r\n\r\n"]);
    assert!(answer.starts_with("HTTP/1.1 202 Accepted\r\n"), "{answer}");
    let request = String::from_utf8(requests.recv().unwrap()).unwrap();
    assert!(request.contains("transfer-encoding: chunked"), "{request}");
    assert!(!request.contains("content-length"), "{request}");
    assert!(request.ends_with("\r\n\r\nB\r\nhello world\r\n0\r\n\r\n"), "{request}");
}

#[test]
fn rejected_request_never_arrives() {
    let (address, requests) = server();
    let mut listening = Listening::start(&["--forward", &address, "--body-limit", "64"]);
    let tag = tag("hello world");
    let request = |tag: &str, body: &str| {
        format!(
            "POST / HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\nX-Hub-Signature-256: {tag}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let answer = listening.send(&[request(&tag, "hello world\n").as_bytes()]);
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    let told = [listening.line(), listening.line(), listening.line()].concat();
    assert!(told.starts_with("POST / -> rejected: mismatch at step mac: "), "{told}");
    assert!(told.contains("likely: right with the body's last newline cut off"), "{told}");
    assert!(!answer.contains("newline"), "{answer}");
    let answer = listening.send(&[request(&tag, &"a".repeat(65)).as_bytes()]);
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    for tag in ["", "sha256=00", &tag.to_uppercase()] {
        let answer = listening.send(&[request(tag, "hello world").as_bytes()]);
        assert!(answer.starts_with("HTTP/1.1 40"), "{answer}");
    }
    // A body that ends too early.
    let short = request(&tag, "hello world").replace("Length: 11", "Length: 12");
    let mut stream = TcpStream::connect(&listening.address).unwrap();
    stream.write_all(short.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let _ = stream.read_to_string(&mut String::new());
    // Only the correct request arrives.
    listening.send(&[request(&tag, "hello world").as_bytes()]);
    let first = String::from_utf8(requests.recv().unwrap()).unwrap();
    assert!(first.contains(&tag) && first.ends_with("hello world"), "{first}");
    assert!(requests.try_recv().is_err());
}

/// No scheme covers trailers, and some servers read them as headers.
#[test]
fn trailers_are_not_passed_on() {
    let (address, requests) = server();
    let listening = Listening::start(&["--forward", &address]);
    let head = format!(
        "POST / HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\nTrailer: X-User\r\n\
         X-Hub-Signature-256: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        tag("hello")
    );
    let answer = listening.send(&[head.as_bytes(), b"5\r\nhello\r\n0\r\nX-User: somebody\r\n\r\n"]);
    assert!(answer.starts_with("HTTP/1.1 202 Accepted\r\n"), "{answer}");
    let request = String::from_utf8(requests.recv().unwrap()).unwrap();
    assert!(request.ends_with("\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), "{request}");
    assert!(!request.contains("somebody"), "{request}");
}

#[test]
fn unreachable_server_is_a_bad_gateway() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let listening = Listening::start(&["--forward", &address]);
    let head = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Hub-Signature-256: {}\r\nContent-Length: 1\r\n\r\na",
        tag("a")
    );
    assert!(listening.send(&[head.as_bytes()]).starts_with("HTTP/1.1 502 "));
}
