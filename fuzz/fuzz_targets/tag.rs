//! Any text as a tag, in each encoding: never a panic, and a tag only of the right length.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_hmac::Algorithm;
use tower_hmac::scheme::Encoding;

fuzz_target!(|data: &[u8]| {
    for encoding in [Encoding::Hex, Encoding::Base64, Encoding::Base64Url, Encoding::Base64UrlNoPad]
    {
        for algorithm in [Algorithm::Md5, Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512] {
            let Some(tag) = encoding.decode_tag(data, algorithm) else { continue };
            assert_eq!(tag.len(), algorithm.tag_len());
            // The bytes of an offered tag are private, so its spelling is compared with that of all
            // tags: the length and the alphabet.
            assert_eq!(data.len(), encoding.encode(&vec![0; tag.len()]).len());
            assert!(data.iter().all(u8::is_ascii_graphic));
        }
    }
});
