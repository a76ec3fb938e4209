//! Messages that are handled once, by all nodes of a service.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::post;
use http::{Request, StatusCode};
use tower_hmac::once::{Acquired, OnceKey, OnceLayer, OnceRequest, OnceStore, RedisOnce};
use tower_hmac::webhooks::StandardWebhooks;
use tower_hmac::{KeyMap, SecretKey, Signer, VerifyLayer};

use crate::server::Server;

#[path = "../it/once/contract.rs"]
mod contract;

struct Subject {
    server: Server,
    store: RedisOnce,
}

impl Subject {
    fn start() -> Option<Self> {
        let server = Server::start()?;
        let store = RedisOnce::lazy(&server.url()).unwrap();
        Some(Self { server, store })
    }
}

impl contract::Subject for Subject {
    fn store(&self) -> &dyn OnceStore {
        &self.store
    }

    fn now(&self) -> i64 {
        1_700_000_000
    }

    /// Shortens the remaining time of each entry by this much.
    fn pass(&mut self, seconds: i64) {
        for name in self.server.command::<Vec<String>>("KEYS tower-hmac-once:*") {
            let left: i64 = self.server.command(&format!("PTTL {name}"));
            let left = (left - seconds * 1000).max(0);
            let _: i64 = self.server.command(&format!("PEXPIRE {name} {left}"));
        }
    }
}

crate::once_contract!(Subject::start());

fn request(byte: &str) -> OnceRequest<'static> {
    OnceRequest::new(OnceKey::new("scheme", None, byte), None, Duration::from_secs(60), 0)
}

