//! A service over the loopback, and independent signers: boto3 and botocore, awscli, curl before
//! and after version 8, `@smithy/signature-v4` of the SDK for JavaScript, and `aws-sigv4` of the
//! SDK for Rust.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use axum::Router;
use axum::body::Bytes;
use axum::routing::any;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tower_hmac::layer::AwsRejection;
use tower_hmac::scheme::AwsSigV4;
use tower_hmac::{KeyMap, Verified, VerifyLayer};

use super::{KEY_ID, SECRET};
use crate::support::{peer, peer_python, send, status};

/// A service that accepts requests and links, stopped on drop.
pub struct Live {
    addr: SocketAddr,
    _runtime: Runtime,
}

impl Live {
    pub fn serve(scheme: AwsSigV4, rejection: AwsRejection, answer: &'static str) -> Self {
        let keys = || KeyMap::named([(KEY_ID, SECRET)]).unwrap();
        let presigned = scheme.presigned();
        let layer = VerifyLayer::new(scheme, keys())
            .unwrap()
            .or(presigned, keys())
            .unwrap()
            .with_rejection(rejection);
        let handler = any(move |caller: Verified, headers: HeaderMap, body: Bytes| async move {
            assert_eq!(caller.key_id().unwrap(), KEY_ID);
            let sent = headers.get("x-length").map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(sent.unwrap_or(body.len().to_string()), body.len().to_string());
            answer
        });
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let addr = listener.local_addr().unwrap();
        let app = Router::new().fallback_service(handler.layer(layer));
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self { addr, _runtime: runtime }
    }

    fn s3() -> Self {
        Self::serve(AwsSigV4::new("us-east-1", "s3").unwrap(), AwsRejection::xml(), "")
    }

    fn orders() -> Self {
        Self::serve(AwsSigV4::new("us-east-1", "orders").unwrap(), AwsRejection::json(), "{}")
    }

    pub fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.addr)
    }

    /// Sends a signed request as bytes, and returns the status of the response.
    fn send(&self, request: &Value) -> u16 {
        let target = request["url"].as_str().unwrap().strip_prefix(&self.url("")).unwrap();
        let body = STANDARD.decode(request["body_base64"].as_str().unwrap()).unwrap();
        let mut text = format!("{} {target} HTTP/1.1\r\n", request["method"].as_str().unwrap());
        for header in request["headers"].as_array().unwrap() {
            text.extend([header[0].as_str().unwrap(), ": ", header[1].as_str().unwrap(), "\r\n"]);
        }
        let (addr, len) = (self.addr, body.len());
        text += &format!("Host: {addr}\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n");
        status(&send(addr, &[text.as_bytes(), &body].concat(), false))
    }

    /// GET with queries, bodies of text and bytes, escapes and other scripts in the path.
    fn requests(&self) -> Vec<Value> {
        let bytes: Vec<u8> = (0..=255).collect();
        let json = br#"{"id": 7, "name": "caf\u00e9"}"#.as_slice();
        [
            ("GET", "/", b"".as_slice()),
            ("GET", "/orders?a=1&b=2", b""),
            ("GET", "/orders?b=2&a=1&A=3&a-b=4", b""),
            ("GET", "/orders?id=1&id=2&empty=", b""),
            ("GET", "/caf%C3%A9/%E1%88%B4/a%20b?q=%22a%20b%22&%E1%88%B4=%26%2F%3D", b""),
            ("DELETE", "/orders/7", b""),
            ("POST", "/orders?expand=all", json),
            ("PUT", "/files/a-._~b", &bytes),
        ]
        .into_iter()
        .map(|(method, target, body)| {
            json!({
                "method": method,
                "url": self.url(target),
                "headers": [["x-note", "a  b"], ["content-type", "application/json"]],
                "body_base64": STANDARD.encode(body),
            })
        })
        .collect()
    }

    /// Signs requests with a peer: they must be accepted, and no other request with the same
    /// signature.
    fn accepts_what_is_signed_by(&self, peer: &Peer, service: &str, place: &str) {
        let mut requests = self.requests();
        if place == "query" {
            // A link is only for GET.
            requests.retain(|request| request["method"] == "GET");
            for request in &mut requests {
                request["headers"] = json!([]);
            }
        }
        if peer.takes_repeated_headers && place == "headers" {
            let mut request = requests[0].clone();
            request["headers"] = json!([["x-note", "one"], ["x-note", "two  three"]]);
            requests.push(request);
        }
        let answers = peer.ask(service, place, &requests);
        assert_eq!(answers.len(), requests.len(), "{service} {place}");
        for (request, answer) in requests.iter().zip(answers) {
            let mut signed = request.clone();
            signed["url"] = answer["url"].clone();
            signed["headers"] = answer["headers"].clone();
            assert_eq!(self.send(&signed), 200, "{signed}");
            let mut moved = signed.clone();
            let url = moved["url"].as_str().unwrap().replacen("/orders", "/others", 1);
            moved["url"] = json!(url.replacen("/?", "/x?", 1));
            if moved["url"] != signed["url"] {
                assert_eq!(self.send(&moved), 403, "{moved}");
            }
            signed["body_base64"] = json!("AAAA");
            assert_eq!(self.send(&signed), 403, "{signed}");
        }
    }
}

