//! Requests from before the server lost its memory.

use std::time::{Duration, Instant};

use http::request::Parts;
use tower_hmac::clock::ManualClock;
use tower_hmac::replay::{RedisReplay, Replay, ReplayGuard as _, ReplayKey, ReplayRequest};
use tower_hmac::testing::check_replay_guard;
use tower_hmac::{ErrorKind, KeyMap, Signer, Verifier};

use crate::server::{Server, free_port, has};
use crate::stamped::{Stamped, head, signer};

const NOW: i64 = 1_800_000_000;

/// A service with a settable clock.
struct Service {
    clock: ManualClock,
    signer: Signer<Stamped>,
    verifier: Verifier,
}

impl Service {
    fn new(guard: RedisReplay) -> Self {
        let clock = ManualClock::new(NOW);
        Self {
            signer: signer("aservice", "akey", &clock),
            verifier: verifier(guard, &clock),
            clock,
        }
    }

    fn lazy(server: &Server) -> Self {
        Self::new(RedisReplay::lazy(&server.url()).unwrap())
    }

    fn sign(&self, count: usize) -> Vec<Parts> {
        (0..count).map(|_| head(&self.signer, b"")).collect()
    }

    async fn kind(&self, head: &Parts) -> Option<ErrorKind> {
        self.verifier.verify(head, b"").await.err().map(|error| error.kind())
    }

    /// How many requests have this outcome.
    async fn count(&self, heads: &[Parts], kind: Option<ErrorKind>) -> usize {
        let mut count = 0;
        for head in heads {
            count += usize::from(self.kind(head).await == kind);
        }
        count
    }

    async fn accepts_all(&self, heads: &[Parts]) {
        assert_eq!(self.count(heads, None).await, heads.len());
    }

    async fn knows_none(&self, heads: &[Parts]) {
        assert_eq!(self.count(heads, Some(ErrorKind::ReplayUnknown)).await, heads.len());
    }

