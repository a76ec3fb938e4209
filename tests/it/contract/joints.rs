//! Each method of the `Scheme` trait, from the client to the server.

use proptest::prelude::*;
use tower_hmac::key::KeyEntry;
use tower_hmac::scheme::Window;
use tower_hmac::{Algorithm, KeySet};

use super::*;

const ALL: [Covers; 6] =
    [Covers::Body, Covers::Digest, Covers::Line, Covers::Hash, Covers::Nothing, Covers::Whatever];

fn sample(covers: Covers) -> &'static [u8] {
    if covers == Covers::Nothing { b"" } else { b"first line\nsecond line" }
}

#[tokio::test]
async fn signed_request_is_accepted_by_the_server() {
    for covers in ALL {
        let scheme = Joints::new(covers);
        let layer = VerifyLayer::new(scheme.clone(), keys()).unwrap();
        let response = send(&layer, signed(scheme, sample(covers))).await;
        assert_eq!(rejection_kind(&response), None, "{covers:?}");
        assert_eq!(response.body().as_bytes(), sample(covers), "{covers:?}");
        assert_eq!(verified(&response).key_id().unwrap(), "aservice");
        assert_eq!(verified(&response).scheme(), "joints");
    }
}

/// If a default method of the trait replaced one of the scheme's, it would be another scheme.
#[tokio::test]
async fn a_scheme_in_an_arc_behaves_the_same() {
    for covers in ALL {
        let scheme = Joints::new(covers);
        let shared = || Arc::new(scheme.clone());
        let request = signed(scheme.clone(), sample(covers));
        assert_eq!(
            outcome(&VerifyLayer::new(shared(), keys()).unwrap(), request).await,
            None,
            "{covers:?}"
        );
        let signer = Signer::new(shared(), key("akey")).with_key_id("aservice").unwrap();
        let request = sign(&signer, sample(covers));
        let layer = VerifyLayer::new(scheme.clone(), keys()).unwrap();
        assert_eq!(outcome(&layer, request).await, None, "{covers:?}");
        let (mut head, _) = sign(&signer, sample(covers)).into_parts();
        shared().strip(&mut head);
        assert!(!head.headers.contains_key("x-tag"));
    }
}

#[tokio::test]
async fn a_changed_head_is_rejected_with_every_coverage() {
    for covers in ALL {
        let scheme = Joints::new(covers);
        let layer = VerifyLayer::new(scheme.clone(), keys()).unwrap();
        let mut request = signed(scheme, sample(covers));
        *request.uri_mut() = "/other".parse().unwrap();
        assert_eq!(outcome(&layer, request).await, Some(ErrorKind::Mismatch), "{covers:?}");
    }
}

#[tokio::test]
async fn a_changed_body_is_rejected_if_the_body_is_covered() {
    for (covers, expected) in [
        (Covers::Body, Some(ErrorKind::Mismatch)),
        (Covers::Digest, Some(ErrorKind::Mismatch)),
        (Covers::Line, Some(ErrorKind::Mismatch)),
        (Covers::Hash, Some(ErrorKind::Mismatch)),
        (Covers::Nothing, Some(ErrorKind::Malformed)),
        (Covers::Whatever, None),
    ] {
        let scheme = Joints::new(covers);
        let layer = VerifyLayer::new(scheme.clone(), keys()).unwrap();
        let request = signed(scheme, sample(covers)).map(|_| whole(b"changed\nsecond line"));
        assert_eq!(outcome(&layer, request).await, expected, "{covers:?}");
    }
}

#[tokio::test]
async fn derived_text_covers_only_its_sources() {
    let scheme = Joints::new(Covers::Line);
    let layer = VerifyLayer::new(scheme.clone(), keys()).unwrap();
    let request = signed(scheme.clone(), b"line\nrest").map(|_| whole(b"line\nanother"));
    assert_eq!(outcome(&layer, request).await, None);

    let request = signed(scheme, b"line").map(|_| whole(b"\n"));
    assert_eq!(outcome(&layer, request).await, Some(ErrorKind::Malformed));
}

