//! AWS Signature Version 4: any head. Never a panic, and a claim only of what the format writes.
#![no_main]

use tower_hmac_fuzz::{SIGV4, claim};

libfuzzer_sys::fuzz_target!(|data: &[u8]| claim(&SIGV4, data));
