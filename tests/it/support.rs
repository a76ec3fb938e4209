//! Helpers that several tests share.

pub mod app;
#[cfg(feature = "rfc9421")]
pub mod cases;
pub mod joints;
#[cfg(feature = "webhooks")]
pub mod schemes;
pub mod script;
pub mod socket;
#[cfg(any(feature = "sha1", feature = "sigv4"))]
pub mod twice;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;

/// The conformance program as a server in a separate process, stopped on drop.
pub struct Conformance {
    child: Child,
    pub addr: SocketAddr,
}

impl Conformance {
    /// Starts the server. Returns the program's output if it rejects the configuration.
    pub fn serve(config: &Value) -> Result<Self, Output> {
        let mut child = conformance("serve", config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the conformance program is built: cargo build --all-features --examples");
        let mut first = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut first).unwrap();
        match first.trim().strip_prefix("listening on ") {
            Some(addr) => Ok(Self { addr: addr.parse().unwrap(), child }),
            None => {
                let output = child.wait_with_output().unwrap();
                eprint!("{}", String::from_utf8_lossy(&output.stderr));
                Err(output)
            }
        }
    }

    /// Sends exact bytes, like [`send`].
    pub fn send(&self, request: &[u8], hang_up: bool) -> String {
        send(self.addr, request, hang_up)
    }
}

impl Drop for Conformance {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // The program's output belongs to the output of the test.
        let mut said = Vec::new();
        let _ = self.child.stderr.take().map(|mut stderr| stderr.read_to_end(&mut said));
        eprint!("{}", String::from_utf8_lossy(&said));
    }
}

/// Runs a verb that answers with lines.
pub fn conformance_lines(verb: &str, config: &Value, lines: &[Value]) -> Vec<Value> {
    let mut child = conformance(verb, config)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the conformance program is built: cargo build --all-features --examples");
    let mut stdin = child.stdin.take().unwrap();
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn conformance(verb: &str, config: &Value) -> Command {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("conformance-{}-{number}.json", std::process::id()));
    std::fs::write(&path, config.to_string()).unwrap();
    let mut command = Command::new(example("conformance"));
    command.arg(verb).arg(path);
    command
}

/// An example of this crate, which Cargo builds next to this test.
pub fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples").join(name)
}

/// The status of a response, or 0 if there is none.
pub fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

/// Sends exact bytes, and returns the response as received. The sending side stays open unless
/// `hang_up` is set.
pub fn send(addr: SocketAddr, request: &[u8], hang_up: bool) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request).unwrap();
    if hang_up {
        stream.shutdown(Shutdown::Write).unwrap();
    }
    let mut answer = Vec::new();
    // A server that rejects without reading all of it may reset the connection.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// A POST with this signature and body, as bytes.
pub fn request_text(path: &str, signature: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nSignature: {signature}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len(),
    );
    [head.as_bytes(), body].concat()
}

/// The Python of the peers, with the packages in `tests/peers/requirements.txt`.
pub fn peer_python() -> Option<PathBuf> {
    peer("target/peers/venv/bin/python")
}

/// Asks a program in `tests/peers` that uses an npm package. Returns one answer per question.
pub fn ask_node(package: &str, script: &str, questions: &[Value]) -> Option<Vec<Value>> {
    peer(&format!("target/peers/node_modules/{package}"))?;
    Some(ask("node".as_ref(), script, questions))
}

/// Asks a program in `tests/peers` that uses a PyPI package.
pub fn ask_python(script: &str, questions: &[Value]) -> Option<Vec<Value>> {
    Some(ask(&peer_python()?, script, questions))
}

fn ask(program: &Path, script: &str, questions: &[Value]) -> Vec<Value> {
    let mut child = Command::new(program)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers"))
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input: String = questions.iter().map(|question| format!("{question}\n")).collect();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<_> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), questions.len());
    answers
}

/// A program that `scripts/peers` installs. If it is missing, the test prints this and passes,
/// unless `TOWER_HMAC_REQUIRE_PEERS` is set.
pub fn peer(path: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    if path.exists() {
        return Some(path);
    }
    let missing = format!("{} is missing: run scripts/peers", path.display());
    assert!(std::env::var_os("TOWER_HMAC_REQUIRE_PEERS").is_none(), "{missing}");
    println!("skipped: {missing}");
    None
}