#[tokio::test]
async fn handled_messages_survive_a_restart() {
    let Some(mut server) = Server::start() else { return };
    let store = RedisOnce::connect(&server.url()).await.unwrap().with_namespace("billing");
    let Acquired::New(lease) = store.acquire(&request("a")).await.unwrap() else { panic!() };
    assert!(store.complete(&lease, 1000, 0).await.unwrap());
    server.kill();
    for _ in 0..100 {
        assert!(store.acquire(&request("a")).await.is_err());
    }
    server.run();
    let deadline = Instant::now() + Duration::from_secs(2);
    let acquired = loop {
        match store.acquire(&request("a")).await {
            Ok(acquired) => break acquired,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(acquired, Acquired::Done);
}

#[tokio::test]
async fn a_handled_message_is_remembered_through_its_last_second() {
    let Some(server) = Server::start() else { return };
    let store = RedisOnce::lazy(&server.url()).unwrap();
    let Acquired::New(lease) = store.acquire(&request("a")).await.unwrap() else { panic!() };
    let time: Vec<i64> = server.command("TIME");
    assert!(store.complete(&lease, 1_000_000, 0).await.unwrap());
    let name = &server.command::<Vec<String>>("KEYS *")[0];
    // PTTL would depend on how fast this test runs.
    let end: i64 = server.command(&format!("PEXPIRETIME {name}"));
    let least = time[0] * 1000 + time[1] / 1000 + 1_000_001_000;
    assert!(end >= least, "{end} {least}");
}

/// The server grants it when it thaws. The owner is unknown to all retries.
#[tokio::test]
async fn a_lease_whose_answer_was_lost_is_released() {
    let Some(server) = Server::start() else { return };
    let store = RedisOnce::connect(&server.url()).await.unwrap();
    let store = store.with_timeout(Duration::from_millis(100));
    store.acquire(&request("other")).await.unwrap();
    server.freeze();
    assert!(store.acquire(&request("a")).await.is_err());
    server.signal("-CONT");
    let deadline = Instant::now() + Duration::from_secs(10);
    while !matches!(store.acquire(&request("a")).await, Ok(Acquired::New(_))) {
        assert!(Instant::now() < deadline, "the lease was kept");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Otherwise the response is sent, and the message is handled again.
#[tokio::test]
async fn a_completion_is_repeated_on_a_new_connection() {
    let Some(server) = Server::start() else { return };
    let store = RedisOnce::connect(&server.url()).await.unwrap();
    let store = store.with_timeout(Duration::from_millis(200));
    let Acquired::New(lease) = store.acquire(&request("a")).await.unwrap() else { panic!() };
    let _: i64 = server.command("CLIENT KILL TYPE normal SKIPME yes");
    assert!(store.complete(&lease, 1000, 0).await.unwrap());
    assert_eq!(store.acquire(&request("a")).await.unwrap(), Acquired::Done);

    // The server runs it, and its answer is lost.
    let Acquired::New(lease) = store.acquire(&request("b")).await.unwrap() else { panic!() };
    server.freeze();
    let thaw = async {
        tokio::time::sleep(Duration::from_millis(250)).await;
        server.signal("-CONT");
    };
    let (completed, ()) = tokio::join!(store.complete(&lease, 1000, 0), thaw);
    assert!(completed.unwrap());
    assert_eq!(store.acquire(&request("b")).await.unwrap(), Acquired::Done);
}

/// A lost record must not make a message look handled.
#[tokio::test]
async fn a_message_whose_record_was_lost_is_handled_again() {
    let Some(server) = Server::start() else { return };
    let store = RedisOnce::lazy(&server.url()).unwrap();
    let Acquired::New(lease) = store.acquire(&request("a")).await.unwrap() else { panic!() };
    assert!(store.complete(&lease, 1000, 0).await.unwrap());
    let _: () = server.command("FLUSHALL");
    assert!(matches!(store.acquire(&request("a")).await, Ok(Acquired::New(_))));
}

#[tokio::test]
async fn an_unsuitable_server_is_reported() {
    let Some(server) = Server::start() else { return };
    let user = |name: &str, rights: &str| {
        let _: () = server.command(&format!("ACL SETUSER {name} on >pa55phrase {rights}"));
        server.url_of(&format!("{name}:pa55phrase"))
    };
    let rights = "~tower-hmac-once:* +eval +get +set +del +pttl";
    let store = RedisOnce::connect(&user("full", &format!("{rights} +info"))).await.unwrap();
    assert!(matches!(store.acquire(&request("a")).await, Ok(Acquired::New(_))));
    RedisOnce::connect(&user("least", rights)).await.unwrap();
    for missing in ["eval", "get", "set", "del", "pttl"] {
        let url = user(missing, &format!("{rights} -{missing}"));
        let error = RedisOnce::connect(&url).await.unwrap_err().to_string();
        assert!(error.contains("Redis replied"), "without {missing}: {error}");
    }
    let error = RedisOnce::connect(&server.url_of("nobody:pa55phrase")).await.unwrap_err();
    assert!(error.to_string().contains("WRONGPASS"), "{error}");
    let _: () = server.command("CONFIG SET maxmemory-policy allkeys-lru");
    let error = RedisOnce::connect(&server.url()).await.unwrap_err().to_string();
    assert!(error.contains("allkeys-lru"), "{error}");
    let store = RedisOnce::lazy(&server.url()).unwrap().with_eviction_accepted();
    store.checked().await.unwrap();
}

const SECRET: &str = "c8Jq2nVd0sXy5tRw";
/// How long a dead node keeps its lease on messages, in seconds.
const LEASE: u64 = 2;
const DELIVERIES: usize = 500;
const NODES: usize = 3;

/// A node of the service in a separate process: this program, started with a folder that all nodes
/// share.
///
/// The first handling of a message fails, on whatever node. A successful one writes a line to the
/// ledger. While a file with the node's number exists, its handler hangs.
#[tokio::test]
#[ignore = "is started by the test below"]
async fn a_node() {
    let Ok(folder) = std::env::var("TOWER_HMAC_TEST_NODE") else { return };
    let url = fs::read_to_string(format!("{folder}/url")).unwrap();
    let hangs = format!("{folder}/hangs-{}", std::process::id());
    let handler = move |id: String| {
        let (folder, hangs) = (folder.clone(), hangs.clone());
        async move {
            if Path::new(&hangs).exists() {
                File::create(format!("{folder}/held-{id}")).unwrap();
                std::future::pending::<()>().await;
            }
            if File::create_new(format!("{folder}/failed-{id}")).is_ok() {
                return StatusCode::INTERNAL_SERVER_ERROR;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            let ledger = OpenOptions::new().append(true).create(true).open(folder + "/ledger");
            ledger.unwrap().write_all(format!("{id}\n").as_bytes()).unwrap();
            StatusCode::OK
        }
    };
    let once =
        OnceLayer::new(RedisOnce::lazy(&url).unwrap()).with_lease(Duration::from_secs(LEASE));
    let keys = KeyMap::single(SecretKey::new(SECRET).unwrap()).unwrap();
    let verify = VerifyLayer::new(StandardWebhooks::new(), keys).unwrap();
    let app: Router = Router::new().route("/", post(handler)).layer(once).layer(verify);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("listening on {}", listener.local_addr().unwrap());
    axum::serve(listener, app).await.unwrap();
}

struct Node {
    child: Child,
    url: String,
}

impl Node {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "once::a_node"])
            .env("TOWER_HMAC_TEST_NODE", folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| {
            line.unwrap().split_once("listening on ").map(|(_, address)| address.to_owned())
        });
        Self { child, url: format!("http://{}/", address.expect("an address")) }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a message as a legitimate sender does: signed again, with the same ID. `None` if the node
/// did not answer.
async fn deliver(client: &reqwest::Client, url: &str, id: usize) -> Option<StatusCode> {
    let signer = Signer::new(StandardWebhooks::new(), SecretKey::new(SECRET).unwrap());
    let request = Request::post(url).header("webhook-id", format!("msg_{id}"));
    let request = signer.sign(request.body(id.to_string()).unwrap()).unwrap();
    let (head, body) = request.into_parts();
    let call = client.post(url).headers(head.headers).body(body).timeout(Duration::from_secs(5));
    Some(call.send().await.ok()?.status())
}

/// The Park-Miller generator, the same in each run.
struct Random(usize);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0 * 48_271 % 2_147_483_647;
        self.0 % limit
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
#[ignore = "takes long: scripts/redis"]
async fn of_500_deliveries_that_fail_first_none_is_lost_and_none_is_handled_twice() {
    let Some(server) = Server::start() else { return };
    let folder = server.folder.clone();
    fs::write(folder.join("url"), server.url()).unwrap();
    let mut nodes: Vec<Node> = (0..NODES).map(|_| Node::start(&folder)).collect();
    let urls: Arc<Vec<String>> = Arc::new(nodes.iter().map(|node| node.url.clone()).collect());
    let client = reqwest::Client::new();

    // Each one four times, in random order to random nodes.
    let mut random = Random(20);
    let mut sends: Vec<usize> = (0..DELIVERIES).flat_map(|id| [id; 4]).collect();
    for place in (1..sends.len()).rev() {
        sends.swap(place, random.below(place + 1));
    }
    let hangs = folder.join(format!("hangs-{}", nodes[0].child.id()));
    let mut tasks = Vec::new();
    let answers = Arc::new(AtomicUsize::new(0));
    for (place, id) in sends.into_iter().enumerate() {
        if place == DELIVERIES * 2 {
            File::create(&hangs).unwrap();
        }
        let node = random.below(NODES);
        let (client, urls, answers) = (client.clone(), urls.clone(), answers.clone());
        tasks.push(tokio::spawn(async move {
            let answer = deliver(&client, &urls[node], id).await;
            answers.fetch_add(usize::from(answer.is_some()), Ordering::Relaxed);
        }));
        tokio::time::sleep(Duration::from_millis(random.below(4) as u64)).await;
        if place == DELIVERIES * 2 + 300 {
            let _ = nodes[0].child.kill();
        }
    }
    for task in tasks {
        task.await.unwrap();
    }
    let held = fs::read_dir(&folder)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("held-"));
    let held = held.count();
    assert!(held > 0, "the node that was killed held no message");

    // A legitimate sender retries until it gets a 2xx.
    let deadline = Instant::now() + Duration::from_secs(20);
    for id in 0..DELIVERIES {
        while deliver(&client, &urls[1 + id % 2], id).await != Some(StatusCode::OK) {
            assert!(Instant::now() < deadline, "message {id} is lost");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let ledger = fs::read_to_string(folder.join("ledger")).unwrap();
    let mut handled: Vec<usize> = ledger.lines().map(|line| line.parse().unwrap()).collect();
    handled.sort_unstable();
    println!(
        "{DELIVERIES} deliveries, 2,000 sends, {} answered; {held} leases of the node that was \
         killed were taken over; handled: {}",
        answers.load(Ordering::Relaxed),
        handled.len()
    );
    assert!(handled.iter().copied().eq(0..DELIVERIES), "lost, or handled twice");
}
