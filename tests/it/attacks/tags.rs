//! 1xx: the tag itself.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use super::*;

fn raw() -> Vec<u8> {
    STANDARD.decode(single()).unwrap()
}

/// Correct tags are accepted, so each rejection below is due to its own attack.
#[tokio::test]
async fn attack_100_control_correct_tags_are_accepted() {
    let app = routes().layer(layer());
    // `printf '{"amount": 100}' | openssl dgst -sha256 -hmac single -binary | base64`
    assert_eq!(single(), "dnWIZM2PD11DJ0+DmU7bpA1QV84FdXOgGkCvbvPtE2I=");
    assert_eq!(accepted_as(&app, carrying(&[single()])).await, "anonymous");
    assert_eq!(accepted_as(&app, carrying(&[named("aservice", "akey")])).await, "name aservice");
}

#[tokio::test]
async fn attack_101_no_tag() {
    let app = routes().layer(layer());
    let none: [&str; 0] = [];
    reject(&app, carrying(&none), "no header").await;
    reject_all(["", " ", "\t", "=", "====", ":", "Og=="]).await;
}

/// A comparison that stops at the end of the shorter text accepts any prefix.
#[tokio::test]
async fn attack_102_every_prefix_of_the_tag() {
    let tag = raw();
    reject_all((0..tag.len()).map(|length| STANDARD.encode(&tag[..length]))).await;
    let text = single();
    reject_all((0..text.len()).map(|length| &text[..length])).await;
}

#[tokio::test]
async fn attack_103_every_prefix_of_a_named_signature() {
    let tag = Signer::new(FlaskHmac::new(), key("akey")).signature(BODY.as_bytes());
    let short =
        (0..tag.len()).map(|length| STANDARD.encode(format!("aservice:{}", &tag[..length])));
    reject_all(short).await;
    let text = named("aservice", "akey");
    reject_all((0..text.len()).map(|length| &text[..length])).await;
}

#[tokio::test]
async fn attack_104_the_tag_with_extra_bytes() {
    let tag = raw();
    let longer = [1, 16, 32, 33, 1000].map(|more| {
        let mut longer = tag.clone();
        longer.resize(tag.len() + more, 0);
        STANDARD.encode(longer)
    });
    reject_all(longer).await;
    reject_all([tag.repeat(2), tag.repeat(3)].map(|tags| STANDARD.encode(tags))).await;
    reject_all([single().repeat(2), single() + "A", single() + "="]).await;
}

#[tokio::test]
async fn attack_105_every_single_bit_flipped() {
    let flipped = (0..256).map(|bit| {
        let mut tag = raw();
        tag[bit / 8] ^= 1 << (bit % 8);
        STANDARD.encode(tag)
    });
    reject_all(flipped).await;
}

/// A tag has one spelling: otherwise, a guard that remembers texts would accept a second one.
#[tokio::test]
async fn attack_106_other_spellings_of_the_correct_tag() {
    let tag = raw();
    assert!(single().contains('+'), "the alphabets differ for this tag");
    let hex = tower_hmac::scheme::Encoding::Hex.encode(&tag);
    reject_all([
        URL_SAFE.encode(&tag),
        STANDARD_NO_PAD.encode(&tag),
        URL_SAFE_NO_PAD.encode(&tag),
        hex.to_uppercase(),
        hex,
        format!("{}==", STANDARD_NO_PAD.encode(&tag)),
        single().replacen('=', "%3D", 1),
        format!("\"{}\"", single()),
        format!(":{}:", single()),
    ])
    .await;
}

/// 32 bytes leave two bits of the last character unused, so each tag has three more spellings.
#[tokio::test]
async fn attack_107_slack_bits() {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text = single().into_bytes();
    let value = ALPHABET.iter().position(|digit| *digit == text[42]).unwrap();
    let slack = (1..4).map(|bits| {
        let mut text = text.clone();
        text[42] = ALPHABET[value | bits];
        text
    });
    reject_all(slack).await;
}

#[tokio::test]
async fn attack_108_space_within() {
    let text = single();
    let cut = |space: &str| format!("{}{space}{}", &text[..20], &text[20..]);
    reject_all([cut(" "), cut("\t"), cut("  ")]).await;
    reject_all([format!(" {text}"), format!("{text} "), format!("{text}\t")]).await;
}

#[tokio::test]
async fn attack_109_two_tags_in_one_header() {
    let (text, other) = (single(), named("aservice", "akey"));
    reject_all([
        format!("{text},{text}"),
        format!("{text}, {other}"),
        format!("{other},{text}"),
        format!(",{text}"),
        format!("{text},"),
        format!("{text};{text}"),
    ])
    .await;
}

/// Two signatures are rejected even if they are equal: a proxy and the server may pick different
/// ones.
#[tokio::test]
async fn attack_110_the_header_twice() {
    let app = routes().layer(layer());
    let (right, wrong) = (single(), STANDARD.encode([0; 32]));
    for pair in [[&right, &right], [&right, &wrong], [&wrong, &right]] {
        reject(&app, carrying(&pair), "twice").await;
    }
    let empty = String::new();
    reject(&app, carrying(&[&right, &empty]), "and an empty one").await;
}

