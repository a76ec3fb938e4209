//! A cluster of three primaries, each with a replica.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::Client;
use tower_hmac::once::RedisOnce;
use tower_hmac::replay::{RedisReplay, Replay, ReplayGuard as _, ReplayKey, ReplayRequest};

use crate::server::{RECOVERY, Server, free_port, has};
use crate::{Ledger, Processes, Verifiers, one_of_all_nodes_accepts};

const PRIMARIES: usize = 3;
/// The time without an answer after which the others consider a node failed.
const NODE_TIMEOUT: Duration = Duration::from_secs(2);
/// For tests without an outage, so that a busy machine does not look like one.
const LONG_NODE_TIMEOUT: Duration = Duration::from_secs(15);

struct Cluster {
    nodes: Vec<Server>,
}

impl Cluster {
    /// `None` if Redis is not installed.
    fn start(node_timeout: Duration) -> Option<Self> {
        is_installed()
            .then(|| Self::of((0..2 * PRIMARIES).map(|_| node(node_timeout, "")).collect()))
    }

    /// Makes a cluster of three primaries. The other nodes are replicas.
    fn of(nodes: Vec<Server>) -> Self {
        let replicas = nodes.len() / PRIMARIES - 1;
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create"]);
        create.args(nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)));
        create.args(["--cluster-replicas", &replicas.to_string(), "--cluster-yes"]);
        assert!(create.stdout(Stdio::null()).status().unwrap().success());
        let cluster = Self { nodes };
        cluster.wait();
        cluster
    }

    /// Waits until the cluster is complete.
    fn wait(&self) {
        let deadline = Instant::now() + 3 * RECOVERY;
        while !self.nodes.iter().all(|node| self.is_ready(node)) {
            assert!(Instant::now() < deadline, "the cluster is not whole");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Returns whether a node sees the whole cluster, with replicas that have all data.
    fn is_ready(&self, node: &Server) -> bool {
        let replicas = self.nodes.len() - PRIMARIES;
        let nodes: String = node.command("CLUSTER NODES");
        node.command::<String>("CLUSTER INFO").contains("cluster_state:ok")
            && nodes.lines().filter(|line| line.contains("slave")).count() == replicas
            && (node.command::<String>("INFO replication").contains("role:master")
                || node.command::<String>("INFO replication").contains("master_link_status:up"))
    }

    fn url(&self) -> String {
        let hosts: Vec<_> =
            self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// The index of a primary, and of its replica.
    fn primary(&self) -> (usize, usize) {
        let place =
            |port: &str| self.nodes.iter().position(|node| node.port.to_string() == port).unwrap();
        let port = |line: &str| {
            let address = line.split(' ').nth(1).unwrap();
            address.split('@').next().unwrap().rsplit(':').next().unwrap().to_owned()
        };
        let text: String = self.nodes[0].command("CLUSTER NODES");
        let replica = text.lines().find(|line| line.contains("slave")).unwrap();
        let id = replica.split(' ').nth(3).unwrap();
        let primary = text.lines().find(|line| line.starts_with(id)).unwrap();
        (place(&port(primary)), place(&port(replica)))
    }
}

fn is_installed() -> bool {
    has("redis-server", "redis-server") && has("redis-cli", "redis-tools")
}

/// Starts a node, with more settings.
fn node(node_timeout: Duration, more: &str) -> Server {
    // The nodes talk to each other on a separate port, by default 10,000 higher.
    let (port, bus) = (free_port(), free_port());
    let program = format!(
        "redis-server --bind 127.0.0.1 --port {port} --cluster-port {bus} --save  --appendonly yes \
         --appendfsync always --cluster-enabled yes --cluster-replica-validity-factor 0 \
         --cluster-node-timeout {}{more}",
        node_timeout.as_millis()
    );
    Server::run_program(port, program.split(' ').map(str::to_owned).collect())
}

fn request(number: u32, created: i64) -> ReplayRequest<'static> {
    // The last bytes differ only a little, and the first ones come from a hash.
    let mut bytes = [7; 32];
    bytes[..4].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_le_bytes());
    ReplayRequest::new(ReplayKey::from_bytes(bytes), created + 300, created).with_created(created)
}

