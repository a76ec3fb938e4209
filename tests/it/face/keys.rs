//! Building a verifier fails if its scheme and key store would reject every request.

use std::sync::Arc;

use tower_hmac::key::{CachedKeys, SharedKeys, key_fn};
use tower_hmac::scheme::{AwsSigV4, FlaskHmacPath, Fost, FostUrl, Policy};
use tower_hmac::{
    BoxError, ConfigError, FlaskHmac, HeaderScheme, KeyId, KeyMap, KeyStore, MessageSignatures,
    Scheme, SecretKey, Verifier, VerifyLayer,
};

fn anonymous() -> KeyMap {
    KeyMap::single("akey").unwrap()
}

fn named() -> KeyMap {
    KeyMap::named([("aservice", "akey")]).unwrap()
}

fn both() -> KeyMap {
    named().with_single("another").unwrap()
}

fn header() -> HeaderScheme {
    HeaderScheme::new("X-Tag").unwrap()
}

/// The schemes whose claims always have a key ID.
fn requiring() -> [Arc<dyn Scheme>; 6] {
    let aws = AwsSigV4::new("us-east-1", "service").unwrap();
    [
        Arc::new(aws.clone().presigned()),
        Arc::new(aws),
        Arc::new(MessageSignatures::new()),
        Arc::new(Fost::new()),
        Arc::new(FostUrl::new()),
        Arc::new(header().with_key_id_header("X-Key").unwrap()),
    ]
}

/// The schemes without a key ID.
fn nameless() -> [Arc<dyn Scheme>; 2] {
    [Arc::new(header()), Arc::new(FlaskHmacPath::new())]
}

fn indifferent() -> [Arc<dyn Scheme>; 2] {
    let policy = Policy::strict().dangerous_without_keyid();
    [Arc::new(FlaskHmac::new()), Arc::new(MessageSignatures::new().with_policy(policy))]
}

fn rejects(scheme: &Arc<dyn Scheme>, keys: impl KeyStore + 'static) {
    let keys = Arc::new(keys);
    let error = Verifier::new(scheme.clone(), keys.clone()).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, ConfigError::Invalid { .. }), "{text}");
    assert!(text.starts_with("key store: ") && text.contains(scheme.name()), "{text}");
    assert!(VerifyLayer::new(scheme.clone(), keys.clone()).is_err());
    // The same applies to a second scheme.
    let first = FlaskHmac::new().with_header("X-First").unwrap();
    let first = || Verifier::new(first.clone(), both()).unwrap();
    assert_eq!(first().or(scheme.clone(), keys).unwrap_err(), error);
}

fn takes(scheme: &Arc<dyn Scheme>, keys: impl KeyStore + 'static) {
    let name = scheme.name();
    assert!(Verifier::new(scheme.clone(), keys).is_ok(), "{name}");
}

#[test]
fn a_scheme_that_requires_a_key_id_is_rejected_with_only_an_anonymous_key() {
    for scheme in &requiring() {
        rejects(scheme, anonymous());
        rejects(scheme, SharedKeys::new(anonymous()).unwrap());
        rejects(scheme, CachedKeys::new(anonymous()));
        takes(scheme, named());
        takes(scheme, both());
    }
}

#[test]
fn a_scheme_without_key_ids_is_rejected_with_only_named_keys() {
    for scheme in &nameless() {
        rejects(scheme, named());
        rejects(scheme, SharedKeys::new(named()).unwrap());
        takes(scheme, anonymous());
        takes(scheme, both());
    }
}

#[test]
fn a_scheme_with_optional_key_ids_accepts_either_map() {
    for scheme in &indifferent() {
        takes(scheme, anonymous());
        takes(scheme, named());
    }
}

#[test]
fn a_store_without_keys_is_rejected() {
    let function =
        key_fn(|_: Option<&KeyId>, _: &_| async { Ok::<Option<SecretKey>, BoxError>(None) });
    for scheme in requiring().iter().chain(&nameless()).chain(&indifferent()) {
        takes(scheme, function);
        takes(scheme, CachedKeys::new(function));
        let error = Verifier::new(scheme.clone(), KeyMap::default()).unwrap_err();
        assert_eq!(error, ConfigError::NoKeys("key store".into()), "{}", scheme.name());
    }
}