#[tokio::test]
async fn attack_111_an_algorithm_that_is_not_configured() {
    let text = single();
    let prefixes =
        ["sha256=", "SHA256=", "md5=", "none", "none=", "sha1=", "hmac-sha256:", "HMAC "];
    reject_all(prefixes.map(|prefix| format!("{prefix}{text}"))).await;
    reject_all(["none", "null", "md5=", "sha256="]).await;
}

/// The correct key is used with another hash, including one with tags of the same length.
#[tokio::test]
async fn attack_112_a_tag_of_another_hash() {
    use tower_hmac::Algorithm;
    for algorithm in
        [Algorithm::Sha512_256, Algorithm::Sha512, Algorithm::Sha224, Algorithm::Sha384]
    {
        let signer = Signer::new(FlaskHmac::new().with_algorithm(algorithm), key("single"));
        reject_all([signer.signature(BODY.as_bytes())]).await;
    }
}

/// Tags that need no key: plain hashes, HMAC with an empty key, the tag of no body, constant bytes.
#[tokio::test]
async fn attack_113_tags_made_without_a_key() {
    use tower_hmac::Algorithm;
    use tower_hmac::crypto::Digest;
    let hash =
        |text: &str| STANDARD.encode(Digest::of(Algorithm::Sha256, text.as_bytes()).as_bytes());
    // A single zero byte has the same tags as the empty key: both are padded with zeros.
    let no_key = Signer::new(FlaskHmac::new(), key("\0")).signature(BODY.as_bytes());
    reject_all([
        hash(BODY),
        hash(""),
        no_key,
        STANDARD.encode([0; 32]),
        STANDARD.encode([0xff; 32]),
        Signer::new(FlaskHmac::new(), key("single")).signature(b""),
    ])
    .await;
}

/// HMAC pads a key with zeros to the block size of its hash (RFC 2104 section 2), so `key` and
/// `key\0` have the same tags. An attacker still needs the key.
#[tokio::test]
async fn attack_114_a_key_that_differs_in_trailing_zeros_is_the_same_key() {
    let padded = Signer::new(FlaskHmac::new(), key("single\0")).signature(BODY.as_bytes());
    assert_eq!(padded, single());
    let other = Signer::new(FlaskHmac::new(), key("\0single")).signature(BODY.as_bytes());
    reject_all([other]).await;
}

#[tokio::test]
async fn attack_115_bytes_that_are_not_text() {
    let mut high = single().into_bytes();
    high[3] = 0xe9;
    reject_all([high, vec![0xff; 44], vec![0x80]]).await;
}

#[tokio::test]
async fn attack_116_a_header_too_long_to_read() {
    let ten_thousand = vec![single(); 10_000].join(",");
    reject_all([ten_thousand, "A".repeat(64 * 1024), "A".repeat(8 * 1024 + 4)]).await;
    // The longest header that is read is rejected as malformed, too.
    reject_all(["A".repeat(8 * 1024)]).await;
}

/// Only the body is signed: no byte can move between body and tag.
#[tokio::test]
async fn attack_117_another_body_under_the_same_tag() {
    let app = routes().layer(layer());
    for body in ["", " ", r#"{"amount": 1000}"#, r#"{"amount": 100} "#, r#"{"amount":100}"#] {
        let request = carrying(&[single()]).map(|_| Body::from(body));
        reject(&app, request, body).await;
    }
}

/// Buffers are padded with zeros. A tag that ends in zeros is still wrong without them.
#[test]
fn attack_118_a_tag_without_its_trailing_zeros() {
    use tower_hmac::Algorithm;
    use tower_hmac::crypto::Mac;
    let mac = |message: u32| {
        let mut mac = Mac::new(Algorithm::Sha256, &key("single"));
        mac.update(&message.to_be_bytes());
        mac
    };
    let message =
        (0..100_000).find(|message| mac(*message).finalize().as_bytes()[31] == 0).unwrap();
    let tag = mac(message).finalize().as_bytes().to_vec();
    assert!(mac(message).verify(&tag).is_ok());
    assert!(mac(message).verify(&tag[..31]).is_err());
    assert!(mac(message).verify(&[&tag[..], &[0]].concat()).is_err());
    assert!(mac(message).verify(&[]).is_err());
}

/// A comparison that combines differences could lose some of them: equal changes in two places, or
/// changes that cancel out.
#[tokio::test]
async fn attack_119_changes_that_cancel_each_other_out() {
    let tag = raw();
    let mut changed = Vec::new();
    for distance in [1, 2, 4, 8, 16, 24] {
        for first in 0..tag.len() - distance {
            for bits in [0x01, 0x80, 0xff] {
                let mut other = tag.clone();
                other[first] ^= bits;
                other[first + distance] ^= bits;
                changed.push(other);
            }
        }
    }
    let all: Vec<u8> = tag.iter().map(|byte| !byte).collect();
    let mut turned = tag.clone();
    turned.rotate_left(8);
    changed.extend([all, turned, tag.iter().rev().copied().collect()]);
    reject_all(changed.iter().map(|tag| STANDARD.encode(tag))).await;
}
