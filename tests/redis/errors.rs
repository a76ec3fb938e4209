//! The guard's errors with unexpected servers.

use tower_hmac::replay::{RedisReplay, Replay, ReplayGuard as _, ReplayKey, ReplayRequest};

use crate::server::Server;

/// The error of `connect`, which names the cause and contains no secret.
async fn error(url: &str) -> String {
    let error = RedisReplay::connect(url).await.expect_err("no server for a guard").to_string();
    assert!(!error.contains("pa55phrase") && !error.contains('@'), "{error}");
    error
}

async fn claim(guard: &RedisReplay, byte: u8) -> Result<Replay, String> {
    let request = ReplayRequest::new(ReplayKey::from_bytes([byte; 32]), 400, 100);
    guard.claim(&request).await.map_err(|error| error.to_string())
}

/// Checks that the text contains all of these.
#[track_caller]
fn says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{text:?} does not say {word:?}");
    }
}

#[tokio::test]
async fn a_missing_and_a_wrong_password_are_found_at_the_start() {
    let Some(server) = Server::start_with(&["--requirepass", "pa55phrase"]) else { return };
    says(&error(&server.url()).await, &["NOAUTH", "password"]);
    says(&error(&server.url_of(":pa55phrase-not")).await, &["WRONGPASS"]);
    says(&error(&server.url_of("nobody:pa55phrase")).await, &["WRONGPASS"]);
    let guard = RedisReplay::connect(&server.url_of(":pa55phrase")).await.unwrap();
    assert_eq!(claim(&guard, 1).await, Ok(Replay::Claimed));
    // A claim reports the same as `connect`.
    let guard = RedisReplay::lazy(&server.url()).unwrap();
    says(&claim(&guard, 2).await.unwrap_err(), &["NOAUTH"]);
    says(&claim(&guard, 2).await.unwrap_err(), &["NOAUTH"]);
}

#[tokio::test]
async fn a_user_with_exactly_the_rights_of_the_docs_is_enough() {
    let Some(server) = Server::start_with(&[]) else { return };
    let user = |name: &str, rights: &str| {
        let _: () = server.command(&format!("ACL SETUSER {name} on >pa55phrase {rights}"));
        server.url_of(&format!("{name}:pa55phrase"))
    };
    for (name, rights) in [("full", "~tower-hmac:* +set +info"), ("least", "~tower-hmac:* +set")] {
        let guard = RedisReplay::connect(&user(name, rights)).await.unwrap().with_namespace(name);
        assert_eq!(claim(&guard, 1).await, Ok(Replay::Claimed));
        assert_eq!(claim(&guard, 1).await, Ok(Replay::Seen));
    }
    // Only its own namespace.
    let url = user("own", "~tower-hmac:own:* +set +info");
    says(&error(&url).await, &["NOPERM"]);
    let guard = RedisReplay::lazy(&url).unwrap().with_namespace("own").checked().await.unwrap();
    assert_eq!(claim(&guard, 1).await, Ok(Replay::Claimed));
    says(&error(&user("reader", "~* +get +info")).await, &["NOPERM", "right"]);
    says(&error(&user("stranger", "~other:* +set +info")).await, &["NOPERM"]);
}

#[tokio::test]
async fn a_server_that_evicts_is_rejected_unless_that_is_accepted() {
    let evicting = ["--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru"];
    let Some(server) = Server::start_with(&evicting) else { return };
    says(&error(&server.url()).await, &["allkeys-lru", "noeviction", "with_eviction_accepted"]);
    let lazy = RedisReplay::lazy(&server.url()).unwrap();
    says(&claim(&lazy, 1).await.unwrap_err(), &["allkeys-lru"]);
    let guard = lazy.with_eviction_accepted().checked().await.unwrap();
    assert_eq!(claim(&guard, 1).await, Ok(Replay::Claimed));
}

#[tokio::test]
async fn a_full_memory_rejects_even_if_the_guard_fails_open() {
    let Some(server) = Server::start_with(&[]) else { return };
    let guard = RedisReplay::connect(&server.url()).await.unwrap().dangerous_fail_open();
    assert_eq!(claim(&guard, 1).await, Ok(Replay::Claimed));
    let _: () = server.command("CONFIG SET maxmemory 1");
    for _ in 0..50 {
        says(&claim(&guard, 2).await.unwrap_err(), &["OOM", "memory"]);
    }
    says(&error(&server.url()).await, &["OOM"]);
}

#[tokio::test]
async fn a_replica_is_found_at_the_start() {
    let (Some(one), Some(two)) = (Server::start_with(&[]), Server::start_with(&[])) else { return };
    two.follow(&one);
    says(&error(&two.url()).await, &["READONLY", "primary"]);
}

#[tokio::test]
async fn a_sentinel_and_a_node_of_a_cluster_are_found_at_the_start() {
    let bus = crate::server::free_port().to_string();
    let settings = ["--cluster-enabled", "yes", "--cluster-port", &bus];
    let Some(cluster) = Server::start_with(&settings) else { return };
    says(&error(&cluster.url()).await, &["cluster"]);

    let port = crate::server::free_port();
    let file = std::env::temp_dir().join(format!("tower-hmac-sentinel-{port}.conf"));
    std::fs::write(&file, format!("port {port}\nbind 127.0.0.1\n")).unwrap();
    let program = ["redis-server", file.to_str().unwrap(), "--sentinel"];
    let sentinel = Server::run_program(port, program.map(str::to_owned).to_vec());
    says(&error(&sentinel.url()).await, &["Sentinel"]);
}

#[tokio::test]
async fn a_port_that_refuses_connections_or_speaks_another_protocol_is_found_at_the_start() {
    says(&error("redis://user:pa55phrase@127.0.0.1:1/").await, &["refused"]);
    // The server closes each connection.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().take(2).for_each(drop));
    let text = error(&format!("redis://{address}/")).await;
    assert!(text.contains("cannot be reached"), "{text}");
}

#[tokio::test]
async fn foreign_data_in_place_of_the_mark_is_overwritten_or_reported() {
    let Some(server) = Server::start_with(&[]) else { return };
    let _: () = server.command("SET tower-hmac:begin nonsense");
    let guard = RedisReplay::connect(&server.url()).await.unwrap();
    assert_eq!(claim(&guard, 1).await, Ok(Replay::Claimed));
    let _: () = server.command("SET tower-hmac:begin nonsense");
    says(&claim(&guard, 2).await.unwrap_err(), &["answer"]);
    let _: () = server.command("DEL tower-hmac:begin");
    let _: i64 = server.command("LPUSH tower-hmac:begin 1");
    says(&error(&server.url()).await, &["WRONGTYPE"]);
}