struct Peer {
    command: Vec<PathBuf>,
    takes_repeated_headers: bool,
}

impl Peer {
    fn new(takes_repeated_headers: bool, command: [PathBuf; 2]) -> Self {
        Self { command: command.into(), takes_repeated_headers }
    }

    /// Asks the peer to sign requests, as JSON lines.
    fn ask(&self, service: &str, place: &str, requests: &[Value]) -> Vec<Value> {
        let (program, script) = self.command.split_first().unwrap();
        let mut child = Command::new(program)
            .args(script)
            .args([service, KEY_ID, SECRET, place])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let lines: String = requests.iter().map(|line| format!("{line}\n")).collect();
        let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        assert!(output.status.success());
        let answers = String::from_utf8(output.stdout).unwrap();
        answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn signs_what_we_accept(&self) {
        for (live, service) in [(Live::orders(), "orders"), (Live::s3(), "s3")] {
            for place in ["headers", "query"] {
                live.accepts_what_is_signed_by(self, service, place);
            }
        }
    }
}

fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(name)
}

#[test]
fn botocore_signs_what_we_accept() {
    if let Some(python) = peer_python() {
        Peer::new(true, [python, script("sigv4_sign.py")]).signs_what_we_accept();
    }
}

#[test]
fn node_signs_what_we_accept() {
    if peer("target/peers/node_modules/@smithy/signature-v4").is_some() {
        Peer::new(false, ["node".into(), script("sigv4.mjs")]).signs_what_we_accept();
    }
}

#[test]
fn rust_sdk_signs_what_we_accept() {
    if let Some(program) = peer("target/peers/cargo/debug/aws-sigv4-peer") {
        let mut peer = Peer::new(true, [program, PathBuf::new()]);
        peer.command.truncate(1);
        peer.signs_what_we_accept();
    }
}

fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn boto3_calls_are_accepted() {
    let Some(python) = peer_python() else { return };
    let (s3, orders) = (Live::s3(), Live::serve(dynamodb(), AwsRejection::json(), "{}"));
    let mut seen = Vec::new();
    for live in [&s3, &orders] {
        let mut command = Command::new(&python);
        command.arg(script("sigv4_boto.py")).args([&live.url(""), KEY_ID, SECRET]);
        let said = said(&mut command);
        let lines = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        seen.push(lines.collect::<Vec<_>>());
    }
    let answer = |of: usize, call: &str| {
        let line = seen[of].iter().find(|line| line["call"] == call).unwrap();
        line["answer"].as_str().unwrap().to_owned()
    };
    for call in [
        "put",
        "put with metadata",
        "put of nothing",
        "head",
        "get a range",
        "delete",
        "list",
        "checksum",
        "link for get_object",
        "link for head_object",
    ] {
        assert_eq!(answer(0, call), "accepted", "{call}");
    }
    assert_eq!(answer(0, "another secret"), "SignatureDoesNotMatch");
    assert_eq!(answer(1, "json"), "accepted");
    assert_eq!(answer(1, "another key ID"), "SignatureDoesNotMatch");
}

fn dynamodb() -> AwsSigV4 {
    AwsSigV4::new("us-east-1", "dynamodb").unwrap()
}