/// Sends these requests again, and counts how many are accepted.
async fn accepted(guard: &RedisReplay, numbers: impl Iterator<Item = u32>, created: i64) -> usize {
    let mut accepted = 0;
    for number in numbers {
        let request = request(number, created);
        let again = ReplayRequest::new(*request.key(), created + 300, created + 60);
        let answer = guard.claim(&again.with_created(created)).await.unwrap();
        accepted += usize::from(answer == Replay::Claimed);
    }
    accepted
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn in_a_cluster_exactly_one_of_three_nodes_accepts_a_request() {
    let Some(cluster) = Cluster::start(LONG_NODE_TIMEOUT) else { return };
    let nodes = Verifiers::new(&cluster.url());
    one_of_all_nodes_accepts(&nodes, 500).await;
    // Each primary has a part of the entries, and a mark for each hash tag.
    let keys = cluster.nodes.iter().map(|node| {
        let is_primary = node.command::<String>("INFO replication").contains("role:master");
        if is_primary { node.command::<usize>("DBSIZE") } else { 0 }
    });
    let keys: Vec<_> = keys.filter(|keys| *keys > 0).collect();
    assert_eq!(keys.len(), PRIMARIES, "{keys:?}");
    assert_eq!(keys.iter().sum::<usize>(), 500 + 16, "{keys:?}");
    assert!(keys.iter().all(|keys| *keys > 100), "{keys:?}");

    // Braces in the name of the service are no hash tag.
    let guard = RedisReplay::lazy(&cluster.url()).unwrap().with_namespace("{}");
    let guard = guard.checked().await.unwrap();
    for number in 0..50 {
        let request = request(number, 1_800_000_000);
        assert_eq!(guard.claim(&request).await.unwrap(), Replay::Claimed);
        assert_eq!(guard.claim(&request).await.unwrap(), Replay::Seen);
    }
    let once = RedisOnce::lazy(&cluster.url()).unwrap().with_namespace("{}");
    once.checked().await.unwrap();
    let one = Client::open(cluster.nodes[4].url()).unwrap();
    RedisOnce::from_cluster([one.clone()]).unwrap().checked().await.unwrap();
    RedisReplay::from_cluster([one]).unwrap().checked().await.unwrap();
    assert!(RedisReplay::from_cluster([]).is_err());
    let single = RedisReplay::connect(&cluster.nodes[0].url()).await.unwrap_err().to_string();
    assert!(single.contains("redis+cluster://"), "{single}");
}

/// A node that another one names is reached with the same certificates.
#[cfg(all(feature = "redis-sentinel", feature = "redis-tls"))]
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn over_tls_a_cluster_accepts_each_request_once() {
    if !is_installed() {
        return;
    }
    let folder = std::env::temp_dir().join(format!("tower-hmac-cluster-{}", free_port()));
    std::fs::create_dir(&folder).unwrap();
    crate::forms::certificate(&folder);
    let path = folder.to_str().unwrap();
    let ports = [free_port(), free_port(), free_port()];
    let tls = |port| {
        let more = format!(
            " --tls-port {port} --tls-cluster yes --tls-auth-clients no --tls-cert-file {path}/redis.pem \
             --tls-key-file {path}/redis.key --tls-ca-cert-file {path}/ca.pem"
        );
        node(LONG_NODE_TIMEOUT, &more)
    };
    let _cluster = Cluster::of(ports.map(tls).into());

    let authority = std::fs::read(folder.join("ca.pem")).unwrap();
    let client = |port| {
        let root_cert = Some(authority.clone());
        let trusted = redis::TlsCertificates { client_tls: None, root_cert };
        Client::build_with_tls(format!("rediss://127.0.0.1:{port}/"), trusted).unwrap()
    };
    let guards = ports.map(|port| RedisReplay::from_cluster([client(port)]).unwrap());
    for guard in &guards {
        // Without optimisations, a handshake takes long, and each guard needs many.
        let deadline = Instant::now() + 3 * RECOVERY;
        while let Err(error) = guard.clone().checked().await {
            assert!(Instant::now() < deadline, "{error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    for number in 0..200 {
        let answers = guards.each_ref().map(|guard| guard.claim(&request(number, 1_800_000_000)));
        let answers = futures_util::future::join_all(answers).await;
        let claimed = answers.into_iter().filter(|it| *it.as_ref().unwrap() == Replay::Claimed);
        assert_eq!(claimed.count(), 1, "request {number}");
    }
    RedisOnce::from_cluster([client(ports[1])]).unwrap().checked().await.unwrap();
    let url = format!("rediss+cluster://127.0.0.1:{}", ports[2]);
    let untrusted = RedisReplay::connect(&url).await.unwrap_err().to_string();
    assert!(untrusted.contains("certificate"), "{untrusted}");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// A slot that moves to another node takes its entries with it. Nobody can know that of all of them.
#[tokio::test]
async fn a_slot_that_moves_lets_no_replay_pass() {
    let Some(cluster) = Cluster::start(LONG_NODE_TIMEOUT) else { return };
    let guard = RedisReplay::connect(&cluster.url()).await.unwrap();
    let created = 1_800_000_000;
    for number in 0..200 {
        assert_eq!(guard.claim(&request(number, created)).await.unwrap(), Replay::Claimed);
    }
    let primaries = cluster.nodes.iter().filter(|node| {
        let info: String = node.command("INFO replication");
        info.contains("role:master")
    });
    // Keys with the tag `{0}` are in the slot 13907, which is the last primary's.
    let (slot, primaries) = (13_907, primaries.collect::<Vec<_>>());
    let has_it =
        |node: &&&Server| node.command::<usize>(&format!("CLUSTER COUNTKEYSINSLOT {slot}")) > 0;
    let from = *primaries.iter().find(has_it).unwrap();
    let to = *primaries.iter().find(|node| !has_it(node)).unwrap();
    let id = |node: &Server| node.command::<String>("CLUSTER MYID");
    let set = |node: &Server, state: &str| {
        let _: () = node.command(&format!("CLUSTER SETSLOT {slot} {state}"));
    };
    set(to, &format!("IMPORTING {}", id(from)));
    set(from, &format!("MIGRATING {}", id(to)));

    // Those in the slot are known or fail, and the others are as before.
    let mut failed = 0;
    for number in 0..400 {
        match guard.claim(&request(number, created)).await {
            Ok(answer) => assert_eq!(answer == Replay::Seen, number < 200, "{number}: {answer:?}"),
            Err(_) => failed += 1,
        }
    }
    assert!((1..100).contains(&failed), "{failed} claims failed");

    let keys: Vec<String> = from.command(&format!("CLUSTER GETKEYSINSLOT {slot} 1000"));
    for key in &keys {
        let _: () = from.command(&format!("MIGRATE 127.0.0.1 {} {key} 0 1000", to.port));
    }
    let owner = format!("NODE {}", id(to));
    for node in [to, from].into_iter().chain(primaries.iter().copied()) {
        set(node, &owner);
    }
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(2) {
        let _ = guard.claim(&request(1_000, created + 60)).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(accepted(&guard, 0..200, created).await, 0);
    let fresh = accepted(&guard, 2_000..2_200, created + 60).await;
    assert_eq!(fresh, 200);
    assert!(keys.len() > 1, "{} keys moved", keys.len());
}

/// They do until both know of a failover, or of a slot that has moved.
#[tokio::test]
async fn two_nodes_that_redirect_to_each_other_are_reported() {
    if !is_installed() {
        return;
    }
    let [one, two] = [node(LONG_NODE_TIMEOUT, ""), node(LONG_NODE_TIMEOUT, "")];
    let _: () = one.command("CLUSTER ADDSLOTSRANGE 0 16383");
    let bus: String = one.command("CLUSTER NODES");
    let bus = bus.split(['@', ' ', ',']).nth(2).unwrap().to_owned();
    let _: () = two.command(&format!("CLUSTER MEET 127.0.0.1 {} {bus}", one.port));
    let deadline = Instant::now() + RECOVERY;
    let is_ok = |node: &Server| node.command::<String>("CLUSTER INFO").contains("state:ok");
    while !is_ok(&one) || !is_ok(&two) {
        assert!(Instant::now() < deadline, "the nodes do not know each other");
        std::thread::sleep(Duration::from_millis(50));
    }
    let id: String = two.command("CLUSTER MYID");
    // The slot of the tag `{0}`.
    let _: () = one.command(&format!("CLUSTER SETSLOT 13907 NODE {id}"));
    let url = format!("redis+cluster://127.0.0.1:{}", one.port);
    let error = RedisReplay::connect(&url).await.unwrap_err().to_string();
    assert!(error.contains("MOVED") && error.contains("a hash slot is moving"), "{error}");
}

/// Stops, freezes and fails over nodes, under load from three processes.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
#[ignore = "takes long: scripts/redis"]
async fn no_outage_of_a_cluster_lets_a_replay_pass() {
    let Some(mut cluster) = Cluster::start(NODE_TIMEOUT) else { return };
    let Some(nodes) = Processes::start(&cluster.nodes[0].folder, &cluster.url()) else { return };
    one_of_all_nodes_accepts(&nodes, 500).await;

    let (nodes, ledger) = (Arc::new(nodes), Arc::new(Ledger::default()));
    let load = Ledger::start(&ledger, &nodes);
    ledger.see_accepted(200).await;

    let (primary, replica) = cluster.primary();
    // Shorter than the timeout of the nodes, so that the replica is not promoted.
    let _: () = cluster.nodes[primary].command("CLIENT PAUSE 700");
    ledger.see_503(1).await;
    ledger.see_whole_service(Instant::now(), "CLIENT PAUSE for 700 ms").await;

    let _: () = cluster.nodes[replica].command("CLUSTER FAILOVER");
    ledger.see_whole_service(Instant::now(), "a planned failover").await;

    // The former replica is the primary now.
    cluster.nodes[replica].kill();
    ledger.see_503(10).await;
    ledger.see_whole_service(Instant::now(), "a primary was killed").await;
    cluster.nodes[replica].run();
    cluster.wait();

    cluster.nodes[primary].freeze();
    ledger.see_503(10).await;
    ledger.see_whole_service(Instant::now(), "a primary was frozen").await;
    cluster.nodes[primary].signal("-CONT");
    ledger.see_accepted(200).await;
    ledger.finish(load, &*nodes).await;
}

/// The new primary does not claim to know the lost entries.
#[tokio::test]
#[ignore = "takes long: scripts/redis"]
async fn a_failover_of_a_cluster_forgets_no_request_unnoticed() {
    let Some(mut cluster) = Cluster::start(NODE_TIMEOUT) else { return };
    let guard = RedisReplay::connect(&cluster.url()).await.unwrap().with_namespace("one");
    let created = 1_800_000_000;
    for number in 0..1_000 {
        assert_eq!(guard.claim(&request(number, created)).await.unwrap(), Replay::Claimed);
    }
    let (primary, replica) = cluster.primary();
    // The replica does not get the next writes, and still takes over.
    cluster.nodes[replica].kill();
    let mut claimed = 1_000;
    for number in 1_000..2_000 {
        let answer = guard.claim(&request(number, created)).await;
        claimed += usize::from(answer.is_ok_and(|answer| answer == Replay::Claimed));
    }
    cluster.nodes[primary].kill();
    cluster.nodes[replica].run();
    let deadline = Instant::now() + 3 * RECOVERY;
    let start = Instant::now();
    let mut number = 1_000_000;
    let mut whole = 0;
    while whole < 200 {
        let is_there = guard.claim(&request(number, created + 60)).await.is_ok();
        whole = if is_there { whole + 1 } else { 0 };
        number += 1;
        assert!(Instant::now() < deadline, "no failover");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    println!("service again {:?} after a primary of the cluster was killed", start.elapsed());
    // Every second one is claimed without reading the mark, to measure the loss.
    let blind = guard.clone().with_unknown_accepted();
    let lost = accepted(&blind, (0..2_000).step_by(2), created).await;
    let again = accepted(&guard, (1..2_000).step_by(2), created).await;
    println!(
        "{claimed} claims: of 1,000 the new primary has lost {lost}, of 1,000 it accepts {again}"
    );
    assert!(lost > 0);
    assert_eq!(again, 0);
}
