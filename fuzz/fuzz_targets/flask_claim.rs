//! Any value of the header: never a panic, and a claim only for well-formed requests.
#![no_main]

use http::{HeaderValue, Request};
use libfuzzer_sys::fuzz_target;
use tower_hmac::{Algorithm, FlaskHmac, Scheme as _};

fuzz_target!(|data: &[u8]| {
    let Ok(value) = HeaderValue::from_bytes(data) else { return };
    for algorithm in [Algorithm::Sha256, Algorithm::Md5, Algorithm::Sha512] {
        let scheme = FlaskHmac::new().with_algorithm(algorithm);
        let request = Request::get("/").header("signature", value.clone()).body(()).unwrap();
        let (head, ()) = request.into_parts();
        let Ok(claim) = scheme.claim(&head) else { continue };
        let signatures: Vec<_> = claim.tags().collect();
        assert_eq!(signatures.len(), 1);
        assert_eq!(signatures[0].len(), algorithm.tag_len());
        assert!(data.len() <= 8 * 1024);
        assert!(claim.key_id().is_none_or(|id| !id.as_str().is_empty()));
        // No white space, and nothing that another reader could skip.
        assert!(data.iter().all(|byte| byte.is_ascii_graphic()));
    }
});
