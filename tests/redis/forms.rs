//! Deployments of Redis: TLS, Sentinels, and addresses of other kinds.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::{Client, TlsCertificates};
use tower_hmac::ConfigError;
use tower_hmac::once::RedisOnce;
use tower_hmac::replay::{RedisReplay, Replay, ReplayGuard as _, ReplayKey, ReplayRequest};

use crate::server::{DURABLE, Server, free_port, has};
use crate::{Ledger, Processes, one_of_all_nodes_accepts, outages_let_no_replay_pass};

/// Three guards with separate connections.
fn nodes(guard: impl Fn() -> RedisReplay) -> [RedisReplay; 3] {
    [guard(), guard(), guard()]
}

fn request(number: u32, created: i64) -> ReplayRequest<'static> {
    let mut bytes = [7; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    ReplayRequest::new(ReplayKey::from_bytes(bytes), created + 300, created).with_created(created)
}

/// Sends the same request to all nodes at once: exactly one accepts it.
async fn one_accepts(nodes: &[RedisReplay; 3], numbers: std::ops::Range<u32>, now: i64) {
    for number in numbers {
        let answers = nodes.each_ref().map(|node| node.claim(&request(number, now)));
        let mut claimed = 0;
        for answer in futures_util::future::join_all(answers).await {
            claimed += usize::from(answer.unwrap() == Replay::Claimed);
        }
        assert_eq!(claimed, 1, "request {number}");
    }
}

/// How many of these requests are accepted again.
async fn replays(node: &RedisReplay, numbers: std::ops::Range<u32>, now: i64) -> usize {
    let mut replays = 0;
    for number in numbers {
        let request = request(number, now);
        let again = ReplayRequest::new(*request.key(), now + 300, now + 60).with_created(now);
        replays += usize::from(node.claim(&again).await.unwrap() == Replay::Claimed);
    }
    replays
}

