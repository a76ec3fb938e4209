//! Message signatures: any head. Never a panic, and a claim only of what the format writes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tower_hmac_fuzz::claim(&tower_hmac_fuzz::MESSAGE, data));
