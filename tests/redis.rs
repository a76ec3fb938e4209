//! The shared replay guard against a real `redis-server`, which each test starts on a free port.
//!
//! Without the program, the tests pass with a line that says so, unless
//! `TOWER_HMAC_REQUIRE_PEERS=1`.
#![allow(missing_docs, unreachable_pub)]

#[path = "it/stamped.rs"]
#[allow(dead_code)]
mod stamped;

#[path = "redis/cluster.rs"]
mod cluster;
#[path = "redis/errors.rs"]
mod errors;
#[cfg(all(feature = "redis-sentinel", feature = "redis-tls"))]
#[path = "redis/forms.rs"]
mod forms;
#[path = "redis/memory.rs"]
mod memory;
#[path = "redis/once.rs"]
mod once;
#[path = "redis/others.rs"]
mod others;
#[path = "redis/server.rs"]
mod server;

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::Request;
use tokio::task::JoinHandle;
use tower_hmac::clock::SystemClock;
use tower_hmac::crypto::Mac;
use tower_hmac::replay::{RedisReplay, ReplayGuard as _};
use tower_hmac::{Algorithm, ErrorKind, KeyMap, SecretKey, Verifier};

use server::{RECOVERY, Server};
use stamped::{Stamped, head, signer};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Accepted,
    Replayed,
    Unavailable,
}

/// A signed request as text.
#[derive(Clone)]
struct Signed {
    number: u64,
    headers: Vec<(String, String)>,
}

impl Signed {
    fn body(&self) -> String {
        format!("order {}", self.number)
    }
}

type Pending = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Several nodes of one service that share a Redis.
trait Nodes: Send + Sync + 'static {
    fn sign(&self) -> Signed;
    fn send(&self, node: usize, request: &Signed) -> Pending;
}

const NODES: usize = 3;

