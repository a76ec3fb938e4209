//! The programs in `docs/clients.md`, run with the installed interpreters, against values that
//! Flask-HMAC itself has accepted.

use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

const PAGE: &str = include_str!("../../docs/clients.md");
const VECTORS: &str = include_str!("../vectors/flask_hmac_decisions.json");

/// One signed request of the vectors, and the headers that each client must print for it.
struct Case {
    id: String,
    key: String,
    key_id: String,
    body: Vec<u8>,
    printed: String,
}

fn cases() -> Vec<Case> {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let ids =
        ["single-get-empty", "single-post-json", "longkey", "multi-aservice", "multi-post-json"];
    let mut cases = ids.map(|id| case(&vectors, id)).into_iter().collect::<Vec<_>>();
    // The hex form is checked against RFC 4231, test case 2.
    let tag = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    let bytes = from_hex(tag);
    cases.push(Case::new("rfc4231-2", "Jefe", "name", b"what do ya want for nothing?", &bytes));
    cases
}

fn from_hex(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn case(vectors: &Value, id: &str) -> Case {
    let cases = vectors["cases"].as_array().unwrap();
    let case = cases.iter().find(|case| case["id"] == id).unwrap();
    assert_eq!(case["flask_hmac"], "accept");
    let headers = case["headers"].as_array().unwrap();
    let signature = headers.iter().find(|header| header[0] == "Signature").unwrap();
    let signature = STANDARD.decode(signature[1].as_str().unwrap()).unwrap();
    let request = STANDARD.decode(case["request_base64"].as_str().unwrap()).unwrap();
    let end = request.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let config = &vectors["configs"][case["config"].as_str().unwrap()]["app_config"];
    // The single form is only a tag. The form for a service is a key ID and a tag.
    let (key_id, key, tag) = match config["HMAC_KEY"].as_str() {
        Some(key) => ("anyone".to_owned(), key, signature),
        None => {
            let text = String::from_utf8(signature).unwrap();
            let (key_id, tag) = text.rsplit_once(':').unwrap();
            let key = config["HMAC_KEYS"][key_id].as_str().unwrap();
            (key_id.to_owned(), key, STANDARD.decode(tag).unwrap())
        }
    };
    Case::new(id, key, &key_id, &request[end + 4..], &tag)
}

impl Case {
    fn new(id: &str, key: &str, key_id: &str, body: &[u8], tag: &[u8]) -> Self {
        let single = STANDARD.encode(tag);
        let named = STANDARD.encode(format!("{key_id}:{single}"));
        let hex: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
        let printed = format!("Signature: {single}\nSignature: {named}\nX-HMAC-Signature: {hex}\n");
        let (id, key, key_id) = (id.to_owned(), key.to_owned(), key_id.to_owned());
        Self { id, key, key_id, body: body.to_vec(), printed }
    }
}

/// The first code block of this language.
fn program(language: &str) -> &'static str {
    let start = PAGE.split(&format!("\n```{language}\n")).nth(1).unwrap();
    start.split("\n```").next().unwrap()
}

/// Runs the program of a language for each case, if its interpreter is on the machine.
fn run(language: &str, interpreter: &[&str], file: &str) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
    std::fs::write(&path, program(language)).unwrap();
    for case in cases() {
        let started = Command::new(interpreter[0])
            .args(&interpreter[1..])
            .arg(&path)
            .env("HMAC_KEY", &case.key)
            .env("HMAC_KEY_ID", &case.key_id)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = match started {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => return absent(interpreter[0]),
            Err(error) => panic!("{}: {error}", interpreter[0]),
        };
        child.stdin.take().unwrap().write_all(&case.body).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{language}: {}", case.id);
        assert_eq!(String::from_utf8(output.stdout).unwrap(), case.printed, "{}", case.id);
    }
}

/// Go may be missing on every machine, the others only if peers are not required.
fn absent(interpreter: &str) {
    let required = std::env::var("TOWER_HMAC_REQUIRE_PEERS").is_ok_and(|value| value == "1");
    assert!(!required || interpreter == "go", "{interpreter} is not on this machine");
    eprintln!("skipped: {interpreter} is not on this machine");
}

#[test]
fn python_client_prints_the_header() {
    run("python", &["python3"], "client.py");
}

#[test]
fn node_client_prints_the_header() {
    run("js", &["node"], "client.cjs");
}

#[test]
fn ruby_client_prints_the_header() {
    run("ruby", &["ruby"], "client.rb");
}

#[test]
fn go_client_prints_the_header() {
    run("go", &["go", "run"], "client.go");
}

#[test]
fn shell_client_prints_the_header() {
    run("sh", &["sh"], "client.sh");
}