#[tokio::test]
async fn a_head_without_any_digest_covers_no_body_and_is_rejected() {
    let layer = VerifyLayer::new(Joints::new(Covers::Digest), keys()).unwrap();
    // The request is signed without a digest, with a correct tag.
    let request = signed(Joints::new(Covers::Nothing), b"").map(|_| whole(b"any body"));
    assert_eq!(outcome(&layer, request).await, Some(ErrorKind::Malformed));
}

/// A request with a tag is not treated as unsigned by an optional layer.
#[tokio::test]
async fn a_missing_digest_does_not_make_a_signed_request_unsigned() {
    let layer = VerifyLayer::new(Joints::new(Covers::Missing), keys()).unwrap().optional();
    let request = signed(Joints::new(Covers::Nothing), b"");
    assert_eq!(outcome(&layer, request).await, Some(ErrorKind::Malformed));
}

/// A scheme with digests of two bodies in one head: the body must match both.
#[tokio::test]
async fn the_body_must_match_every_digest() {
    let one = tower_hmac::crypto::Digest::of(Algorithm::Sha256, b"one");
    let two = tower_hmac::crypto::Digest::of(Algorithm::Sha256, b"two");
    let hex = |digest: &tower_hmac::crypto::Digest| {
        tower_hmac::scheme::Encoding::Hex.encode(digest.as_bytes())
    };
    for (value, expected) in [
        (hex(&one), None),
        (format!("{},{}", hex(&one), hex(&one)), None),
        (format!("{},{}", hex(&one), hex(&two)), Some(ErrorKind::Mismatch)),
        (format!("{},{}", hex(&two), hex(&one)), Some(ErrorKind::Mismatch)),
    ] {
        // `Nothing` signs the header unchanged.
        let mut request = Request::post("/path?q=1").body(b"".as_slice()).unwrap();
        request.headers_mut().insert("x-digest", value.parse().unwrap());
        let request = signer(Joints::new(Covers::Nothing)).sign(request).unwrap();
        let request = request.map(|_| whole(b"one"));
        let layer = VerifyLayer::new(Joints::new(Covers::Digest), keys()).unwrap();
        assert_eq!(outcome(&layer, request).await, expected, "{value}");
    }
}

#[tokio::test]
async fn a_derived_key_depends_on_the_claim() {
    let scheme = Joints::new(Covers::Body).with_window(Window::timed()).with_derived_keys();
    let layer = VerifyLayer::new(scheme.clone(), keys()).unwrap().with_clock(ManualClock::new(NOW));
    assert_eq!(outcome(&layer, signed(scheme, b"body")).await, None);

    // The original key is not the one that the server derives.
    let plain = Joints::new(Covers::Body).with_window(Window::timed());
    assert_eq!(outcome(&layer, signed(plain, b"body")).await, Some(ErrorKind::Mismatch));
}

fn with_tags(tags: &[&str]) -> Request<Script> {
    with_header(signed(Joints::new(Covers::Body), b"body"), "x-tag", &tags.join(","))
}

