//! Compiler messages for wrong uses: each message says how to fix it.
//!
//! The texts are those of one compiler version, and list which types implement a trait. After an
//! intended change, update them: `TRYBUILD=overwrite cargo test --all-features --test
//! compile_fail`.
#![allow(missing_docs)]

use std::process::Command;

/// The compiler version of these texts. Another version words them differently.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn compiler_messages_name_the_solution() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().unwrap().stdout;
    if version.starts_with(COMPILER.as_bytes()) {
        trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
    } else {
        println!("skipped: the texts are those of {COMPILER}");
    }
}