#[test]
fn awscli_calls_are_accepted() {
    let Some(aws) = peer("target/peers/venv/bin/aws") else { return };
    let live = Live::s3();
    let file = script("sigv4_sign.py");
    let call = |arguments: &[&str], secret: &str| {
        let output = Command::new(&aws)
            .args(["--endpoint-url", &live.url(""), "--region", "us-east-1", "s3api"])
            .args(arguments)
            .env("AWS_ACCESS_KEY_ID", KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", secret)
            .env("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_MAX_ATTEMPTS", "1")
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let body = file.to_str().unwrap();
    let put = ["put-object", "--bucket", "b", "--key", "a b/café", "--body", body];
    let (is_accepted, said) = call(&put, SECRET);
    assert!(is_accepted, "{said}");
    let (is_accepted, said) = call(&["head-object", "--bucket", "b", "--key", "//a"], SECRET);
    assert!(is_accepted, "{said}");
    let (is_accepted, said) = call(&put, "another secret");
    assert!(!is_accepted && said.contains("SignatureDoesNotMatch"), "{said}");
}

/// Arguments with which every version of curl signs in the same way, and the outcome.
fn curl_cases() -> Vec<(&'static str, &'static str, &'static str, &'static [&'static str], u16)> {
    let json: &[&str] = &["Content-Type: application/json"];
    vec![
        ("GET", "/", "", &[], 200),
        ("GET", "/orders?a=1&b=2", "", &[], 200),
        ("GET", "/orders", "", &["X-Note: one", "X-Amz-Meta: a  b"], 200),
        ("POST", "/orders", r#"{"id": 7}"#, json, 200),
        // curl adds the content type of a form and does not sign it.
        ("POST", "/orders", "id=7", &[], 403),
    ]
}

/// curl before version 8.
fn curl(live: &Live, secret: &str, case: (&str, &str, &str, &[&str])) -> u16 {
    let (method, target, body, headers) = case;
    let mut command = Command::new("curl");
    command.args(["-sS", "--path-as-is", "-o", "/dev/null", "-w", "%{http_code}", "-X", method]);
    command.args(["--aws-sigv4", "aws:amz:us-east-1:orders", "-u"]);
    command.arg(format!("{KEY_ID}:{secret}"));
    for header in headers {
        command.args(["-H", header]);
    }
    if !body.is_empty() {
        command.args(["-d", body]);
    }
    said(command.arg(live.url(target))).parse().unwrap()
}

/// Returns whether the installed curl signs the target as typed.
fn is_old_curl() -> bool {
    let version = said(Command::new("curl").arg("--version"));
    version.starts_with("curl 7.")
}

#[test]
fn curl_requests_are_accepted() {
    let live = Live::orders();
    for (method, target, body, headers, expected) in curl_cases() {
        let case = (method, target, body, headers);
        assert_eq!(curl(&live, SECRET, case), expected, "{case:?}");
        assert_eq!(curl(&live, "another secret", case), 403);
    }
}

#[test]
fn old_curl_signs_the_target_as_typed() {
    if !is_old_curl() {
        println!("skipped: this curl signs as it should");
        return;
    }
    let canonical = Live::orders();
    let raw = AwsSigV4::new("us-east-1", "orders").unwrap().dangerous_raw_target();
    let raw = Live::serve(raw, AwsRejection::json(), "{}");
    for target in ["/orders?b=2&a=1", "/caf%C3%A9", "/orders?a", "/a/../b", "/a+b?c=1+2", "/%61"] {
        let case = ("GET", target, "", [].as_slice());
        assert_eq!(curl(&canonical, SECRET, case), 403, "{target}");
        assert_eq!(curl(&raw, SECRET, case), 200, "{target}");
    }
}

#[test]
fn curl_of_version_8_signs_any_target() {
    let Some(python) = peer_python() else { return };
    let live = Live::orders();
    let new_curl = |secret: &str, (method, target, body, headers): (&str, &str, &str, &[&str])| {
        let mut command = Command::new(&python);
        command.arg(script("sigv4_curl.py"));
        command.args([method, &live.url(target), "orders", KEY_ID, secret, body]);
        said(command.args(headers)).trim().parse::<u16>().unwrap()
    };
    for (method, target, body, headers, expected) in curl_cases() {
        let case = (method, target, body, headers);
        assert_eq!(new_curl(SECRET, case), expected, "{case:?}");
        assert_eq!(new_curl("another secret", case), 403);
    }
    for target in ["/orders?b=2&a=1", "/caf%C3%A9/%E1%88%B4", "/orders?a", "/a$b"] {
        assert_eq!(new_curl(SECRET, ("GET", target, "", &[])), 200, "{target}");
    }
    // Before version 8, curl lists a repeated header twice.
    let repeated: &[&str] = &["X-Note: one", "X-Note: two  three"];
    assert_eq!(new_curl(SECRET, ("GET", "/orders", "", repeated)), 200);
}
