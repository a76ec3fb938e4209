//! The public API as a program uses it: paths, conversions, comparisons.

#[cfg(all(
    feature = "cache",
    feature = "reload",
    feature = "rfc9421",
    feature = "sha1",
    feature = "sigv4"
))]
mod keys;
#[cfg(feature = "tracing")]
mod only;
mod paths;
mod tower;

use std::borrow::Cow;

use tower_hmac::{ConfigError, ErrorKind, KeyId, KeyMap, KeySet, SecretKey, VerifyError};

#[test]
fn texts_in_every_usual_form_are_key_ids_and_keys() {
    let names = ["aservice".to_owned(), "bservice".to_owned()];
    let list = ["aservice", "bservice"];
    let id = KeyId::new("aservice").unwrap();
    for id in [
        KeyId::try_from(&names[0]).unwrap(),
        KeyId::try_from(&list[0]).unwrap(),
        KeyId::try_from(Cow::from("aservice")).unwrap(),
        KeyId::from(&id),
    ] {
        assert_eq!(id, "aservice");
    }
    assert!(KeyId::try_from(&String::new()).is_err());
    assert!(KeyId::try_from(&"").is_err());

    // A configuration contains borrowed texts.
    let keys =
        names.iter().zip(&["key of one name", "key of two names"]).map(|(name, key)| (name, *key));
    assert_eq!(KeyMap::named(keys).unwrap().get(Some(&id)).unwrap().len(), 1);
    let keys: Vec<(String, Vec<u8>)> = names.iter().map(|name| (name.clone(), vec![1])).collect();
    let borrowed = keys.iter().map(|(name, key)| (name, key.as_slice()));
    assert!(KeyMap::named(borrowed).is_ok());
    assert!(KeyMap::named([("a", &"a borrowed key".to_owned())]).is_ok());
    assert!(KeyMap::named([("a", &"key")]).is_ok());
    let key = SecretKey::new("key").unwrap();
    assert!(KeyMap::named([("a", &key)]).is_ok());
    assert!(KeyMap::named([("a", &KeySet::from(key))]).is_ok());
    assert!(KeyMap::named([("a", &String::new())]).is_err());
}

#[test]
fn an_empty_anonymous_key_is_rejected_by_name() {
    assert!(KeyMap::single("key").unwrap().get(None).is_some());
    assert!(KeyMap::single(vec![0; 32]).unwrap().with_single("another".to_owned()).is_ok());
    let error = KeyMap::single("").unwrap_err();
    assert_eq!(error, ConfigError::EmptyKey("anonymous key".into()));
}

#[test]
fn a_key_id_is_compared_with_text_from_either_side() {
    let id = KeyId::new("aservice").unwrap();
    let text = "aservice".to_owned();
    assert_eq!(id, "aservice");
    assert_eq!("aservice", id);
    assert_eq!(id, text);
    assert_eq!(text, id);
    assert_eq!(id, *"aservice");
    assert_eq!(*"aservice", id);
    assert!(id != "Aservice" && "aservic" != id);
}

/// Anybody who learns the kind of a rejection could find out which key IDs exist.
#[test]
fn the_public_error_is_the_same_for_every_rejected_caller() {
    use ErrorKind::*;
    let public = |kind: ErrorKind| VerifyError::from(kind).public();
    for kind in [Missing, Malformed, UnknownKey, Mismatch, Stale, Expired, NotAllowed, Replayed] {
        assert!(VerifyError::from(kind).is_caller_rejected());
        assert_eq!((public(kind).status().as_u16(), public(kind).as_str()), (403, "rejected"));
        assert_eq!(format!("{:?}", public(kind)), format!("{:?}", public(Missing)), "{kind:?}");
    }
    for (kind, status, word) in [
        (BodyTooLarge, 413, "body_too_large"),
        (BodyRead, 400, "body_read"),
        (StoreUnavailable, 503, "unavailable"),
        (ReplayFull, 503, "unavailable"),
        (ReplayUnknown, 503, "unavailable"),
    ] {
        assert_eq!((public(kind).status().as_u16(), public(kind).as_str()), (status, word));
        assert_eq!(public(kind).to_string(), word);
        assert_eq!(public(kind).status(), VerifyError::from(kind).status());
    }
}
