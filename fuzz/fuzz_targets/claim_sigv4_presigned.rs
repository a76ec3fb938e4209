//! Presigned URLs of AWS with any head: never a panic, and a claim only for well-formed requests.
#![no_main]

use tower_hmac_fuzz::{SIGV4_PRESIGNED, claim};

libfuzzer_sys::fuzz_target!(|data: &[u8]| claim(&SIGV4_PRESIGNED, data));
