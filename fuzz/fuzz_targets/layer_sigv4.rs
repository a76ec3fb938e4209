//! AWS Signature Version 4 through the whole layer: never accepted without the key, and always with it.
#![no_main]

use tower_hmac_fuzz::{Input, SIGV4, layer};

libfuzzer_sys::fuzz_target!(|input: Input| layer(&SIGV4, &input));