fn right_tag() -> String {
    let request = signed(Joints::new(Covers::Body), b"body");
    request.headers()["x-tag"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn one_correct_tag_among_sixteen_is_accepted_at_any_position() {
    let layer = VerifyLayer::new(Joints::new(Covers::Body), keys()).unwrap();
    let (right, wrong) = (right_tag(), "0".repeat(64));
    for place in 0..16 {
        let mut tags = [wrong.as_str(); 16];
        tags[place] = &right;
        assert_eq!(outcome(&layer, with_tags(&tags)).await, None, "place {place}");
    }
    assert_eq!(outcome(&layer, with_tags(&[wrong.as_str(); 16])).await, Some(ErrorKind::Mismatch));
}

#[tokio::test]
async fn a_seventeenth_tag_is_rejected_even_if_all_are_correct() {
    let layer = VerifyLayer::new(Joints::new(Covers::Body), keys()).unwrap();
    let right = right_tag();
    assert_eq!(outcome(&layer, with_tags(&[right.as_str(); 16])).await, None);
    assert_eq!(outcome(&layer, with_tags(&[right.as_str(); 17])).await, Some(ErrorKind::Malformed));
}

/// A scheme that forgets its tag must not accept everybody.
#[tokio::test]
async fn a_claim_without_a_tag_is_rejected() {
    struct Tagless(Joints);
    impl Scheme for Tagless {
        fn name(&self) -> &str {
            "tagless"
        }
        fn algorithm(&self) -> Algorithm {
            Algorithm::Sha256
        }
        fn headers(&self) -> &[http::HeaderName] {
            &[]
        }
        fn claim(&self, _: &Parts) -> Result<Claim, tower_hmac::scheme::ClaimError> {
            Ok(Claim::new().with_key_id(tower_hmac::KeyId::new("aservice").ok()))
        }
        fn before_body(
            &self,
            _: &Parts,
            _: &Claim,
            _: &mut tower_hmac::scheme::SignedText,
        ) -> Result<(), tower_hmac::scheme::ClaimError> {
            Ok(())
        }
        fn stamp(
            &self,
            head: &mut Parts,
            stamp: &tower_hmac::scheme::Stamp<'_>,
        ) -> Result<Claim, tower_hmac::SignError> {
            self.0.stamp(head, stamp)
        }
        fn attach(
            &self,
            head: &mut Parts,
            claim: &Claim,
            tags: &[tower_hmac::crypto::Tag],
        ) -> Result<(), tower_hmac::SignError> {
            self.0.attach(head, claim, tags)
        }
    }
    let layer = VerifyLayer::new(Tagless(Joints::new(Covers::Body)), keys()).unwrap();
    let request = Request::get("/").body(Script::empty()).unwrap();
    assert_eq!(outcome(&layer, request).await, Some(ErrorKind::Mismatch));
}

#[tokio::test]
async fn a_reused_nonce_is_rejected_and_a_new_one_accepted() {
    let scheme = Joints::new(Covers::Body).with_window(Window::timed()).with_nonce();
    let layer = VerifyLayer::new(scheme.clone(), keys())
        .unwrap()
        .with_clock(ManualClock::new(NOW))
        .with_replay_guard(Seen::default())
        .unwrap();
    let fixed = signer(scheme.clone()).with_nonce_source(tower_hmac::testing::FixedNonce([7; 24]));
    assert_eq!(outcome(&layer, sign(&fixed, b"1")).await, None);
    // The body differs, but the nonce is the same.
    assert_eq!(outcome(&layer, sign(&fixed, b"2")).await, Some(ErrorKind::Replayed));
    assert_eq!(outcome(&layer, signed(scheme.clone(), b"1")).await, None);

    // The nonce belongs to the key: another key may use it.
    let other = Signer::new(scheme, key("bkey"))
        .with_key_id("bservice")
        .unwrap()
        .with_clock(ManualClock::new(NOW))
        .with_nonce_source(tower_hmac::testing::FixedNonce([7; 24]));
    assert_eq!(outcome(&layer, sign(&other, b"1")).await, None);
}

#[tokio::test]
async fn without_a_nonce_the_same_request_is_rejected() {
    let scheme = Joints::new(Covers::Body).with_window(Window::timed());
    let layer = VerifyLayer::new(scheme.clone(), keys())
        .unwrap()
        .with_clock(ManualClock::new(NOW))
        .with_replay_guard(Seen::default())
        .unwrap();
    assert_eq!(outcome(&layer, signed(scheme.clone(), b"1")).await, None);
    assert_eq!(outcome(&layer, signed(scheme.clone(), b"1")).await, Some(ErrorKind::Replayed));
    assert_eq!(outcome(&layer, signed(scheme, b"2")).await, None);
}

/// The handler gets the message ID. It is not a nonce: the same delivery can arrive again.
#[tokio::test]
async fn a_retry_with_the_same_message_id_is_accepted() {
    let scheme = Joints::new(Covers::Body).with_window(Window::timed()).with_nonce();
    let layer = VerifyLayer::new(scheme.clone(), keys())
        .unwrap()
        .with_clock(ManualClock::new(NOW))
        .with_replay_guard(Seen::default())
        .unwrap();
    let delivery = || {
        let request = Request::post("/").header("x-id", "msg_1").body(b"1".as_slice()).unwrap();
        signer(scheme.clone()).sign(request).unwrap().map(Script::from)
    };
    for _ in 0..2 {
        let response = send(&layer, delivery()).await;
        assert_eq!(rejection_kind(&response), None);
        assert_eq!(verified(&response).message_id(), Some("msg_1"));
    }
    // The signature covers the message ID.
    let other = with_header(delivery(), "x-id", "msg_2");
    assert_eq!(outcome(&layer, other).await, Some(ErrorKind::Mismatch));
    let without = send(&layer, signed(scheme.clone(), b"1")).await;
    assert_eq!(verified(&without).message_id(), None);
}

#[tokio::test]
async fn a_claim_with_more_tags_than_the_scheme_writes_is_malformed() {
    for max_tags in [1, 2] {
        let scheme = || Joints::new(Covers::Body).with_max_tags(max_tags);
        let layer = VerifyLayer::new(scheme(), keys()).unwrap();
        let right = signed(scheme(), b"body").headers()["x-tag"].to_str().unwrap().to_owned();
        let wrong = "0".repeat(64);
        let with_tags =
            |tags: &[&str]| with_header(signed(scheme(), b"body"), "x-tag", &tags.join(","));
        let most = vec![right.as_str(); max_tags];
        assert_eq!(outcome(&layer, with_tags(&most)).await, None);
        let more = [&most[..], &[&wrong]].concat();
        assert_eq!(outcome(&layer, with_tags(&more)).await, Some(ErrorKind::Malformed));
        let first = [&[wrong.as_str()], &most[..]].concat();
        assert_eq!(outcome(&layer, with_tags(&first)).await, Some(ErrorKind::Malformed));
    }
}

/// During a rotation, each receiver has one of the two secrets.
#[tokio::test]
async fn either_key_of_a_signer_is_accepted_and_a_signer_has_at_most_max_tags_keys() {
    let signer =
        |max_tags| Signer::new(Joints::new(Covers::Body).with_max_tags(max_tags), key("new"));
    let both = signer(2).add_key(key("old")).unwrap();
    for held in ["new", "old"] {
        let scheme = Joints::new(Covers::Body).with_max_tags(2);
        let layer = VerifyLayer::new(scheme, KeyMap::single(key(held)).unwrap()).unwrap();
        assert_eq!(outcome(&layer, sign(&both, b"body")).await, None, "{held}");
    }
    assert!(both.add_key(key("a key of long ago")).is_err());
    let four = (1..4).try_fold(signer(16), |signer, _| signer.add_key(key("old"))).unwrap();
    assert!(four.add_key(key("old")).is_err(), "four at most");

    let error = signer(1).add_key(key("old")).unwrap_err();
    assert!(error.to_string().starts_with("signer: "), "{error}");
    assert!(Signer::new(tower_hmac::FlaskHmac::new(), key("new")).add_key(key("old")).is_err());
}

#[tokio::test]
async fn every_valid_key_of_a_set_verifies_and_its_index_is_returned() {
    let entry = |text: &str, label: &str| KeyEntry::new(key(text)).with_label(label.to_owned());
    let set = KeySet::new([
        entry("new", "n").with_not_before(NOW + 1),
        entry("now", "c"),
        entry("akey", "o").with_not_after(NOW),
    ])
    .unwrap();
    let clock = ManualClock::new(NOW);
    let layer = VerifyLayer::new(
        Joints::new(Covers::Body),
        KeyMap::default().with_key("aservice", set).unwrap(),
    )
    .unwrap()
    .with_clock(clock.clone());
    let request = || signed(Joints::new(Covers::Body), b"body");
    let response = send(&layer, request()).await;
    assert_eq!(rejection_kind(&response), None);
    assert_eq!(verified(&response).key_index(), 2);
    assert_eq!(verified(&response).key_label(), Some("o"));
    clock.advance(1);
    assert_eq!(outcome(&layer, request()).await, Some(ErrorKind::Mismatch));
}

#[tokio::test]
async fn a_set_without_a_valid_key_is_treated_as_unknown() {
    let set = KeySet::from(KeyEntry::new(key("akey")).with_not_after(NOW - 1));
    let keys = KeyMap::default().with_key("aservice", set).unwrap();
    let layer = VerifyLayer::new(Joints::new(Covers::Body), keys)
        .unwrap()
        .with_clock(ManualClock::new(NOW));
    let request = signed(Joints::new(Covers::Body), b"body");
    assert_eq!(outcome(&layer, request).await, Some(ErrorKind::UnknownKey));
}

fn two_schemes() -> VerifyLayer {
    VerifyLayer::new(Joints::named("one", "x", Covers::Body), KeyMap::single(key("akey")).unwrap())
        .unwrap()
        .or(Joints::named("two", "y", Covers::Digest), KeyMap::single(key("ykey")).unwrap())
        .unwrap()
}

fn in_scheme(name: &'static str, prefix: &str, covers: Covers, text: &str) -> Request<Script> {
    sign(&Signer::new(Joints::named(name, prefix, covers), key(text)), b"body")
}

#[tokio::test]
async fn a_second_scheme_is_accepted_only_with_its_own_keys() {
    let layer = two_schemes();
    let response = send(&layer, in_scheme("one", "x", Covers::Body, "akey")).await;
    assert_eq!(verified(&response).scheme(), "one");
    let response = send(&layer, in_scheme("two", "y", Covers::Digest, "ykey")).await;
    assert_eq!(verified(&response).scheme(), "two");
    for crossed in
        [in_scheme("one", "x", Covers::Body, "ykey"), in_scheme("two", "y", Covers::Digest, "akey")]
    {
        assert_eq!(outcome(&layer, crossed).await, Some(ErrorKind::Mismatch));
    }
}

#[tokio::test]
async fn a_request_signed_in_two_schemes_is_rejected_even_if_one_is_correct() {
    let layer = two_schemes();
    for second in ["0".repeat(64), "not even a tag".to_owned()] {
        let request = in_scheme("one", "x", Covers::Body, "akey");
        let request = with_header(request, "y-tag", &second);
        assert_eq!(outcome(&layer, request).await, Some(ErrorKind::Malformed));
    }
    let unsigned = Request::get("/").body(Script::empty()).unwrap();
    assert_eq!(outcome(&layer, unsigned).await, Some(ErrorKind::Missing));
}

#[tokio::test]
async fn two_algorithms_of_one_scheme_are_distinguished_by_tag_length() {
    let sha512 = Joints::new(Covers::Body).with_algorithm(Algorithm::Sha512);
    let layer = VerifyLayer::new(Joints::new(Covers::Body), keys())
        .unwrap()
        .or(sha512.clone(), keys())
        .unwrap();
    assert_eq!(outcome(&layer, signed(Joints::new(Covers::Body), b"body")).await, None);
    assert_eq!(outcome(&layer, signed(sha512, b"body")).await, None);
    let request = with_header(signed(Joints::new(Covers::Body), b"body"), "x-tag", "00");
    assert_eq!(outcome(&layer, request).await, Some(ErrorKind::Malformed));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any change in the covered parts of a signed request is rejected.
    #[test]
    fn any_change_is_rejected(body in prop::collection::vec(any::<u8>(), 1..200), at: prop::sample::Index, bit in 0..8u8) {
        let layer = VerifyLayer::new(Joints::new(Covers::Body), keys()).unwrap();
        let mut changed = body.clone();
        changed[at.index(body.len())] ^= 1 << bit;
        let request = signed(Joints::new(Covers::Body), &body).map(|_| Script::whole(changed));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        prop_assert_eq!(runtime.block_on(outcome(&layer, request)), Some(ErrorKind::Mismatch));
    }
}