fn next_number() -> u64 {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// Nodes that are verifiers in this process, with separate connections.
struct Verifiers(Vec<Arc<Verifier>>);

impl Verifiers {
    fn new(url: &str) -> Self {
        let node = |_| {
            let guard = RedisReplay::lazy(url).unwrap().with_namespace("orders");
            let keys = KeyMap::named([("aservice", "akey")]).unwrap();
            Arc::new(Verifier::new(Stamped::new(), keys).unwrap().with_replay_guard(guard).unwrap())
        };
        Self((0..NODES).map(node).collect())
    }
}

impl Nodes for Verifiers {
    fn sign(&self) -> Signed {
        let number = next_number();
        let now = tower_hmac::clock::Clock::unix_now(&SystemClock);
        let signer = signer("aservice", "akey", &tower_hmac::clock::ManualClock::new(now));
        let head = head(&signer, format!("order {number}").as_bytes());
        let value = head.headers["x-stamped"].to_str().unwrap().to_owned();
        Signed { number, headers: vec![("x-stamped".into(), value)] }
    }

    fn send(&self, node: usize, request: &Signed) -> Pending {
        let (verifier, request) = (self.0[node].clone(), request.clone());
        Box::pin(async move {
            let mut builder = Request::post("/");
            for (name, value) in &request.headers {
                builder = builder.header(name, value);
            }
            let (head, ()) = builder.body(()).unwrap().into_parts();
            match verifier.verify(&head, request.body().as_bytes()).await {
                Ok(_) => Answer::Accepted,
                Err(error) => match error.kind() {
                    ErrorKind::Replayed => Answer::Replayed,
                    ErrorKind::StoreUnavailable | ErrorKind::ReplayUnknown => Answer::Unavailable,
                    kind => panic!("an honest request was rejected: {kind:?}"),
                },
            }
        })
    }
}

/// Nodes that are processes of the conformance program.
struct Processes {
    nodes: Vec<(Child, String)>,
    client: reqwest::Client,
}

impl Processes {
    /// `None` if the program has not been built. It takes its settings from this folder.
    fn start(folder: &Path, url: &str) -> Option<Self> {
        // target/<profile>/deps/<this test> and target/<profile>/examples/conformance.
        let here = std::env::current_exe().unwrap();
        let program = here.parent().unwrap().parent().unwrap().join("examples/conformance");
        if !program.exists() {
            assert!(
                std::env::var_os("TOWER_HMAC_REQUIRE_PEERS").is_none_or(|value| value != "1"),
                "the conformance program is not built: cargo build --all-features --examples"
            );
            eprintln!("skipped: build the conformance program first");
            return None;
        }
        let config = folder.join("conformance.json");
        let text = serde_json::json!({
            "scheme": "header",
            "header": "X-Signature",
            "keys": { "": "akey" },
            "parts": [{ "timestamp": "X-Timestamp" }, { "literal": "." }, "body"],
            "replay": url,
        });
        std::fs::write(&config, text.to_string()).unwrap();
        let node = |_| {
            let mut child = Command::new(&program)
                .arg("serve")
                .arg(&config)
                // For TLS, the authority of the test is the one that the system trusts.
                .env("SSL_CERT_FILE", folder.join("ca.pem"))
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut line = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
            let address = line.trim().strip_prefix("listening on ").expect("an address");
            (child, format!("http://{address}/"))
        };
        Some(Self { nodes: (0..NODES).map(node).collect(), client: reqwest::Client::new() })
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for (child, _) in &mut self.nodes {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Nodes for Processes {
    fn sign(&self) -> Signed {
        let number = next_number();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
        let mut mac = Mac::new(Algorithm::Sha256, &SecretKey::new("akey").unwrap());
        mac.update(format!("{now}.order {number}").as_bytes());
        let tag = base16ct::lower::encode_string(mac.finalize().as_bytes());
        Signed { number, headers: vec![("X-Timestamp".into(), now), ("X-Signature".into(), tag)] }
    }

    fn send(&self, node: usize, request: &Signed) -> Pending {
        let mut call = self.client.post(&self.nodes[node].1).body(request.body());
        for (name, value) in &request.headers {
            call = call.header(name, value);
        }
        Box::pin(async move {
            match call.send().await.unwrap().status().as_u16() {
                200 => Answer::Accepted,
                403 => Answer::Replayed,
                503 => Answer::Unavailable,
                status => panic!("status {status}"),
            }
        })
    }
}

/// Every node gets the same request at once: exactly one accepts it.
async fn one_of_all_nodes_accepts(nodes: &impl Nodes, rounds: usize) {
    for round in 0..rounds {
        let request = nodes.sign();
        let calls = (0..NODES).map(|node| tokio::spawn(nodes.send(node, &request)));
        let mut accepted = 0;
        for call in calls.collect::<Vec<_>>() {
            match call.await.unwrap() {
                Answer::Accepted => accepted += 1,
                Answer::Replayed => {}
                Answer::Unavailable => panic!("round {round}: the Redis is there"),
            }
        }
        assert_eq!(accepted, 1, "round {round}");
    }
}

/// The outcomes of all requests under load.
#[derive(Default)]
struct Ledger {
    accepted: Mutex<HashMap<u64, usize>>,
    sent: Mutex<Vec<Signed>>,
    unavailable: AtomicU64,
    /// The latest start of an accepted request.
    last_start: Mutex<Option<Instant>>,
}

impl Ledger {
    async fn send(&self, nodes: &impl Nodes, node: usize, request: &Signed) {
        let start = Instant::now();
        match nodes.send(node, request).await {
            Answer::Accepted => {
                *self.accepted.lock().unwrap().entry(request.number).or_default() += 1;
                let mut last = self.last_start.lock().unwrap();
                *last = (*last).max(Some(start));
            }
            Answer::Unavailable => {
                self.unavailable.fetch_add(1, Ordering::Relaxed);
            }
            Answer::Replayed => {}
        }
    }

    /// Six clients, each in a task.
    fn start(ledger: &Arc<Self>, nodes: &Arc<impl Nodes>) -> Vec<JoinHandle<()>> {
        let load = |task| {
            let (ledger, nodes) = (ledger.clone(), nodes.clone());
            tokio::spawn(async move { ledger.load(&*nodes, task).await })
        };
        (0..6).map(load).collect()
    }

    /// Sends new requests and copies of them, endlessly.
    async fn load(&self, nodes: &impl Nodes, task: usize) {
        for turn in task.. {
            let request = nodes.sign();
            self.sent.lock().unwrap().push(request.clone());
            for copy in 0..2 {
                self.send(nodes, (turn + copy) % NODES, &request).await;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Waits until this many more requests got 503.
    async fn see_503(&self, more: u64) {
        let enough = self.unavailable.load(Ordering::Relaxed) + more;
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.unavailable.load(Ordering::Relaxed) < enough {
            assert!(Instant::now() < deadline, "no 503 while the server is away");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until this many more requests were accepted.
    async fn see_accepted(&self, more: usize) {
        let enough = self.accepted.lock().unwrap().len() + more;
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.accepted.lock().unwrap().len() < enough {
            assert!(Instant::now() < deadline, "no service");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits for the first acceptance after this time, and returns how long it took.
    async fn see_service(&self, since: Instant) -> Duration {
        loop {
            let last = *self.last_start.lock().unwrap();
            if last.is_some_and(|last| last > since) {
                return since.elapsed();
            }
            assert!(since.elapsed() < RECOVERY, "no service 10 s after the server's return");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// No request that started after this time has been accepted so far.
    fn nothing_accepted_since(&self, away: Instant) {
        let last = *self.last_start.lock().unwrap();
        assert!(last.is_none_or(|last| last < away), "accepted without the server");
    }

    /// Ends the load, and replays everything that was accepted.
    async fn finish(&self, load: Vec<JoinHandle<()>>, nodes: &impl Nodes) {
        for task in load {
            task.abort();
            assert!(task.await.is_err_and(|error| error.is_cancelled()), "the load failed");
        }
        // Requests accepted before, between and after the outages are all remembered.
        let sent = self.sent.lock().unwrap().clone();
        for (place, request) in sent.iter().enumerate() {
            if self.accepted.lock().unwrap().contains_key(&request.number) {
                self.send(nodes, place % NODES, request).await;
            }
        }
        self.nothing_accepted_twice();
        let accepted = self.accepted.lock().unwrap().len();
        let unavailable = self.unavailable.load(Ordering::Relaxed);
        println!("{} requests, {accepted} accepted once, {unavailable} answers 503", sent.len());
    }

    /// Waits until 200 requests in a row were answered, and returns how long it took.
    async fn see_whole_service(&self, since: Instant, what: &str) {
        loop {
            let before = self.unavailable.load(Ordering::Relaxed);
            self.see_accepted(200).await;
            if self.unavailable.load(Ordering::Relaxed) == before {
                println!("{what}: service again after {:?}", since.elapsed());
                return;
            }
            assert!(since.elapsed() < 2 * RECOVERY, "no whole service");
        }
    }

    fn nothing_accepted_twice(&self) {
        let accepted = self.accepted.lock().unwrap();
        assert!(accepted.values().all(|times| *times == 1), "a replay was accepted");
    }
}

/// Stops, freezes and restarts the server under load.
async fn outages_let_no_replay_pass(server: &mut Server, nodes: Arc<impl Nodes>) {
    let ledger = Arc::new(Ledger::default());
    let load = Ledger::start(&ledger, &nodes);
    ledger.see_accepted(200).await;

    for outage in ["frozen", "stopped", "frozen", "restarted"] {
        match outage {
            "frozen" => server.freeze(),
            _ => server.kill(),
        }
        let away = Instant::now();
        if outage != "restarted" {
            ledger.see_503(40).await;
            ledger.nothing_accepted_since(away);
        }
        let gone = away.elapsed();
        match outage {
            "frozen" => server.signal("-CONT"),
            _ => server.run(),
        }
        let recovery = ledger.see_service(Instant::now()).await;
        ledger.see_accepted(200).await;
        println!("{outage} for {gone:?}: service again after {recovery:?}");
        ledger.nothing_accepted_twice();
    }

    ledger.finish(load, &*nodes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn of_three_nodes_exactly_one_accepts_a_request() {
    let Some(server) = Server::start() else { return };
    one_of_all_nodes_accepts(&Verifiers::new(&server.url()), 500).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn no_outage_of_the_server_lets_a_replay_pass() {
    let Some(mut server) = Server::start() else { return };
    let nodes = Arc::new(Verifiers::new(&server.url()));
    outages_let_no_replay_pass(&mut server, nodes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
#[ignore = "takes long: scripts/redis"]
async fn of_three_processes_exactly_one_accepts_a_request() {
    let Some(server) = Server::start() else { return };
    let Some(nodes) = Processes::start(&server.folder, &server.url()) else { return };
    one_of_all_nodes_accepts(&nodes, 2_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
#[ignore = "takes long: scripts/redis"]
async fn no_outage_lets_a_replay_pass_in_three_processes() {
    let Some(mut server) = Server::start() else { return };
    let Some(nodes) = Processes::start(&server.folder, &server.url()) else { return };
    outages_let_no_replay_pass(&mut server, Arc::new(nodes)).await;
}

#[tokio::test]
async fn an_unreachable_server_is_found_at_the_start_or_gives_503() {
    // Nobody listens on port 1.
    assert!(RedisReplay::connect("redis://127.0.0.1:1/").await.is_err());
    let nodes = Verifiers::new("redis://127.0.0.1:1/");
    let start = Instant::now();
    assert_eq!(nodes.send(0, &nodes.sign()).await, Answer::Unavailable);
    assert!(start.elapsed() < Duration::from_secs(1), "after {:?}", start.elapsed());
}

#[tokio::test]
async fn a_guard_fails_open_only_if_configured() {
    let guard = RedisReplay::lazy("redis://127.0.0.1:1/").unwrap().dangerous_fail_open();
    let key = tower_hmac::replay::ReplayKey::from_bytes([1; 32]);
    for _ in 0..2 {
        let answer =
            guard.claim(&tower_hmac::replay::ReplayRequest::new(key, 100, 0)).await.unwrap();
        assert_eq!(answer, tower_hmac::replay::Replay::Claimed);
    }
}

#[test]
fn an_invalid_address_is_rejected_without_repeating_it() {
    let error = RedisReplay::lazy("http://user:pass123@host/").unwrap_err();
    assert!(!error.to_string().contains("pass123"));
    let guard = RedisReplay::lazy("redis://user:pass123@host/").unwrap();
    let debug = format!("{guard:?}");
    assert!(debug.starts_with("RedisReplay { namespace: \"") && !debug.contains("pass123"));
}

/// A command is an array (`*3`) with one answer. A command with `GET` wrote the mark.
fn answers(commands: &[u8]) -> Vec<u8> {
    let commands = commands.split(|byte| *byte == b'*').skip(1);
    let answer = |command: &[u8]| {
        if String::from_utf8_lossy(command).contains("GET") { "$-1\r\n" } else { "+OK\r\n" }
    };
    commands.flat_map(|command| answer(command).bytes()).collect()
}

/// Answers OK to everything, but nothing more on connections that are to be silent.
struct Doll {
    address: std::net::SocketAddr,
    connections: Arc<AtomicU64>,
    /// Connections before this one are silent.
    first_awake: Arc<AtomicU64>,
}

impl Doll {
    fn start() -> Self {
        use std::io::{Read as _, Write as _};

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, first_awake) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (count, awake) = (connections.clone(), first_awake.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, awake) = (stream.unwrap(), awake.clone());
                let number = count.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || {
                    let mut buffer = [0; 4096];
                    while let Ok(len @ 1..) = stream.read(&mut buffer) {
                        if number >= awake.load(Ordering::SeqCst) {
                            stream.write_all(&answers(&buffer[..len])).unwrap();
                        }
                    }
                });
            }
        });
        Self { address, connections, first_awake }
    }
}

/// If a firewall drops a connection, it hangs for a quarter of an hour.
#[tokio::test]
async fn a_silent_connection_is_replaced_and_a_good_one_kept() {
    use tower_hmac::replay::{Replay, ReplayKey, ReplayRequest};

    let pass_a_second = async || {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(1)).await;
        tokio::time::resume();
    };
    let doll = Doll::start();
    let guard = RedisReplay::lazy(&format!("redis://{}/", doll.address)).unwrap();
    let claim = async || {
        guard.claim(&ReplayRequest::new(ReplayKey::from_bytes([1; 32]), 100, 0)).await.ok()
    };
    assert_eq!(claim().await, Some(Replay::Claimed));
    pass_a_second().await;
    assert_eq!(claim().await, Some(Replay::Claimed));
    assert_eq!(claim().await, Some(Replay::Claimed));
    assert_eq!(doll.connections.load(Ordering::SeqCst), 1);

    doll.first_awake.store(1, Ordering::SeqCst);
    assert_eq!(claim().await, None);
    assert_eq!(claim().await, Some(Replay::Claimed));
    assert_eq!(doll.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_namespace_and_a_time_to_live_keep_entries_apart() {
    use tower_hmac::replay::Replay::{Claimed, Seen};

    let Some(server) = Server::start() else { return };
    let one = RedisReplay::connect(&server.url()).await.unwrap().with_namespace("one");
    let two = RedisReplay::connect(&server.url()).await.unwrap().with_namespace("two");
    let key = tower_hmac::replay::ReplayKey::from_bytes([1; 32]);
    assert_eq!(
        one.claim(&tower_hmac::replay::ReplayRequest::new(key, 100, 0)).await.unwrap(),
        Claimed
    );
    assert_eq!(
        two.claim(&tower_hmac::replay::ReplayRequest::new(key, i64::MAX, 0)).await.unwrap(),
        Claimed
    );
    assert_eq!(
        one.claim(&tower_hmac::replay::ReplayRequest::new(key, 100, 0)).await.unwrap(),
        Seen
    );
    assert_eq!(
        two.claim(&tower_hmac::replay::ReplayRequest::new(key, i64::MAX, 0)).await.unwrap(),
        Seen
    );

    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let name = |namespace| format!("tower-hmac:{namespace}:{}", "01".repeat(32));
    let mut ttl = async |name: String| -> i64 {
        redis::cmd("PTTL").arg(name).query_async(&mut connection).await.unwrap()
    };
    // 100 s, the second itself, the timeout of 0.5 s, and 10 s between clocks.
    let left = ttl(name("one")).await;
    assert!((110_000..=111_500).contains(&left), "{left} ms");
    assert_eq!(ttl(name("two")).await, -1, "kept for ever");

    // Redis could count further, but 101 years are treated as for ever, and 99 are not.
    for (years, is_counted) in [(99, true), (101, false)] {
        let key = tower_hmac::replay::ReplayKey::from_bytes([years; 32]);
        let keep_until = i64::from(years) * 365 * 24 * 3600;
        assert_eq!(
            one.claim(&tower_hmac::replay::ReplayRequest::new(key, keep_until, 0)).await.unwrap(),
            Claimed
        );
        let name = format!("tower-hmac:one:{}", format!("{years:02x}").repeat(32));
        assert_eq!(ttl(name).await > 0, is_counted, "{years} years");
    }
}
