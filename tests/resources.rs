//! Attacks on memory, time and sockets, against a server in a separate process, measured from
//! outside. Build the server with `cargo build --all-features --example conformance`.
#![cfg(target_os = "linux")]
#![allow(missing_docs)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tower_hmac::{FlaskHmac, SecretKey, Signer};

/// The server's limit for a body, in bytes.
const LIMIT: usize = 1024 * 1024;
/// The memory of a connection in addition to its body, in bytes.
const BESIDE: usize = 64 * 1024;
/// How many bytes the server lets hyper read ahead on a connection (`max_buf_size`).
const READ_AHEAD: usize = 80 * 1024;
const KEY: &str = "s3cr3tk3y";

/// A server process. Only one runs at a time, so that tests do not disturb each other.
struct Server {
    process: Child,
    address: SocketAddr,
    config: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

impl Server {
    fn start() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        raise_open_files();
        let config = std::env::temp_dir().join(format!("tower-hmac-{}.json", std::process::id()));
        let text = format!(
            r#"{{"scheme": "flask-hmac",
                 "app_config": {{"HMAC_KEY": "{KEY}", "MAX_CONTENT_LENGTH": {LIMIT}}}}}"#
        );
        std::fs::write(&config, text).unwrap();
        let mut process = Command::new(program())
            .arg("serve")
            .arg(&config)
            .stdout(Stdio::piped())
            .spawn()
            .expect("cargo build --all-features --example conformance");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().parse().unwrap();
        let server = Self { process, address, config, _alone: alone };
        // The allocations of the first request do not count as the attack's.
        assert_eq!(server.honest(), 200);
        server
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    fn opened(&self, head: &str) -> TcpStream {
        let mut stream = self.connect();
        stream.write_all(head.as_bytes()).unwrap();
        stream
    }

    /// The status of one legitimate request.
    fn honest(&self) -> u16 {
        let body = "honest";
        let (length, value) = (body.len(), signature(body.as_bytes()));
        let head = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nSignature: {value}\r\nContent-Length: {length}\r\n\r\n"
        );
        status(&mut self.opened(&(head + body)))
    }

    /// The peak memory of the process, in bytes.
    fn peak(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let kib: usize = line.trim().trim_end_matches(" kB").parse().unwrap();
        kib * 1024
    }

    /// The CPU time of the process. The kernel counts in hundredths of a second.
    fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_millis(10 * ticks)
    }

    /// The CPU time during the next span of this length.
    fn cpu_of(&self, time: Duration) -> Duration {
        let before = self.cpu();
        thread::sleep(time);
        self.cpu().saturating_sub(before)
    }

    /// Waits until everything sent has been read.
    fn settle(&self) {
        let settled = (0..100).any(|_| self.cpu_of(Duration::from_millis(300)).is_zero());
        assert!(settled, "the server does not come to rest");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_file(&self.config);
    }
}

fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join("examples/conformance")
}

/// Enough for a thousand sockets in this process, and as many in the server, which inherits the
/// limit.
fn raise_open_files() {
    let process = std::process::id().to_string();
    let _ = Command::new("prlimit").args(["--pid", &process, "--nofile=4096:"]).status();
}

fn signature(body: &[u8]) -> String {
    Signer::new(FlaskHmac::new(), SecretKey::new(KEY).unwrap()).signature(body)
}

/// A correct tag for another body: the server must read all of it before it knows.
fn head(framing: &str) -> String {
    let value = signature(b"another body");
    format!("POST / HTTP/1.1\r\nHost: a\r\nSignature: {value}\r\n{framing}\r\n\r\n")
}

const UNSIGNED: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000000\r\n\r\n";
const CHUNKED: &str = "Transfer-Encoding: chunked";

/// The status of the response, or 0 if the server closed the connection first. It may do so if the
/// client keeps sending after a rejection.
fn status(stream: &mut TcpStream) -> u16 {
    let mut start = [0; 12];
    match stream.read_exact(&mut start) {
        Ok(()) => std::str::from_utf8(&start[9..]).unwrap().parse().unwrap(),
        Err(_) => 0,
    }
}

/// Sends until everything is sent or the server stops reading, and returns how much was sent.
fn pour(stream: &mut TcpStream, piece: &[u8], total: usize) -> usize {
    let mut sent = 0;
    while sent < total && stream.write_all(piece).is_ok() {
        sent += piece.len();
    }
    sent
}

