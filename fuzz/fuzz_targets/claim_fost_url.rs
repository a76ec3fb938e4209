//! FOST URLs with any head: never a panic, and a claim only for well-formed requests.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tower_hmac_fuzz::claim(&tower_hmac_fuzz::FOST_URL, data));
