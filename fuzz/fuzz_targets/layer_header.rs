//! Header schemes through the whole layer: never accepted without the key, and always with it.
#![no_main]

use tower_hmac_fuzz::{HEADER, Input, layer};

libfuzzer_sys::fuzz_target!(|input: Input| layer(&HEADER, &input));
