//! AWS Signature Version 4 with any head: never a panic, and a claim only for well-formed requests.
#![no_main]

use tower_hmac_fuzz::{SIGV4, claim};

libfuzzer_sys::fuzz_target!(|data: &[u8]| claim(&SIGV4, data));
