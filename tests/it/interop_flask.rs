//! The real Python package as the peer: each side accepts the other's signatures.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use serde_json::{Value, json};
use tower_hmac::{Algorithm, FlaskHmac, SecretKey, Signer};

use crate::support::{Conformance, peer_python, request_text, status};

const DIGESTS: [&str; 3] = ["sha256", "sha512", "sha1"];

fn config() -> Value {
    json!({"HMAC_KEY": "s3cr3tk3y", "HMAC_KEYS": {"aservice": "akey", "bservice": "b\u{e9}"}})
}

/// Bodies: empty, JSON, every byte, and one longer than any buffer on the way.
fn bodies() -> Vec<Vec<u8>> {
    vec![
        Vec::new(),
        br#"{"foo": "boo"}"#.to_vec(),
        (0..=255).collect(),
        (0..200_000_u32).map(|i| (i % 251) as u8).collect(),
    ]
}

fn callers() -> [(Option<&'static str>, SecretKey); 3] {
    [
        (None, SecretKey::new("s3cr3tk3y").unwrap()),
        (Some("aservice"), SecretKey::new("akey").unwrap()),
        // In Python, a key's text is encoded as latin-1.
        (Some("bservice"), SecretKey::new(b"b\xe9".as_slice()).unwrap()),
    ]
}

struct Peer {
    child: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Peer {
    fn start(verb: &str) -> Option<Self> {
        let python = peer_python()?;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/flask_peer.py");
        let mut child = Command::new(python)
            .args([script, verb])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Some(Self { child, answers })
    }

    fn ask(&mut self, line: &Value) -> String {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer.trim().to_owned()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn signatures_of_the_python_client_pass_here() {
    let Some(mut peer) = Peer::start("sign") else { return };
    for digest in DIGESTS {
        let server =
            Conformance::serve(&json!({"app_config": config(), "digest": digest})).unwrap();
        for (name, _) in callers() {
            for body in bodies() {
                let signature = peer.ask(&json!({
                    "config": config(),
                    "digest": digest,
                    "name": name,
                    "body_base64": STANDARD.encode(&body),
                }));
                let answer = server.send(&request_text("/", &signature, &body), false);
                assert_eq!(status(&answer), 200, "{digest} {name:?} {}", body.len());
                let answer: Value =
                    serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
                assert_eq!(answer["key_id"], json!(name));
                assert_eq!(answer["body_len"], json!(body.len()));

                let mut other = body.clone();
                other.push(b'!');
                let answer = server.send(&request_text("/", &signature, &other), false);
                assert_eq!(status(&answer), 403);
            }
        }
    }
}

#[test]
fn our_signatures_pass_in_a_flask_application() {
    for digest in DIGESTS {
        let Some(mut peer) = Peer::start("serve") else { return };
        let port = peer.ask(&json!({"config": config(), "digest": digest}));
        let addr = format!("127.0.0.1:{port}").parse().unwrap();
        let algorithm: Algorithm = digest.parse().unwrap();
        for (name, key) in callers() {
            let mut signer = Signer::new(FlaskHmac::new().with_algorithm(algorithm), key);
            if let Some(name) = name {
                signer = signer.with_key_id(name).unwrap();
            }
            for body in bodies() {
                let signed = signer.sign(Request::post("/").body(body.clone()).unwrap()).unwrap();
                let signature = signed.headers()["signature"].to_str().unwrap();
                assert_eq!(signature, signer.signature(&body));
                let send = |path: &str, body: &[u8]| {
                    status(&crate::support::send(addr, &request_text(path, signature, body), false))
                };
                assert_eq!(send("/", &body), 200, "{digest} {name:?} {}", body.len());
                if name == Some("bservice") {
                    assert_eq!(send("/only", &body), 403);
                }
                let mut other = body.clone();
                other.push(b'!');
                assert_eq!(send("/", &other), 403);
            }
        }
    }
}
