//! The programs in `docs/sigv4.md`, run against services configured as on the page.

use std::path::{Path, PathBuf};
use std::process::Command;

use tower_hmac::layer::AwsRejection;
use tower_hmac::scheme::AwsSigV4;

use super::live::Live;
use super::{KEY_ID, SECRET};
use crate::support::{peer, peer_python};

const PAGE: &str = include_str!("../../../docs/sigv4.md");

/// Returns the first block of a language under a heading.
fn program(heading: &str, language: &str) -> &'static str {
    let section = PAGE.split(&format!("\n## {heading}\n")).nth(1).unwrap();
    let block = section.split(&format!("\n```{language}\n")).nth(1).unwrap();
    block.split("\n```").next().unwrap()
}

fn serve(service: &str) -> Live {
    let scheme = AwsSigV4::new("eu-central-1", service).unwrap();
    match service {
        "s3" => Live::serve(scheme, AwsRejection::xml(), ""),
        _ => Live::serve(scheme, AwsRejection::json(), "ordered"),
    }
}

/// Runs a block with the correct secret and with a wrong one, and returns the output of the first.
fn run(block: &str, interpreter: PathBuf, file: &str, live: &Live) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
    std::fs::write(&path, block).unwrap();
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers");
    let search = format!(
        "{}:{}",
        packages.join("venv/bin").display(),
        std::env::var("PATH").unwrap_or_default(),
    );
    let output = |secret: &str| {
        Command::new(&interpreter)
            .arg(&path)
            .env("PATH", &search)
            .env("NODE_PATH", packages.join("node_modules"))
            .env("ENDPOINT", live.url(""))
            .env("AWS_ACCESS_KEY_ID", KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", secret)
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_MAX_ATTEMPTS", "1")
            .output()
            .unwrap()
    };
    let right = output(SECRET);
    let printed = String::from_utf8_lossy(&right.stdout).trim().to_owned();
    assert!(right.status.success(), "{file}: {}", String::from_utf8_lossy(&right.stderr));
    let wrong = output("another secret");
    let text = String::from_utf8_lossy(&wrong.stdout);
    assert!(!wrong.status.success() || text.contains("SignatureDoesNotMatch"), "{file}: {text}");
    printed
}

#[test]
fn curl_of_the_page_is_accepted() {
    let block = program("curl", "sh");
    assert_eq!(run(block, "sh".into(), "sigv4_curl.sh", &serve("orders")), "ordered");
}

#[test]
fn python_of_the_page_is_accepted() {
    let Some(python) = peer_python() else { return };
    let block = program("Python", "python");
    assert_eq!(run(block, python, "sigv4_docs.py", &serve("orders")), "ordered");
}

#[test]
fn javascript_of_the_page_is_accepted() {
    if peer("target/peers/node_modules/@smithy/signature-v4").is_none() {
        return;
    }
    let block = program("JavaScript", "js");
    assert_eq!(run(block, "node".into(), "sigv4_docs.cjs", &serve("orders")), "ordered");
}

#[test]
fn boto3_of_the_page_is_accepted() {
    let Some(python) = peer_python() else { return };
    let block = program("boto3, for a service that speaks S3's protocol", "python");
    let live = serve("s3");
    let link = run(block, python, "sigv4_boto3.py", &live);
    let followed = Command::new("curl").args(["--fail", "--silent", &link]).status().unwrap();
    assert!(followed.success(), "{link}");
}

#[test]
fn awscli_of_the_page_is_accepted() {
    if peer("target/peers/venv/bin/aws").is_none() {
        return;
    }
    run(program("awscli", "sh"), "sh".into(), "sigv4_aws.sh", &serve("s3"));
}
