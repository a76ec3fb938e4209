//! HTTP Message Signatures with peers that no one here wrote: `http-message-signatures` from `PyPI`
//! and from npm, in both directions. `scripts/peers` installs them.
#![cfg(feature = "rfc9421")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt as _;
use http::{HeaderName, HeaderValue, Request, Uri};
use serde_json::{Value, json};
use tower_hmac::{KeyMap, MessageSignatures, SecretKey, Signer, Verifier, VerifyError};

const KEY_ID: &str = "billing";
const KEY: &[u8] = b"thirty-two bytes that both know!";
const HOST: &str = "api.example.com:8443";

/// GET with a query, POST with JSON and with bytes, escapes in path and query.
fn requests() -> Vec<Request<Vec<u8>>> {
    let url = |target: &str| format!("http://{HOST}{target}");
    let bytes: Vec<u8> = (0..=255).collect();
    vec![
        Request::get(url("/")).body(Vec::new()).unwrap(),
        Request::get(url("/orders?from=1&to=2&to=3")).body(Vec::new()).unwrap(),
        Request::get(url("/a%2Fb/caf%C3%A9/%20?q=%22a+b%22&x=%26&y=%2B%3D&z"))
            .body(Vec::new())
            .unwrap(),
        Request::delete(url("/orders/7?")).body(Vec::new()).unwrap(),
        Request::post(url("/orders"))
            .header("content-type", "application/json")
            .body(br#"{"id": 7, "name": "caf\u00e9"}"#.to_vec())
            .unwrap(),
        Request::put(url("/files/a%25b?part=1%2F2"))
            .header("content-type", "application/octet-stream")
            .body(bytes)
            .unwrap(),
    ]
}

fn to_line(request: &Request<Vec<u8>>) -> Value {
    let headers: Vec<_> = request
        .headers()
        .iter()
        .map(|(name, value)| json!([name.as_str(), value.to_str().unwrap()]))
        .collect();
    json!({
        "method": request.method().as_str(),
        "url": request.uri().to_string(),
        "headers": headers,
        "body_base64": STANDARD.encode(request.body()),
        "key_id": KEY_ID,
    })
}

/// What a server receives when the peer sends what it signed.
fn received(sent: &Request<Vec<u8>>, answer: &Value) -> Request<Vec<u8>> {
    let mut request = sent.clone();
    let url: Uri = answer["url"].as_str().unwrap().parse().unwrap();
    *request.uri_mut() = url.path_and_query().unwrap().as_str().parse().unwrap();
    request.headers_mut().clear();
    request.headers_mut().insert("host", HeaderValue::from_static(HOST));
    for header in answer["headers"].as_array().unwrap() {
        let name = HeaderName::try_from(header[0].as_str().unwrap()).unwrap();
        request.headers_mut().append(name, header[1].as_str().unwrap().try_into().unwrap());
    }
    request
}

fn verify(request: Request<Vec<u8>>) -> Result<(), VerifyError> {
    let keys = KeyMap::services([(KEY_ID, SecretKey::new(KEY).unwrap())]).unwrap();
    let (head, body) = request.into_parts();
    let verifier = Verifier::new(MessageSignatures::new(), keys);
    verifier.verify(&head, &body).now_or_never().unwrap().map(drop)
}

fn sign(request: Request<Vec<u8>>) -> Request<Vec<u8>> {
    let signer = Signer::new(MessageSignatures::new(), SecretKey::new(KEY).unwrap());
    signer.with_key_id(KEY_ID).unwrap().sign(request).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

struct Peer {
    program: PathBuf,
    sign: &'static [&'static str],
    verify: &'static [&'static str],
}

impl Peer {
    /// `None`, and a line that says so, where the peer is not installed.
    fn find(
        name: &str,
        program: PathBuf,
        package: &str,
        sign: &'static [&'static str],
        verify: &'static [&'static str],
    ) -> Option<Self> {
        if root().join("target/peers").join(package).exists() {
            return Some(Self { program, sign, verify });
        }
        let required = std::env::var_os("TOWER_HMAC_REQUIRE_PEERS").is_some_and(|text| text == "1");
        assert!(!required, "{name} is not installed: run scripts/peers");
        eprintln!("skipped: {name} is not installed: run scripts/peers");
        None
    }

    /// One answer for each line.
    fn ask(&self, script: &[&str], lines: &[Value]) -> Vec<Value> {
        let mut child = Command::new(&self.program)
            .current_dir(root().join("tests/peers"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .args(script)
            .args([KEY_ID, &STANDARD.encode(KEY)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        for line in lines {
            writeln!(stdin, "{line}").unwrap();
        }
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        let answers: Vec<_> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(answers.len(), lines.len());
        answers
    }

    fn signs_what_we_accept(&self) {
        let requests = requests();
        let lines: Vec<_> = requests.iter().map(to_line).collect();
        for (request, answer) in requests.iter().zip(self.ask(self.sign, &lines)) {
            assert!(answer.get("error").is_none(), "{}: {answer}", request.uri());
            let request = received(request, &answer);
            let mut moved = request.clone();
            *moved.uri_mut() = "/elsewhere".parse().unwrap();
            let mut longer = request.clone();
            longer.body_mut().push(b' ');
            assert!(verify(moved).is_err());
            assert!(verify(longer).is_err());
            verify(request).unwrap();
        }
    }

    fn accepts_what_we_sign(&self) {
        let signed: Vec<_> = requests().into_iter().map(sign).collect();
        let lines: Vec<_> = signed.iter().map(to_line).collect();
        for (request, answer) in signed.iter().zip(self.ask(self.verify, &lines)) {
            assert!(answer.get("covered").is_some(), "{}: {answer}", request.uri());
        }
        // The peer does verify: what is not as we signed it is refused.
        let changed = signed.into_iter().map(|mut request| {
            *request.method_mut() = http::Method::PATCH;
            to_line(&request)
        });
        for answer in self.ask(self.verify, &changed.collect::<Vec<_>>()) {
            assert!(answer.get("error").is_some(), "{answer}");
        }
    }
}

fn python() -> Option<Peer> {
    let program = root().join("target/peers/venv/bin/python");
    let package = "venv/bin/python";
    let (sign, verify) = (&["rfc9421_sign.py"], &["rfc9421_verify.py"]);
    Peer::find("http-message-signatures for Python", program, package, sign, verify)
}

fn node() -> Option<Peer> {
    let package = "node_modules/http-message-signatures";
    let (sign, verify) = (&["rfc9421.mjs", "sign"], &["rfc9421.mjs", "verify"]);
    Peer::find("http-message-signatures for node", "node".into(), package, sign, verify)
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