fn chunk(size: usize) -> Vec<u8> {
    [format!("{size:x}\r\n").as_bytes(), &vec![b'x'; size], b"\r\n"].concat()
}

/// Runs one attacker on each of this many threads at once.
fn at_once(attackers: usize, attack: impl Fn() + Sync) {
    thread::scope(|scope| {
        for _ in 0..attackers {
            scope.spawn(&attack);
        }
    });
}

#[test]
fn attack_501_64_unsigned_bodies_of_200_mb_at_once() {
    let server = Server::start();
    let before = server.peak();
    at_once(64, || {
        let mut stream = server.opened(UNSIGNED);
        // More than would be drained, so it is not read: only kernel buffers are filled.
        let sent = pour(&mut stream, &[b'x'; 16 * 1024], 200_000_000);
        assert!(sent < 100_000_000, "the server read an unsigned body: {sent}");
    });
    let grown = server.peak() - before;
    println!("64 unsigned bodies of 200 MB: peak memory grew by {} KiB", grown / 1024);
    assert!(grown <= 64 * BESIDE, "{grown}");
    assert_eq!(server.honest(), 200);
}

/// No length is announced: the server reads up to its drain limit, and keeps nothing.
#[test]
fn attack_510_64_unsigned_chunked_bodies_of_200_mb_at_once() {
    let server = Server::start();
    let before = server.peak();
    at_once(64, || {
        let mut stream = server.opened(&format!("POST / HTTP/1.1\r\nHost: a\r\n{CHUNKED}\r\n\r\n"));
        let sent = pour(&mut stream, &chunk(16 * 1024), 200_000_000);
        assert!(sent < 100_000_000, "the server drains past its limit: {sent}");
    });
    let grown = server.peak() - before;
    println!("64 unsigned chunked bodies of 200 MB: peak memory grew by {} KiB", grown / 1024);
    // hyper reads ahead into one buffer while it passes on the other.
    assert!(grown <= 64 * (BESIDE + 2 * READ_AHEAD), "{grown}");
    assert_eq!(server.honest(), 200);
}

/// Drained to the end: every client sees its response.
#[test]
fn attack_511_64_unsigned_bodies_of_10_mb_are_answered() {
    let server = Server::start();
    let before = server.peak();
    at_once(64, || {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10485760\r\n\r\n";
        let mut stream = server.opened(head);
        assert_eq!(pour(&mut stream, &[b'x'; 16 * 1024], 10_485_760), 10_485_760);
        assert_eq!(status(&mut stream), 403);
    });
    let grown = server.peak() - before;
    println!("64 unsigned bodies of 10 MiB: peak memory grew by {} KiB", grown / 1024);
    assert!(grown <= 64 * (BESIDE + 2 * READ_AHEAD), "{grown}");
    assert_eq!(server.honest(), 200);
}

#[test]
fn attack_502_64_bodies_of_200_mb_with_a_wrong_tag_at_once() {
    let server = Server::start();
    let before = server.peak();
    at_once(64, || {
        let mut stream = server.opened(&head(CHUNKED));
        let sent = pour(&mut stream, &chunk(16 * 1024), 200_000_000);
        assert!(sent < 100_000_000, "the server reads past its limit: {sent}");
    });
    let grown = server.peak() - before;
    println!("64 chunked bodies of 200 MB: peak memory grew by {} KiB", grown / 1024);
    // Bytes read ahead exist more than once: in the read buffer, and in frames that are still held.
    assert!(grown <= 64 * (LIMIT + BESIDE + 4 * READ_AHEAD), "{grown}");
    assert_eq!(server.honest(), 200);
}

/// All of them hold as much as possible at the same time: one byte less than the limit.
#[test]
fn attack_503_64_bodies_just_below_the_limit_held_open_in_tiny_chunks() {
    let server = Server::start();
    let before = server.peak();
    let held = Mutex::new(Vec::new());
    at_once(64, || {
        let mut stream = server.opened(&head(CHUNKED));
        let piece = chunk(64).repeat(64);
        pour(&mut stream, &piece, (LIMIT - 1) / (64 * 64) * piece.len());
        held.lock().unwrap().push(stream);
    });
    server.settle();
    let grown = server.peak() - before;
    println!("64 bodies held just below the limit: peak memory grew by {} KiB", grown / 1024);
    assert!(grown >= 64 * LIMIT * 9 / 10, "they are held: {grown}");
    // A growing buffer returns its old memory to the allocator, which may keep it.
    assert!(grown <= 64 * (2 * LIMIT + BESIDE), "{grown}");
    drop(held);
    assert_eq!(server.honest(), 200);
}

