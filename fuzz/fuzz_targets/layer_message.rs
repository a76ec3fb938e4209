//! Message signatures through the whole layer: never accepted without the key, and always with it.
#![no_main]

use tower_hmac_fuzz::{Input, MESSAGE, layer};

libfuzzer_sys::fuzz_target!(|input: Input| layer(&MESSAGE, &input));
