//! The time and memory of `explain`, whatever a client sends.

use std::alloc::System;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use http::Request;
use stats_alloc::{Region, StatsAlloc};
use tower_hmac::scheme::Part;
use tower_hmac::{FlaskHmac, HeaderScheme, KeyMap, SecretKey, Signer, Verifier};

/// Without optimisation, a hash takes this much longer.
const SLOWER: u32 = if cfg!(debug_assertions) { 50 } else { 1 };

pub(crate) fn a_head_is_explained_in_bounded_time_and_memory(
    allocator: &'static StatsAlloc<System>,
) {
    const KIB: usize = 1024;
    let most = Duration::from_millis(5) * SLOWER;
    let services = (0..100_000).map(|number| (format!("service-{number}"), "akey"));
    let keys =
        KeyMap::named(services).unwrap().with_single(SecretKey::new("akey").unwrap()).unwrap();
    let scheme = HeaderScheme::new("x-sig").unwrap().with_list_separator(", ").unwrap();
    let verifier = Verifier::new(FlaskHmac::new(), keys.clone()).unwrap().or(scheme, keys).unwrap();

    let tag = "0123456789abcdef".repeat(4);
    let words = |word: &str, len: usize| format!("{word} ").repeat(len / (word.len() + 1));
    let signer = Signer::new(FlaskHmac::new(), SecretKey::new("zkey").unwrap());
    let heads = [
        ("small words", "x-sig", words("nine-char", 16 * KIB)),
        ("small words that are read", "x-sig", words("nine-char", 8 * KIB)),
        ("tags that are read", "x-sig", words(&tag, 8 * KIB)),
        ("tags in a list that is read", "x-sig", [&*tag; 16].join(", ")),
        ("a long word", "signature", "A".repeat(8 * KIB)),
        ("another key", "signature", signer.signature(b"body")),
    ];
    for (name, header, value) in heads {
        let padding = "p".repeat((16 * KIB).saturating_sub(value.len()));
        let request = Request::post("/path?query=1").header(header, value);
        let (head, ()) = request.header("x-padding", padding).body(()).unwrap().into_parts();
        let mut took = Duration::MAX;
        for _ in 0..3 {
            let region = Region::new(allocator);
            let start = Instant::now();
            let report = verifier.explain(&head, b"body").now_or_never().unwrap();
            took = took.min(start.elapsed());
            let allocated = region.change().bytes_allocated;
            assert_eq!(report.likely(), [], "{name}");
            println!("explain, {name}: {took:?}, {allocated} bytes");
            assert!(allocated <= 1024 * KIB, "{allocated} bytes for {name}");
        }
        assert!(took <= most, "{took:?} for {name}");
    }
}

/// Tries each kind of mistake, and none applies.
pub(crate) fn a_body_of_2_mib_is_explained_in_a_second(allocator: &'static StatsAlloc<System>) {
    // In a debug build, a part of it takes as long.
    let len = if cfg!(debug_assertions) { 128 * 1024 } else { 2 * 1024 * 1024 };
    let filled = |start: &str, piece: &str, end: &str| {
        let count = (len - start.len() - end.len()) / piece.len();
        let body = format!("{start}{}{end}", piece.repeat(count));
        assert!(body.len() > len * 9 / 10);
        body.into_bytes()
    };
    let object = r#" {"name": "Zo\u00eb é/", "list": [1, 2.50, null], "b": {"d": 1, "c": ""}},"#;
    let bodies = [
        ("JSON", filled("[", object, " 0]")),
        ("members", filled("{", r#""a": 1, "#, r#""a": 2}"#)),
        ("nesting", filled("", "[[1],", "")),
        // Each number on a line of its own would be indented by 4 * 63 spaces.
        ("deep numbers", filled(&"[".repeat(63), "1,", &format!("1{}", "]".repeat(63)))),
        ("lines", filled("", "é\r\n \u{1f60a}\0\n", "\n")),
        ("base64", filled("", "YWJj", "")),
        #[cfg(feature = "gzip")]
        ("a bomb", zipped(len * 100)),
    ];
    let parts = [
        Part::Method,
        Part::literal("\n"),
        Part::Path,
        Part::literal("\n"),
        Part::Query,
        Part::literal("\n"),
        Part::Body,
    ];
    let scheme = HeaderScheme::new("x-sig").unwrap().with_parts(parts).unwrap();
    let signer = Signer::new(scheme.clone(), SecretKey::new("zkey").unwrap());
    let services = (0..1_000).map(|number| (format!("service-{number}"), "akey"));
    let keys = KeyMap::named(services).unwrap().with_single("YWtleQ==\n").unwrap();
    let verifier = Verifier::new(scheme, keys).unwrap();
    for (name, body) in bodies {
        let request = Request::post("/a%2fb//c/?b=2&a=%20+").body(body).unwrap();
        let (head, body) = signer.sign(request).unwrap().into_parts();
        let region = Region::new(allocator);
        let start = Instant::now();
        let report = verifier.explain(&head, &body).now_or_never().unwrap();
        let took = start.elapsed();
        let allocated = region.change().bytes_allocated;
        println!("explain, {name}, {} bytes: {took:?}, {allocated} bytes allocated", body.len());
        assert_eq!((report.outcome(), report.likely()), ("mismatch", [].as_slice()), "{name}");
        assert!(took <= Duration::from_secs(1) * SLOWER, "{took:?} for {name}");
        assert!(allocated <= len * 200, "{allocated} bytes for {name}");
    }
}

/// Many zeros in few bytes.
#[cfg(feature = "gzip")]
fn zipped(len: usize) -> Vec<u8> {
    use std::io::Write as _;

    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    zip.write_all(&vec![0; len]).unwrap();
    zip.finish().unwrap()
}
