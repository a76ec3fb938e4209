//! Message signatures: a claim that is compared is one that the general parser makes, too.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tower_hmac_fuzz::spelled(data));
