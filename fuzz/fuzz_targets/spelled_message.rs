//! Message signatures: if the comparison makes a claim, the general parser makes the same.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tower_hmac_fuzz::spelled(data));
