//! Reads any text as a capture: a request, or an error with a position, and never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_hmac::capture::Capture;

fuzz_target!(|text: &[u8]| match Capture::read(text) {
    Ok(capture) => {
        assert!(capture.body().len() <= text.len() * 3);
        let request = capture.into_request();
        assert!(!request.method().as_str().is_empty());
    }
    Err(error) => {
        let lines = text.split(|byte| *byte == b'\n').count();
        assert!((1..=lines).contains(&error.line()) && error.column() >= 1, "{error}");
        assert!(!error.expected().is_empty());
    }
});
