//! HTTP Message Signatures with independent peers: `http-message-signatures` from `PyPI` and from
//! npm sign requests that the conformance program accepts, and verify what it signs.

mod base;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::{Conformance, conformance_lines, peer, peer_python, status};

const KEY_ID: &str = "billing";
const KEY: &[u8] = b"thirty-two bytes that both know!";

fn config() -> Value {
    json!({"scheme": "rfc9421", "keys": {KEY_ID: {"base64": STANDARD.encode(KEY)}}})
}

/// GET with a query, POST with JSON and with bytes, escapes in path and query.
fn requests(authority: &str) -> Vec<Value> {
    let bytes: Vec<u8> = (0..=255).collect();
    let json = br#"{"id": 7, "name": "caf\u00e9"}"#.as_slice();
    [
        ("GET", "/", b"".as_slice()),
        ("GET", "/orders?from=1&to=2&to=3", b""),
        ("GET", "/a%2Fb/caf%C3%A9/%20?q=%22a+b%22&x=%26&y=%2B%3D&z", b""),
        ("DELETE", "/orders/7?", b""),
        ("POST", "/orders", json),
        ("PUT", "/files/a%25b?part=1%2F2", &bytes),
    ]
    .into_iter()
    .map(|(method, target, body)| {
        json!({
            "method": method,
            "url": format!("http://{authority}{target}"),
            "headers": [["content-type", "application/json"]],
            "body_base64": STANDARD.encode(body),
            "key_id": KEY_ID,
        })
    })
    .collect()
}

/// The request with its signer's output.
fn with_answer(request: &Value, answer: &Value) -> Value {
    assert!(answer.get("error").is_none(), "{request} {answer}");
    let mut signed = request.clone();
    signed["url"] = answer["url"].clone();
    signed["headers"] = answer["headers"].clone();
    signed
}

/// The same request with extra spaces in `Signature-Input`, which do not change the signed text
/// (RFC 9421 section 3.2).
fn with_spaces(request: &Value) -> Value {
    let mut spaced = request.clone();
    for header in spaced["headers"].as_array_mut().unwrap() {
        if header[0].as_str().unwrap().eq_ignore_ascii_case("signature-input") {
            let input = header[1].as_str().unwrap();
            let wider = input.replace("(\"", "(  \"").replace("\" \"", "\"   \"");
            let wider = wider.replace("\")", "\" )").replace(';', ";  ").replace("d=1", "d=01");
            assert!(wider.len() > input.len() + 10, "{wider}");
            header[1] = wider.into();
        }
    }
    spaced
}

/// Sends a request as bytes, and returns the status of the response.
fn send(server: &Conformance, request: &Value) -> u16 {
    let authority = format!("http://{}", server.addr);
    let target = request["url"].as_str().unwrap().strip_prefix(&authority).unwrap();
    let body = STANDARD.decode(request["body_base64"].as_str().unwrap()).unwrap();
    let mut text = format!("{} {target} HTTP/1.1\r\n", request["method"].as_str().unwrap());
    for header in request["headers"].as_array().unwrap() {
        text.extend([header[0].as_str().unwrap(), ": ", header[1].as_str().unwrap(), "\r\n"]);
    }
    let (addr, len) = (server.addr, body.len());
    text += &format!("Host: {addr}\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n");
    status(&server.send(&[text.as_bytes(), &body].concat(), false))
}

/// A changed copy of a request.
fn changed(request: &Value, member: &str, value: &str) -> Value {
    let mut changed = request.clone();
    changed[member] = value.into();
    changed
}

struct Peer {
    program: PathBuf,
    sign: &'static [&'static str],
    verify: &'static [&'static str],
}

fn python() -> Option<Peer> {
    let program = peer_python()?;
    Some(Peer { program, sign: &["rfc9421_sign.py"], verify: &["rfc9421_verify.py"] })
}

fn node() -> Option<Peer> {
    peer("target/peers/node_modules/http-message-signatures")?;
    let (sign, verify) = (&["rfc9421.mjs", "sign"], &["rfc9421.mjs", "verify"]);
    Some(Peer { program: "node".into(), sign, verify })
}

impl Peer {
    /// The peer writes one answer per line.
    fn ask(&self, script: &[&str], lines: &[Value]) -> Vec<Value> {
        let mut child = Command::new(&self.program)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .args(script)
            .args([KEY_ID, &STANDARD.encode(KEY)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input: Vec<_> = lines.iter().map(Value::to_string).collect();
        let writer = std::thread::spawn(move || stdin.write_all(input.join("\n").as_bytes()));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        let answers: Vec<_> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(answers.len(), lines.len());
        answers
    }

    fn signs_what_we_accept(&self) {
        let server = Conformance::serve(&config()).unwrap();
        let requests = requests(&server.addr.to_string());
        for (request, answer) in requests.iter().zip(self.ask(self.sign, &requests)) {
            let signed = with_answer(request, &answer);
            assert_eq!(send(&server, &signed), 200, "{signed}");
            let spaced = with_spaces(&signed);
            assert_eq!(send(&server, &spaced), 200, "{spaced}");
            let elsewhere = format!("http://{}/elsewhere", server.addr);
            assert_eq!(send(&server, &changed(&signed, "url", &elsewhere)), 403);
            assert_eq!(send(&server, &changed(&signed, "body_base64", "AAAA")), 403);
        }
    }

    fn accepts_what_we_sign(&self) {
        let authority = SocketAddr::from(([127, 0, 0, 1], 8443)).to_string();
        let requests = requests(&authority);
        let answers = conformance_lines("sign", &config(), &requests);
        let signed: Vec<_> = requests
            .iter()
            .zip(&answers)
            .map(|(request, answer)| with_answer(request, answer))
            .collect();
        for (request, answer) in signed.iter().zip(self.ask(self.verify, &signed)) {
            assert!(answer.get("covered").is_some(), "{request} {answer}");
        }
        let spaced: Vec<_> = signed.iter().map(with_spaces).collect();
        for (request, answer) in spaced.iter().zip(self.ask(self.verify, &spaced)) {
            assert!(answer.get("covered").is_some(), "{request} {answer}");
        }
        // The peer really verifies: it rejects a changed request.
        let moved: Vec<_> =
            signed.iter().map(|request| changed(request, "method", "PATCH")).collect();
        for answer in self.ask(self.verify, &moved) {
            assert!(answer.get("error").is_some(), "{answer}");
        }
    }
}

#[test]
fn python_signs_what_we_accept() {
    if let Some(peer) = python() {
        peer.signs_what_we_accept();
    }
}

#[test]
fn python_accepts_what_we_sign() {
    if let Some(peer) = python() {
        peer.accepts_what_we_sign();
    }
}

#[test]
fn node_signs_what_we_accept() {
    if let Some(peer) = node() {
        peer.signs_what_we_accept();
    }
}

#[test]
fn node_accepts_what_we_sign() {
    if let Some(peer) = node() {
        peer.accepts_what_we_sign();
    }
}
