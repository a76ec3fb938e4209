//! Flask-HMAC 0.1.3 through the whole layer: never accepted without the key, and always with it.
#![no_main]

use tower_hmac_fuzz::{Input, PATH, layer};

libfuzzer_sys::fuzz_target!(|input: Input| layer(&PATH, &input));
