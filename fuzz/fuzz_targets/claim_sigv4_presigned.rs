//! Presigned URLs of AWS Signature Version 4: any head. Never a panic, and a claim only of what the format writes.
#![no_main]

use tower_hmac_fuzz::{SIGV4_PRESIGNED, claim};

libfuzzer_sys::fuzz_target!(|data: &[u8]| claim(&SIGV4_PRESIGNED, data));
