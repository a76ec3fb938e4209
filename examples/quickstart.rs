//! Does it work? This example starts a service, sends it real requests over a socket, and prints
//! each response. It exits with a non-zero status if a response is not the expected one.
//!
//! ```text
//! cargo run --example quickstart
//! cargo run --example quickstart -- --serve     # stays up, and prints lines to paste
//! ```

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;

use axum::Router;
use axum::routing::{get, post};
use tower_hmac::extract::Only;
use tower_hmac::{BoxError, FlaskHmac, KeyMap, SecretKey, Signer, Verified, VerifyLayer};

tower_hmac::allow_list!(Billing = ["aservice"]);

fn app() -> Result<Router, BoxError> {
    let keys =
        KeyMap::named([("aservice", "akey"), ("bservice", "bkey")])?.with_single("s3cr3tk3y")?;
    let layer = VerifyLayer::new(FlaskHmac::new(), keys)?.with_body_limit(1024);
    Ok(Router::new()
        .route("/", get(hello).post(hello))
        .route("/invoice", post(invoice))
        .layer(layer))
}

async fn hello(caller: Verified, body: String) -> String {
    let caller = caller.key_id().map_or("somebody with the key", |id| id.as_str());
    format!("hello {caller}, {} bytes\n", body.len())
}

async fn invoice(caller: Only<Billing>) -> String {
    format!("an invoice for {}\n", caller.key_id().map_or("nobody", |id| id.as_str()))
}

#[tokio::main]
async fn main() -> Result<ExitCode, BoxError> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let server = axum::serve(listener, app()?);
    if std::env::args().any(|arg| arg == "--serve") {
        print_lines_to_paste(addr);
        server.await?;
        return Ok(ExitCode::SUCCESS);
    }
    tokio::spawn(server.into_future());
    let wrong = tokio::task::spawn_blocking(move || run_table(addr)).await??;
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Sends every request of the table, and counts unexpected responses.
fn run_table(addr: SocketAddr) -> Result<usize, BoxError> {
    let single = Signer::new(FlaskHmac::new(), SecretKey::new("s3cr3tk3y")?);
    let named = |id: &str, key: &str| -> Result<_, BoxError> {
        Ok(Signer::new(FlaskHmac::new(), SecretKey::new(key)?).with_key_id(id)?)
    };
    let (a, b) = (named("aservice", "akey")?, named("bservice", "bkey")?);
    let ghost = named("ghost", "akey")?;
    let body = br#"{"foo": "boo"}"#.as_slice();
    let large = vec![b'x'; 1025];

    let table = [
        ("unsigned", "/", body, None, 403),
        ("signed with the single key", "/", body, Some(single.signature(body)), 200),
        ("signed with a named key", "/", body, Some(a.signature(body)), 200),
        ("its body changed", "/", br#"{"foo": "bad"}"#, Some(a.signature(body)), 403),
        ("an unknown key ID", "/", body, Some(ghost.signature(body)), 403),
        ("a key ID on the route's list", "/invoice", body, Some(a.signature(body)), 200),
        ("a key ID that is not on it", "/invoice", body, Some(b.signature(body)), 403),
        ("the single key, on no list", "/invoice", body, Some(single.signature(body)), 403),
        ("a body over the limit", "/", &large, Some(a.signature(&large)), 413),
    ];
    println!("{:<32} {:>8} {:>8}", "request", "expected", "received");
    let mut wrong = 0;
    for (what, path, body, signature, expected) in table {
        let received = send(addr, path, body, signature.as_deref())?;
        let verdict = if received == expected { "" } else { "  <- differs" };
        wrong += usize::from(received != expected);
        println!("{what:<32} {expected:>8} {received:>8}{verdict}");
    }
    Ok(wrong)
}

/// Sends one request as plain bytes, and returns the status of the response.
fn send(
    addr: SocketAddr,
    path: &str,
    body: &[u8],
    signature: Option<&str>,
) -> Result<u16, BoxError> {
    let mut stream = TcpStream::connect(addr)?;
    let signature = signature.map_or(String::new(), |value| format!("Signature: {value}\r\n"));
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {addr}\r\n{signature}Content-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len(),
    )?;
    stream.write_all(body)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.split(' ').nth(1).ok_or("no status line")?.parse()?)
}

fn print_lines_to_paste(addr: SocketAddr) {
    println!(
        r#"listening on {addr}; paste, for example:

# Signed with the single key: 200.
BODY='{{"foo": "boo"}}'
SIG=$(printf %s "$BODY" | openssl dgst -sha256 -hmac s3cr3tk3y -binary | openssl base64 -A)
curl -i http://{addr}/ -H "Signature: $SIG" -d "$BODY"

# Signed with a named key: 200.
MAC=$(printf %s "$BODY" | openssl dgst -sha256 -hmac akey -binary | openssl base64 -A)
SIG=$(printf %s "aservice:$MAC" | openssl base64 -A)
curl -i http://{addr}/invoice -H "Signature: $SIG" -d "$BODY"

# The same signature for another body: 403.
curl -i http://{addr}/invoice -H "Signature: $SIG" -d 'another body'"#
    );
}
