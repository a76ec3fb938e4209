//! Runs the whole crate as a process, for tests in any language and for use with curl.
//!
//! ```text
//! cargo run --release --all-features --example conformance -- serve   CONFIG.json
//! cargo run --release --all-features --example conformance -- sign    CONFIG.json < requests.jsonl
//! cargo run --release --all-features --example conformance -- explain CONFIG.json < requests.jsonl
//! ```
//!
//! The library makes every decision.

#[path = "conformance/aws.rs"]
mod aws;
#[path = "conformance/config.rs"]
mod config;
#[path = "conformance/format.rs"]
mod format;
#[path = "conformance/lines.rs"]
mod lines;
#[path = "conformance/parts.rs"]
mod parts;
#[path = "conformance/serve.rs"]
mod serve;

use std::process::ExitCode;

use tower_hmac::BoxError;

#[tokio::main]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [verb, path] = args.as_slice() else {
        eprintln!("usage: conformance serve|sign|explain CONFIG.json");
        return ExitCode::from(2);
    };
    match run(verb, path).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("conformance: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(verb: &str, path: &str) -> Result<(), BoxError> {
    let config = config::Config::read(path)?;
    match verb {
        "serve" => serve::serve(config).await,
        "sign" => lines::sign(&config).await,
        "explain" => lines::explain(&config).await,
        _ => Err("the verb is none of serve, sign, explain".into()),
    }
}