#[test]
fn attack_504_an_announced_length_of_10_to_the_15th() {
    let server = Server::start();
    let before = server.peak();
    for length in ["1000000000000000", "9000000000000000000"] {
        let begun = Instant::now();
        let mut stream = server.opened(&head(&format!("Content-Length: {length}")));
        assert_eq!(status(&mut stream), 413, "{length}");
        assert!(begun.elapsed() < Duration::from_secs(1), "at once");
    }
    let grown = server.peak() - before;
    println!("lengths of 10^15 and 9 * 10^18: peak memory grew by {} KiB", grown / 1024);
    assert!(grown <= 1024 * 1024, "{grown}");
}

#[test]
fn attack_505_chunks_without_end() {
    let server = Server::start();
    for size in [1, 1000, 60_000] {
        let mut stream = server.opened(&head(CHUNKED));
        let piece = chunk(size).repeat(60_000 / size);
        let sent = pour(&mut stream, &piece, usize::MAX);
        let answer = status(&mut stream);
        assert!(matches!(answer, 413 | 0), "chunks of {size}: {answer} after {sent} bytes");
    }
    assert_eq!(server.honest(), 200);
}

#[test]
fn attack_506_a_byte_a_second() {
    let server = Server::start();
    let mut slow: Vec<_> = (0..64).map(|_| server.opened(&head("Content-Length: 100"))).collect();
    let before = server.cpu();
    for _ in 0..3 {
        for stream in &mut slow {
            stream.write_all(b"x").unwrap();
        }
        thread::sleep(Duration::from_secs(1));
    }
    let spent = server.cpu().saturating_sub(before);
    println!("64 bodies at a byte a second: {spent:?} of processor time in 3 s");
    assert!(spent < Duration::from_millis(150), "{spent:?}");
    assert_eq!(server.honest(), 200);
}

#[test]
fn attack_507_disconnecting_in_the_middle_of_the_body() {
    let server = Server::start();
    let mut streams: Vec<_> =
        (0..64).map(|_| server.opened(&head("Content-Length: 500000"))).collect();
    let half = vec![b'x'; 250_000];
    for stream in &mut streams {
        stream.write_all(&half).unwrap();
    }
    server.settle();
    drop(streams);
    let spent = server.cpu_of(Duration::from_secs(3));
    println!("64 hang-ups in the middle: {spent:?} of processor time in the 3 s after");
    assert!(spent < Duration::from_millis(50), "{spent:?}");
    assert_eq!(server.honest(), 200);
}

#[test]
fn attack_508_ten_thousand_tags_and_a_header_of_64_kib() {
    let server = Server::start();
    let before = server.cpu();
    let tag = signature(b"");
    let many = vec![tag.as_str(); 10_000].join(",");
    let long = "A".repeat(64 * 1024);
    for value in [&many, &long] {
        for _ in 0..20 {
            let mut stream = server.connect();
            let request = format!("GET / HTTP/1.1\r\nHost: a\r\nSignature: {value}\r\n\r\n");
            let _ = stream.write_all(request.as_bytes());
            let answer = status(&mut stream);
            assert!(matches!(answer, 403 | 431 | 0), "{answer}");
        }
    }
    let spent = server.cpu().saturating_sub(before);
    println!("20 headers of 440 KiB and 20 of 64 KiB: {spent:?} of processor time");
    assert!(spent < Duration::from_secs(1), "{spent:?}");
    assert_eq!(server.honest(), 200);
}

#[test]
fn attack_509_a_thousand_slow_connections_while_honest_requests_go_on() {
    let server = Server::start();
    let mut slow: Vec<_> =
        (0..1000).map(|_| server.opened(&head("Content-Length: 1000"))).collect();
    let mut slowest = Duration::ZERO;
    for _ in 0..3 {
        for stream in &mut slow {
            stream.write_all(b"x").unwrap();
        }
        for _ in 0..50 {
            let begun = Instant::now();
            assert_eq!(server.honest(), 200);
            slowest = slowest.max(begun.elapsed());
        }
    }
    println!("beside 1000 slow connections the slowest honest request took {slowest:?}");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
}
