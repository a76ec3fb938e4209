//! The conformance program, driven by Python over sockets and pipes: every published vector, every
//! path and mode, and configurations that must not start.

use std::process::Command;

use crate::support::{example, peer_python};

#[test]
fn the_program_answers_as_the_vectors_expect() {
    let Some(python) = peer_python() else { return };
    let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");
    let output = Command::new(python)
        .arg(format!("{tests}/peers/conformance.py"))
        .arg(example("conformance"))
        .arg(format!("{tests}/vectors"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.ends_with("all as expected\n"), "{said}");
}