    /// Sends new requests until one is accepted, and returns how long it took.
    async fn recovery(&self) -> Duration {
        let start = Instant::now();
        while self.kind(&self.sign(1)[0]).await.is_some() {
            assert!(start.elapsed() < Duration::from_secs(5), "no service after 5 s");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        start.elapsed()
    }
}

fn verifier(guard: RedisReplay, clock: &ManualClock) -> Verifier {
    let keys = KeyMap::named([("aservice", "akey")]).unwrap();
    let verifier = Verifier::new(Stamped::new(), keys).unwrap();
    verifier.with_clock(clock.clone()).with_replay_guard(guard).unwrap()
}

#[tokio::test]
async fn the_redis_guard_keeps_the_contract_with_and_without_a_loss() {
    let Some(server) = Server::start() else { return };
    for is_lost in [false, true] {
        let make = async || {
            if is_lost {
                let _: () = server.command("FLUSHALL");
            }
            RedisReplay::connect(&server.url()).await.unwrap()
        };
        check_replay_guard(make).await.unwrap();
    }
}

#[tokio::test]
async fn killed_without_persistence_nothing_from_before_is_accepted() {
    let Some(mut server) = Server::start_with(&[]) else { return };
    let service = Service::lazy(&server);
    let old = service.sign(500);
    service.accepts_all(&old).await;

    service.clock.advance(1);
    server.kill();
    assert_eq!(service.kind(&old[0]).await, Some(ErrorKind::StoreUnavailable));
    server.run();
    let recovery = service.recovery().await;
    assert!(recovery < Duration::from_secs(2), "{recovery:?}");
    service.knows_none(&old).await;
    let fresh = service.sign(500);
    service.accepts_all(&fresh).await;
    assert_eq!(service.count(&fresh, Some(ErrorKind::Replayed)).await, 500);
}

#[tokio::test]
async fn emptied_while_it_runs_nothing_from_before_is_accepted() {
    let Some(server) = Server::start_with(&[]) else { return };
    let service = Service::lazy(&server);
    let old = service.sign(100);
    service.accepts_all(&old).await;
    service.clock.advance(1);
    let _: () = server.command("FLUSHALL");
    service.knows_none(&old).await;
    service.accepts_all(&service.sign(100)).await;
}

/// The snapshot contains the mark, but not 200 of the entries.
#[tokio::test]
async fn restarted_from_a_snapshot_nothing_from_before_is_accepted() {
    let Some(mut server) = Server::start_with(&[]) else { return };
    let service = Service::lazy(&server);
    service.accepts_all(&service.sign(10)).await;
    let _: () = server.command("SAVE");
    let old = service.sign(200);
    service.accepts_all(&old).await;
    service.clock.advance(1);
    server.kill();
    server.run();
    assert!(server.command::<i64>("DBSIZE") > 10, "no snapshot");
    service.recovery().await;
    service.knows_none(&old).await;
    service.accepts_all(&service.sign(100)).await;
}

/// The second node reads the first node's mark, too.
#[tokio::test]
async fn another_node_knows_when_the_memory_began() {
    let Some(server) = Server::start_with(&[]) else { return };
    let first = Service::lazy(&server);
    let second = Service::lazy(&server);
    first.accepts_all(&first.sign(1)).await;
    second.accepts_all(&second.sign(1)).await;
    let old = first.sign(20);
    first.accepts_all(&old).await;
    for service in [&first, &second] {
        service.clock.advance(10);
    }
    let _: () = server.command("FLUSHALL");
    first.accepts_all(&first.sign(1)).await;
    second.clock.advance(20);
    second.knows_none(&old).await;
    // Signed after the loss, and long before this node knew of it.
    second.accepts_all(&first.sign(20)).await;
}

#[tokio::test]
async fn the_first_start_rejects_nothing_that_was_signed_after_it() {
    let Some(server) = Server::start_with(&[]) else { return };
    let connected = RedisReplay::connect(&server.url()).await.unwrap().with_namespace("one");
    let lazy = RedisReplay::lazy(&server.url()).unwrap().with_namespace("two");
    for guard in [connected, lazy] {
        let service = Service::new(guard);
        // The connection is made in the background.
        while server.command::<i64>("DBSIZE") % 2 == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let early = service.sign(100);
        service.clock.advance(60);
        service.accepts_all(&early).await;
        let _: () = server.command("FLUSHALL");
    }
}

#[tokio::test]
async fn a_margin_rejects_clients_whose_clocks_are_ahead() {
    let Some(server) = Server::start_with(&[]) else { return };
    let guard = || RedisReplay::lazy(&server.url()).unwrap();
    let seconds = |ahead| ManualClock::new(NOW + ahead);
    let service = Service::new(guard().with_restart_margin(Duration::from_millis(4_001)));
    for (ahead, expected) in [(4, Some(ErrorKind::ReplayUnknown)), (5, None)] {
        let head = head(&signer("aservice", "akey", &seconds(ahead)), b"");
        assert_eq!(service.kind(&head).await, expected, "{ahead} s");
    }
}

#[tokio::test]
async fn senders_that_never_sign_again_can_be_accepted() {
    let Some(server) = Server::start_with(&[]) else { return };
    let service = Service::new(RedisReplay::lazy(&server.url()).unwrap().with_unknown_accepted());
    let old = service.sign(20);
    service.accepts_all(&old).await;
    service.clock.advance(1);
    let _: () = server.command("FLUSHALL");
    service.accepts_all(&old).await;
}

/// A mark from a clock that is an hour ahead must not reject requests for an hour.
#[tokio::test]
async fn a_mark_from_the_future_is_repaired() {
    let Some(server) = Server::start_with(&[]) else { return };
    let ahead = RedisReplay::lazy(&server.url()).unwrap();
    let guard = RedisReplay::lazy(&server.url()).unwrap();
    let key = |byte| ReplayKey::from_bytes([byte; 32]);
    let claim = async |guard: &RedisReplay, byte, now| {
        let request = ReplayRequest::new(key(byte), now + 300, now).with_created(now);
        guard.claim(&request).await.unwrap()
    };
    assert_eq!(claim(&ahead, 1, NOW + 3600).await, Replay::Claimed);
    assert_eq!(claim(&guard, 2, NOW).await, Replay::Claimed);
    assert_eq!(claim(&guard, 3, NOW + 1).await, Replay::Claimed);
    let mark: String = server.command("GET tower-hmac:begin");
    assert!(mark.starts_with(&format!("{NOW} ")), "{mark}");
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_nothing_known_that_was_lost() {
    let Some(server) = Server::start_with(&[]) else { return };
    let guard = RedisReplay::lazy(&server.url()).unwrap();
    let claim = async |byte, created: i64, now: i64| {
        let key = ReplayKey::from_bytes([byte; 32]);
        let request = ReplayRequest::new(key, NOW + created + 300, NOW + now);
        guard.claim(&request.with_created(NOW + created)).await.ok()
    };
    assert_eq!(claim(1, 0, 0).await, Some(Replay::Claimed));
    assert_eq!(claim(2, 49, 50).await, Some(Replay::Claimed));
    let _: () = server.command("FLUSHALL");
    assert_eq!(claim(2, 49, 10).await, Some(Replay::Forgotten));
    assert_eq!(claim(3, 10, 10).await, Some(Replay::Forgotten));
    assert_eq!(claim(4, 50, 50).await, Some(Replay::Claimed));
    // Its entry may have expired when the clock stood at 400.
    assert_eq!(claim(5, 400, 400).await, Some(Replay::Claimed));
    assert_eq!(claim(4, 50, 350).await, None);
    assert_eq!(claim(5, 400, 350).await, Some(Replay::Seen));
}

#[tokio::test]
async fn a_verifier_built_after_a_clock_was_set_back_makes_nothing_known_that_was_lost() {
    let Some(mut server) = Server::start_with(&[]) else { return };
    let guard = RedisReplay::lazy(&server.url()).unwrap();
    let claim = async |byte, created: i64, now: i64| {
        let key = ReplayKey::from_bytes([byte; 32]);
        let request = ReplayRequest::new(key, NOW + created + 300, NOW + now);
        guard.claim(&request.with_created(NOW + created)).await.ok()
    };
    assert_eq!(claim(1, 0, 0).await, Some(Replay::Claimed));
    assert_eq!(claim(2, 49, 50).await, Some(Replay::Claimed));
    server.kill();
    assert_eq!(claim(3, 50, 50).await, None);
    server.run();
    // The guard connects again after a second at the latest.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    guard.begin(NOW + 10);
    let start = Instant::now();
    let answer = loop {
        if let Some(answer) = claim(2, 49, 11).await {
            break answer;
        }
        assert!(start.elapsed() < Duration::from_secs(5), "no service after 5 s");
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(answer, Replay::Forgotten);
}

/// Another node may have claimed requests meanwhile, before the data was lost.
#[tokio::test]
async fn what_was_signed_during_a_slow_reconnection_is_unknown() {
    let Some(mut server) = Server::start_with(&[]) else { return };
    let guard = RedisReplay::lazy(&server.url()).unwrap().with_timeout(Duration::from_secs(10));
    let claim = async |byte, created: i64, now: i64| {
        let key = ReplayKey::from_bytes([byte; 32]);
        let request = ReplayRequest::new(key, NOW + created + 300, NOW + now);
        guard.claim(&request.with_created(NOW + created)).await.ok()
    };
    assert_eq!(claim(1, 0, 0).await, Some(Replay::Claimed));
    server.kill();
    assert_eq!(claim(2, 50, 50).await, None);
    server.run();
    server.freeze();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let thaw = async {
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        server.signal("-CONT");
    };
    let (answer, ()) = tokio::join!(claim(3, 50, 50), thaw);
    assert_eq!(answer, Some(Replay::Forgotten));
    assert_eq!(claim(4, 60, 60).await, Some(Replay::Claimed));
}

/// Redirects new connections to the primary, and keeps existing ones.
fn one_address(servers: &[&Server]) -> Server {
    let port = free_port();
    let mut config = format!(
        "global\n maxconn 100\ndefaults\n mode tcp\n timeout connect 1s\n timeout client 60s\n \
         timeout server 60s\nlisten redis\n bind 127.0.0.1:{port}\n option tcp-check\n \
         tcp-check send INFO\\ replication\\r\\n\n tcp-check expect string role:master\n"
    );
    for Server { port, .. } in servers {
        let line = [" server s", &port.to_string(), " 127.0.0.1:", &port.to_string()].concat();
        config += &(line + " check inter 50ms fall 1 rise 1\n");
    }
    let file = std::env::temp_dir().join(format!("tower-hmac-haproxy-{port}.cfg"));
    std::fs::write(&file, config).unwrap();
    let program = ["/usr/sbin/haproxy", "-q", "-f", file.to_str().unwrap()];
    Server::run_program(port, program.map(str::to_owned).to_vec())
}

#[tokio::test]
async fn a_failover_behind_one_address_is_over_within_two_seconds() {
    let (Some(one), Some(two)) = (Server::start_with(&[]), Server::start_with(&[])) else { return };
    if !has("/usr/sbin/haproxy", "haproxy") {
        return;
    }
    two.follow(&one);
    let proxy = one_address(&[&one, &two]);
    let service = Service::lazy(&proxy);
    service.recovery().await;
    let old = service.sign(200);
    service.accepts_all(&old).await;

    service.clock.advance(1);
    let _: () = two.command("REPLICAOF NO ONE");
    one.follow(&two);
    // The connection is still open, but now leads to a replica.
    assert_eq!(service.kind(&service.sign(1)[0]).await, Some(ErrorKind::StoreUnavailable));
    let recovery = service.recovery().await;
    println!("service again {recovery:?} after the failover");
    assert!(recovery < Duration::from_secs(2), "{recovery:?}");
    service.knows_none(&old).await;
    service.accepts_all(&service.sign(200)).await;
    assert!(two.command::<i64>("DBSIZE") > 200);
}

/// The replica has the mark, but not the last 200 entries.
#[tokio::test]
async fn a_replica_that_lacks_the_last_writes_lets_no_replay_pass() {
    let (Some(mut one), Some(two)) = (Server::start_with(&[]), Server::start_with(&[])) else {
        return;
    };
    if !has("/usr/sbin/haproxy", "haproxy") {
        return;
    }
    let proxy = one_address(&[&one, &two]);
    two.follow(&one);
    let service = Service::lazy(&proxy);
    service.recovery().await;
    two.freeze();
    let old = service.sign(200);
    service.accepts_all(&old).await;
    service.clock.advance(1);
    one.kill();
    two.signal("-CONT");
    let _: () = two.command("REPLICAOF NO ONE");
    service.recovery().await;
    service.knows_none(&old).await;
    service.accepts_all(&service.sign(200)).await;
}

/// The connection stays open, and the mark is the old one.
#[tokio::test]
async fn a_primary_that_was_a_replica_for_a_while_lets_no_replay_pass() {
    let start = || Server::start_with(&["--repl-diskless-sync-delay", "0"]);
    let (Some(one), Some(two)) = (start(), start()) else { return };
    let service = Service::lazy(&one);
    service.recovery().await;
    two.follow(&one);
    let _: () = two.command("REPLICAOF NO ONE");
    let old = service.sign(200);
    service.accepts_all(&old).await;
    let used = Instant::now();

    service.clock.advance(1);
    let clients: String = one.command("CLIENT LIST TYPE normal");
    one.follow(&two);
    let _: () = one.command("REPLICAOF NO ONE");
    tokio::time::sleep(Duration::from_millis(1_100).saturating_sub(used.elapsed())).await;
    let first = clients.split(' ').next().unwrap();
    let clients: String = one.command("CLIENT LIST TYPE normal");
    assert!(clients.starts_with(first), "the connection was closed");
    assert_eq!(service.kind(&old[0]).await, Some(ErrorKind::StoreUnavailable));
    service.knows_none(&old).await;
    service.accepts_all(&service.sign(200)).await;
}

#[tokio::test]
async fn a_claim_with_too_few_replicas_is_rejected_and_withdrawn() {
    let (Some(one), Some(two)) = (Server::start_with(&[]), Server::start_with(&[])) else { return };
    two.follow(&one);
    // A fifth of the timeout is left to withdraw a claim, which a busy machine may need.
    let guard = RedisReplay::lazy(&one.url()).unwrap().with_timeout(Duration::from_secs(3));
    let service = Service::new(guard.with_acknowledged_by(1));
    service.recovery().await;
    let start = Instant::now();
    service.accepts_all(&service.sign(200)).await;
    println!("200 claims, each acknowledged by a replica: {:?}", start.elapsed());

    two.freeze();
    let request = &service.sign(1)[0];
    assert_eq!(service.kind(request).await, Some(ErrorKind::StoreUnavailable));
    two.signal("-CONT");
    let start = Instant::now();
    while let Some(kind) = service.kind(request).await {
        assert_eq!(kind, ErrorKind::StoreUnavailable, "the claim was not given back");
        assert!(start.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(service.kind(request).await, Some(ErrorKind::Replayed));
}

/// Previously, each of 800 requests waited half a second for a port that refuses connections.
#[tokio::test]
async fn claims_fail_at_once_while_the_server_is_unreachable() {
    let Some(mut server) = Server::start_with(&[]) else { return };
    let service = Service::lazy(&server);
    service.accepts_all(&service.sign(1)).await;
    server.kill();
    let start = Instant::now();
    let requests = service.sign(800);
    assert_eq!(service.count(&requests, Some(ErrorKind::StoreUnavailable)).await, 800);
    println!("800 claims while the server is away: {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());

    // The first request one second after the server is back is accepted.
    server.run();
    tokio::time::sleep(Duration::from_secs(1)).await;
    service.accepts_all(&service.sign(1)).await;
}

/// A hanging server is detected once, and costs one claim per second its timeout.
#[tokio::test]
async fn claims_fail_at_once_while_the_server_hangs() {
    let Some(server) = Server::start_with(&[]) else { return };
    let service = Service::lazy(&server);
    service.accepts_all(&service.sign(1)).await;
    server.freeze();
    let start = Instant::now();
    let mut waited = 0;
    while start.elapsed() < Duration::from_secs(4) {
        let begin = Instant::now();
        assert_eq!(service.kind(&service.sign(1)[0]).await, Some(ErrorKind::StoreUnavailable));
        waited += usize::from(begin.elapsed() > Duration::from_millis(100));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.signal("-CONT");
    assert!((1..=5).contains(&waited), "{waited} claims waited");
    assert!(service.recovery().await < Duration::from_secs(2));
}

#[tokio::test]
async fn an_entry_takes_as_much_memory_as_documented() {
    let Some(server) = Server::start_with(&[]) else { return };
    let guard = RedisReplay::connect(&server.url()).await.unwrap().with_namespace("billing");
    let memory = || -> f64 {
        let info: String = server.command("INFO memory");
        let line = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
        line.unwrap().trim().parse().unwrap()
    };
    guard.begin(NOW);
    let claim = async |number: u32| {
        let mut bytes = [7; 32];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        let request = ReplayRequest::new(ReplayKey::from_bytes(bytes), NOW + 300, NOW);
        assert_eq!(guard.claim(&request).await.unwrap(), Replay::Claimed);
    };
    claim(0).await;
    let before = memory();
    for number in 1..=20_000 {
        claim(number).await;
    }
    let each = (memory() - before) / 20_000.0;
    println!("{each:.0} bytes an entry");
    assert!((160.0..=200.0).contains(&each), "{each} bytes an entry");
}