/// Makes a certificate authority and a certificate for 127.0.0.1.
pub fn certificate(folder: &Path) {
    let script = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
        -subj /CN=authority -keyout ca.key -out ca.pem && \
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=redis \
        -keyout redis.key -out redis.csr && \
        printf 'subjectAltName=IP:127.0.0.1' > san && \
        openssl x509 -req -in redis.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
        -extfile san -out redis.pem";
    let output = Command::new("sh").args(["-c", script]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A server with TLS at 127.0.0.1, whose authority is in `ca.pem` of its folder.
fn start_tls(more: &[&str]) -> Option<Server> {
    if !has("redis-server", "redis-server") {
        return None;
    }
    let port = free_port();
    let settings = format!(
        "redis-server --bind 127.0.0.1 --port 0 --tls-port {port} --tls-auth-clients no \
         --tls-cert-file redis.pem --tls-key-file redis.key --tls-ca-cert-file ca.pem --save "
    );
    let program = settings.split(' ').chain(more.iter().copied()).map(str::to_owned);
    Some(Server::run_program_with(port, program.collect(), |folder| {
        certificate(folder);
    }))
}

#[tokio::test]
async fn over_tls_exactly_one_of_three_nodes_accepts_a_request() {
    let Some(server) = start_tls(&["--requirepass", "pa55phrase"]) else { return };
    let authority = std::fs::read(server.folder.join("ca.pem")).unwrap();
    let url = format!("rediss://:pa55phrase@127.0.0.1:{}/", server.port);
    let client = || {
        let trusted = TlsCertificates { client_tls: None, root_cert: Some(authority.clone()) };
        Client::build_with_tls(url.as_str(), trusted).unwrap()
    };
    let nodes = nodes(|| RedisReplay::from_client(client()));
    for node in &nodes {
        let start = Instant::now();
        node.clone().checked().await.unwrap();
        println!("connected over TLS in {:?}", start.elapsed());
    }
    one_accepts(&nodes, 0..500, 1_800_000_000).await;
    RedisOnce::from_client(client()).checked().await.unwrap();

    // An authority that is not trusted, and the two protocols swapped.
    let untrusted = RedisReplay::connect(&url).await.unwrap_err().to_string();
    assert!(untrusted.contains("certificate"), "{untrusted}");
    let plain = RedisReplay::connect(&url.replace("rediss", "redis")).await.unwrap_err();
    assert!(plain.to_string().contains("TLS"), "{plain}");
    let Some(other) = Server::start_with(&[]) else { return };
    let tls = RedisReplay::connect(&other.url().replace("redis:", "rediss:")).await.unwrap_err();
    // That server waits for the end of a line.
    assert!(tls.to_string().contains("did not answer in time"), "{tls}");
}

/// With a user that has the rights of the docs.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
#[ignore = "takes long: scripts/redis"]
async fn over_tls_three_processes_let_no_replay_pass() {
    let user = "--user guard on >pa55phrase ~tower-hmac:* +set +info";
    let settings: Vec<_> = user.split(' ').chain(DURABLE).collect();
    let Some(mut server) = start_tls(&settings) else { return };
    let url = format!("rediss://guard:pa55phrase@127.0.0.1:{}/", server.port);
    let Some(nodes) = Processes::start(&server.folder, &url) else { return };
    one_of_all_nodes_accepts(&nodes, 500).await;
    outages_let_no_replay_pass(&mut server, Arc::new(nodes)).await;
}

/// A primary, its replica, and a Sentinel that watches both.
struct Watched {
    one: Server,
    _two: Server,
    sentinel: Server,
}

impl Watched {
    fn start() -> Option<Self> {
        let (one, two) = (Server::start_with(&[])?, Server::start_with(&[])?);
        two.follow(&one);
        let port = free_port();
        let config = format!(
            "port {port}\nbind 127.0.0.1\nsentinel monitor billing 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds billing 300\nsentinel failover-timeout billing 3000\n",
            one.port
        );
        let program = ["redis-server", "sentinel.conf", "--sentinel"].map(str::to_owned).to_vec();
        let sentinel = Server::run_program_with(port, program, |folder| {
            std::fs::write(folder.join("sentinel.conf"), config).unwrap();
        });
        // The Sentinel has to learn of the replica first.
        let start = Instant::now();
        while sentinel.command::<Vec<redis::Value>>("SENTINEL REPLICAS billing").is_empty() {
            assert!(start.elapsed() < Duration::from_secs(15), "no replica is known");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(Self { one, _two: two, sentinel })
    }

    fn url(&self) -> String {
        // The first address leads nowhere.
        format!("redis+sentinel://127.0.0.1:1,127.0.0.1:{}/billing", self.sentinel.port)
    }
}

/// The new primary does not claim to know entries that it lacks.
#[tokio::test]
#[ignore = "takes long: scripts/redis"]
async fn a_failover_by_a_sentinel_lets_no_replay_pass() {
    let Some(mut watched) = Watched::start() else { return };
    let url = watched.url();
    let nodes = nodes(|| RedisReplay::lazy(&url).unwrap());
    let now = 1_800_000_000;
    one_accepts(&nodes, 0..500, now).await;

    watched.one.kill();
    let start = Instant::now();
    let mut number = 500;
    for node in &nodes {
        while node.claim(&request(number, now + 60)).await.is_err() {
            assert!(start.elapsed() < Duration::from_secs(15), "no failover");
            number += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    println!("service again {:?} after the primary was killed", start.elapsed());
    for node in &nodes {
        assert_eq!(replays(node, 0..500, now).await, 0);
    }
    one_accepts(&nodes, 100_000..100_500, now + 61).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
#[ignore = "takes long: scripts/redis"]
async fn with_a_sentinel_three_processes_let_no_replay_pass() {
    let Some(watched) = Watched::start() else { return };
    let Some(nodes) = Processes::start(&watched.one.folder, &watched.url()) else { return };
    one_of_all_nodes_accepts(&nodes, 500).await;

    let (nodes, ledger) = (Arc::new(nodes), Arc::new(Ledger::default()));
    let load = Ledger::start(&ledger, &nodes);
    ledger.see_accepted(200).await;
    watched.one.freeze();
    ledger.see_503(10).await;
    ledger.see_whole_service(Instant::now(), "a Sentinel, its primary frozen").await;
    // The old primary finds out that it is a replica now.
    watched.one.signal("-CONT");
    ledger.see_accepted(200).await;
    ledger.finish(load, &*nodes).await;
}

#[test]
fn an_address_of_another_kind_is_rejected_without_repeating_it() {
    for url in [
        "http://user:pa55phrase@host/",
        "redis+cluster://",
        "redis+cluster://user:pa55phrase@",
        "redis+cluster://user:pa55phrase@one:7000,",
        "redis+cluster://user:pa55phrase@one:port,two:7000",
        // A cluster has only one database.
        "redis+cluster://user:pa55phrase@one:7000/1",
        "redis+cluster://user:pa55phrase@one:7000/?protocol=resp3",
        "redis+sentinel://user:pa55phrase@host",
        "redis+sentinel://user:pa55phrase@host:26379/",
        "redis+sentinel://user:pa55phrase@host:26379/billing/no-number",
        "",
    ] {
        for error in [RedisReplay::lazy(url).unwrap_err(), RedisOnce::lazy(url).unwrap_err()] {
            assert!(matches!(error, ConfigError::Invalid { .. }));
            assert!(!error.to_string().contains("pa55phrase"), "{error}");
        }
    }
    for url in [
        "valkey://host/",
        "redis+cluster://one:7000,two:7001/",
        "rediss+cluster://:pa55phrase@[::1]:7000",
    ] {
        assert!(RedisReplay::lazy(url).is_ok(), "{url}");
    }
}
