//! Run by `scripts/load`: `serve CONTENDER` serves one contender over loopback, on one worker,
//! until its input ends. `serve head` prints the head that a client must send.
#![allow(missing_docs, clippy::pedantic)]

mod support;

use std::io::Read as _;

use tokio::net::TcpListener;

fn main() {
    let Some(name) = std::env::args().nth(1) else { return }; // By `cargo bench`.
    let body = support::body(1024);
    if name == "head" {
        let request = support::signed(body.clone())();
        println!("{}", request.headers()["signature"].to_str().unwrap());
        println!("{}", std::str::from_utf8(&body).unwrap());
        return;
    }
    let hand_layer = support::hand_layer(support::Flask::new());
    let hand_layer = support::Case::new("hand_layer", hand_layer, support::signed(body.clone()));
    let mut contenders = support::contenders(&body, None).into_iter().chain([hand_layer]);
    let Some(case) = contenders.find(|case| case.name == name) else { return };
    // When the input ends, the parent process is gone.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    support::runtime().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        axum::serve(listener, case.app).await.unwrap();
    });
}
