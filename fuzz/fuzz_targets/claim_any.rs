//! Every scheme of the crate: any head. Never a panic, and a claim only of what the scheme writes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tower_hmac_fuzz::claim_any(data));
