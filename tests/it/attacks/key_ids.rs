//! 2xx: the key ID.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tower_hmac::key::key_fn;
use tower_hmac::{BoxError, ErrorKind, KeyId};

use super::*;

/// Makes a named signature with this key, and any bytes as the key ID.
fn by(name: impl AsRef<[u8]>, with: &str) -> String {
    let tag = Signer::new(FlaskHmac::new(), key(with)).signature(BODY.as_bytes());
    STANDARD.encode([name.as_ref(), b":", tag.as_bytes()].concat())
}

#[tokio::test]
async fn attack_200_control_the_real_key_ids_are_accepted() {
    let app = routes().layer(layer());
    assert_eq!(accepted_as(&app, carrying(&[by("aservice", "akey")])).await, "name aservice");
    assert_eq!(accepted_as(&app, carrying(&[by("a:b", "ckey")])).await, "name a:b");
}

#[tokio::test]
async fn attack_201_the_key_id_in_another_case() {
    reject_all(["Aservice", "ASERVICE", "aServicE"].map(|name| by(name, "akey"))).await;
}

#[tokio::test]
async fn attack_202_spaces_and_controls_around_the_key_id() {
    let names = [" aservice", "aservice ", "aservice\t", "\naservice", "a service", "aservice\r\n"];
    reject_all(names.map(|name| by(name, "akey"))).await;
}

#[tokio::test]
async fn attack_203_nul_in_the_key_id() {
    let names = ["aservice\0", "\0aservice", "aservice\0bservice", "\0"];
    reject_all(names.map(|name| by(name, "akey"))).await;
}

/// Cyrillic, full width, combining, zero width, and the dotless i.
#[tokio::test]
async fn attack_204_key_ids_that_look_alike() {
    let names = [
        "\u{430}service",
        "\u{ff41}service",
        "a\u{300}service",
        "aservice\u{200b}",
        "aserv\u{131}ce",
    ];
    reject_all(names.map(|name| by(name, "akey"))).await;
}

/// The last colon separates: a key ID may contain colons, and nobody can move the split.
#[tokio::test]
async fn attack_205_the_delimiter_in_the_key_id() {
    reject_all(
        ["a:b", "a", "b", "aservice:", ":aservice", "aservice:aservice", "a:b:"]
            .map(|name| by(name, "akey")),
    )
    .await;
    reject_all([by("a", "ckey"), by("b", "ckey"), by("a:b:", "ckey"), by(":", "ckey")]).await;
}

#[tokio::test]
async fn attack_206_an_empty_key_id() {
    reject_all([by("", "akey"), by("", "single")]).await;
}

#[tokio::test]
async fn attack_207_a_key_id_that_is_not_text() {
    reject_all([by([0xff], "akey"), by(b"aservice\xc3", "akey"), by([0xc0, 0xe1], "akey")]).await;
}

#[tokio::test]
async fn attack_208_a_key_signing_with_anothers_key_id() {
    reject_all([by("bservice", "akey"), by("aservice", "bkey"), by("a:b", "akey")]).await;
}

/// Any 32 bytes can be a tag, including those that look like base64.
#[test]
fn a_tag_without_a_key_id_belongs_to_the_anonymous_key() {
    use tower_hmac::Scheme as _;
    let claimed = |tag: &[u8]| {
        let text = STANDARD.encode(tag);
        let request = Request::post("/").header("signature", text).body(()).unwrap();
        let claim = FlaskHmac::new().claim(&request.into_parts().0);
        claim.map(|claim| claim.key_id().map(ToString::to_string))
    };
    assert_eq!(claimed(b"abcdefghijklmnopqrstuvwxyz012345").unwrap(), None);
    assert_eq!(claimed(b":::::::/abcdefghijklmnopqrstuv==").unwrap(), None);
    // A key ID and a tag of 16 bytes, split in many places: neither can be guessed.
    assert!(claimed(b"aservic:YWJjZGVmZ2hpamtsbW5vcA==").is_err());
}

/// There is no fallback between the anonymous key and the named ones.
#[tokio::test]
async fn attack_209_named_and_anonymous_keys_swapped() {
    let unnamed = Signer::new(FlaskHmac::new(), key("akey")).signature(BODY.as_bytes());
    reject_all([by("aservice", "single"), by("nobody", "single"), unnamed]).await;
}

#[tokio::test]
async fn attack_210_guessed_key_ids() {
    let names = [
        "",
        "*",
        "None",
        "null",
        "default",
        "single",
        "__proto__",
        "../aservice",
        "aservice,bservice",
    ];
    reject_all(names.iter().flat_map(|name| ["akey", "single"].map(|with| by(name, with)))).await;
}

#[tokio::test]
async fn attack_211_a_key_id_that_fills_the_header() {
    let app = routes().layer(layer());
    // A key ID of exactly 8 KiB is like any other, and unknown.
    let long = by("n".repeat(6099), "akey");
    assert_eq!(long.len(), 8 * 1024);
    let response = send(&app, carrying(&[long])).await;
    assert_eq!(response.extensions().get::<VerifyError>().unwrap().kind(), ErrorKind::UnknownKey);
    reject_all([by("n".repeat(6100), "akey"), by("n".repeat(9000), "akey")]).await;
}

/// With an empty key, anybody could sign.
#[test]
fn attack_212_an_empty_key_cannot_be_configured() {
    assert!(SecretKey::new("").is_err());
    assert!(SecretKey::new(Vec::new()).is_err());
    assert!(KeyMap::named([("aservice", "")]).is_err());
}

/// Without a key nobody could sign, so no layer can be built from an empty map. A store that does
/// not know in advance rejects every caller.
#[tokio::test]
async fn attack_213_without_any_key_nothing_is_accepted() {
    assert!(VerifyLayer::new(FlaskHmac::new(), KeyMap::default()).is_err());
    let none = key_fn(|_: Option<&KeyId>, _: &_| async { Ok::<Option<SecretKey>, BoxError>(None) });
    let app = routes().layer(VerifyLayer::new(FlaskHmac::new(), none).unwrap());
    for value in [single(), by("aservice", "akey"), STANDARD.encode([0; 32])] {
        reject(&app, carrying(&[value]), "no keys").await;
    }
}

/// Unknown key IDs are checked with dummy keys. A tag made with one of them is still rejected.
#[tokio::test]
async fn attack_214_an_unknown_key_id_is_rejected_with_any_tag() {
    let app = routes().layer(layer());
    for with in ["akey", "bkey", "ckey", "single", "\0"] {
        reject(&app, carrying(&[by("nobody", with)]), with).await;
    }
}
