//! `examples/device.rs` with curl and OpenSSL, with Ruby, and without a client.

use std::process::Command;

use ::axum::Router;
use ::axum::body::{Body, to_bytes};
use futures_util::FutureExt as _;
use http::Request;
use tower::ServiceExt as _;

#[allow(dead_code)]
#[path = "../../../examples/device.rs"]
mod example;

const KEY: &str = "a key of the tests";

fn app() -> Router {
    example::app(KEY).unwrap()
}

fn send(path: &str, headers: &[(&str, &str)], body: &'static str) -> (u16, String) {
    let mut request = Request::post(path).header("Content-Type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = app().oneshot(request.body(Body::from(body)).unwrap());
    let answer = answer.now_or_never().expect("nothing to wait for").unwrap();
    let status = answer.status().as_u16();
    let body = to_bytes(answer.into_body(), 1024).now_or_never().unwrap().unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[test]
fn a_missing_signature_is_400_and_a_wrong_one_403() {
    for path in ["/readings", "/register"] {
        let body = r#"{"mac_address": "00:1B:44:11:3A:B7", "timestamp": "1"}"#;
        let missing = (400, r#"{"detail":"Missing HMAC signature"}"#.to_owned());
        assert_eq!(send(path, &[], body), missing);
        let rejected = (403, r#"{"detail":"Invalid HMAC signature"}"#.to_owned());
        for tag in ["", "nonsense", &"0".repeat(64)] {
            assert_eq!(send(path, &[("X-HMAC-Signature", tag)], body), rejected);
        }
    }
}

#[test]
fn ambiguous_members_are_rejected() {
    // The correct tag for the text `00:1B:44:11:3A:B7:1:2`, if it were signed for this body.
    let mut mac = tower_hmac::crypto::Mac::new(
        tower_hmac::Algorithm::Sha256,
        &tower_hmac::SecretKey::new(KEY).unwrap(),
    );
    mac.update(b"00:1B:44:11:3A:B7:1:2");
    let tag = base16ct::lower::encode_string(mac.finalize().as_bytes());
    let send = |body| send("/register", &[("X-HMAC-Signature", &tag)], body).0;
    assert_eq!(send(r#"{"mac_address": "00:1B:44:11:3A:B7", "timestamp": "1:2"}"#), 200);
    assert_eq!(send(r#"{"mac_address": "00:1B:44:11:3A:B7:1", "timestamp": "2"}"#), 403);
}

#[test]
fn a_client_of_curl_and_openssl_is_let_through() {
    serves("sh", &["curl", "openssl"], "device.sh");
}

#[test]
fn a_client_in_ruby_is_let_through() {
    serves("ruby", &["ruby"], "device.rb");
}

/// Runs a client against the example's service. If its tools are not installed, the test prints
/// this and passes, unless `TOWER_HMAC_REQUIRE_PEERS=1`.
fn serves(interpreter: &str, tools: &[&str], script: &str) {
    let installed = |tool: &&str| Command::new(tool).arg("--version").output().is_ok();
    if let Some(missing) = tools.iter().find(|tool| !installed(tool)) {
        let required = std::env::var_os("TOWER_HMAC_REQUIRE_PEERS").is_some_and(|set| set == "1");
        assert!(!required, "`{missing}` is not installed");
        println!("skipped: `{missing}` is not installed, so {script} was not run");
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    runtime.spawn(::axum::serve(listener, app()).into_future());

    let output = Command::new(interpreter)
        .arg(format!("{}/examples/{script}", env!("CARGO_MANIFEST_DIR")))
        .arg(server)
        .env("HMAC_KEY", KEY)
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1")
        .output()
        .unwrap();
    let answers = [
        r#"{"status":"Verified"} 200"#,
        r#"{"status":"Verified"} 200"#,
        r#"{"detail":"Invalid HMAC signature"} 403"#,
    ];
    let stderr = String::from_utf8_lossy(&output.stderr);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{script}: {stderr}");
    assert_eq!(stdout.lines().collect::<Vec<_>>(), answers, "{script}: {stderr}");
}
