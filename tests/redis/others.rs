//! Valkey, and a Redis before 7.0, which does not know `SET` with `NX` and `GET`.

use std::sync::Arc;

use tower_hmac::once::RedisOnce;
use tower_hmac::replay::{RedisReplay, Replay, ReplayGuard as _, ReplayKey, ReplayRequest};
use tower_hmac::testing::check_replay_guard;

use crate::server::{DURABLE, Server, bundled};
use crate::{Processes, Verifiers, one_of_all_nodes_accepts, outages_let_no_replay_pass};

/// The promises for a Redis: one of three nodes accepts, and no outage or loss lets a replay pass.
async fn promises_hold(program: &str, version: &str) {
    let mut server = Server::start_program(program, &DURABLE);
    assert!(server.command::<String>("INFO server").contains(version));
    let make = async || RedisReplay::connect(&server.url()).await.unwrap();
    check_replay_guard(make).await.unwrap();
    one_of_all_nodes_accepts(&Verifiers::new(&server.url()), 500).await;
    let nodes = Arc::new(Verifiers::new(&server.url()));
    outages_let_no_replay_pass(&mut server, nodes).await;
    RedisOnce::connect(&server.url()).await.unwrap();

    let mut server = Server::start_program(program, &[]);
    let guard = RedisReplay::connect(&server.url()).await.unwrap();
    let claim = async |number: u8, created: i64, now: i64| {
        let key = ReplayKey::from_bytes([number; 32]);
        let request = ReplayRequest::new(key, created + 300, now).with_created(created);
        guard.claim(&request).await.ok()
    };
    assert_eq!(claim(1, 0, 0).await, Some(Replay::Claimed));
    let _: () = server.command("FLUSHALL");
    assert_eq!(claim(1, 0, 9).await, Some(Replay::Forgotten));
    assert_eq!(claim(2, 9, 9).await, Some(Replay::Claimed));
    server.kill();
    server.run();
    while claim(4, 18, 18).await.is_none() {}
    assert_eq!(claim(2, 9, 18).await, Some(Replay::Forgotten));
    assert_eq!(claim(3, 18, 18).await, Some(Replay::Claimed));
    assert_eq!(claim(3, 18, 18).await, Some(Replay::Seen));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn valkey_keeps_all_promises_of_a_redis() {
    let Some(program) = bundled("valkey-server") else { return };
    promises_hold(&program, "valkey_version:").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_redis_before_7_keeps_all_promises() {
    let Some(program) = bundled("redis-server-6") else { return };
    promises_hold(&program, "redis_version:6.2.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
#[ignore = "takes long: scripts/redis"]
async fn before_valkey_three_processes_let_no_replay_pass() {
    let Some(program) = bundled("valkey-server") else { return };
    let mut server = Server::start_program(&program, &DURABLE);
    let Some(nodes) = Processes::start(&server.folder, &server.url()) else { return };
    one_of_all_nodes_accepts(&nodes, 500).await;
    outages_let_no_replay_pass(&mut server, Arc::new(nodes)).await;
}
