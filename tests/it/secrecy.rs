//! No key and no computed tag is ever disclosed. Everything logged at TRACE level and all `Debug`
//! output is searched for them in every usual encoding.

mod schemes;
mod stores;

use std::convert::Infallible;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use http::{Request, Response};
use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};
use tower_hmac::crypto::Mac;
use tower_hmac::key::KeyEntry;
use tower_hmac::layer::VerifiedBody;
use tower_hmac::scheme::Claim;
use tower_hmac::testing::FixedNonce;
use tower_hmac::{
    Algorithm, ConfigError, FlaskHmac, KeyMap, KeySet, SecretKey, Signer, Verifier, VerifyLayer,
};

use crate::capture::Capture;

/// The secrets are long enough not to occur by chance.
const KEY: &str = "a key that must not be told, 0123456789";
const OLD_KEY: &str = "an old key that must not be told either";

/// The spellings of a secret, without padding, so that they are also found inside longer text.
fn spellings(secret: &[u8]) -> Vec<String> {
    let hex = base16ct::lower::encode_string(secret);
    let list = format!("{secret:?}");
    let mut all = vec![
        hex.to_uppercase(),
        hex,
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        list.trim_matches(['[', ']']).to_owned(),
        secret.escape_ascii().to_string(),
    ];
    all.extend(std::str::from_utf8(secret).ok().map(str::to_owned));
    all
}

#[track_caller]
fn assert_untold(text: &str, secrets: &[Vec<u8>]) {
    for spelling in secrets.iter().flat_map(|secret| spellings(secret)) {
        assert!(!text.contains(&spelling), "told: {spelling}");
    }
}

fn keys() -> Vec<Vec<u8>> {
    vec![KEY.into(), OLD_KEY.into()]
}

#[test]
fn no_type_shows_a_key_or_a_tag() {
    let key = || SecretKey::new(KEY).unwrap();
    let mut mac = Mac::new(Algorithm::Sha256, &key());
    mac.update(b"text");
    let tag = mac.clone().finalize();
    let set = KeySet::new([KeyEntry::new(key()).with_label("2026-11")]).unwrap();
    let map = KeyMap::named([("aservice", set.clone())]).unwrap().with_single(key()).unwrap();
    let verifier = Verifier::new(FlaskHmac::new(), map.clone()).unwrap();
    let layer = VerifyLayer::from(verifier.clone());
    let signature = tower_hmac::scheme::OfferedTag::new(tag.as_bytes()).unwrap();
    assert_eq!(signature.len(), 32);
    let claim = Claim::signed(signature.clone()).with_nonce(b"nonce");
    let service = layer.layer(service_fn(|_: Request<VerifiedBody<Body>>| async {
        Ok::<_, Infallible>(Response::new(Body::empty()))
    }));
    let future = service.clone().oneshot(Request::new(Body::from(KEY)));
    let replay_key = tower_hmac::replay::ReplayKey::from_bytes(tag.as_bytes().try_into().unwrap());
    let lookup = tower_hmac::key::Lookup::ready(Ok(Some(set.clone())));
    let nonce = FixedNonce(*KEY.as_bytes().first_chunk().unwrap());
    let signer = Signer::new(FlaskHmac::new(), key());
    #[cfg(feature = "reload")]
    let shared = tower_hmac::key::SharedKeys::new(map.clone()).unwrap();
    #[cfg(feature = "cache")]
    let cached = tower_hmac::key::CachedKeys::new(map.clone());
    let function =
        tower_hmac::key::key_fn(|_, _| async { Ok::<_, ConfigError>(SecretKey::new(KEY).ok()) });
    let guard = tower_hmac::MemoryReplay::new(5).unwrap();
    let json = format!("{{\"key\":\"{KEY}\"}}");
    let replay = tower_hmac::replay::ReplayClaim::ready(Ok(tower_hmac::replay::Replay::Seen));
    let shown: &[(&str, &dyn std::fmt::Debug)] = &[
        ("SecretKey(..)", &key()),
        ("Mac {", &mac),
        ("Tag(..)", &tag),
        ("[KeyEntry { label: Some(\"2026-11\")", &set),
        ("KeyMap { single: true, named: 1", &map),
        ("KeyFn { max_keys: 1", &function),
        ("Verifier {", &verifier),
        ("VerifyLayer {", &layer),
        ("OfferedTag(..)", &signature),
        ("Claim { key_id: None, created: None", &claim),
        ("VerifyService {", &service),
        ("Oneshot", &future),
        ("VerifyFuture(..)", &service.clone().call(Request::new(Body::from(KEY)))),
        (
            "HeaderScheme { tags: TagHeader { scheme: \"header\"",
            &tower_hmac::HeaderScheme::new("X-Signature").unwrap(),
        ),
        #[cfg(feature = "serde")]
        ("JsonStrings(..)", &tower_hmac::scheme::JsonStrings::read(json.as_bytes()).unwrap()),
        ("ReplayKey", &replay_key),
        ("ReplayClaim", &replay),
        ("MemoryReplay { len: 0, capacity: 5, full_count: 0", &guard),
        ("Lookup::ready", &lookup),
        ("FixedNonce", &nonce),
        ("Signer", &signer),
        #[cfg(feature = "reload")]
        ("SharedKeys(KeyMap {", &shared),
        #[cfg(feature = "cache")]
        ("CachedKeys { store: KeyMap {", &cached),
    ];
    for (start, value) in shown {
        let text = format!("{value:?}");
        assert!(text.starts_with(start), "{text} does not start with {start}");
    }
    let digest = tower_hmac::crypto::Digest::of(Algorithm::Sha512, b"");
    let told = format!("{mac:?} {tag:?} {digest:?}");
    assert_eq!(told, "Mac { algorithm: Sha256, .. } Tag(..) Digest { algorithm: Sha512, .. }");
    let text = format!("{shown:?}{shown:#?}");
    assert!(text.contains("2026-11"), "{text}");
    assert_untold(&text, &[KEY.into(), tag.as_bytes().to_vec(), nonce.0.to_vec()]);
}

#[test]
fn no_error_of_the_configuration_repeats_a_key() {
    let errors = [
        SecretKey::from_hex(KEY).unwrap_err(),
        SecretKey::from_base64(KEY).unwrap_err(),
        KeyMap::named([("aservice", KEY), ("aservice", KEY)]).unwrap_err(),
        KeyMap::named([("", KEY)]).unwrap_err(),
        KeySet::new((0..9).map(|_| SecretKey::new(KEY).unwrap())).unwrap_err(),
    ];
    for error in errors {
        assert_untold(&format!("{error:?} {error}"), &keys());
    }
}

/// Tests the search itself: a printed secret is found in every spelling. The secret is not a test's
/// key, so that `scripts/secrets` does not find it.
#[test]
fn a_printed_secret_is_found() {
    let secret = b"told in every spelling, and nobody signs with it".as_slice();
    for spelling in spellings(secret) {
        let (capture, ()) = Capture::during(|| tracing::trace!("it is {spelling}"));
        let found = std::panic::catch_unwind(|| assert_untold(&capture.text(), &[secret.into()]));
        assert!(found.is_err(), "{spelling} was not found");
    }
}
