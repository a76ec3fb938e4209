//! What several tests need.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;

/// The conformance program as a server in a process of its own; ended on drop.
pub struct Conformance {
    child: Child,
    pub addr: SocketAddr,
}

impl Conformance {
    /// Starts it; the output of the program if it refuses the configuration.
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
            None => Err(child.wait_with_output().unwrap()),
        }
    }

    /// Sends bytes as they are, and gives the answer as it came. The sending side stays open unless
    /// `hang_up` is set.
    pub fn send(&self, request: &[u8], hang_up: bool) -> String {
        let mut stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(request).unwrap();
        if hang_up {
            stream.shutdown(Shutdown::Write).unwrap();
        }
        let mut answer = Vec::new();
        // A server that refuses without reading all of it may reset the connection.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }
}

impl Drop for Conformance {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a verb that answers lines.
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

/// An example of this crate, as Cargo built it beside this test.
pub fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples").join(name)
}

/// The status of an answer; 0 if there is none.
pub fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}
